//! The packed layout of an int8 weight matrix.
//!
//! A matrix `[rows][columns]` is cut into blocks of four rows. A block holds groups of four columns. A group holds one
//! 32-bit word for each of the four rows, with the columns in the order 0, 2, 1, 3:
//!
//! ```text
//! block 0 (rows 0..4)                                               block 1 (rows 4..8)
//! ┌ group 0 (columns 0..4) ───────────────────┬ group 1 ─ ... ┐
//! │ row 0       │ row 1       │ row 2 │ row 3 │               │     ...
//! │ c0 c2 c1 c3 │ c0 c2 c1 c3 │  ...  │  ...  │               │
//! ```
//!
//! In this order two instructions of a Cortex-M (SXTB16) split a word into two pairs of neighbouring columns, which
//! match the pairs of a vector in memory. Rows and columns that complete the last block and the last group are 0.
//!
//! Vectors that are multiplied in pairs stand interleaved: four values of the first, then four of the second.

/// Rows of a block, and columns of a group.
pub const SIDE: usize = 4;

/// Bytes of a row beside its weights: bias, mantissa and shift.
pub(crate) const ROW_BYTES: usize = 4 + 4 + 1;

/// The column of a group at each byte of a word.
const ORDER: [usize; SIDE] = [0, 2, 1, 3];

/// Bytes of a packed matrix `[rows][columns]`.
pub const fn packed_len(rows: usize, columns: usize) -> usize {
    rows.div_ceil(SIDE) * block_len(columns)
}

/// Bytes of a block of four rows.
pub const fn block_len(columns: usize) -> usize {
    SIDE * SIDE * columns.div_ceil(SIDE)
}

/// Whether `bytes` hold a packed matrix `[rows][columns]`, whatever the numbers: no product wraps around.
pub(crate) const fn fits(rows: usize, columns: usize, bytes: usize) -> bool {
    match rows.div_ceil(SIDE).checked_mul(columns.div_ceil(SIDE)) {
        Some(groups) => groups <= bytes / (SIDE * SIDE),
        None => false,
    }
}

/// Index of one weight in a packed matrix with this number of columns.
pub const fn packed_index(row: usize, column: usize, columns: usize) -> usize {
    // The order is its own inverse.
    let byte = match column % SIDE {
        1 => ORDER[1],
        2 => ORDER[2],
        same => same,
    };
    row / SIDE * block_len(columns) + column / SIDE * SIDE * SIDE + row % SIDE * SIDE + byte
}

/// `Σ |w|` over one row of a packed matrix. None if the row is missing, a weight is -128, or a padding byte is not 0.
///
/// The compiler counts loops and calls when it parses a model, and warns of millions: this has two for four weights.
pub(crate) const fn magnitude_sum(matrix: &[u8], row: usize, columns: usize) -> Option<u64> {
    let start = row / SIDE * block_len(columns) + row % SIDE * SIDE;
    let Some((_, mut rest)) = matrix.split_at_checked(start) else { return None };
    let mut sum = 0;
    let mut left = columns;
    while left > 0 {
        let [first, third, second, fourth, behind @ ..] = rest else { return None };
        macro_rules! add {
            ($weight:expr, $column:literal) => {
                let weight = *$weight as i8 as i32;
                let magnitude = if weight < 0 { -weight } else { weight };
                if magnitude > 127 || (left <= $column && magnitude > 0) {
                    return None;
                }
                sum += magnitude as u64;
            };
        }
        add!(first, 0);
        add!(second, 1);
        add!(third, 2);
        add!(fourth, 3);
        left = left.saturating_sub(SIDE);
        // The words of the block's other rows.
        rest = match behind {
            [_, _, _, _, _, _, _, _, _, _, _, _, next @ ..] => next,
            _ => &[],
        };
    }
    Some(sum)
}
