//! The numeric contract and the checksum, which model files and snapshots share.

/// Identifies the arithmetic of this core. A file made for another contract gives other numbers, so it is refused.
pub const CONTRACT_ID: u16 = 2;

/// The checksum: CRC-32/ISO-HDLC (the one of zip and PNG).
pub const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
