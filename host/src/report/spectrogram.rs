//! Spectrograms: rows of levels as an image over time and frequency, with the bar that says which grey is which level.

use anyhow::{Context, Result, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use resvg::tiny_skia;
use ser_core::spec::FrontEnd;

use super::plot::{Area, Axis, Image, Picture, TEXT, axes, heading, point, text_style, title_letters, write};
use super::text::{ending, number};
use crate::audio::SAMPLE_RATE_HZ;
use crate::features::{Extractor, Rows};
use crate::spectrum::{FFT_LEN, FRAME_LEN, HOP_LEN, linear_spectrum};
use crate::tables::mel;

/// Frequencies that may be written at a mel axis, Hz.
const MEL_TICKS_HZ: [f64; 9] = [50.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 12_000.0, 16_000.0];
/// Between the frequencies written at a linear axis, kHz.
const LINEAR_TICK_KHZ: usize = 2;
/// How far below the loudest level of a linear spectrogram white lies, dB; quieter is what is between the harmonics of
/// speech.
const LINEAR_RANGE_DB: f32 = 80.0;
/// The loudest level of a linear spectrogram is taken for this one at least, dBFS, so that silence stays white.
const LEAST_PEAK_DB: f32 = -60.0;
/// Between the levels in dBFS that are written at the bar.
const LEVEL_STEP_DB: f32 = 15.0;
/// Columns of an image at most: more than a picture has units to show them.
const MAX_COLUMNS: usize = 2048;
/// Where there is no row: no grey, so that it isn't taken for a level.
const UNKNOWN: RGBColor = RGBColor(222, 232, 244);
/// Width of the level bar with its text, units.
pub const BAR_WIDTH: i32 = 150;

/// Rows with their place in time and frequency.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    rows: Rows,
    /// Where the first row's column begins, s.
    start: f64,
    /// Time of a row, s.
    step: f64,
    frequency: Frequency,
    /// What white stands for, dBFS, if that does not depend on the loudest level.
    floor_db: Option<f32>,
    /// How it was made.
    analysis: String,
}

/// The vertical axis; each band of a row is as high as the next.
#[derive(Clone, Debug)]
struct Frequency {
    label: &'static str,
    /// Lower end of the lowest band, upper end of the highest.
    range: (f64, f64),
    /// Positions and what is written there.
    ticks: Vec<(f64, String)>,
}

impl Frequency {
    fn linear() -> Self {
        let nyquist = f64::from(SAMPLE_RATE_HZ) / 2000.0;
        let half_bin = f64::from(SAMPLE_RATE_HZ) / 2000.0 / FFT_LEN as f64;
        let ticks = (0..=nyquist as usize).step_by(LINEAR_TICK_KHZ).map(|khz| (khz as f64, khz.to_string())).collect();
        Self { label: "frequency, kHz", range: (-half_bin, nyquist + half_bin), ticks }
    }

    /// A band's centre lies in the middle of its block: the triangle's corners are the centres of its neighbours.
    fn mel(front_end: &FrontEnd) -> Self {
        let (low, high) = (mel(f64::from(front_end.mel_low_hz)), mel(f64::from(front_end.mel_high_hz)));
        let half = (high - low) / (front_end.mel_bands + 1) as f64 / 2.0;
        let range = (low + half, high - half);
        let ticks = MEL_TICKS_HZ.iter().map(|hz| (mel(*hz), format!("{hz:.0}")));
        Self {
            label: "band centre, Hz",
            range,
            ticks: ticks.filter(|(at, _)| (range.0..=range.1).contains(at)).collect(),
        }
    }
}

/// Which grey is which level: white `low` and below, black `high` and above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// White.
    pub low: f32,
    /// Black.
    pub high: f32,
    /// Between the levels written at the bar.
    pub step: f32,
    /// Unit of the levels.
    pub unit: &'static str,
}

impl Levels {
    /// One scale for all spectrograms, up to the loudest level of any.
    pub fn of<'a>(spectrograms: impl IntoIterator<Item = &'a Spectrogram>) -> Self {
        let (mut loudest, mut floor_db) = (f32::NEG_INFINITY, None);
        for spectrogram in spectrograms {
            loudest = spectrogram.rows.values.iter().copied().fold(loudest, f32::max);
            floor_db = spectrogram.floor_db.or(floor_db);
        }
        let high = if loudest.is_finite() { (loudest / 5.0).ceil() * 5.0 } else { 0.0 };
        let (low, high) = match floor_db {
            Some(floor) => (floor, high.max(floor + LEVEL_STEP_DB)),
            None => (high.max(LEAST_PEAK_DB) - LINEAR_RANGE_DB, high.max(LEAST_PEAK_DB)),
        };
        Self { low, high, step: LEVEL_STEP_DB, unit: "dBFS" }
    }

    /// 255 is white.
    fn grey(&self, level: f32) -> u8 {
        (255.0 * (1.0 - ((level - self.low) / (self.high - self.low)).clamp(0.0, 1.0))).round() as u8
    }

    /// What grey is which level, between `top` and `bottom` of the whole picture, units.
    pub(super) fn bar(&self, area: &Area<'_>, top: i32, bottom: i32) -> Result<()> {
        const STEPS: i32 = 32;
        let above = area.get_base_pixel().1;
        let (top, bottom) = (top - above, bottom - above);
        let at = |step: i32| bottom + (top - bottom) * step / STEPS;
        for step in 0..STEPS {
            let grey = self.grey(self.low + (self.high - self.low) * (step as f32 + 0.5) / STEPS as f32);
            area.draw(&Rectangle::new([(4, at(step + 1)), (30, at(step))], RGBColor(grey, grey, grey).filled()))?;
        }
        area.draw(&Rectangle::new([(4, top), (30, bottom)], BLACK))?;
        let mut level = (self.low / self.step).ceil() * self.step;
        while level <= self.high {
            let y = bottom + ((top - bottom) as f32 * (level - self.low) / (self.high - self.low)) as i32;
            area.draw(&PathElement::new([(30, y), (36, y)], BLACK))?;
            write(area, &number(&f64::from(level)), (40, y), text_style(TEXT, BLACK, HPos::Left, VPos::Center))?;
            level += self.step;
        }
        write(area, self.unit, (4, bottom + 24), text_style(TEXT, BLACK, HPos::Left, VPos::Top))
    }
}

impl Spectrogram {
    /// What the core's own front end makes of 16 kHz samples, silence kept: log-mel rows, dBFS. A column lies around
    /// the middle of its frame.
    ///
    /// # Errors
    ///
    /// If the front end's description is unusable, or there are fewer samples than a frame has.
    pub fn mel(front_end: &FrontEnd, samples: &[i16]) -> Result<Self> {
        let len = front_end.frame_len;
        ensure!(samples.len() >= len, "too short: wanted at least {len} samples at 16 kHz, got {}", samples.len());
        let rows = Extractor::new(&FrontEnd { trim: None, ..*front_end })?.log_mel(samples)?;
        let spectrogram = Self::of_log_mel(front_end, rows);
        Ok(Self { start: first_column(len, front_end.hop_len), ..spectrogram })
    }

    /// Log-mel rows that exist already, dBFS, from 0 s on.
    pub fn of_log_mel(front_end: &FrontEnd, rows: Rows) -> Self {
        let ms = |samples: usize| number(&(1e3 * samples as f64 / f64::from(front_end.sample_rate_hz)));
        let analysis = format!(
            "log-mel: {} bands, {:?} window of {} ms each {} ms",
            front_end.mel_bands,
            front_end.window,
            ms(front_end.frame_len),
            ms(front_end.hop_len)
        );
        let step = front_end.hop_len as f64 / f64::from(front_end.sample_rate_hz);
        Self {
            rows,
            start: 0.0,
            step,
            frequency: Frequency::mel(front_end),
            floor_db: Some(front_end.floor_db),
            analysis,
        }
    }

    /// The spectrum on a linear frequency axis, see [`linear_spectrum`].
    ///
    /// # Errors
    ///
    /// If there are fewer samples than a frame has.
    pub fn linear(samples: &[i16]) -> Result<Self> {
        Ok(Self {
            rows: linear_spectrum(samples)?,
            start: first_column(FRAME_LEN, HOP_LEN),
            step: HOP_LEN as f64 / f64::from(SAMPLE_RATE_HZ),
            frequency: Frequency::linear(),
            floor_db: None,
            analysis: "linear: 257 bins, Hann window of 16 ms each 8 ms, FFT of 512 samples".to_owned(),
        })
    }

    /// The same place in time and frequency with other rows, as long and of as many bands.
    pub fn with_rows(&self, rows: Rows) -> Self {
        Self { rows, ..self.clone() }
    }

    /// The rows.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// How it was made, in a few words.
    pub fn analysis(&self) -> &str {
        &self.analysis
    }

    /// Where the first column begins and the last one ends, s.
    pub fn seconds(&self) -> (f64, f64) {
        (self.start, self.start + self.rows.len() as f64 * self.step)
    }

    /// A picture of its own, with a line below the title. `size` is in CSS pixels.
    ///
    /// # Errors
    ///
    /// If it has no row or can't be drawn.
    pub fn picture(&self, labels: Labels<'_>, levels: &Levels, size: (u32, u32)) -> Result<Picture> {
        let mut image = None;
        let draw = |area: &Area<'_>| -> Result<()> {
            let top = heading(area, &ending(labels.title, title_letters(size.0)), &[])?;
            write(area, labels.subtitle, (12, top - 4), text_style(TEXT, BLACK, HPos::Left, VPos::Top))?;
            let (left, bar) = area.split_horizontally(area.dim_in_pixel().0 as i32 - BAR_WIDTH);
            let ticks = if size.0 < 600 { 6 } else { 12 };
            let x = Axis { label: labels.time, range: self.seconds(), ticks, format: number };
            let drawn = self.panel(&left, top + TEXT, &x, levels)?;
            levels.bar(&bar, drawn.top, drawn.top + drawn.height)?;
            image = Some(drawn);
            Ok(())
        };
        let title = format!("{}: {}", labels.title, labels.subtitle);
        let picture = Picture::draw(labels.name.to_owned(), title, labels.description.to_owned(), size, draw)?;
        Ok(picture.with_images(image))
    }

    /// Draws the axes below `top`; what is returned belongs on them.
    pub(super) fn panel(&self, area: &Area<'_>, top: i32, x: &Axis<'_>, levels: &Levels) -> Result<Image> {
        let (low, high) = self.frequency.range;
        let y = Axis { label: self.frequency.label, range: (low, high), ticks: 0, format: |_| String::new() };
        let chart = axes(area, top, x, &y)?;
        let corners = [(x.range.0, high), (x.range.1, low)].map(|corner| point(area, &chart, corner));
        area.draw(&Rectangle::new(corners, UNKNOWN.filled()))?;
        for (position, text) in &self.frequency.ticks {
            let (x, y) = point(area, &chart, (x.range.0, *position));
            area.draw(&PathElement::new([(x - 8, y), (x, y)], BLACK))?;
            write(area, text, (x - 12, y), text_style(TEXT, BLACK, HPos::Right, VPos::Center))?;
        }
        let (start, end) = self.seconds();
        Ok(Image::between(chart.backend_coord(&(start, high)), chart.backend_coord(&(end, low)), self.png(levels)?))
    }

    /// A pixel for each row and band, low bands below; rows that have no column of their own share one, which shows the
    /// loudest.
    fn png(&self, levels: &Levels) -> Result<Vec<u8>> {
        let (rows, bands) = (self.rows.len(), self.rows.bands);
        let columns = rows.min(MAX_COLUMNS);
        let mut pixels =
            tiny_skia::Pixmap::new(columns as u32, u32::try_from(bands)?).context("a spectrogram without rows")?;
        let mut greys = vec![u8::MAX; columns * bands];
        for (index, row) in self.rows.iter().enumerate() {
            let column = index * columns / rows;
            for (band, level) in row.iter().rev().enumerate() {
                if let Some(grey) = greys.get_mut(band * columns + column) {
                    *grey = (*grey).min(levels.grey(*level));
                }
            }
        }
        for (pixel, grey) in pixels.pixels_mut().iter_mut().zip(greys) {
            *pixel = tiny_skia::ColorU8::from_rgba(grey, grey, grey, u8::MAX).premultiply();
        }
        pixels.encode_png().context("cannot encode a PNG")
    }
}

/// What is written on a spectrogram's picture and beside it.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    /// Name of its files without extension; unique in a page.
    pub name: &'a str,
    /// First line.
    pub title: &'a str,
    /// Second line.
    pub subtitle: &'a str,
    /// Label of the time axis, with its unit.
    pub time: &'a str,
    /// What is seen in it, for those who don't see it.
    pub description: &'a str,
}

/// A hop around the middle of the first frame begins here, s at 16 kHz.
fn first_column(frame_len: usize, hop_len: usize) -> f64 {
    (frame_len - hop_len) as f64 / 2.0 / f64::from(SAMPLE_RATE_HZ)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ser_core::spec::edge;

    /// A click of 1 kHz in the middle of a second.
    fn click() -> Vec<i16> {
        (0..16_000)
            .map(|n| {
                if (7900..8100).contains(&n) {
                    (9000.0 * (f64::from(n) / 16.0 * std::f64::consts::TAU).sin()) as i16
                } else {
                    0
                }
            })
            .collect()
    }

    /// Middle of the loudest row, s.
    fn loudest(spectrogram: &Spectrogram) -> f64 {
        let peaks = spectrogram.rows.iter().map(|row| row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let (index, _) = peaks.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        spectrogram.start + (index as f64 + 0.5) * spectrogram.step
    }

    #[test]
    fn a_sound_is_shown_when_it_is_heard() {
        for spectrogram in
            [Spectrogram::mel(&edge().front_end, &click()).unwrap(), Spectrogram::linear(&click()).unwrap()]
        {
            // Half a hop is what a column can be off.
            assert!((loudest(&spectrogram) - 0.5).abs() <= spectrogram.step / 2.0 + 1e-9, "{}", loudest(&spectrogram));
            let (start, end) = spectrogram.seconds();
            assert!(start > 0.0 && end <= 1.0, "{start} to {end}");
        }
    }

    #[test]
    fn silence_is_white_and_the_loudest_level_nearly_black() {
        for silence in
            [Spectrogram::mel(&edge().front_end, &[0; 4000]).unwrap(), Spectrogram::linear(&[0; 4000]).unwrap()]
        {
            let levels = Levels::of([&silence]);
            assert!(levels.high > levels.low);
            assert!(silence.rows.values.iter().all(|level| levels.grey(*level) == 255), "{levels:?}");
        }
        let click = Spectrogram::linear(&click()).unwrap();
        let levels = Levels::of([&click]);
        let loudest = click.rows.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        assert!(levels.grey(loudest) < 20 && loudest <= levels.high && levels.high - loudest < 5.0);
    }

    #[test]
    fn a_long_recording_keeps_its_short_sounds() {
        let bands = 2;
        let rows = |loud: usize| Rows {
            bands,
            values: (0..3 * MAX_COLUMNS * bands).map(|n| if n / bands == loud { 0.0 } else { -75.0 }).collect(),
        };
        for loud in [0, 1, MAX_COLUMNS, 3 * MAX_COLUMNS - 1] {
            let spectrogram = Spectrogram::of_log_mel(&edge().front_end, rows(loud));
            let pixels = tiny_skia::Pixmap::decode_png(&spectrogram.png(&Levels::of([&spectrogram])).unwrap()).unwrap();
            assert_eq!((pixels.width() as usize, pixels.height()), (MAX_COLUMNS, 2));
            let black: Vec<usize> =
                (0..MAX_COLUMNS).filter(|&x| pixels.pixel(x as u32, 1).unwrap().red() == 0).collect();
            assert_eq!(black, [loud / 3]);
        }
    }
}
