//! What the kernels do not take: data that is not aligned, lengths that are no multiple of 4.
//!
//! Each function stands by itself, out of line and small, so that the common path pays no code or stack for it. All go
//! through the packed weights in their order.

use super::super::cell::advance;
use super::super::rows::{CodeRows, GateRows, code, gate};
use crate::packed::{SIDE, block_len};

/// The products of a block of four rows with the vector of which a group of four values stands at the start of `x` and
/// others `step` groups apart.
#[cold]
#[inline(never)]
fn block_sums(block: &[u8], x: &[i16], step: usize) -> [i32; SIDE] {
    let mut sums = [0; SIDE];
    let mut rest = x;
    for group in block.as_chunks::<{ SIDE * SIDE }>().0 {
        // The last group may be incomplete; its missing columns have weights of 0.
        let value = |column: usize| i32::from(rest.get(column).copied().unwrap_or_default());
        let [x0, x1, x2, x3] = [value(0), value(1), value(2), value(3)];
        for (sum, &[w0, w2, w1, w3]) in sums.iter_mut().zip(group.as_chunks::<SIDE>().0) {
            let weight = |byte: u8| i32::from(byte as i8);
            *sum += weight(w0) * x0 + weight(w1) * x1 + weight(w2) * x2 + weight(w3) * x3;
        }
        rest = rest.get(SIDE * step..).unwrap_or_default();
    }
    sums
}

/// The products of a block of four rows with `x`.
pub fn four_rows(block: &[u8], x: &[i16]) -> [i32; SIDE] {
    block_sums(block, x, 1)
}

/// The codes of rows for each vector of a pair that `outputs` has room for.
#[cold]
#[inline(never)]
pub fn codes(rows: &CodeRows<'_>, pair: &[i16], outputs: &mut [i8]) {
    let (block_len, len) = (block_len(pair.len() / 2), rows.len());
    if block_len == 0 || len == 0 {
        return;
    }
    for (lane, codes) in outputs.chunks_mut(len).enumerate() {
        let x = pair.get(SIDE * lane..).unwrap_or_default();
        let mut blocks = rows.weights.chunks_exact(block_len);
        let mut sums = [0; SIDE];
        let numbers = rows.bias.iter().zip(rows.multipliers.iter());
        for (row, (to, (bias, multiplier))) in codes.iter_mut().zip(numbers).enumerate() {
            if row % SIDE == 0 {
                sums = block_sums(blocks.next().unwrap_or_default(), x, 2);
            }
            let sum = sums.get(row % SIDE).copied().unwrap_or_default();
            *to = code(sum + i32::from_le_bytes(*bias), multiplier, i32::from(rows.zero_point));
        }
    }
}

/// The new cells and hidden states of all units from the input and the old hidden state.
#[cold]
#[inline(never)]
pub fn lstm(rows: &GateRows<'_>, [x, hidden]: [&[i16]; 2], cells: &mut [i32], next_hidden: &mut [i16]) {
    let blocks = |matrix, columns: usize| <[u8]>::chunks_exact(matrix, block_len(columns).max(1));
    let mut weights = blocks(rows.input_weights, x.len()).zip(blocks(rows.recurrent_weights, hidden.len()));
    let mut numbers = rows.bias.iter().zip(rows.input_shift).zip(rows.multipliers.iter());
    for (cell, next_hidden) in cells.iter_mut().zip(next_hidden) {
        let Some((w, r)) = weights.next() else { return };
        let sums = block_sums(w, x, 1).into_iter().zip(block_sums(r, hidden, 1));
        let mut gates = [Default::default(); SIDE];
        for ((to, (input, recurrent)), ((bias, shift), multiplier)) in gates.iter_mut().zip(sums).zip(&mut numbers) {
            *to = gate((input << (shift & 15)) + recurrent + i32::from_le_bytes(*bias), multiplier);
        }
        advance(gates, cell, next_hidden);
    }
}
