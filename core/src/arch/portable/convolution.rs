//! Codes of rows and widened pairs: what a convolution is made of.

use super::super::rows::{CodeRows, code};
use crate::packed::{SIDE, block_len};

/// The codes of all rows for both vectors of a pair, or for the first alone if `outputs` has no room for two; with the
/// given products of four rows and a pair.
#[inline(always)]
pub fn codes(
    rows: &CodeRows<'_>,
    pair: &[i16],
    outputs: &mut [i8],
    four_rows_of_pair: impl Fn(&[u8], &[i16]) -> [[i32; SIDE]; 2],
) {
    let block_len = block_len(pair.len() / 2);
    if block_len == 0 {
        return;
    }
    let zero_point = i32::from(rows.zero_point);
    for (index, block) in rows.weights.chunks_exact(block_len).enumerate() {
        let sums = four_rows_of_pair(block, pair);
        let multipliers = rows.multipliers.skip(SIDE * index);
        let bias = rows.bias.get(SIDE * index..).unwrap_or_default();
        for (sums, codes) in sums.iter().zip(outputs.chunks_mut(rows.len().max(1))) {
            let codes = codes.get_mut(SIDE * index..).unwrap_or_default();
            for (((sum, bias), multiplier), to) in sums.iter().zip(bias).zip(multipliers.iter()).zip(codes) {
                *to = code(sum + i32::from_le_bytes(*bias), multiplier, zero_point);
            }
        }
    }
}

/// Widens the first codes and those from `offset` on into an interleaved pair, in fours.
#[inline(always)]
pub fn widen(pair: &mut [i16], codes: &[i8], offset: usize) {
    let first = codes.get(..codes.len().saturating_sub(offset)).unwrap_or_default();
    let second = codes.get(offset..).unwrap_or_default();
    let quads = first.as_chunks::<4>().0.iter().zip(second.as_chunks::<4>().0);
    for (octet, ([a, b, c, d], [e, f, g, h])) in pair.as_chunks_mut::<8>().0.iter_mut().zip(quads) {
        *octet = [*a, *b, *c, *d, *e, *f, *g, *h].map(i16::from);
    }
}
