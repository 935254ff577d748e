//! Maximum over blocks of rows and bands that do not overlap.

use super::matrix::{Products, Work, with_products};
use crate::spec::Shape;

/// Parameters of a max pool. Scale and zero point pass through unchanged.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    /// Shape of an input row.
    pub input: Shape,
    /// Block along time.
    pub rows: usize,
    /// Block along frequency.
    pub bands: usize,
}

/// What a max pool remembers between rows.
#[derive(Debug)]
pub struct MaxPoolState<'s> {
    /// Maximum over the rows of the block so far, i8 `[input.bands / bands][input.channels]`; the output when the block is full.
    pub maximum: &'s mut [i8],
    /// Rows in the block so far.
    pub filled: &'s mut u32,
}

impl MaxPool {
    /// Values of an output row.
    pub const fn output_len(&self) -> usize {
        match self.input.bands.checked_div(self.bands) {
            Some(bands) => bands * self.input.channels,
            None => 0,
        }
    }

    /// A state as it is before the first row.
    pub fn reset(&self, state: &mut MaxPoolState<'_>) {
        *state.filled = 0;
    }

    /// Takes one row, i8 `[input.len()]`; true when a block is full and `maximum` is the output row.
    pub fn push(&self, state: &mut MaxPoolState<'_>, row: &[i8]) -> bool {
        struct Raise<'a>(&'a MaxPool, &'a mut [i8], &'a [i8]);
        impl Work for Raise<'_> {
            type Output = ();

            #[inline(always)]
            fn run(self, _: impl Products) {
                let Self(pool, maximum, row) = self;
                let channels = pool.input.channels.max(1);
                let blocks = row.chunks_exact((pool.bands * channels).max(1));
                for (maximum, block) in maximum.chunks_exact_mut(channels).zip(blocks) {
                    for position in block.chunks_exact(channels) {
                        raise(maximum, position);
                    }
                }
            }
        }
        if *state.filled == 0 {
            state.maximum.fill(i8::MIN);
        }
        with_products(Raise(self, state.maximum, row));
        *state.filled += 1;
        let full = *state.filled as usize >= self.rows;
        if full {
            *state.filled = 0;
        }
        full
    }
}

/// The larger of two codes each.
#[inline(always)]
fn raise(maximum: &mut [i8], position: &[i8]) {
    #[cfg(arm_dsp)]
    if super::dsp::maximum(maximum, position) {
        return;
    }
    maximum.iter_mut().zip(position).for_each(|(m, x)| *m = (*m).max(*x));
}
