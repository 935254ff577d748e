//! Affine map of an int16 row to logits.
//!
//! `y[u] = requantize(Σ w[u][k] x[k] + bias[u])`, Q19.12.

use super::matrix::matrix_vector;
use crate::packed::{ROW_BYTES, fits};
use crate::quant::{Multipliers, requantize};

/// Fraction bits of a logit.
pub const LOGIT_FRACTION_BITS: u32 = 12;

/// Parameters of a dense layer.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'m> {
    /// Values of an input row, Q0.15.
    pub(crate) inputs: usize,
    /// Outputs.
    pub(crate) units: usize,
    /// i8 `[units][inputs]`, [packed](crate::packed).
    pub(crate) weights: &'m [u8],
    /// i32 `[units]`.
    pub(crate) bias: &'m [[u8; 4]],
    /// To Q19.12, `[units]`.
    pub(crate) multipliers: Multipliers<'m>,
}

impl<'m> Dense<'m> {
    /// A row for each bias, of this many inputs. None if there are fewer weights or multipliers.
    pub const fn new(
        inputs: usize,
        weights: &'m [u8],
        bias: &'m [[u8; 4]],
        multipliers: Multipliers<'m>,
    ) -> Option<Self> {
        let units = bias.len();
        if fits(units, inputs, weights.len()) && multipliers.cover(units) {
            Some(Self { inputs, units, weights, bias, multipliers })
        } else {
            None
        }
    }

    /// Bytes of the parameters, padding included.
    pub(crate) const fn file_bytes(&self) -> usize {
        self.weights.len() + ROW_BYTES * self.bias.len()
    }

    /// Values of an input row, Q0.15.
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// i8 `[units][inputs]`, [packed](crate::packed).
    pub const fn weights(&self) -> &'m [u8] {
        self.weights
    }

    /// i32 `[units]`, little-endian.
    pub const fn bias(&self) -> &'m [[u8; 4]] {
        self.bias
    }

    /// To Q19.12, `[units]`.
    pub const fn multipliers(&self) -> Multipliers<'m> {
        self.multipliers
    }

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
