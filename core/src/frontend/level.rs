//! What the decibels of a row are counted from.

use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::Level;

/// The reference level of a stream of log-mel rows.
///
/// Relative to the peak, a recording that is louder by any gain gives the same rows: what is left of its level is how it changes.
#[derive(Clone, Copy, Debug)]
pub struct LevelReference {
    level: Level,
    peak_db: f32,
}

impl LevelReference {
    /// A reference before the first row.
    pub const fn new(level: Level) -> Self {
        Self { level, peak_db: f32::NEG_INFINITY }
    }

    /// Forgets the rows so far.
    pub fn reset(&mut self) {
        self.peak_db = f32::NEG_INFINITY;
    }

    /// Bytes that [`LevelReference::save`] writes.
    pub(crate) const SAVED_LEN: usize = 4;

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        to.f32(self.peak_db);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.peak_db = from.f32();
        check(self.peak_db < f32::INFINITY, "peak", "less than infinity")
    }

    /// Takes one row, not empty; gives the decibels to subtract from each of its bands.
    pub fn of_row(&mut self, log_mel_db: &[f32]) -> f32 {
        match self.level {
            Level::Absolute => 0.0,
            Level::RelativeToPeak => {
                for db in log_mel_db {
                    if *db > self.peak_db {
                        self.peak_db = *db;
                    }
                }
                self.peak_db
            }
        }
    }
}
