//! Silence gate: removes silence before and after an utterance and shortens long pauses, in a stream, in bounded
//! memory.

use super::decibel::Level;
use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::Trim;

/// What the gate does with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It passes the held rows on, then this one.
    Now,
    /// It holds the row and passes it on if speech follows.
    Held,
    /// It drops the row.
    Never,
}

/// Passes rows of speech on, drops silence.
///
/// A row is speech when its level exceeds both the absolute threshold and the loudest level so far less the range.
/// The gate drops silence before the first row of speech. It holds later silence back, at most `max_pause_rows` of it.
/// When speech comes again it passes the held rows on first; otherwise they never pass. So trailing silence needs no
/// look-ahead, and the decision on a row depends only on the rows before it.
#[derive(Debug)]
pub struct RowGate<'s, T> {
    trim: Option<Limits>,
    held: &'s mut [T],
    row_len: usize,
    held_len: usize,
    peak: Level,
    started: bool,
}

/// [`Trim`] as levels.
#[derive(Clone, Copy, Debug)]
struct Limits {
    threshold: Level,
    range: Level,
}

impl<'s, T: Copy> RowGate<'s, T> {
    /// Values of `held` that [`RowGate::new`] needs for rows of `row_len` values.
    pub const fn held_len(trim: Option<Trim>, row_len: usize) -> usize {
        match trim {
            Some(trim) => trim.max_pause_rows * row_len,
            None => 0,
        }
    }

    /// A gate before the first row. Without `trim` every row passes. A shorter `held` keeps shorter pauses.
    pub fn new(trim: Option<Trim>, row_len: usize, held: &'s mut [T]) -> Self {
        let trim = trim.map(|t| Limits {
            threshold: Level::from_decibels(t.threshold_db),
            range: Level::from_decibels(t.range_db),
        });
        Self { trim, held, row_len, held_len: 0, peak: Level::SILENCE, started: false }
    }

    /// Zeroes the state.
    pub fn reset(&mut self) {
        self.held_len = 0;
        self.peak = Level::SILENCE;
        self.started = false;
    }

    /// Decides on a row of this level. Call it once for each row, in order.
    pub fn judge(&mut self, level: Level) -> Passage {
        let Some(trim) = self.trim else { return Passage::Now };
        self.peak = self.peak.max(level);
        if level > trim.threshold && level > self.peak.saturating_sub(trim.range) {
            self.started = true;
            Passage::Now
        } else if self.started && self.held.len() - self.held_len >= self.row_len {
            Passage::Held
        } else {
            Passage::Never
        }
    }

    /// Takes the row that was judged and calls `pass` with each row that may go on.
    pub fn push(&mut self, row: &[T], passage: Passage, mut pass: impl FnMut(&[T])) {
        match passage {
            Passage::Now => {
                let held = self.held.get(..self.held_len).unwrap_or_default();
                held.chunks_exact(self.row_len.max(1)).for_each(&mut pass);
                self.held_len = 0;
                pass(row);
            }
            Passage::Held => {
                if let Some(slot) = self.held.get_mut(self.held_len..).and_then(|free| free.get_mut(..row.len())) {
                    slot.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
                    self.held_len += row.len();
                }
            }
            Passage::Never => {}
        }
    }
}

impl RowGate<'_, i8> {
    /// Bytes that [`RowGate::save`] writes.
    pub(crate) const fn saved_len(trim: Option<Trim>, row_len: usize) -> usize {
        3 * 4 + Self::held_len(trim, row_len)
    }

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        to.u32(self.held_len as u32);
        to.u32(i32::from(self.peak.steps()) as u32);
        to.u32(u32::from(self.started));
        to.bytes(bytemuck::cast_slice(self.held));
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.held_len = from.u32() as usize;
        let peak = i16::try_from(from.u32() as i32);
        self.peak = peak.map_or(Level::SILENCE, Level::from_steps);
        let started = from.u32();
        self.started = started == 1;
        from.bytes(bytemuck::cast_slice_mut(self.held));
        let whole = self.held_len <= self.held.len() && self.held_len.is_multiple_of(self.row_len);
        check(whole, "held codes", "whole rows, at most max_pause_rows")?;
        check(peak.is_ok(), "gate's peak", "16 bits")?;
        check(started <= 1, "gate's start", "0 or 1")
    }
}
