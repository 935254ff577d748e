//! Affine map of an int16 row to logits.
//!
//! `y[u] = requantize(Σ w[u][k] x[k] + bias[u])`, Q19.12.

use super::matrix::matrix_vector;
use crate::quant::{Multipliers, requantize};

/// Fraction bits of a logit.
pub const LOGIT_FRACTION_BITS: u32 = 12;

/// Parameters of a dense layer.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'m> {
    /// Values of an input row, Q0.15.
    pub inputs: usize,
    /// Outputs.
    pub units: usize,
    /// i8 `[units][inputs]`, [packed](crate::packed).
    pub weights: &'m [u8],
    /// i32 `[units]`.
    pub bias: &'m [[u8; 4]],
    /// To Q19.12, `[units]`.
    pub multipliers: Multipliers<'m>,
}

impl Dense<'_> {
    /// Maps the row `x`, `[inputs]`, to `logits`, Q19.12 `[units]`.
    pub fn map(&self, x: &[i16], logits: &mut [i32]) {
        let mut outputs = logits.iter_mut().zip(self.bias.iter().zip(self.multipliers.iter()));
        matrix_vector(self.weights, x, |acc| {
            if let Some((y, (bias, multiplier))) = outputs.next() {
                *y = requantize(acc + i32::from_le_bytes(*bias), multiplier);
            }
        });
    }
}
