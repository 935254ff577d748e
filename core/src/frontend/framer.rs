//! A stream of samples cut into overlapping frames.

use crate::snapshot::{Reader, SnapshotError, Writer, check};

/// Collects samples and says when a frame is complete: the first after `frame_len` samples, then one each `hop_len`.
///
/// The frames do not depend on the size of the chunks. The buffer is a ring; nothing is moved.
#[derive(Debug)]
pub struct Framer<'s> {
    ring: &'s mut [i16],
    hop_len: usize,
    next: usize,
    missing: usize,
}

impl<'s> Framer<'s> {
    /// A framer for frames as long as `ring`. A hop of 0 counts as 1.
    pub fn new(ring: &'s mut [i16], hop_len: usize) -> Self {
        ring.fill(0);
        let missing = ring.len();
        Self { ring, hop_len: hop_len.max(1), next: 0, missing }
    }

    /// Zeroes the state and the samples.
    pub fn reset(&mut self) {
        self.ring.fill(0);
        self.next = 0;
        self.missing = self.ring.len();
    }

    /// Bytes that [`Framer::save`] writes for a frame of this length.
    pub(crate) const fn saved_len(frame_len: usize) -> usize {
        2 * 4 + 2 * frame_len
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
        check((1..=self.ring.len()).contains(&self.missing), "samples missing in a frame", "1..=frame_len")
    }

    /// Takes samples until a frame is complete, and then returns the samples that are left; read the frame with
    /// [`Framer::frame`]. None if the frame needs more samples. `store(from, to)` is called to write samples, in order,
    /// into the ring.
    pub fn push<'a>(&mut self, samples: &'a [i16], mut store: impl FnMut(&[i16], &mut [i16])) -> Option<&'a [i16]> {
        let (mut taken, left) = samples.split_at_checked(self.missing).unwrap_or((samples, &[]));
        self.missing -= taken.len();
        while !taken.is_empty() {
            let free = self.ring.get_mut(self.next..).filter(|free| !free.is_empty())?;
            let (now, later) = taken.split_at_checked(free.len()).unwrap_or((taken, &[]));
            store(now, free);
            self.next += now.len();
            if self.next >= self.ring.len() {
                self.next = 0;
            }
            taken = later;
        }
        if self.missing > 0 {
            return None;
        }
        self.missing = self.hop_len;
        Some(left)
    }

    /// The last `frame_len` samples, oldest first, in two pieces that follow each other.
    pub fn frame(&self) -> (&[i16], &[i16]) {
        let (newer, older) = self.ring.split_at_checked(self.next).unwrap_or_default();
        (older, newer)
    }
}
