//! The eight panels of the picture, each drawn from the values of its stage.

use anyhow::Result;

use super::computed::Stages;
use crate::report::plot::{Area, Axis, DARK, Image, Look, MIDDLE, Marker, Stroke, axes, heading, range, series};
use crate::report::spectrogram::{BAR_WIDTH, Levels, Spectrogram};
use crate::report::text::number;

/// Number of pieces of a waveform. Each is a stroke from its least to its largest sample.
const STROKES: usize = 800;
/// Range of a power spectrum below its peak, dB. Lower levels are drawn at its end.
const POWER_RANGE_DB: f64 = 80.0;
/// Label of a time axis.
const TIME: &str = "time, s";
/// Label of an amplitude axis.
const AMPLITUDE: &str = "of full scale";

impl Stages {
    fn time(&self) -> Axis<'static> {
        Axis { label: TIME, range: (0.0, self.seconds(self.waveform.len())), ticks: 8, format: number }
    }

    fn frequency(&self) -> Axis<'static> {
        Axis {
            label: "frequency, kHz",
            range: (0.0, f64::from(self.front_end.sample_rate_hz) / 2000.0),
            ticks: 8,
            format: number,
        }
    }

    pub(super) fn draw_wave(&self, area: &Area<'_>, title: &str, samples: &[f64]) -> Result<()> {
        let chart = axes(area, heading(area, title, &[])?, &self.time(), &amplitude(samples))?;
        let piece = samples.len().div_ceil(STROKES);
        let ends = |(index, piece_of): (usize, &[f64])| {
            let (low, high) =
                piece_of.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
            let at = self.seconds(index * piece + piece_of.len() / 2);
            [(at, low), (at, high)]
        };
        let points: Vec<(f64, f64)> = samples.chunks(piece.max(1)).enumerate().flat_map(ends).collect();
        series(area, &chart, &points, &thin(Stroke::Solid))
    }

    pub(super) fn draw_frame(&self, area: &Area<'_>) -> Result<()> {
        let y = amplitude(&self.frame);
        let window = Look::line(MIDDLE, Stroke::Dashed, Marker::None);
        let name = format!("{} window", self.window_name());
        let title = format!("3  The loudest frame, from {:.2} s on", self.seconds(self.at));
        let top = heading(area, &title, &[("frame", thin(Stroke::Solid)), (&name, window)])?;
        let chart = axes(area, top, &self.within_frame(), &y)?;
        series(area, &chart, &self.over_frame(|n| self.frame[n]), &thin(Stroke::Solid))?;
        series(area, &chart, &self.over_frame(|n| y.range.1 * self.window[n]), &window)
    }

    pub(super) fn draw_windowed(&self, area: &Area<'_>) -> Result<()> {
        // The scale is that of the frame before the window.
        let chart = axes(
            area,
            heading(area, "4  The frame times the window", &[])?,
            &self.within_frame(),
            &amplitude(&self.frame),
        )?;
        series(area, &chart, &self.over_frame(|n| self.frame[n] * self.window[n]), &thin(Stroke::Solid))
    }

    fn within_frame(&self) -> Axis<'static> {
        Axis {
            label: "time in the frame, ms",
            range: (0.0, 1e3 * self.seconds(self.frame.len())),
            ticks: 8,
            format: number,
        }
    }

    fn over_frame(&self, value: impl Fn(usize) -> f64) -> Vec<(f64, f64)> {
        (0..self.frame.len()).map(|n| (1e3 * self.seconds(n), value(n))).collect()
    }

    pub(super) fn draw_power(&self, area: &Area<'_>) -> Result<()> {
        let (_, peak) = range(self.power_db.iter().copied(), (f64::INFINITY, f64::NEG_INFINITY));
        let high = (peak / 10.0).ceil() * 10.0;
        let low = high - POWER_RANGE_DB;
        let y = Axis { label: "dBFS in a bin", range: (low, high), ticks: 5, format: number };
        let title = format!("5  Power spectrum of that frame, FFT of {}", self.front_end.fft_len);
        let chart = axes(area, heading(area, &title, &[])?, &self.frequency(), &y)?;
        let bin_khz = f64::from(self.front_end.sample_rate_hz) / 1e3 / self.front_end.fft_len as f64;
        let points: Vec<(f64, f64)> =
            self.power_db.iter().enumerate().map(|(bin, db)| (bin as f64 * bin_khz, db.max(low))).collect();
        series(area, &chart, &points, &thin(Stroke::Solid))
    }

    pub(super) fn draw_filterbank(&self, area: &Area<'_>) -> Result<()> {
        let y = Axis { label: "weight", range: (0.0, 1.05), ticks: 5, format: number };
        let title = format!("6  Mel filterbank, {} bands", self.front_end.mel_bands);
        let chart = axes(area, heading(area, &title, &[])?, &self.frequency(), &y)?;
        for (band, corners) in self.corners_hz.windows(3).enumerate() {
            let points: Vec<(f64, f64)> =
                corners.iter().zip([0.0, 1.0, 0.0]).map(|(hz, weight)| (hz / 1e3, weight)).collect();
            // Two colours in turn: triangles overlap with their neighbours.
            let colour = if band % 2 == 0 { DARK } else { MIDDLE };
            series(area, &chart, &points, &Look { width: 2, ..Look::line(colour, Stroke::Solid, Marker::None) })?;
        }
        Ok(())
    }

    pub(super) fn draw_rows(&self, area: &Area<'_>, title: &str, rows: &Spectrogram, levels: &Levels) -> Result<Image> {
        let (left, bar) = area.split_horizontally(area.dim_in_pixel().0 as i32 - BAR_WIDTH);
        let image = rows.panel(&left, heading(area, title, &[])?, &self.time(), levels)?;
        levels.bar(&bar, image.top, image.top + image.height)?;
        Ok(image)
    }
}

fn thin(stroke: Stroke) -> Look {
    Look { width: 2, ..Look::line(DARK, stroke, Marker::None) }
}

/// An axis with zero in the middle and the largest magnitude at both ends.
fn amplitude(samples: &[f64]) -> Axis<'static> {
    let peak = samples.iter().fold(1e-3_f64, |peak, sample| peak.max(sample.abs()));
    Axis { label: AMPLITUDE, range: (-peak, peak), ticks: 5, format: number }
}
