//! Products of int8 matrices and int16 vectors, accumulated in int32.
//!
//! A matrix `[rows][columns]` is stored packed, as the fastest kernels read it: four rows at a time, of these four columns at a time, and of
//! these for each row one word, with the columns in the order 0, 2, 1, 3. In this order a Cortex-M takes a word apart into two pairs of
//! neighbours with two instructions (SXTB16), and meets the pairs of a vector that it reads as it is. What fills up the last rows and columns is 0.
//!
//! `Model::parse` has proved for every row that the sum can't leave int32 in whatever order it is formed, so a kernel may
//! choose its own.

use super::conv2d::Conv2d;
use crate::quant::requantize;

/// Rows of a block, and columns of a group.
const SIDE: usize = 4;

/// The column of a group that stands at each byte of a word.
const ORDER: [usize; SIDE] = [0, 2, 1, 3];

/// Bytes of a packed matrix `[rows][columns]`.
pub const fn packed_len(rows: usize, columns: usize) -> usize {
    rows.div_ceil(SIDE) * block_len(columns)
}

/// Bytes of four rows.
pub const fn block_len(columns: usize) -> usize {
    SIDE * SIDE * columns.div_ceil(SIDE)
}

/// Where the weight of a row and a column stands in a packed matrix of so many columns.
pub const fn packed_index(row: usize, column: usize, columns: usize) -> usize {
    // The order is its own inverse.
    let byte = match column % SIDE {
        1 => ORDER[1],
        2 => ORDER[2],
        same => same,
    };
    row / SIDE * block_len(columns) + column / SIDE * SIDE * SIDE + row % SIDE * SIDE + byte
}

/// `Σ |w|` of a row of a packed matrix; None when it is not there, one of its weights is -128, or what fills it up is not 0.
pub(crate) const fn magnitude_sum(matrix: &[u8], row: usize, columns: usize) -> Option<u64> {
    let start = row / SIDE * block_len(columns) + row % SIDE * SIDE;
    let Some((_, mut rest)) = matrix.split_at_checked(start) else { return None };
    let mut sum = 0;
    let mut left = columns;
    while left > 0 {
        let [first, third, second, fourth, ..] = rest else { return None };
        let weights = [*first as i8, *second as i8, *third as i8, *fourth as i8];
        let mut unread: &[i8] = &weights;
        while let [weight, behind @ ..] = unread {
            unread = behind;
            let magnitude = weight.unsigned_abs();
            if magnitude > 127 || (left == 0 && magnitude > 0) {
                return None;
            }
            sum += magnitude as u64;
            left = left.saturating_sub(1);
        }
        rest = match rest.split_at_checked(SIDE * SIDE) {
            Some((_, behind)) => behind,
            None => &[],
        };
    }
    Some(sum)
}

/// How products are formed: a kernel of the processor, or [`Portable`] code.
pub(super) trait Products: Copy {
    /// The products of a block of four rows with `x`.
    fn four_rows(self, block: &[u8], x: &[i16]) -> [i32; SIDE];

    /// The same for two vectors that stand interleaved: a group of the one, then that of the other; `[2][columns]`, columns a multiple of 4.
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; SIDE]; 2];

    /// The outputs of a convolution at two positions, `[channels]` each, from what these see; the second may be empty.
    fn convolve(self, conv: &Conv2d<'_>, pair: &[i16], first: &mut [i8], second: &mut [i8]);

    /// The same for any number of channels.
    #[inline(always)]
    fn convolve_by_rows(self, conv: &Conv2d<'_>, pair: &[i16], first: &mut [i8], second: &mut [i8]) {
        let block_len = block_len(pair.len() / 2);
        if block_len == 0 {
            return;
        }
        let blocks = conv.weights.chunks_exact(block_len);
        let (mut first, mut second) = (first.chunks_mut(SIDE), second.chunks_mut(SIDE));
        let zero_point = i32::from(conv.output_zero_point);
        for (block, (bias, multipliers)) in blocks.zip(conv.bias.chunks(SIDE).zip(conv.multipliers.chunks(SIDE))) {
            let [a, b] = self.four_rows_of_pair(block, pair);
            for (sums, codes) in [(a, first.next()), (b, second.next())] {
                let rows = sums.into_iter().zip(bias).zip(multipliers.iter());
                for (((sum, bias), multiplier), code) in rows.zip(codes.unwrap_or_default()) {
                    let value = requantize(sum + i32::from_le_bytes(*bias), multiplier) + zero_point;
                    *code = value.clamp(zero_point, 127) as i8;
                }
            }
        }
    }
}

/// Work that forms products. Its `run` and all that it calls are to be inlined, so that the compiler may use the processor's instructions in them too.
pub(super) trait Work {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run(self, products: impl Products) -> Self::Output;
}

/// Does the work with the fastest [`Products`] of the processor.
pub(super) fn with_products<W: Work>(work: W) -> W::Output {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if let Some(avx2) = super::avx2::Avx2::try_new() {
        return avx2.run(work);
    }
    work.run(Portable)
}

/// Portable code, but for what [`super::dsp`] has.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Products for Portable {
    #[inline(always)]
    fn four_rows(self, block: &[u8], x: &[i16]) -> [i32; SIDE] {
        #[cfg(arm_dsp)]
        if let Some(sums) = super::dsp::four_rows(block, x) {
            return sums;
        }
        portable_four_rows(block, x)
    }

    #[inline(always)]
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; SIDE]; 2] {
        portable_four_rows_of_pair(block, pair)
    }

    #[inline(always)]
    fn convolve(self, conv: &Conv2d<'_>, pair: &[i16], first: &mut [i8], second: &mut [i8]) {
        #[cfg(arm_dsp)]
        if super::dsp::convolve(conv, pair, first, second) {
            return;
        }
        self.convolve_by_rows(conv, pair, first, second);
    }
}

/// The products of a block of four rows with `x`, by the fastest kernel of the processor.
pub fn four_rows(block: &[u8], x: &[i16]) -> [i32; SIDE] {
    struct FourRows<'a>(&'a [u8], &'a [i16]);
    impl Work for FourRows<'_> {
        type Output = [i32; SIDE];

        #[inline(always)]
        fn run(self, products: impl Products) -> [i32; SIDE] {
            products.four_rows(self.0, self.1)
        }
    }
    with_products(FourRows(block, x))
}

/// The same for two vectors that stand interleaved: a group of the one, then that of the other; `[2][columns]`, columns a multiple of 4.
pub fn four_rows_of_pair(block: &[u8], pair: &[i16]) -> [[i32; SIDE]; 2] {
    struct FourRowsOfPair<'a>(&'a [u8], &'a [i16]);
    impl Work for FourRowsOfPair<'_> {
        type Output = [[i32; SIDE]; 2];

        #[inline(always)]
        fn run(self, products: impl Products) -> [[i32; SIDE]; 2] {
            products.four_rows_of_pair(self.0, self.1)
        }
    }
    with_products(FourRowsOfPair(block, pair))
}

/// [`four_rows`] in portable code.
pub fn portable_four_rows(block: &[u8], x: &[i16]) -> [i32; SIDE] {
    let mut lanes = [0; SIDE * SIDE];
    let (groups, _) = block.as_chunks::<{ SIDE * SIDE }>();
    let (quads, rest) = x.as_chunks::<SIDE>();
    let mut last = [0; SIDE];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    for (group, quad) in groups.iter().zip(quads.iter().chain(core::iter::once(&last))) {
        // A lane for each byte of the group, so that a workstation's compiler makes vectors of them.
        let [x0, x1, x2, x3] = *quad;
        let x = [x0, x2, x1, x3, x0, x2, x1, x3, x0, x2, x1, x3, x0, x2, x1, x3];
        for ((lane, w), x) in lanes.iter_mut().zip(group).zip(x) {
            *lane += i32::from(*w as i8) * i32::from(x);
        }
    }
    let (rows, _) = lanes.as_chunks::<SIDE>();
    let mut sums = [0; SIDE];
    sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum = row.iter().sum());
    sums
}

/// [`four_rows_of_pair`] in portable code.
pub fn portable_four_rows_of_pair(block: &[u8], pair: &[i16]) -> [[i32; SIDE]; 2] {
    let mut lanes = [[0; SIDE * SIDE]; 2];
    let (groups, _) = block.as_chunks::<{ SIDE * SIDE }>();
    let (pairs, _) = pair.as_chunks::<{ 2 * SIDE }>();
    for (group, pair) in groups.iter().zip(pairs) {
        let (quads, _) = pair.as_chunks::<SIDE>();
        for (lanes, &[x0, x1, x2, x3]) in lanes.iter_mut().zip(quads) {
            let x = [x0, x2, x1, x3, x0, x2, x1, x3, x0, x2, x1, x3, x0, x2, x1, x3];
            for ((lane, w), x) in lanes.iter_mut().zip(group).zip(x) {
                *lane += i32::from(*w as i8) * i32::from(x);
            }
        }
    }
    lanes.map(|lanes| {
        let (rows, _) = lanes.as_chunks::<SIDE>();
        let mut sums = [0; SIDE];
        sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum = row.iter().sum());
        sums
    })
}

/// Calls `row(Σ_k w[r][k] x[k])` for each row `r` of a packed matrix of `x.len()` columns, in order; last for those that fill it up.
pub fn matrix_vector(matrix: &[u8], x: &[i16], mut row: impl FnMut(i32)) {
    for block in matrix.chunks_exact(block_len(x.len()).max(1)) {
        four_rows(block, x).into_iter().for_each(&mut row);
    }
}
