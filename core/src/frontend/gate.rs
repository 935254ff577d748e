//! Silence gate: removes silence before and after an utterance and shortens long pauses, in a stream, in bounded memory.

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
    trim: Option<Linear>,
    held: &'s mut [T],
    row_len: usize,
    held_len: usize,
    peak: f32,
    started: bool,
}

/// [`Trim`] with levels as power ratios.
#[derive(Clone, Copy, Debug)]
struct Linear {
    threshold: f32,
    range: f32,
}

/// `10^(db / 10)`.
pub(crate) fn power(db: f32) -> f32 {
    libm::exp2f(db * (core::f32::consts::LOG2_10 / 10.0))
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
        let trim = trim.map(|t| Linear { threshold: power(t.threshold_db), range: power(-t.range_db) });
        Self { trim, held, row_len, held_len: 0, peak: 0.0, started: false }
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        self.held_len = 0;
        self.peak = 0.0;
        self.started = false;
    }

    /// What becomes of a row of this level (mean square, full scale = 1). To be asked once for each row, in order.
    pub fn judge(&mut self, level: f32) -> Passage {
        let Some(trim) = self.trim else { return Passage::Now };
        if level > self.peak {
            self.peak = level;
        }
        if level > trim.threshold && level > self.peak * trim.range {
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
                    slot.copy_from_slice(row);
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
        to.f32(self.peak);
        to.u32(u32::from(self.started));
        to.bytes(bytemuck::cast_slice(self.held));
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.held_len = from.u32() as usize;
        self.peak = from.f32();
        let started = from.u32();
        self.started = started == 1;
        from.bytes(bytemuck::cast_slice_mut(self.held));
        let whole = self.held_len <= self.held.len() && self.held_len.is_multiple_of(self.row_len);
        check(whole, "held codes", "whole rows, at most max_pause_rows")?;
        check(self.peak.is_finite() && self.peak >= 0.0, "gate's peak", "a finite number, not negative")?;
        check(started <= 1, "gate's start", "0 or 1")
    }
}
