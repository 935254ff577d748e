//! State as one array of bytes: for sleep, and for tests.
//!
//! ```text
//! magic 8 · version u16 · contract u16 · CRC-32 of the model u32 · CRC-32 of what follows u32 · state
//! ```
//!
//! Each part with state writes and reads its own share. Restoring checks every index and counter, so no bytes can make
//! later code panic. Memory is written as it is, so a snapshot fits machines of the same byte order.

use crate::contract::{CONTRACT_ID, CRC};

/// Version of the layout.
pub const SNAPSHOT_VERSION: u16 = 3;
/// Bytes in front of the state.
pub const SNAPSHOT_HEADER_LEN: usize = 20;

/// Why a snapshot can't be taken or restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// The number of bytes is not that of a snapshot.
    Length {
        /// Bytes that came.
        got: usize,
        /// Bytes wanted.
        wanted: usize,
    },
    /// The bytes do not begin like this kind of snapshot.
    Kind {
        /// First bytes wanted.
        wanted: &'static str,
    },
    /// Another version of the layout.
    Version {
        /// Version that came; wanted is [`SNAPSHOT_VERSION`].
        got: u16,
    },
    /// Taken with another arithmetic.
    Contract {
        /// Contract that came; wanted is [`CONTRACT_ID`].
        got: u16,
    },
    /// Taken with another model.
    Model {
        /// Checksum of that model.
        got: u32,
        /// Checksum of this one.
        wanted: u32,
    },
    /// Taken by a listener with other parameters ([`crate::EndpointerConfig`]) or another hop.
    Parameters {
        /// Checksum of those parameters.
        got: u32,
        /// Checksum of this listener's.
        wanted: u32,
    },
    /// The bytes are damaged.
    Checksum {
        /// Checksum of the bytes that came.
        got: u32,
        /// Checksum in the header.
        wanted: u32,
    },
    /// A value that no audio leads to.
    Impossible {
        /// Name of the value.
        quantity: &'static str,
        /// The values that are possible.
        wanted: &'static str,
    },
}

impl core::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length { got, wanted } => write!(f, "snapshot of {wanted} bytes wanted, {got} came"),
            Self::Kind { wanted } => write!(f, "not the snapshot wanted: it does not begin with {wanted}"),
            Self::Version { got } => write!(f, "snapshot version is {got}, this core reads {SNAPSHOT_VERSION}"),
            Self::Contract { got } => {
                write!(f, "the snapshot's numeric contract is {got}, this core computes {CONTRACT_ID}")
            }
            Self::Model { got, wanted } => {
                write!(f, "snapshot of the model with CRC-32 {got:08x}, wanted {wanted:08x}")
            }
            Self::Parameters { got, wanted } => {
                write!(
                    f,
                    "snapshot of a listener with other parameters: their CRC-32 is {got:08x}, wanted {wanted:08x}"
                )
            }
            Self::Checksum { got, wanted } => {
                write!(f, "snapshot is damaged: CRC-32 is {got:08x}, wanted {wanted:08x}")
            }
            Self::Impossible { quantity, wanted } => write!(f, "snapshot: {quantity}: wanted {wanted}"),
        }
    }
}

impl core::error::Error for SnapshotError {}

/// An error unless a value is possible.
pub(crate) const fn check(possible: bool, quantity: &'static str, wanted: &'static str) -> Result<(), SnapshotError> {
    if possible { Ok(()) } else { Err(SnapshotError::Impossible { quantity, wanted }) }
}

/// Writes header and state into `bytes`, which must have length `wanted`.
pub(crate) fn write(
    bytes: &mut [u8],
    wanted: usize,
    magic: &'static str,
    model: u32,
    save: impl FnOnce(&mut Writer<'_>),
) -> Result<(), SnapshotError> {
    let got = bytes.len();
    let length = SnapshotError::Length { got, wanted };
    if got != wanted {
        return Err(length);
    }
    let (header, state) = bytes.split_at_mut_checked(SNAPSHOT_HEADER_LEN).ok_or(length)?;
    save(&mut Writer { rest: state });
    let mut header = Writer { rest: header };
    header.bytes(magic.as_bytes());
    header.bytes(&SNAPSHOT_VERSION.to_le_bytes());
    header.bytes(&CONTRACT_ID.to_le_bytes());
    header.u32(model);
    header.u32(CRC.checksum(state));
    Ok(())
}

/// Checks length and header, and returns a reader of the state.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    wanted: usize,
    magic: &'static str,
    model: u32,
) -> Result<Reader<'a>, SnapshotError> {
    let length = SnapshotError::Length { got: bytes.len(), wanted };
    let (header, state) = bytes.split_at_checked(SNAPSHOT_HEADER_LEN).ok_or(length)?;
    let mut header = Reader { rest: header };
    if header.array::<8>() != magic.as_bytes() {
        return Err(SnapshotError::Kind { wanted: magic });
    }
    match u16::from_le_bytes(header.array()) {
        SNAPSHOT_VERSION => {}
        got => return Err(SnapshotError::Version { got }),
    }
    match u16::from_le_bytes(header.array()) {
        CONTRACT_ID => {}
        got => return Err(SnapshotError::Contract { got }),
    }
    let of = header.u32();
    if of != model {
        return Err(SnapshotError::Model { got: of, wanted: model });
    }
    if bytes.len() != wanted {
        return Err(length);
    }
    let (got, wanted) = (CRC.checksum(state), header.u32());
    if got != wanted {
        return Err(SnapshotError::Checksum { got, wanted });
    }
    Ok(Reader { rest: state })
}

/// Takes bytes one after the other and drops those beyond the end.
pub(crate) struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if let Some((to, rest)) = core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            to.copy_from_slice(bytes);
            self.rest = rest;
        }
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn zeros(&mut self, len: usize) {
        (0..len).for_each(|_| self.bytes(&[0]));
    }
}

/// Gives bytes one after the other, and zeros beyond the end. [`open`] has checked the length.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    pub(crate) fn bytes(&mut self, to: &mut [u8]) {
        let (from, rest) = self.rest.split_at_checked(to.len()).unwrap_or_default();
        to.fill(0);
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        self.rest = rest;
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.bytes(&mut bytes);
        bytes
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }
}
