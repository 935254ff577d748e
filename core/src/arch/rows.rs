//! Rows of weights, with what turns the sum of each row into an output.

use crate::fixed::Q3_12;
use crate::quant::{Multiplier, Multipliers, requantize};

/// Rows whose outputs are int8 codes: `clamp(zero_point + requantize(Σ_k w[r][k] x[k] + bias[r]), zero_point, 127)`.
#[derive(Clone, Copy, Debug)]
pub struct CodeRows<'m> {
    /// i8 `[rows][columns]`, [packed](crate::packed).
    pub weights: &'m [u8],
    /// i32 `[rows]`.
    pub bias: &'m [[u8; 4]],
    /// `[rows]`.
    pub multipliers: Multipliers<'m>,
    /// Code of 0 in the output, also the least code.
    pub zero_point: i8,
}

impl CodeRows<'_> {
    /// Number of rows.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.bias.len()
    }
}

/// Rows whose outputs are the gates of LSTM units before their activation:
/// `saturate(requantize((Σ_k W[r][k] x[k] << input_shift[r]) + Σ_k R[r][k] h[k] + bias[r]))`, Q3.12. Rows are
/// `[unit][gate]`, gates in the order input, forget, cell, output.
#[derive(Clone, Copy, Debug)]
pub struct GateRows<'m> {
    /// `W`: i8 `[units][4][inputs]`, [packed](crate::packed).
    pub input_weights: &'m [u8],
    /// `R`: i8 `[units][4][units]`, packed.
    pub recurrent_weights: &'m [u8],
    /// i32 `[units][4]`.
    pub bias: &'m [[u8; 4]],
    /// To Q3.12, `[units][4]`.
    pub multipliers: Multipliers<'m>,
    /// Left shift of the input's products, to the grid of the recurrent ones: bits, `[units][4]`, each at most 15.
    pub input_shift: &'m [u8],
}

/// A code from the sum of its row, bias included.
#[inline(always)]
pub(super) fn code(sum: i32, multiplier: Multiplier, zero_point: i32) -> i8 {
    (requantize(sum, multiplier) + zero_point).clamp(zero_point, 127) as i8
}

/// A gate from the sum of its row, bias included.
#[inline(always)]
pub(super) fn gate(sum: i32, multiplier: Multiplier) -> Q3_12 {
    Q3_12::saturating(requantize(sum, multiplier))
}
