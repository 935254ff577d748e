//! What the decibels of a row are counted from.

use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::Level;

/// The reference level of a stream of log-mel rows, in whatever unit they are.
///
/// Relative to the peak, a recording that is louder by any gain gives the same rows: what is left of its level is how
/// it changes.
#[derive(Clone, Copy, Debug)]
pub struct LevelReference<T> {
    level: Level,
    peak: Option<T>,
}

impl<T: Copy + Default + PartialOrd> LevelReference<T> {
    /// A reference before the first row.
    pub const fn new(level: Level) -> Self {
        Self { level, peak: None }
    }

    /// Forgets the rows so far.
    pub fn reset(&mut self) {
        self.peak = None;
    }

    /// Takes one row, not empty; gives what is to be subtracted from each of its bands.
    pub fn of_row(&mut self, log_mel: &[T]) -> T {
        match self.level {
            Level::Absolute => T::default(),
            Level::RelativeToPeak => {
                let peak = log_mel.iter().copied().fold(self.peak, |peak, band| match peak {
                    Some(peak) if peak >= band => Some(peak),
                    _ => Some(band),
                });
                self.peak = peak;
                peak.unwrap_or_default()
            }
        }
    }
}

impl LevelReference<i16> {
    /// Bytes that [`LevelReference::save`] writes.
    pub(crate) const SAVED_LEN: usize = 2 * 4;

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        to.u32(u32::from(self.peak.is_some()));
        to.u32(i32::from(self.peak.unwrap_or_default()) as u32);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let (known, peak) = (from.u32(), i16::try_from(from.u32() as i32));
        check(known <= 1 && peak.is_ok(), "peak", "none or 16 bits")?;
        self.peak = peak.ok().filter(|_| known == 1);
        Ok(())
    }
}
