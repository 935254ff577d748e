//! One LSTM unit, from its gates to its new state.
//!
//! ```text
//! c' = σ(a_f) · c + σ(a_i) · tanh(a_g)        c in Q7.24, rounded once
//! h' = σ(a_o) · tanh(c')                      h in Q0.15
//! ```

use crate::activation::{sigmoid, tanh};
use crate::fixed::{Q0_15, Q3_12};

/// The new cell and hidden state of a unit from its gates before their activation: input, forget, cell, output.
pub(super) fn advance([input, forget, candidate, output]: [Q3_12; 4], cell: &mut i32, hidden: &mut i16) {
    *cell = next_cell(sigmoid(input), sigmoid(forget), tanh(candidate), *cell);
    *hidden = next_output(sigmoid(output), *cell).0;
}

/// `f · c + i · g`, Q7.24; rounded once, ties up, saturated.
pub(super) fn next_cell(input: Q0_15, forget: Q0_15, candidate: Q0_15, cell: i32) -> i32 {
    let kept = i64::from(forget.0) * i64::from(cell);
    let added = i64::from(i32::from(input.0) * i32::from(candidate.0)) << 9;
    let sum = kept + added + (1 << 14);
    let high = (sum >> 32) as i32;
    // The result fits if the sum is within -2⁴⁶..2⁴⁶. The upper half alone tells.
    if (-(1 << 14)..1 << 14).contains(&high) {
        (sum >> 15) as i32
    } else if high < 0 {
        i32::MIN
    } else {
        i32::MAX
    }
}

/// `o · tanh(c)`, ties up. The cell enters tanh as Q3.12, rounded, saturated at ±8.
fn next_output(output: Q0_15, cell: i32) -> Q0_15 {
    let squashed = tanh(Q3_12::saturating(cell.saturating_add(1 << 11) >> 12));
    Q0_15(((i32::from(output.0) * i32::from(squashed.0) + (1 << 14)) >> 15) as i16)
}
