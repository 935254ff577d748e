//! Spectrograms: rows of levels as an image over time and frequency, with a bar that gives the level of each grey.

use anyhow::{Context, Result, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use resvg::tiny_skia;
use ser_core::spec::FrontEnd;

use super::plot::{Area, Axis, Image, Picture, TEXT, axes, heading, point, text_style, title_letters, write};
use super::text::{ending, number};
use crate::corpus::audio::SAMPLE_RATE_HZ;
use crate::features::rows::{Extractor, Rows};
use crate::features::spectrum::{FFT_LEN, FRAME_LEN, HOP_LEN, linear_spectrum};
use crate::features::tables::mel;

/// Frequencies that a mel axis names if they are in its range, Hz.
const MEL_TICKS_HZ: [f64; 9] = [50.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 12_000.0, 16_000.0];
/// Step between the frequencies that a linear axis names, kHz.
const LINEAR_TICK_KHZ: usize = 2;
/// Distance from the loudest level of a linear spectrogram down to white, dB. The gaps between the harmonics of speech
/// lie lower still.
const LINEAR_RANGE_DB: f32 = 80.0;
/// Least level that counts as the loudest of a linear spectrogram, dBFS. It keeps silence white.
const LEAST_PEAK_DB: f32 = -60.0;
/// Step between the levels that the bar names, dB.
const LEVEL_STEP_DB: f32 = 15.0;
/// Largest number of columns of an image. No picture has as many units to show them.
const MAX_COLUMNS: usize = 2048;
/// The colour of times without a row. It is no grey, so nobody takes it for a level.
const UNKNOWN: RGBColor = RGBColor(222, 232, 244);
/// Width of the bar with its text, units.
pub const BAR_WIDTH: i32 = 150;

/// Rows with their place in time and frequency.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    rows: Rows,
    /// Begin of the column of the first row, s.
    start: f64,
    /// Time from row to row, s.
    step: f64,
    frequency: Frequency,
    /// The level of white, dBFS; None if it depends on the loudest level.
    floor_db: Option<f32>,
    /// How the rows were computed, in a few words.
    analysis: String,
}

/// The vertical axis. All bands of a row have the same height.
#[derive(Clone, Debug)]
struct Frequency {
    label: &'static str,
    /// Lower end of the lowest band and upper end of the highest.
    range: (f64, f64),
    /// Positions and the text there.
    ticks: Vec<(f64, String)>,
}

impl Frequency {
    fn linear() -> Self {
        let nyquist = f64::from(SAMPLE_RATE_HZ) / 2000.0;
        let half_bin = f64::from(SAMPLE_RATE_HZ) / 2000.0 / FFT_LEN as f64;
        let ticks = (0..=nyquist as usize).step_by(LINEAR_TICK_KHZ).map(|khz| (khz as f64, khz.to_string())).collect();
        Self { label: "frequency, kHz", range: (-half_bin, nyquist + half_bin), ticks }
    }

    /// The centre of a band lies in the middle of its block, because the corners of its triangle are the centres of its
    /// neighbours.
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

/// The level of each grey: white is `low` and below, black is `high` and above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// Level of white.
    pub low: f32,
    /// Level of black.
    pub high: f32,
    /// Step between the levels that the bar names.
    pub step: f32,
    /// Unit of the levels.
    pub unit: &'static str,
}

impl Levels {
    /// One scale for all spectrograms. Black is the loudest level of any, rounded up.
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

    /// The grey of a level; 255 is white.
    fn grey(&self, level: f32) -> u8 {
        (255.0 * (1.0 - ((level - self.low) / (self.high - self.low)).clamp(0.0, 1.0))).round() as u8
    }

    /// Draws the bar from `top` to `bottom`, in units of the whole picture.
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
    /// The log-mel rows, dBFS, that the front end of the core computes from 16 kHz samples. Silence is kept. Each
    /// column lies around the middle of its frame.
    ///
    /// # Errors
    ///
    /// If the description of the front end is unusable, or there are fewer samples than one frame has.
    pub fn mel(front_end: &FrontEnd, samples: &[i16]) -> Result<Self> {
        let len = front_end.frame_len;
        ensure!(samples.len() >= len, "too short: wanted at least {len} samples at 16 kHz, got {}", samples.len());
        let rows = Extractor::new(&FrontEnd { trim: None, ..*front_end })?.log_mel(samples)?;
        let spectrogram = Self::of_log_mel(front_end, rows);
        Ok(Self { start: first_column(len, front_end.hop_len), ..spectrogram })
    }

    /// Log-mel rows that exist already, dBFS. The first column begins at 0 s.
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

    /// The spectrum of 16 kHz samples on a linear frequency axis; see [`linear_spectrum`].
    ///
    /// # Errors
    ///
    /// If there are fewer samples than one frame has.
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

    /// The same spectrogram with other rows, which must have the same length and the same number of bands.
    pub fn with_rows(&self, rows: Rows) -> Self {
        Self { rows, ..self.clone() }
    }

    /// The rows.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// How the rows were computed, in a few words.
    pub fn analysis(&self) -> &str {
        &self.analysis
    }

    /// Begin of the first column and end of the last, s.
    pub fn seconds(&self) -> (f64, f64) {
        (self.start, self.start + self.rows.len() as f64 * self.step)
    }

    /// A picture of this spectrogram alone, with a line below the title. `size` is in CSS pixels.
    ///
    /// # Errors
    ///
    /// If it has no row or the picture can't be drawn.
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

    /// Draws the axes below `top`, units. The image that it returns belongs on them.
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

    /// The image as a PNG: a pixel for each row and band, low bands below. Above [`MAX_COLUMNS`] rows several rows
    /// share a column, which shows the loudest of them.
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

/// The texts of the picture of a spectrogram.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    /// Name of the files without extension; must be unique in a page.
    pub name: &'a str,
    /// First line.
    pub title: &'a str,
    /// Second line.
    pub subtitle: &'a str,
    /// Label of the time axis, with its unit.
    pub time: &'a str,
    /// The content in words, for readers who can't see the picture.
    pub description: &'a str,
}

/// Begin of the hop that lies around the middle of the first frame, s at 16 kHz.
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
            // A column can be off by half a hop.
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
