//! Silence gate: removes silence before and after an utterance and shortens long pauses, in a stream, in bounded
//! memory and with bounded work for each row.

use super::decibel::Level;
use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::Trim;

/// Most rows that pass with one row of the stream. A pause of `n` rows has passed after about `n` rows of speech.
pub const ROWS_AT_A_TIME: usize = 2;

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

/// Rows that a gate has taken and not passed on yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// None.
    Empty,
    /// Silence, which passes if speech follows.
    Held,
    /// Rows that pass with the next rows of the stream.
    Released,
}

/// Passes rows of speech on, drops silence.
///
/// A row is speech when its level exceeds both the absolute threshold and the loudest level so far less the range.
/// The gate drops silence before the first row of speech. It holds later silence back, at most `max_pause_rows` of it.
/// When speech comes again it releases the held rows; otherwise they never pass. So trailing silence needs no
/// look-ahead, and the decision on a row depends only on the rows before it.
///
/// Released rows pass in order, at most [`ROWS_AT_A_TIME`] with each row of the stream, so no row costs more work than
/// that. A pause that was released has passed before as many rows can be held again, so both share one ring.
#[derive(Debug)]
pub struct RowGate<'s, T> {
    trim: Option<Limits>,
    /// A ring of whole rows.
    ring: &'s mut [T],
    row_len: usize,
    /// Index in the ring of the oldest row that waits.
    oldest: usize,
    /// Values of the rows that wait: first those released, then those held.
    waiting: usize,
    held: usize,
    peak: Level,
    started: bool,
}

/// [`Trim`] as levels.
#[derive(Clone, Copy, Debug)]
struct Limits {
    threshold: Level,
    range: Level,
}

impl<'s, T: Copy + Default> RowGate<'s, T> {
    /// Values of `ring` that [`RowGate::new`] needs for rows of `row_len` values.
    pub const fn ring_len(trim: Option<Trim>, row_len: usize) -> usize {
        match trim {
            Some(trim) => trim.max_pause_rows * row_len,
            None => 0,
        }
    }

    /// A gate before the first row. Without `trim` every row passes. A shorter `ring` keeps shorter pauses.
    pub fn new(trim: Option<Trim>, row_len: usize, ring: &'s mut [T]) -> Self {
        let trim = trim.map(|t| Limits {
            threshold: Level::from_decibels(t.threshold_db),
            range: Level::from_decibels(t.range_db),
        });
        let rows = ring.len().checked_div(row_len).unwrap_or_default();
        let ring = ring.get_mut(..rows * row_len).unwrap_or_default();
        Self { trim, ring, row_len, oldest: 0, waiting: 0, held: 0, peak: Level::SILENCE, started: false }
    }

    /// Zeroes the state and the rows.
    pub fn reset(&mut self) {
        self.ring.fill(T::default());
        (self.oldest, self.waiting, self.held) = (0, 0, 0);
        self.peak = Level::SILENCE;
        self.started = false;
    }

    /// The rows that wait.
    pub fn backlog(&self) -> Backlog {
        match (self.waiting, self.held) {
            (0, _) => Backlog::Empty,
            (waiting, held) if waiting == held => Backlog::Held,
            _ => Backlog::Released,
        }
    }

    /// Decides on a row of this level. Call it once for each row, in order.
    pub fn judge(&mut self, level: Level) -> Passage {
        let Some(trim) = self.trim else { return Passage::Now };
        self.peak = self.peak.max(level);
        if level > trim.threshold && level > self.peak.saturating_sub(trim.range) {
            self.started = true;
            Passage::Now
        } else if self.started && self.held < self.ring.len() {
            Passage::Held
        } else {
            Passage::Never
        }
    }

    /// Takes the row that was judged, `[row_len]`, and calls `pass` with at most [`ROWS_AT_A_TIME`] rows that may go
    /// on.
    pub fn push(&mut self, row: &[T], passage: Passage, mut pass: impl FnMut(&[T])) {
        let mut arrives = passage != Passage::Never;
        if passage == Passage::Now {
            self.held = 0;
        }
        for _ in 0..ROWS_AT_A_TIME {
            if let Some(start) = self.next_released() {
                pass(self.ring.get(start..).and_then(|rows| rows.get(..self.row_len)).unwrap_or_default());
            } else if arrives && passage == Passage::Now {
                arrives = false;
                pass(row);
            }
        }
        if arrives {
            self.keep(row);
            if passage == Passage::Held {
                self.held += self.row_len;
            }
        }
    }

    /// Calls `pass` with all released rows: what is left to do when no further row comes.
    pub fn flush(&mut self, mut pass: impl FnMut(&[T])) {
        while let Some(start) = self.next_released() {
            pass(self.ring.get(start..).and_then(|rows| rows.get(..self.row_len)).unwrap_or_default());
        }
    }

    /// Where the oldest released row begins in the ring; it waits no longer.
    fn next_released(&mut self) -> Option<usize> {
        if self.waiting <= self.held {
            return None;
        }
        let start = self.oldest;
        self.waiting = self.waiting.saturating_sub(self.row_len);
        self.oldest += self.row_len;
        if self.oldest >= self.ring.len() {
            self.oldest = 0;
        }
        Some(start)
    }

    /// Copies a row behind those that wait.
    #[inline(always)]
    fn keep(&mut self, row: &[T]) {
        let len = self.ring.len();
        if self.waiting >= len {
            return;
        }
        let start = self.oldest + self.waiting;
        let start = if start >= len { start - len } else { start };
        if let Some(slot) = self.ring.get_mut(start..).and_then(|free| free.get_mut(..self.row_len)) {
            // Four values at a time: a slice copy would call memcpy, which takes 700 bytes.
            let ((slot, slot_rest), (row, row_rest)) = (slot.as_chunks_mut::<4>(), row.as_chunks::<4>());
            slot.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
            slot_rest.iter_mut().zip(row_rest).for_each(|(to, from)| *to = *from);
            self.waiting += self.row_len;
        }
    }
}

impl RowGate<'_, i8> {
    /// Bytes that [`RowGate::save`] writes.
    pub(crate) const fn saved_len(trim: Option<Trim>, row_len: usize) -> usize {
        4 * 4 + Self::ring_len(trim, row_len)
    }

    /// The rows that wait come first, oldest first, so that the place of the ring's start is no part of a snapshot.
    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        to.u32(self.waiting as u32);
        to.u32(self.held as u32);
        to.u32(i32::from(self.peak.steps()) as u32);
        to.u32(u32::from(self.started));
        let (newer, older) = self.ring.split_at_checked(self.oldest).unwrap_or_default();
        let behind = self.waiting.saturating_sub(older.len());
        let older = older.get(..self.waiting).unwrap_or(older);
        let newer = newer.get(..behind).unwrap_or_default();
        to.bytes(bytemuck::cast_slice(older));
        to.bytes(bytemuck::cast_slice(newer));
        to.zeros(self.ring.len().saturating_sub(older.len() + newer.len()));
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.oldest = 0;
        self.waiting = from.u32() as usize;
        self.held = from.u32() as usize;
        let peak = i16::try_from(from.u32() as i32);
        self.peak = peak.map_or(Level::SILENCE, Level::from_steps);
        let started = from.u32();
        self.started = started == 1;
        from.bytes(bytemuck::cast_slice_mut(self.ring));
        let whole = |len: usize| len.is_multiple_of(self.row_len);
        let waiting = self.waiting <= self.ring.len() && whole(self.waiting);
        check(waiting, "codes that wait", "whole rows, at most max_pause_rows")?;
        check(self.held <= self.waiting && whole(self.held), "held codes", "whole rows, no more than wait")?;
        check(peak.is_ok(), "gate's peak", "16 bits")?;
        check(started <= 1, "gate's start", "0 or 1")
    }
}
