//! The reference that the decibels of a row are counted from.

use super::decibel::Level;
use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::LevelMode;

/// The reference level of a stream of log-mel rows, in the unit of the rows.
///
/// Relative to the peak, a recording gives the same rows at any gain. Only the changes of its level are left.
#[derive(Clone, Copy, Debug)]
pub struct LevelReference<T> {
    mode: LevelMode,
    peak: Option<T>,
}

impl<T: Copy + Default + PartialOrd> LevelReference<T> {
    /// A reference before the first row.
    pub const fn new(mode: LevelMode) -> Self {
        Self { mode, peak: None }
    }

    /// Zeroes the state.
    pub fn reset(&mut self) {
        self.peak = None;
    }

    /// Takes the bands of one row, at least one, and returns the reference that each of them is counted from.
    pub fn of_row(&mut self, bands: impl IntoIterator<Item = T>) -> T {
        match self.mode {
            LevelMode::Absolute => T::default(),
            LevelMode::RelativeToPeak => {
                let peak = bands.into_iter().fold(self.peak, |peak, band| match peak {
                    Some(peak) if peak >= band => Some(peak),
                    _ => Some(band),
                });
                self.peak = peak;
                peak.unwrap_or_default()
            }
        }
    }
}

impl LevelReference<Level> {
    /// Bytes that [`LevelReference::save`] writes.
    pub(crate) const SAVED_LEN: usize = 2 * 4;

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        to.u32(u32::from(self.peak.is_some()));
        to.u32(i32::from(self.peak.unwrap_or_default().steps()) as u32);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let (known, peak) = (from.u32(), i16::try_from(from.u32() as i32));
        check(known <= 1 && peak.is_ok(), "peak", "none or 16 bits")?;
        self.peak = peak.ok().filter(|_| known == 1).map(Level::from_steps);
        Ok(())
    }
}
