//! Maximum over blocks of rows and bands.

use crate::arch::{Arithmetic, Work, run_fastest};
use crate::spec::{IMAGES, Shape, blocks};

/// Parameters of a max pool. Scale and zero point pass through unchanged.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    /// Shape of an input row.
    pub(crate) input: Shape,
    /// Block along time.
    pub(crate) rows: usize,
    /// Block along frequency.
    pub(crate) bands: usize,
    /// Rows and bands that a block shares with the next, at most half of a block. Without the feature `image` always 0.
    pub(crate) overlap: usize,
}

/// State of a max pool between rows.
#[derive(Debug)]
pub struct MaxPoolState<'s> {
    /// Maximum over the rows of the block so far, i8 `[output bands][input.channels]`: the output row when the block is
    /// full. If blocks overlap, the maximum of the next block follows.
    pub maximum: &'s mut [i8],
    /// Rows in the block so far.
    pub filled: &'s mut u32,
}

impl MaxPool {
    /// A pool of blocks of `rows × bands` that share `overlap` rows and bands with the next. None if a block is empty or
    /// shares more than half of itself.
    pub const fn new(input: Shape, [rows, bands]: [usize; 2], overlap: usize) -> Option<Self> {
        if rows > 0 && bands > 0 && overlap <= rows / 2 && overlap <= bands / 2 {
            Some(Self { input, rows, bands, overlap })
        } else {
            None
        }
    }

    /// Shape of an input row.
    pub const fn input(&self) -> Shape {
        self.input
    }

    /// Block along time.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Block along frequency.
    pub const fn bands(&self) -> usize {
        self.bands
    }

    /// Rows and bands that a block shares with the next.
    pub const fn shared(&self) -> usize {
        self.overlap()
    }

    /// Values of an output row.
    pub const fn output_len(&self) -> usize {
        blocks(self.input.bands, self.bands, self.overlap()) * self.input.channels
    }

    /// i8 values of [`MaxPoolState::maximum`].
    pub const fn maximum_len(&self) -> usize {
        if self.overlap() == 0 { self.output_len() } else { 2 * self.output_len() }
    }

    const fn overlap(&self) -> usize {
        if IMAGES { self.overlap } else { 0 }
    }

    /// Sets the state to that before the first row.
    pub fn reset(&self, state: &mut MaxPoolState<'_>) {
        *state.filled = 0;
    }

    /// Whether some sequence of rows leads to this state.
    pub fn is_possible(&self, state: &MaxPoolState<'_>) -> bool {
        let filled = *state.filled as usize;
        filled < self.rows || (filled == self.rows && self.overlap() > 0)
    }

    /// Takes one row, i8 `[input.len()]`. True if the block is full; the first [`MaxPool::output_len`] maxima are the
    /// output row then.
    pub fn push(&self, state: &mut MaxPoolState<'_>, row: &[i8]) -> bool {
        let (block, next) = self.blocks(state.maximum);
        let (overlap, mut filled) = (self.overlap(), *state.filled as usize);
        if filled == 0 {
            block.fill(i8::MIN);
        } else if overlap > 0 && filled >= self.rows {
            block.iter_mut().zip(next.iter()).for_each(|(to, from)| *to = *from);
            filled = overlap;
        }
        self.raise(block, row);
        filled += 1;
        if overlap > 0 && filled + overlap > self.rows {
            if filled + overlap == self.rows + 1 {
                next.fill(i8::MIN);
            }
            self.raise(next, row);
        }
        let full = filled >= self.rows;
        *state.filled = if full && overlap == 0 { 0 } else { filled as u32 };
        full
    }

    /// The maxima of the block, and those of the next block if blocks overlap.
    pub(crate) fn blocks<'s>(&self, maximum: &'s mut [i8]) -> (&'s mut [i8], &'s mut [i8]) {
        if self.overlap() == 0 {
            (maximum, &mut [])
        } else {
            maximum.split_at_mut_checked(self.output_len()).unwrap_or_default()
        }
    }

    /// Raises the maxima of a block to the codes of a row.
    fn raise(&self, maximum: &mut [i8], row: &[i8]) {
        struct Raise<'a>(&'a MaxPool, &'a mut [i8], &'a [i8]);
        impl Work for Raise<'_> {
            type Output = ();

            #[inline(always)]
            fn run(self, arithmetic: impl Arithmetic) {
                let Self(pool, maximum, row) = self;
                let channels = pool.input.channels.max(1);
                let step = pool.bands.saturating_sub(pool.overlap()).saturating_mul(channels);
                let blocks = row.windows((pool.bands * channels).max(1)).step_by(step.max(1));
                for (maximum, block) in maximum.chunks_exact_mut(channels).zip(blocks) {
                    for position in block.chunks_exact(channels) {
                        arithmetic.raise(maximum, position);
                    }
                }
            }
        }
        run_fastest(Raise(self, maximum, row));
    }
}
