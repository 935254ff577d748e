//! Convolution and ReLU, row by row.
//!
//! `y[t][b][o] = requantize(Σ_{i,j,c} w[o][i][j][c] · x[t - rows + 1 + i][b - bands/2 + j][c] + bias[o])`, clamped to
//! `[zero point, 127]`, which is ReLU. What lies outside of the input holds its zero point. `bias` contains
//! `-zero_point · Σ w` of the input's zero point, so that raw codes are multiplied.

use super::matrix::matrix_vector;
use crate::quant::{Multipliers, requantize};
use crate::spec::Shape;

/// Parameters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d<'m> {
    /// Shape of an input row.
    pub input: Shape,
    /// Output channels.
    pub channels: usize,
    /// Kernel along time.
    pub rows: usize,
    /// Kernel along frequency, odd.
    pub bands: usize,
    /// Code of 0 in the input.
    pub input_zero_point: i8,
    /// Code of 0 in the output, also its least value.
    pub output_zero_point: i8,
    /// Real value of one step of the output.
    pub output_scale: f32,
    /// i8 `[channels][rows, oldest first][bands][input.channels]`, [packed](super::matrix).
    pub weights: &'m [u8],
    /// i32 `[channels]`.
    pub bias: &'m [[u8; 4]],
    /// `[channels]`.
    pub multipliers: Multipliers<'m>,
}

/// What a convolution remembers between rows.
#[derive(Debug)]
pub struct Conv2dState<'s> {
    /// The last `rows` input rows, a ring, i8 `[rows][input.len()]`.
    pub ring: &'s mut [i8],
    /// Where in the ring the next row goes.
    pub next: &'s mut u32,
}

impl Conv2d<'_> {
    /// Values under the kernel.
    pub const fn patch_len(&self) -> usize {
        self.rows * self.bands * self.input.channels
    }

    /// The same, filled up to whole groups of a packed matrix.
    pub const fn work_len(&self) -> usize {
        self.patch_len().next_multiple_of(4)
    }

    /// A state as it is before the first row: zeros everywhere.
    pub fn reset(&self, state: &mut Conv2dState<'_>) {
        state.ring.fill(self.input_zero_point);
        *state.next = 0;
    }

    /// Takes one row, i8 `[input.len()]`, and writes the output row, i8 `[input.bands][channels]`. `work`, `[work_len]`, is
    /// for what one output position sees.
    pub fn push(&self, state: &mut Conv2dState<'_>, row: &[i8], output: &mut [i8], work: &mut [i16]) {
        let row_len = self.input.len().max(1);
        let next = *state.next as usize;
        if let Some(slot) = state.ring.chunks_exact_mut(row_len).nth(next) {
            slot.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
        }
        let oldest = if next + 1 < self.rows { next + 1 } else { 0 };
        *state.next = oldest as u32;

        let Some(patch) = work.get_mut(..self.work_len()) else { return };
        patch.fill(0);
        for (band, output) in output.chunks_exact_mut(self.channels.max(1)).enumerate() {
            self.gather(state.ring, oldest, band, patch);
            let mut outputs = output.iter_mut().zip(self.bias.iter().zip(self.multipliers.iter()));
            matrix_vector(self.weights, patch, |acc| {
                if let Some((y, (bias, multiplier))) = outputs.next() {
                    let code = requantize(acc + i32::from_le_bytes(*bias), multiplier) + i32::from(self.output_zero_point);
                    *y = code.clamp(i32::from(self.output_zero_point), 127) as i8;
                }
            });
        }
    }

    /// Copies what the kernel sees around `band` into `patch`, oldest row first.
    fn gather(&self, ring: &[i8], oldest: usize, band: usize, patch: &mut [i16]) {
        let channels = self.input.channels;
        let width = (self.bands * channels).max(1);
        // The kernel's first band, counted from `half` bands below the input.
        let half = self.bands / 2;
        let outside = half.saturating_sub(band) * channels;
        let from = band.saturating_sub(half) * channels;
        let (newer, older) = ring.split_at_checked(oldest * self.input.len()).unwrap_or_default();
        let rows = older.chunks_exact(self.input.len().max(1)).chain(newer.chunks_exact(self.input.len().max(1)));
        for (row, patch) in rows.zip(patch.chunks_exact_mut(width)) {
            let (below, inside) = patch.split_at_mut_checked(outside).unwrap_or_default();
            let seen = row.get(from..).unwrap_or_default();
            let (inside, above) = inside.split_at_mut_checked(seen.len().min(inside.len())).unwrap_or_default();
            below.fill(i16::from(self.input_zero_point));
            inside.iter_mut().zip(seen).for_each(|(to, from)| *to = i16::from(*from));
            above.fill(i16::from(self.input_zero_point));
        }
    }
}
