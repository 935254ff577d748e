//! What the kernels do not take: data that is not aligned, lengths that are no multiple of 4.
//!
//! Each function stands by itself, out of line and as small as possible, so that the common path pays no code or stack
//! for it.

use super::super::cell::advance;
use super::super::rows::{CodeRows, GateRows, code, gate};
use crate::packed::{SIDE, packed_index};
use crate::quant::{Multiplier, Multipliers};

/// `Σ_k w[row][k] x(k)`.
fn row_sum(matrix: &[u8], row: usize, columns: usize, x: impl Fn(usize) -> i16) -> i32 {
    let weight =
        |column: usize| matrix.get(packed_index(row, column, columns)).map_or(0, |weight| i32::from(*weight as i8));
    (0..columns).map(|column| weight(column) * i32::from(x(column))).sum()
}

/// The products of a block of four rows with `x`.
#[cold]
#[inline(never)]
pub fn four_rows(block: &[u8], x: &[i16]) -> [i32; SIDE] {
    [0, 1, 2, 3].map(|row| row_sum(block, row, x.len(), |column| x.get(column).copied().unwrap_or_default()))
}

/// The codes of rows for each vector of a pair that `outputs` has room for.
#[cold]
#[inline(never)]
pub fn codes(rows: &CodeRows<'_>, pair: &[i16], outputs: &mut [i8]) {
    for (lane, codes) in outputs.chunks_mut(rows.len().max(1)).enumerate() {
        let seen = |column: usize| {
            pair.get(column / SIDE * 2 * SIDE + lane * SIDE + column % SIDE).copied().unwrap_or_default()
        };
        for ((row, to), (bias, multiplier)) in
            codes.iter_mut().enumerate().zip(rows.bias.iter().zip(rows.multipliers.iter()))
        {
            let sum = row_sum(rows.weights, row, pair.len() / 2, seen) + i32::from_le_bytes(*bias);
            *to = code(sum, multiplier, i32::from(rows.zero_point));
        }
    }
}

/// The new cells and hidden states of all units from the input and the old hidden state.
#[cold]
#[inline(never)]
pub fn lstm(rows: &GateRows<'_>, [x, hidden]: [&[i16]; 2], cells: &mut [i32], next_hidden: &mut [i16]) {
    let Multipliers { mantissa, shift } = rows.multipliers;
    let value = |of: &[i16], index: usize| of.get(index).copied().unwrap_or_default();
    for (unit, (cell, next_hidden)) in cells.iter_mut().zip(next_hidden).enumerate() {
        let gates = [0, 1, 2, 3].map(|index| {
            let row = 4 * unit + index;
            let input = row_sum(rows.input_weights, row, x.len(), |column| value(x, column));
            let recurrent = row_sum(rows.recurrent_weights, row, hidden.len(), |column| value(hidden, column));
            let of_row = |numbers: &[[u8; 4]]| numbers.get(row).copied().unwrap_or_default();
            let shifts = [rows.input_shift, shift].map(|shifts| shifts.get(row).copied().unwrap_or_default());
            let sum = (input << (shifts[0] & 15)) + recurrent + i32::from_le_bytes(of_row(rows.bias));
            gate(sum, Multiplier::read(of_row(mantissa), shifts[1]))
        });
        advance(gates, cell, next_hidden);
    }
}
