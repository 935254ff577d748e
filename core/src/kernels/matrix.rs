//! A packed matrix times a vector.

use crate::arch::four_rows;
use crate::packed::block_len;

/// Calls `row(Σ_k w[r][k] x[k])` for each row `r` of a packed matrix of `x.len()` columns, in order. Rows that complete
/// the last block come too, with 0.
pub fn matrix_vector(matrix: &[u8], x: &[i16], mut row: impl FnMut(i32)) {
    for block in matrix.chunks_exact(block_len(x.len()).max(1)) {
        four_rows(block, x).into_iter().for_each(&mut row);
    }
}
