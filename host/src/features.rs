//! Log-mel features of whole utterances, made by the core's own front end.

use anyhow::{Result, ensure};
use ser_core::frontend::{Frame, FrontEnd, INPUT_LIMITS, LevelReference, RowGate};
use ser_core::spec::{self, Level};
use serde::{Deserialize, Serialize};

use crate::tables::OwnedTables;

/// Rows of features of one utterance, `[rows][bands]`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Rows {
    /// Values in a row.
    pub bands: usize,
    /// All rows, one after the other.
    pub values: Vec<f32>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.bands).unwrap_or(0)
    }

    /// Whether there is no row: nothing but silence was heard.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.bands.max(1))
    }
}

/// Makes log-mel rows (dBFS) from PCM, silence removed as the description says.
#[derive(Clone, Debug)]
pub struct Extractor {
    spec: spec::FrontEnd,
    tables: OwnedTables,
}

impl Extractor {
    /// An extractor for one front end; an error when its description is unusable.
    pub fn new(spec: &spec::FrontEnd) -> Result<Self> {
        let tables = OwnedTables::new(spec)?;
        tables.borrow().check(spec)?;
        Ok(Self { spec: *spec, tables })
    }

    /// The tables in use.
    pub fn tables(&self) -> &OwnedTables {
        &self.tables
    }

    /// Log-mel rows of a whole utterance, dBFS.
    pub fn log_mel(&self, samples: &[i16]) -> Result<Rows> {
        let bands = self.spec.mel_bands;
        let mut work = vec![0.0; FrontEnd::work_len(&self.spec)];
        let mut held = vec![0.0; RowGate::<f32>::held_len(self.spec.trim, bands)];
        let front_end = FrontEnd::new(&self.spec, self.tables.borrow(), &mut work);
        ensure!(front_end.is_some(), "the front end's work buffer is too short");
        let mut gate = RowGate::new(self.spec.trim, bands, &mut held);
        let mut values = Vec::new();
        if let Some(mut front_end) = front_end {
            front_end.push(samples, &mut |frame: Frame<'_>| {
                let passage = gate.judge(frame.level);
                gate.push(frame.log_mel_db, passage, |row| values.extend_from_slice(row));
            });
        }
        Ok(Rows { bands, values })
    }
}

/// Mean and standard deviation of each band over the training part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// What decibels are counted from, as the front end says.
    pub level: Level,
    /// dB, `[bands]`.
    pub mean: Vec<f32>,
    /// dB, `[bands]`, at least 1.
    pub sd: Vec<f32>,
}

impl Normalization {
    /// Statistics over all rows of all utterances given. An error when there is no row.
    pub fn fit<'a>(level: Level, utterances: impl IntoIterator<Item = &'a Rows>) -> Result<Self> {
        let mut count = 0u64;
        let (mut sum, mut squares) = (Vec::<f64>::new(), Vec::<f64>::new());
        let referred = utterances.into_iter().flat_map(|rows| {
            let mut reference = LevelReference::new(level);
            rows.iter().map(move |row| (row, reference.of_row(row)))
        });
        for (row, reference_db) in referred {
            sum.resize(row.len(), 0.0);
            squares.resize(row.len(), 0.0);
            for ((sum, squares), &value) in sum.iter_mut().zip(&mut squares).zip(row) {
                let value = f64::from(value - reference_db);
                *sum += value;
                *squares += value * value;
            }
            count += 1;
        }
        ensure!(count > 0, "no row of speech in the training part: nothing to normalise over");
        let n = count as f64;
        let mean: Vec<f64> = sum.iter().map(|s| s / n).collect();
        let sd = squares.iter().zip(&mean).map(|(sq, mean)| (sq / n - mean * mean).max(1.0).sqrt() as f32).collect();
        Ok(Self { level, mean: mean.into_iter().map(|m| m as f32).collect(), sd })
    }

    /// Gain and offset of each band as the core applies them: `z = gain · (db − reference_db) + offset`.
    pub fn affine(&self) -> impl Iterator<Item = (f32, f32)> {
        self.mean.iter().zip(&self.sd).map(|(mean, sd)| (1.0 / sd, -mean / sd))
    }

    /// Normalised features of log-mel rows, with the core's own operations and limits.
    pub fn apply(&self, log_mel: &Rows) -> Rows {
        let affine: Vec<(f32, f32)> = self.affine().collect();
        let mut reference = LevelReference::new(self.level);
        let values = log_mel
            .iter()
            .flat_map(|row| {
                let reference_db = reference.of_row(row);
                let normalised = move |(db, (gain, offset)): (&f32, &(f32, f32))| (db - reference_db) * gain + offset;
                row.iter().zip(&affine).map(normalised).map(|z| z.clamp(INPUT_LIMITS.0, INPUT_LIMITS.1))
            })
            .collect();
        Rows { bands: log_mel.bands, values }
    }
}
