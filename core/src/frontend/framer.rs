//! A stream of samples cut into overlapping frames.

use crate::snapshot::{Reader, SnapshotError, Writer, check, is_sample};

/// Collects samples and says when a frame is complete: the first after `frame_len` samples, then one each `hop_len`.
///
/// Where chunks of the caller begin and end makes no difference. The buffer is a ring; nothing is moved.
#[derive(Debug)]
pub struct Framer<'s> {
    ring: &'s mut [f32],
    hop_len: usize,
    next: usize,
    missing: usize,
}

impl<'s> Framer<'s> {
    /// A framer whose frame is as long as `ring`. A hop of 0 is taken as 1.
    pub fn new(ring: &'s mut [f32], hop_len: usize) -> Self {
        let missing = ring.len();
        Self { ring, hop_len: hop_len.max(1), next: 0, missing }
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.next = 0;
        self.missing = self.ring.len();
    }

    /// Bytes that [`Framer::save`] writes for a frame of this length.
    pub(crate) const fn saved_len(frame_len: usize) -> usize {
        2 * 4 + 4 * frame_len
    }

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        to.u32(self.next as u32);
        to.u32(self.missing as u32);
        to.bytes(bytemuck::cast_slice(self.ring));
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.next = from.u32() as usize;
        self.missing = from.u32() as usize;
        from.bytes(bytemuck::cast_slice_mut(self.ring));
        check(self.next < self.ring.len(), "framer's position", "less than frame_len")?;
        check((1..=self.ring.len()).contains(&self.missing), "samples missing in a frame", "1..=frame_len")?;
        check(self.ring.iter().copied().all(is_sample), "samples of a frame", "magnitudes of at most 1e9")
    }

    /// Takes one sample; true when a frame is complete and may be read with [`Framer::frame`].
    pub fn push(&mut self, sample: f32) -> bool {
        if let Some(slot) = self.ring.get_mut(self.next) {
            *slot = sample;
        }
        self.next += 1;
        if self.next >= self.ring.len() {
            self.next = 0;
        }
        self.missing = self.missing.saturating_sub(1);
        let complete = self.missing == 0;
        if complete {
            self.missing = self.hop_len;
        }
        complete
    }

    /// The last `frame_len` samples, oldest first, as two pieces to be read one after the other.
    pub fn frame(&self) -> (&[f32], &[f32]) {
        let (newer, older) = self.ring.split_at_checked(self.next).unwrap_or_default();
        (older, newer)
    }
}
