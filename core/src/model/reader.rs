//! A cursor over the file. At the end it gives None.

/// The bytes that are left, and the number of those that were read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'m> {
    rest: &'m [u8],
    position: usize,
}

impl<'m> Reader<'m> {
    pub(super) const fn new(bytes: &'m [u8]) -> Self {
        Self { rest: bytes, position: 0 }
    }

    pub(super) const fn position(&self) -> usize {
        self.position
    }

    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) const fn bytes(&mut self, len: usize) -> Option<&'m [u8]> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                self.position += len;
                Some(taken)
            }
            None => None,
        }
    }

    pub(super) const fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        match self.bytes(N) {
            Some(bytes) => bytes.first_chunk().copied(),
            None => None,
        }
    }

    /// `count` values of `N` bytes each.
    pub(super) const fn values<const N: usize>(&mut self, count: usize) -> Option<&'m [[u8; N]]> {
        match count.checked_mul(N) {
            Some(len) => match self.bytes(len) {
                Some(bytes) => Some(bytes.as_chunks().0),
                None => None,
            },
            None => None,
        }
    }

    pub(super) const fn u8(&mut self) -> Option<u8> {
        match self.array::<1>() {
            Some([byte]) => Some(byte),
            None => None,
        }
    }

    pub(super) const fn u16(&mut self) -> Option<u16> {
        match self.array() {
            Some(bytes) => Some(u16::from_le_bytes(bytes)),
            None => None,
        }
    }

    pub(super) const fn u32(&mut self) -> Option<u32> {
        match self.array() {
            Some(bytes) => Some(u32::from_le_bytes(bytes)),
            None => None,
        }
    }

    pub(super) const fn f32(&mut self) -> Option<f32> {
        match self.array() {
            Some(bytes) => Some(f32::from_le_bytes(bytes)),
            None => None,
        }
    }
}
