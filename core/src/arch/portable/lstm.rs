//! A step of LSTM units.

use super::super::rows::{GateRows, gate};
use crate::fixed::Q3_12;
use crate::packed::block_len;
use crate::quant::Multiplier;

/// Units whose gates are activated together.
const UNITS_AT_A_TIME: usize = 8;

/// The new cells and hidden states of all units from input and old hidden state, with the given products of four rows
/// and the given activation: `activate(gates, cells, next_hidden)`, as many units as there are cells.
#[inline(always)]
pub fn lstm(
    rows: &GateRows<'_>,
    [x, hidden]: [&[i16]; 2],
    cells: &mut [i32],
    next_hidden: &mut [i16],
    four_rows: impl Fn(&[u8], &[i16]) -> [i32; 4],
    activate: impl Fn(&[[Q3_12; 4]; UNITS_AT_A_TIME], &mut [i32], &mut [i16]),
) {
    let blocks = |matrix, columns: usize| <[u8]>::chunks_exact(matrix, block_len(columns).max(1));
    let weights = blocks(rows.input_weights, x.len()).zip(blocks(rows.recurrent_weights, hidden.len()));
    let sums = rows.bias.as_chunks::<4>().0.iter().zip(rows.input_shift.as_chunks::<4>().0);
    let multipliers =
        rows.multipliers.mantissa.as_chunks::<4>().0.iter().zip(rows.multipliers.shift.as_chunks::<4>().0);
    let mut units = weights.zip(sums).zip(multipliers);
    for (cells, next_hidden) in cells.chunks_mut(UNITS_AT_A_TIME).zip(next_hidden.chunks_mut(UNITS_AT_A_TIME)) {
        let mut gates = [[Q3_12(0); 4]; UNITS_AT_A_TIME];
        for (gates, (((w, r), (bias, input_shift)), (mantissa, shift))) in
            gates.iter_mut().zip(units.by_ref().take(cells.len()))
        {
            let input = four_rows(w, x);
            let recurrent = four_rows(r, hidden);
            for (row, to) in gates.iter_mut().enumerate() {
                let sum = (input[row] << (input_shift[row] & 15)) + recurrent[row] + i32::from_le_bytes(bias[row]);
                *to = gate(sum, Multiplier::read(mantissa[row], shift[row]));
            }
        }
        activate(&gates, cells, next_hidden);
    }
}
