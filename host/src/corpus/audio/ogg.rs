//! Whether an Ogg file is whole (RFC 3533). The decoder leaves out pages that are damaged, and says nothing.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use crc::{Algorithm, Crc};

/// Polynomial 0x04c11db7, nothing inverted.
const CRC: Crc<u32> = Crc::<u32>::new(&Algorithm {
    width: 32,
    poly: 0x04c1_1db7,
    init: 0,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0x89a1_897f,
    residue: 0,
});
/// Bytes of a page before the lengths of its segments.
const HEADER_LEN: usize = 27;
/// Where the checksum stands in the header.
const CRC_AT: std::ops::Range<usize> = 22..26;

/// Checks that all pages are there and fit their checksums.
///
/// # Errors
///
/// If a page is cut, damaged or missing.
pub(super) fn check(file: &[u8]) -> Result<()> {
    // The number of the next page of each stream.
    let mut next = BTreeMap::new();
    let mut rest = file;
    while !rest.is_empty() {
        let at = file.len() - rest.len();
        ensure!(rest.starts_with(b"OggS"), "damaged: no Ogg page begins at byte {at}");
        let cut = || format!("truncated: the Ogg page at byte {at} is not whole");
        let header = rest.get(..HEADER_LEN).with_context(cut)?;
        let lens = rest.get(HEADER_LEN..HEADER_LEN + usize::from(header[HEADER_LEN - 1])).with_context(cut)?;
        let len = HEADER_LEN + lens.len() + lens.iter().copied().map(usize::from).sum::<usize>();
        let page = rest.get(..len).with_context(cut)?;

        let mut digest = CRC.digest();
        digest.update(&page[..CRC_AT.start]);
        digest.update(&[0; 4]);
        digest.update(&page[CRC_AT.end..]);
        let word = |at: usize| u32::from_le_bytes([page[at], page[at + 1], page[at + 2], page[at + 3]]);
        ensure!(
            digest.finalize() == word(CRC_AT.start),
            "damaged: the Ogg page at byte {at} does not fit its checksum"
        );

        let (stream, number) = (word(14), word(18));
        let wanted = next.insert(stream, number.wrapping_add(1)).unwrap_or(number);
        ensure!(number == wanted, "damaged: the Ogg page at byte {at} is number {number}, wanted {wanted}");
        rest = &rest[len..];
    }
    Ok(())
}
