//! Products of int8 matrices and int16 vectors, accumulated in int32.
//!
//! A matrix `[rows][columns]` is stored packed, as the fastest kernels read it: four rows at a time, of these four
//! columns at a time, and of these for each row one word, with the columns in the order 0, 2, 1, 3. In this order a
//! Cortex-M takes a word apart into two pairs of neighbours with two instructions (SXTB16), and meets the pairs of a
//! vector that it reads as it is. What fills up the last rows and columns is 0.
//!
//! `Model::parse` has proved for every row that the sum can't leave int32 in whatever order it is formed, so a kernel
//! may choose its own.

use super::conv2d::Conv2d;
#[cfg(not(arm_dsp))]
use super::lstm::{UNITS_AT_A_TIME, advance};
use crate::quant::{Multiplier, requantize};

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

/// `Σ |w|` of a row of a packed matrix; None when it is not there, one of its weights is -128, or what fills it up is
/// not 0.
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

    /// The same for two vectors that stand interleaved: a group of the one, then that of the other; `[2][columns]`,
    /// columns a multiple of 4.
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; SIDE]; 2];

    /// What makes the outputs of a convolution at a band and at the next, `[2][channels]` or, at the last band,
    /// `[channels]`, from the rows that the kernel sees; with work memory for a pair.
    #[inline(always)]
    fn convolver(self, conv: &Conv2d<'_>) -> impl Fn(&[&[i8]], usize, &mut [i16], &mut [i8]) {
        #[inline(always)]
        move |rows: &[&[i8]], band: usize, pair: &mut [i16], outputs: &mut [i8]| {
            conv.gather(rows, band, pair);
            let (first, second) = outputs.split_at_mut_checked(conv.channels).unwrap_or_default();
            self.convolve(conv, pair, first, second);
        }
    }

    /// The new cells and hidden states of LSTM units, as many as there are cells, from their gates before their
    /// activation, Q3.12.
    #[cfg(not(arm_dsp))]
    #[inline(always)]
    fn advance(self, gates: &[[i16; 4]; UNITS_AT_A_TIME], cells: &mut [i32], hidden: &mut [i16]) {
        gates
            .iter()
            .zip(cells.iter_mut().zip(hidden))
            .for_each(|(gates, (cell, hidden))| advance(*gates, cell, hidden));
    }

    /// The outputs of a convolution at two positions, `[channels]` each, from what these see; the second may be empty.
    #[inline(always)]
    fn convolve(self, conv: &Conv2d<'_>, pair: &[i16], first: &mut [i8], second: &mut [i8]) {
        self.convolve_by_rows(conv, pair, first, second);
    }

    /// Does the same for any number of channels.
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
                    *code = output_code(sum + i32::from_le_bytes(*bias), multiplier, zero_point);
                }
            }
        }
    }
}

/// A convolution's output from its sum.
#[inline(always)]
fn output_code(sum: i32, multiplier: Multiplier, zero_point: i32) -> i8 {
    (requantize(sum, multiplier) + zero_point).clamp(zero_point, 127) as i8
}

/// Work that forms products. Its `run` and all that it calls are to be inlined, so that the compiler may use the
/// processor's instructions in them too.
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
        return super::dsp::four_rows(block, x).unwrap_or_else(|| four_rows_without_kernel(block, x));
        #[cfg(not(arm_dsp))]
        portable_four_rows(block, x)
    }

    #[inline(always)]
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; SIDE]; 2] {
        portable_four_rows_of_pair(block, pair)
    }

    #[cfg(arm_dsp)]
    #[inline(always)]
    fn convolver(self, conv: &Conv2d<'_>) -> impl Fn(&[&[i8]], usize, &mut [i16], &mut [i8]) {
        let kernel = super::dsp::Convolver::new(conv);
        #[inline(always)]
        move |rows: &[&[i8]], band: usize, pair: &mut [i16], outputs: &mut [i8]| {
            if let (Some(kernel), Some(seen)) = (&kernel, conv.seen_3x3(rows, band))
                && kernel.run_3x3(&seen, outputs)
            {
                return;
            }
            conv.gather(rows, band, pair);
            if outputs.len() == conv.channels {
                // The last of an odd number of positions, as both of a pair.
                for [first, second] in pair.as_chunks_mut::<SIDE>().0.as_chunks_mut::<2>().0 {
                    *second = *first;
                }
            }
            if !kernel.as_ref().is_some_and(|kernel| kernel.run(pair, outputs)) {
                convolve_without_kernel(conv, pair, outputs);
            }
        }
    }
}

/// `Σ_k w[row][k] x(k)`, as small as can be: for what a kernel does not take.
#[cfg(arm_dsp)]
pub(super) fn row_sum(matrix: &[u8], row: usize, columns: usize, x: impl Fn(usize) -> i16) -> i32 {
    let weight =
        |column: usize| matrix.get(packed_index(row, column, columns)).map_or(0, |weight| i32::from(*weight as i8));
    (0..columns).map(|column| weight(column) * i32::from(x(column))).sum()
}

/// By itself, so that the usual way need not have its stack.
#[cfg(arm_dsp)]
#[cold]
#[inline(never)]
fn four_rows_without_kernel(block: &[u8], x: &[i16]) -> [i32; SIDE] {
    [0, 1, 2, 3].map(|row| row_sum(block, row, x.len(), |column| x.get(column).copied().unwrap_or_default()))
}

/// By itself, as well.
#[cfg(arm_dsp)]
#[cold]
#[inline(never)]
fn convolve_without_kernel(conv: &Conv2d<'_>, pair: &[i16], outputs: &mut [i8]) {
    for (lane, codes) in outputs.chunks_mut(conv.channels.max(1)).enumerate() {
        let seen = |column: usize| {
            pair.get(column / SIDE * 2 * SIDE + lane * SIDE + column % SIDE).copied().unwrap_or_default()
        };
        for ((row, code), (bias, multiplier)) in
            codes.iter_mut().enumerate().zip(conv.bias.iter().zip(conv.multipliers.iter()))
        {
            let sum = row_sum(conv.weights, row, pair.len() / 2, seen) + i32::from_le_bytes(*bias);
            *code = output_code(sum, multiplier, i32::from(conv.output_zero_point));
        }
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

/// The same for two vectors that stand interleaved: a group of the one, then that of the other; `[2][columns]`, columns
/// a multiple of 4.
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

/// The sums of a block while they are formed, in portable code.
struct Sums {
    /// Where the processor has vectors, one for each byte of a group, so that the compiler makes vectors of them; else
    /// one for each row.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    lanes: [i32; SIDE * SIDE],
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    rows: [i32; SIDE],
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
impl Sums {
    const ZERO: Self = Self { lanes: [0; SIDE * SIDE] };

    #[inline(always)]
    fn add(&mut self, group: &[u8; SIDE * SIDE], &[x0, x1, x2, x3]: &[i16; SIDE]) {
        let x = [x0, x2, x1, x3, x0, x2, x1, x3, x0, x2, x1, x3, x0, x2, x1, x3];
        for ((lane, w), x) in self.lanes.iter_mut().zip(group).zip(x) {
            *lane += i32::from(*w as i8) * i32::from(x);
        }
    }

    #[inline(always)]
    fn rows(self) -> [i32; SIDE] {
        let (rows, _) = self.lanes.as_chunks::<SIDE>();
        let mut sums = [0; SIDE];
        sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum = row.iter().sum());
        sums
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Sums {
    const ZERO: Self = Self { rows: [0; SIDE] };

    #[inline(always)]
    fn add(&mut self, group: &[u8; SIDE * SIDE], &[x0, x1, x2, x3]: &[i16; SIDE]) {
        let product = |w: u8, x: i16| i32::from(w as i8) * i32::from(x);
        for (sum, &[w0, w2, w1, w3]) in self.rows.iter_mut().zip(group.as_chunks::<SIDE>().0) {
            *sum += product(w0, x0) + product(w1, x1) + product(w2, x2) + product(w3, x3);
        }
    }

    #[inline(always)]
    fn rows(self) -> [i32; SIDE] {
        self.rows
    }
}

/// [`four_rows`] in portable code.
pub fn portable_four_rows(block: &[u8], x: &[i16]) -> [i32; SIDE] {
    let mut sums = Sums::ZERO;
    let (groups, _) = block.as_chunks::<{ SIDE * SIDE }>();
    let (quads, rest) = x.as_chunks::<SIDE>();
    let mut last = [0; SIDE];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    groups.iter().zip(quads.iter().chain(core::iter::once(&last))).for_each(|(group, quad)| sums.add(group, quad));
    sums.rows()
}

/// [`four_rows_of_pair`] in portable code.
pub fn portable_four_rows_of_pair(block: &[u8], pair: &[i16]) -> [[i32; SIDE]; 2] {
    let (mut first, mut second) = (Sums::ZERO, Sums::ZERO);
    let (groups, _) = block.as_chunks::<{ SIDE * SIDE }>();
    let (quads, _) = pair.as_chunks::<SIDE>();
    for (group, quads) in groups.iter().zip(quads.as_chunks::<2>().0) {
        first.add(group, &quads[0]);
        second.add(group, &quads[1]);
    }
    [first.rows(), second.rows()]
}

/// Calls `row(Σ_k w[r][k] x[k])` for each row `r` of a packed matrix of `x.len()` columns, in order; last for those
/// that fill it up.
pub fn matrix_vector(matrix: &[u8], x: &[i16], mut row: impl FnMut(i32)) {
    for block in matrix.chunks_exact(block_len(x.len()).max(1)) {
        four_rows(block, x).into_iter().for_each(&mut row);
    }
}
