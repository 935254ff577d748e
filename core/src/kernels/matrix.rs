//! Products of int8 weights and int16 activations, accumulated in int32.
//!
//! `Model::parse` has proved for every row that the sum can't leave int32 in whatever order it is formed, so a kernel may
//! choose its own.

/// `Σ w[k] x[k]`.
pub fn dot(weights: &[i8], x: &[i16]) -> i32 {
    weights.iter().zip(x).map(|(&w, &x)| i32::from(w) * i32::from(x)).sum()
}

/// Four rows at once, `[4][x.len()]`, so that `x` is read once for all.
pub fn dot4(weights: &[i8], x: &[i16]) -> [i32; 4] {
    let columns = x.len();
    let (ab, cd) = weights.split_at_checked(2 * columns).unwrap_or_default();
    let (a, b) = ab.split_at_checked(columns).unwrap_or_default();
    let (c, d) = cd.split_at_checked(columns).unwrap_or_default();
    [dot(a, x), dot(b, x), dot(c, x), dot(d, x)]
}

/// Calls `row(Σ_k w[r][k] x[k])` for each row `r` of `[rows][x.len()]`, in order.
pub fn matrix_vector(weights: &[i8], x: &[i16], mut row: impl FnMut(i32)) {
    let columns = x.len().max(1);
    let mut blocks = weights.chunks_exact(4 * columns);
    for block in &mut blocks {
        dot4(block, x).into_iter().for_each(&mut row);
    }
    for weights in blocks.remainder().chunks_exact(columns) {
        row(dot(weights, x));
    }
}
