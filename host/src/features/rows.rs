//! Features of whole utterances, made by the core's own front end: log-mel rows, or the columns of an image.

use anyhow::{Context, Result, ensure};
use ser_core::Model;
use ser_core::frontend::image::{UtteranceError, shade};
use ser_core::frontend::{
    DECIBEL, Frame, FrontEnd, INPUT_LIMITS, INPUT_SCALE, ImageFrontEnd, LevelReference, MEAN_DECIBEL, RowGate,
};
use ser_core::quant::Multiplier;
use ser_core::spec::{self, IMAGE_CHANNELS, LevelMode};
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;

use crate::features::tables::OwnedTables;

/// Rows of features of one utterance, `[rows][bands]`; for an image `[columns][bands][3]`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Rows {
    /// Values in a row; for an image, values in a column.
    pub bands: usize,
    /// All rows, one after the other.
    pub values: Vec<f32>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.bands).unwrap_or(0)
    }

    /// Whether there is no row; [`Extractor::unheard`] says why.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.bands.max(1))
    }
}

/// A frame below this level is silence to everybody, dBFS.
const SILENT_DB: f32 = -80.0;

/// Why a front end hears nothing in a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unheard {
    /// It is shorter than a frame.
    TooShort {
        /// Its samples.
        samples: usize,
        /// Samples of a frame.
        wanted: usize,
        /// Rate of both, in Hz.
        rate_hz: u32,
    },
    /// It is silent.
    Silent,
    /// No frame reaches the level at which the silence gate opens.
    TooQuiet {
        /// Level of the loudest frame, dBFS, mean square.
        loudest_db: f32,
        /// Level of the silence gate.
        wanted_db: f32,
    },
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { samples, wanted, rate_hz } => {
                write!(f, "too short: {samples} samples at {rate_hz} Hz, a frame has {wanted}")
            }
            Self::Silent => write!(f, "nothing but silence"),
            Self::TooQuiet { loudest_db, wanted_db } => write!(
                f,
                "too quiet: the loudest frame is at {loudest_db:.1} dBFS, the silence gate wants more than {wanted_db}; \
                 speech is best at -30 to -20"
            ),
        }
    }
}

/// Makes log-mel rows (dBFS) from PCM and removes silence as the description says; or makes an image (pixels, 0 to
/// 255).
#[derive(Clone, Debug)]
pub struct Extractor {
    spec: spec::FrontEnd,
    tables: OwnedTables,
}

impl Extractor {
    /// An extractor for one front end. Fails if its description is unusable.
    pub fn new(spec: &spec::FrontEnd) -> Result<Self> {
        let tables = OwnedTables::new(spec)?;
        tables.borrow().check(spec)?;
        Ok(Self { spec: *spec, tables })
    }

    /// The front end's description.
    pub fn front_end(&self) -> &spec::FrontEnd {
        &self.spec
    }

    /// The tables in use.
    pub fn tables(&self) -> &OwnedTables {
        &self.tables
    }

    /// Log-mel rows of a whole utterance, dBFS. If the description wants an image, the columns of the image; none for
    /// an utterance shorter than a frame.
    ///
    /// # Errors
    ///
    /// If the utterance is too long for an image.
    pub fn log_mel(&self, samples: &[i16]) -> Result<Rows> {
        if let Some(columns) = self.spec.image_rows() {
            return self.image(samples, columns);
        }
        let bands = self.spec.mel_bands;
        let mut work = vec![0; FrontEnd::work_len(&self.spec)];
        let mut held = vec![0; RowGate::<i16>::ring_len(self.spec.trim, bands)];
        let front_end = FrontEnd::new(&self.spec, self.tables.borrow(), &mut work);
        ensure!(front_end.is_some(), "the front end's work buffer is too short");
        let mut gate = RowGate::new(self.spec.trim, bands, &mut held);
        let mut values = Vec::new();
        if let Some(mut front_end) = front_end {
            let mut keep = |row: &[i16]| values.extend(row.iter().map(|level| f32::from(*level) / f32::from(DECIBEL)));
            front_end.push(samples, &mut |frame: Frame<'_>| {
                let passage = gate.judge(frame.level);
                gate.push(frame.log_mel, passage, &mut keep);
            });
            gate.flush(keep);
        }
        Ok(Rows { bands, values })
    }

    /// Why [`Extractor::log_mel`] has no row for these samples. It says nothing about samples that have rows.
    ///
    /// # Errors
    ///
    /// None that samples can cause.
    pub fn unheard(&self, samples: &[i16]) -> Result<Unheard> {
        let (wanted, rate_hz) = (self.spec.frame_len, self.spec.sample_rate_hz);
        let Some(trim) = self.spec.trim.filter(|_| samples.len() >= wanted) else {
            return Ok(Unheard::TooShort { samples: samples.len(), wanted, rate_hz });
        };
        let mut work = vec![0; FrontEnd::work_len(&self.spec)];
        let mut front_end = FrontEnd::new(&self.spec, self.tables.borrow(), &mut work)
            .context("the front end's work buffer is too short")?;
        let mut loudest_db = f32::NEG_INFINITY;
        front_end.push(samples, &mut |frame: Frame<'_>| loudest_db = loudest_db.max(frame.level.decibels()));
        Ok(if loudest_db < SILENT_DB {
            Unheard::Silent
        } else {
            Unheard::TooQuiet { loudest_db, wanted_db: trim.threshold_db }
        })
    }

    fn image(&self, samples: &[i16], columns: usize) -> Result<Rows> {
        let bands = self.spec.row_shape().len();
        let mut work = vec![0; ImageFrontEnd::work_len(&self.spec)];
        let mut levels = vec![0; ImageFrontEnd::levels_len(&self.spec, samples.len())];
        let mut front_end = ImageFrontEnd::new(&self.spec, self.tables.borrow(), &mut work)
            .context("the front end's work buffer is too short")?;
        let grays = match front_end.levels(samples, &mut levels) {
            Ok(levels) => levels,
            Err(UtteranceError::TooShort { .. }) => return Ok(Rows { bands, values: Vec::new() }),
            Err(error) => return Err(error.into()),
        };
        shade(grays);
        let mut column = vec![0; bands];
        let mut values = Vec::with_capacity(bands * columns);
        for index in 0..columns {
            front_end.column(grays, index, &mut column);
            values.extend(column.iter().map(|pixel| f32::from(*pixel)));
        }
        Ok(Rows { bands, values })
    }
}

/// Mean and standard deviation of each band over the training part; for images, mean and range of each colour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// The reference of the decibels, as the front end says.
    pub level: LevelMode,
    /// dB, `[bands]`; for images in pixel values, `[3]`.
    pub mean: Vec<f32>,
    /// dB, `[bands]`, at least 1; for images `32 max(mean, 255 - mean) / 127` of each colour, so that the input codes
    /// -127 to 127 hold all pixels.
    pub sd: Vec<f32>,
}

impl Normalization {
    /// Statistics over all rows of the utterances, which `front_end` describes. Fails if there is no row, or if an
    /// utterance is an error.
    pub fn fit<R: Borrow<Rows>>(
        front_end: &spec::FrontEnd,
        utterances: impl IntoIterator<Item = Result<R>>,
    ) -> Result<Self> {
        if front_end.image.is_some() {
            Self::of_images(utterances)
        } else {
            Self::of_log_mel(front_end.level, utterances)
        }
    }

    /// Means of the colours; the paper centres its images at zero and does not scale them further.
    fn of_images<R: Borrow<Rows>>(utterances: impl IntoIterator<Item = Result<R>>) -> Result<Self> {
        let mut count = 0u64;
        let mut sums = [0.0; IMAGE_CHANNELS];
        for rows in utterances {
            for pixel in rows?.borrow().values.as_chunks::<IMAGE_CHANNELS>().0 {
                sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += f64::from(*value));
                count += 1;
            }
        }
        ensure!(count > 0, "no image in the training part: nothing to normalise over");
        let mean = sums.map(|sum| sum / count as f64);
        let sd = mean.map(|mean| (mean.max(255.0 - mean) / (127.0 * f64::from(INPUT_SCALE))) as f32);
        Ok(Self { level: LevelMode::Absolute, mean: mean.map(|mean| mean as f32).to_vec(), sd: sd.to_vec() })
    }

    fn of_log_mel<R: Borrow<Rows>>(level: LevelMode, utterances: impl IntoIterator<Item = Result<R>>) -> Result<Self> {
        let mut count = 0u64;
        let (mut sum, mut squares) = (Vec::<f64>::new(), Vec::<f64>::new());
        for rows in utterances {
            let mut reference = LevelReference::new(level);
            for row in rows?.borrow().iter() {
                let reference_db = reference.of_row(row.iter().copied());
                sum.resize(row.len(), 0.0);
                squares.resize(row.len(), 0.0);
                for ((sum, squares), &value) in sum.iter_mut().zip(&mut squares).zip(row) {
                    let value = f64::from(value - reference_db);
                    *sum += value;
                    *squares += value * value;
                }
                count += 1;
            }
        }
        ensure!(count > 0, "no row of speech in the training part: nothing to normalise over");
        let n = count as f64;
        let mean: Vec<f64> = sum.iter().map(|s| s / n).collect();
        let sd = squares.iter().zip(&mean).map(|(sq, mean)| (sq / n - mean * mean).max(1.0).sqrt() as f32).collect();
        Ok(Self { level, mean: mean.into_iter().map(|m| m as f32).collect(), sd })
    }

    /// Normalised features of log-mel rows or images, within the limits of the core's codes.
    pub fn apply(&self, log_mel: &Rows) -> Rows {
        let bands: Vec<(f32, f32)> = self.mean.iter().zip(&self.sd).map(|(mean, sd)| (*mean, 1.0 / sd)).collect();
        normalize(log_mel, self.level, &bands)
    }
}

/// `z = (db − reference − mean) · gain` with `(mean, gain)` of each band, or of each colour in turn for an image,
/// limited to the range of an input code.
fn normalize(log_mel: &Rows, level: LevelMode, bands: &[(f32, f32)]) -> Rows {
    let mut reference = LevelReference::new(level);
    let values = log_mel
        .iter()
        .flat_map(|row| {
            let reference_db = reference.of_row(row.iter().copied());
            let normalised = move |(db, (mean, gain)): (&f32, &(f32, f32))| (db - reference_db - mean) * gain;
            row.iter().zip(bands.iter().cycle()).map(normalised).map(|z| z.clamp(INPUT_LIMITS.0, INPUT_LIMITS.1))
        })
        .collect();
    Rows { bands: log_mel.bands, values }
}

/// The features of log-mel rows or an image, as the core makes them with this model, before rounding to codes.
pub fn features_of(model: &Model<'_>, log_mel: &Rows) -> Rows {
    let normalizer = model.normalizer();
    let band = |(mean, multiplier): (&[u8; 4], Multiplier)| {
        let gain = f64::from(multiplier.mantissa()) / 2f64.powi(32 + i32::from(multiplier.shift()));
        let mean = f64::from(i32::from_le_bytes(*mean)) / f64::from(MEAN_DECIBEL);
        (mean as f32, (gain * f64::from(MEAN_DECIBEL) * f64::from(INPUT_SCALE)) as f32)
    };
    let bands: Vec<(f32, f32)> = normalizer.mean.iter().zip(normalizer.multipliers.iter()).map(band).collect();
    normalize(log_mel, model.front_end().level, &bands)
}

/// The int8 code of a normalised feature: rounded to nearest, ties up, as [`ser_core::frontend::Normalizer`] does.
pub fn input_code(feature: f32) -> i8 {
    // A cast saturates.
    (feature / INPUT_SCALE + 0.5).floor() as i8
}
