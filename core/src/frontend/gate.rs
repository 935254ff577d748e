//! Silence gate: removes silence before and after an utterance and shortens long pauses, in a stream, in bounded
//! memory.

use super::decibel::{SILENCE, steps};
use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::Trim;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It is passed on, behind those that were held.
    Now,
    /// It is passed on if speech follows.
    Held,
    /// It is dropped.
    Never,
}

/// Passes rows of speech on, drops silence.
///
/// A row is speech when its level exceeds both the absolute threshold and the loudest level so far less the range.
/// Silence before the first row of speech is dropped. Later silence is held back, at most `max_pause_rows` of it: when
/// speech comes again the held rows are passed on first, else they never are. So trailing silence needs no look-ahead,
/// and what a row does depends on rows before it alone.
#[derive(Debug)]
pub struct RowGate<'s, T> {
    trim: Option<Limits>,
    held: &'s mut [T],
    row_len: usize,
    held_len: usize,
    peak: i16,
    started: bool,
}

/// [`Trim`] in steps of [`super::DECIBEL`].
#[derive(Clone, Copy, Debug)]
struct Limits {
    threshold: i16,
    range: i16,
}

impl<'s, T: Copy> RowGate<'s, T> {
    /// Values of `held` that [`RowGate::new`] needs for rows of `row_len` values.
    pub const fn held_len(trim: Option<Trim>, row_len: usize) -> usize {
        match trim {
            Some(trim) => trim.max_pause_rows * row_len,
            None => 0,
        }
    }

    /// A gate before the first row; without `trim` every row passes. A shorter `held` keeps shorter pauses.
    pub fn new(trim: Option<Trim>, row_len: usize, held: &'s mut [T]) -> Self {
        let trim = trim.map(|t| Limits { threshold: steps(t.threshold_db), range: steps(t.range_db) });
        Self { trim, held, row_len, held_len: 0, peak: SILENCE, started: false }
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        self.held_len = 0;
        self.peak = SILENCE;
        self.started = false;
    }

    /// What becomes of a row of this level (mean square, dBFS in steps of [`super::DECIBEL`]). To be asked once for
    /// each row, in order.
    pub fn judge(&mut self, level: i16) -> Passage {
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

    /// Takes the row that was judged, passes on what is due.
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
        to.u32(i32::from(self.peak) as u32);
        to.u32(u32::from(self.started));
        to.bytes(bytemuck::cast_slice(self.held));
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.held_len = from.u32() as usize;
        let peak = i16::try_from(from.u32() as i32);
        self.peak = peak.unwrap_or(SILENCE);
        let started = from.u32();
        self.started = started == 1;
        from.bytes(bytemuck::cast_slice_mut(self.held));
        let whole = self.held_len <= self.held.len() && self.held_len.is_multiple_of(self.row_len);
        check(whole, "held codes", "whole rows, at most max_pause_rows")?;
        check(peak.is_ok(), "gate's peak", "16 bits")?;
        check(started <= 1, "gate's start", "0 or 1")
    }
}
