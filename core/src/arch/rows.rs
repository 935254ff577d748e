//! Rows of weights, with what turns the sum of each row into an output.

use crate::fixed::Q3_12;
use crate::packed::{ROW_BYTES, fits};
use crate::quant::{Multiplier, Multipliers, requantize};

/// Rows whose outputs are int8 codes: `clamp(zero_point + requantize(Σ_k w[r][k] x[k] + bias[r]), zero_point, 127)`.
#[derive(Clone, Copy, Debug)]
pub struct CodeRows<'m> {
    /// i8 `[rows][columns]`, [packed](crate::packed).
    pub(crate) weights: &'m [u8],
    /// i32 `[rows]`.
    pub(crate) bias: &'m [[u8; 4]],
    /// `[rows]`.
    pub(crate) multipliers: Multipliers<'m>,
    /// Code of 0 in the output, also the least code.
    pub(crate) zero_point: i8,
}

impl<'m> CodeRows<'m> {
    /// Rows of this many columns, as many as there are biases. None if weights or multipliers are of fewer.
    pub const fn new(
        columns: usize,
        weights: &'m [u8],
        bias: &'m [[u8; 4]],
        multipliers: Multipliers<'m>,
        zero_point: i8,
    ) -> Option<Self> {
        let whole = fits(bias.len(), columns, weights.len()) && multipliers.cover(bias.len());
        if whole { Some(Self { weights, bias, multipliers, zero_point }) } else { None }
    }

    /// i8 `[rows][columns]`, [packed](crate::packed).
    pub const fn weights(&self) -> &'m [u8] {
        self.weights
    }

    /// i32 `[rows]`, little-endian.
    pub const fn bias(&self) -> &'m [[u8; 4]] {
        self.bias
    }

    /// `[rows]`.
    pub const fn multipliers(&self) -> Multipliers<'m> {
        self.multipliers
    }

    /// Code of 0 in the output.
    pub const fn zero_point(&self) -> i8 {
        self.zero_point
    }

    /// Bytes of the parameters, padding included.
    pub(crate) const fn file_bytes(&self) -> usize {
        self.weights.len() + ROW_BYTES * self.bias.len()
    }

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
    pub(crate) input_weights: &'m [u8],
    /// `R`: i8 `[units][4][units]`, packed.
    pub(crate) recurrent_weights: &'m [u8],
    /// i32 `[units][4]`.
    pub(crate) bias: &'m [[u8; 4]],
    /// To Q3.12, `[units][4]`.
    pub(crate) multipliers: Multipliers<'m>,
    /// Left shift of the input's products, to the grid of the recurrent ones: bits, `[units][4]`, each at most 15.
    pub(crate) input_shift: &'m [u8],
}

impl<'m> GateRows<'m> {
    /// The rows of as many units as there are four biases, with this many inputs. None if there are fewer of another
    /// parameter.
    pub const fn new(
        inputs: usize,
        [input_weights, recurrent_weights]: [&'m [u8]; 2],
        bias: &'m [[u8; 4]],
        multipliers: Multipliers<'m>,
        input_shift: &'m [u8],
    ) -> Option<Self> {
        let rows = bias.len();
        let whole = rows.is_multiple_of(4)
            && fits(rows, inputs, input_weights.len())
            && fits(rows, rows / 4, recurrent_weights.len())
            && multipliers.cover(rows)
            && input_shift.len() >= rows;
        if whole { Some(Self { input_weights, recurrent_weights, bias, multipliers, input_shift }) } else { None }
    }

    /// `W` and `R`: i8 `[units][4][inputs]` and `[units][4][units]`, [packed](crate::packed).
    pub const fn weights(&self) -> [&'m [u8]; 2] {
        [self.input_weights, self.recurrent_weights]
    }

    /// i32 `[units][4]`, little-endian.
    pub const fn bias(&self) -> &'m [[u8; 4]] {
        self.bias
    }

    /// `[units][4]`.
    pub const fn multipliers(&self) -> Multipliers<'m> {
        self.multipliers
    }

    /// `[units][4]`.
    pub const fn input_shift(&self) -> &'m [u8] {
        self.input_shift
    }

    /// Bytes of the parameters, padding included.
    pub(crate) const fn file_bytes(&self) -> usize {
        self.input_weights.len() + self.recurrent_weights.len() + (ROW_BYTES + 1) * self.bias.len()
    }
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
