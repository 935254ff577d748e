//! Joins all rows of an image into one.

use crate::spec::Shape;

/// Parameters of a flatten. Scale and zero point pass through unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Flatten {
    /// Shape of an input row.
    pub(crate) input: Shape,
    /// Rows in an output row.
    pub(crate) rows: usize,
}

/// State of a flatten between rows.
#[derive(Debug)]
pub struct FlattenState<'s> {
    /// The rows so far, oldest first, i8 `[rows][input.len()]`. With the last row they are the output row.
    pub values: &'s mut [i8],
    /// Rows so far.
    pub filled: &'s mut u32,
}

impl Flatten {
    /// A flatten of this many rows.
    pub const fn new(input: Shape, rows: usize) -> Self {
        Self { input, rows }
    }

    /// Values of the output row.
    pub const fn output_len(&self) -> usize {
        self.rows * self.input.len()
    }

    /// Sets the state to that before the first row.
    pub fn reset(&self, state: &mut FlattenState<'_>) {
        *state.filled = 0;
    }

    /// Whether some sequence of rows leads to this state.
    pub fn is_possible(&self, state: &FlattenState<'_>) -> bool {
        (*state.filled as usize) < self.rows
    }

    /// Takes one row, i8 `[input.len()]`. True if `values` is the output row now.
    pub fn push(&self, state: &mut FlattenState<'_>, row: &[i8]) -> bool {
        let slot = state.values.chunks_exact_mut(self.input.len().max(1)).nth(*state.filled as usize);
        slot.into_iter().flatten().zip(row).for_each(|(to, from)| *to = *from);
        *state.filled += 1;
        let full = *state.filled as usize >= self.rows;
        if full {
            *state.filled = 0;
        }
        full
    }
}
