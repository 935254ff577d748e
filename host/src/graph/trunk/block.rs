//! One utterance through a convolution and its max pool. The map before the pool is never stored: its rows are made when the
//! pool takes them.
//!
//! A map is stored as `[row][band][channel]`. That which a convolution reads has rows of zeros before it and bands of zeros beside it,
//! so that no position is a special case.

use pulp::{Simd, WithSimd};

use super::super::vector::{LANES, Packed, Product, vectorised};

/// Sizes of a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// Channels that enter.
    pub(super) inputs: usize,
    /// From one band of the input to the next.
    pub(super) input_stride: usize,
    /// Bands that enter.
    pub(super) bands: usize,
    /// Channels that leave.
    pub(super) outputs: usize,
    /// Rows and bands of the convolution.
    pub(super) kernel: [usize; 2],
    /// Rows and bands of the pool.
    pub(super) pool: [usize; 2],
}

impl Shape {
    /// Bands of zeros on each side of the input.
    pub(super) fn beside(&self) -> usize {
        self.kernel[1] / 2
    }

    /// Values in a row of the input, zeros included.
    pub(super) fn row_len(&self) -> usize {
        (self.bands + 2 * self.beside()) * self.input_stride
    }

    /// An input of so many rows, all zero. There is room for vectors that begin at a last value.
    pub(super) fn input_zeros(&self, rows: usize) -> Vec<f32> {
        vec![0.0; (self.kernel[0] - 1 + rows) * self.row_len() + LANES]
    }

    /// Where in an input the values of row `row` are, and those of the bands beside it are not.
    pub(super) fn input_row(&self, row: usize) -> std::ops::Range<usize> {
        let start = (self.kernel[0] - 1 + row) * self.row_len() + self.beside() * self.input_stride;
        start..start + self.bands * self.input_stride
    }

    /// From one band of the output to the next.
    pub(super) fn stride(&self) -> usize {
        self.outputs.next_multiple_of(LANES)
    }

    /// Bands that leave.
    pub(super) fn pooled_bands(&self) -> usize {
        self.bands / self.pool[1]
    }

    /// Rows that leave for so many that enter.
    pub(super) fn pooled_rows(&self, rows: usize) -> usize {
        rows / self.pool[0]
    }

    /// Values in a row that leaves.
    pub(super) fn pooled_row_len(&self) -> usize {
        self.pooled_bands() * self.stride()
    }

    /// Where each position of a pool's block begins to read in the input, counted from the first one.
    pub(super) fn pool_offsets(&self) -> Vec<usize> {
        let [rows, bands] = self.pool;
        (0..rows).flat_map(|row| (0..bands).map(move |band| row * self.row_len() + band * self.input_stride)).collect()
    }
}

/// What leaves the pool.
#[derive(Clone, Debug)]
pub(super) struct Pooled {
    /// `[row][band][channel]`.
    pub(super) values: Vec<f32>,
    /// Which position of the pool's block each value comes from: an index into [`Shape::pool_offsets`].
    pub(super) winners: Vec<u32>,
}

/// Weights of a convolution in the order in which [`convolve`] reads them; `element(output, input, row, band)` gives them.
pub(super) fn pack(shape: &Shape, element: impl Fn([usize; 4]) -> f32) -> Packed {
    let [rows, bands] = shape.kernel;
    Packed::new(rows * bands * shape.inputs, shape.outputs, |at, output| {
        let (position, input) = (at / shape.inputs, at % shape.inputs);
        element([output, input, position / bands, position % bands])
    })
}

/// Convolution and max pool of an input of so many rows.
pub(super) fn convolve(shape: &Shape, weights: &Packed, input: &[f32], rows: usize) -> Pooled {
    let [pool_rows, _] = shape.pool;
    let [kernel_rows, kernel_bands] = shape.kernel;
    // Bands without a gap between them are one run.
    let (runs, run) = if shape.inputs == shape.input_stride { (1, kernel_bands * shape.inputs) } else { (kernel_bands, shape.inputs) };
    let starts: Vec<usize> =
        (0..kernel_rows).flat_map(|row| (0..runs).map(move |band| row * shape.row_len() + band * shape.input_stride)).collect();
    let len = shape.pooled_rows(rows) * shape.pooled_row_len();
    let mut pooled = Pooled { values: vec![0.0; len], winners: vec![0; len] };
    let positions = shape.pooled_bands() * shape.pool[1];
    let mut unpooled = vec![0.0; pool_rows * positions * shape.stride()];
    let of_rows = pooled.values.chunks_exact_mut(shape.pooled_row_len()).zip(pooled.winners.chunks_exact_mut(shape.pooled_row_len()));
    for (row, (values, winners)) in of_rows.enumerate() {
        for (within, out) in unpooled.chunks_exact_mut(positions * shape.stride()).enumerate() {
            let input = &input[(row * pool_rows + within) * shape.row_len()..];
            vectorised(Product { input, starts: &starts, run, step: shape.input_stride, weights, out, accumulate: false });
        }
        vectorised(Pool { pool: shape.pool, stride: shape.stride(), unpooled: &unpooled, values, winners });
    }
    pooled
}

/// Maxima over the blocks of one row of blocks; the first of equals wins.
struct Pool<'a> {
    pool: [usize; 2],
    /// From one band to the next.
    stride: usize,
    /// `[row of a block][band][channel]`.
    unpooled: &'a [f32],
    /// `[band of blocks][channel]`.
    values: &'a mut [f32],
    winners: &'a mut [u32],
}

impl WithSimd for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [rows, bands] = self.pool;
        let stride = self.stride / S::F32_LANES;
        let (unpooled, _) = S::as_simd_f32s(self.unpooled);
        let (values, _) = S::as_mut_simd_f32s(self.values);
        let (winners, _) = S::as_mut_simd_u32s(self.winners);
        let row_len = unpooled.len() / rows;
        for (at, (value, winner)) in values.iter_mut().zip(winners).enumerate() {
            let first = at / stride * bands * stride + at % stride;
            let (mut best, mut from) = (unpooled[first], simd.splat_u32s(0));
            let others = (0..rows).flat_map(|row| (0..bands).map(move |band| first + row * row_len + band * stride));
            for (other, position) in others.zip(0u32..).skip(1) {
                let candidate = unpooled[other];
                let larger = simd.greater_than_f32s(candidate, best);
                best = simd.select_f32s(larger, candidate, best);
                from = simd.select_u32s(larger, simd.splat_u32s(position), from);
            }
            (*value, *winner) = (best, from);
        }
    }
}
