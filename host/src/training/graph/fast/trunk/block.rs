//! One utterance through a convolution and its max pool. The map before the pool is never stored: its rows are made
//! when the pool takes them.
//!
//! A map is stored as `[row][band][channel]`. The input of a convolution is stored with the zeros of its padding around
//! it, so no position is a special case.

use pulp::{Simd, WithSimd};
use ser_core::spec::Padding;

use crate::training::graph::fast::vector::{LANES, Packed, Product, select, vectorised, vectors, vectors_mut};
use crate::training::graph::pool::Pool;
use crate::training::graph::statistics::Statistics;

/// Numbers of a block: convolution, max pool, batch norm with the magnitude of `scale`, ReLU.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Block {
    pub(in super::super) inputs: usize,
    pub(in super::super) outputs: usize,
    /// Rows and bands.
    pub(in super::super) kernel: [usize; 2],
    /// Zeros around the convolution's input.
    pub(in super::super) padding: Padding,
    pub(in super::super) pool: Pool,
    /// Whether training uses the batch's own statistics. If not, the `running` ones are used always.
    pub(in super::super) batch_norm: bool,
    /// `[output][input][row][band]`, oldest row first.
    pub(in super::super) weight: Vec<f32>,
    /// `[output]`.
    pub(in super::super) scale: Vec<f32>,
    /// `[output]`.
    pub(in super::super) shift: Vec<f32>,
    /// Running statistics.
    pub(in super::super) running: Statistics,
}

/// Gradients of a block's numbers, in their layouts.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct BlockGradient {
    pub(in super::super) weight: Vec<f32>,
    pub(in super::super) scale: Vec<f32>,
    pub(in super::super) shift: Vec<f32>,
}

/// Sizes of a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// Input channels.
    pub(super) inputs: usize,
    /// Values from one band of the input to the next.
    pub(super) input_stride: usize,
    /// Input bands.
    pub(super) bands: usize,
    /// Values in a row of the input, zeros included.
    pub(super) row_len: usize,
    /// Values that a row of the kernel covers in the input, rounded up to whole vectors.
    pub(super) run: usize,
    /// Output channels.
    pub(super) outputs: usize,
    /// Values from one band of the output to the next.
    pub(super) stride: usize,
    /// Output bands.
    pub(super) pooled_bands: usize,
    /// Values in an output row.
    pub(super) pooled_row_len: usize,
    /// Rows and bands of the convolution.
    pub(super) kernel: [usize; 2],
    /// Zeros around the convolution's input.
    padding: Padding,
    pub(super) pool: Pool,
}

impl Shape {
    /// Sizes of a block whose input has `bands` bands.
    pub(super) fn new(block: &Block, bands: usize, input_stride: usize) -> Self {
        let Block { inputs, outputs, kernel, padding, pool, .. } = *block;
        let run = (kernel[1] * input_stride).next_multiple_of(LANES);
        let stride = outputs.next_multiple_of(LANES);
        let pooled_bands = pool.bands(padding.output_len(bands, kernel[1]));
        let pooled_row_len = pooled_bands * stride;
        let row_len = (bands + 2 * Self::zeros(padding, kernel)[2]) * input_stride;
        Self {
            inputs,
            input_stride,
            bands,
            row_len,
            run,
            outputs,
            stride,
            pooled_bands,
            pooled_row_len,
            kernel,
            padding,
            pool,
        }
    }

    /// Zeros around an input: rows before it, rows after it, bands on either side.
    fn zeros(padding: Padding, [rows, bands]: [usize; 2]) -> [usize; 3] {
        match padding {
            Padding::Causal => [rows - 1, 0, bands / 2],
            Padding::Same => [rows / 2, rows / 2, bands / 2],
            Padding::Valid => [0, 0, 0],
        }
    }

    /// An input of `rows` rows, all zero. A vector may begin at the last value: there is room for it.
    pub(super) fn input_zeros(&self, rows: usize) -> Vec<f32> {
        let [before, behind, _] = Self::zeros(self.padding, self.kernel);
        vec![0.0; (before + rows + behind) * self.row_len + LANES]
    }

    /// Where the values of a row are in an input, without the zeros beside them.
    pub(super) fn input_row(&self, row: usize) -> std::ops::Range<usize> {
        let [before, _, beside] = Self::zeros(self.padding, self.kernel);
        let start = (before + row) * self.row_len + beside * self.input_stride;
        start..start + self.bands * self.input_stride
    }

    /// Output rows for `rows` input rows.
    pub(super) fn pooled_rows(&self, rows: usize) -> usize {
        self.pool.rows(self.padding.output_len(rows, self.kernel[0]))
    }

    /// Where each position of a pool's block begins to read in the input, relative to the first position.
    pub(super) fn pool_offsets(&self) -> Vec<usize> {
        let [rows, bands] = self.pool.size;
        (0..rows).flat_map(|row| (0..bands).map(move |band| row * self.row_len + band * self.input_stride)).collect()
    }

    /// Where the first position of a block begins to read in the input.
    pub(super) fn block_start(&self, row: usize, band: usize) -> usize {
        row * self.pool.stride[0] * self.row_len + band * self.pool.stride[1] * self.input_stride
    }
}

/// Output of the pool.
#[derive(Clone, Debug)]
pub(super) struct Pooled {
    /// `[row][band][channel]`.
    pub(super) values: Vec<f32>,
    /// The position in the pool's block that each value comes from: an index into [`Shape::pool_offsets`].
    pub(super) winners: Vec<u32>,
}

/// Weights `[output][input][row][band]` in the order in which [`convolve`] reads them.
pub(super) fn pack(shape: &Shape, weights: &[f32]) -> Packed {
    let [rows, bands] = shape.kernel;
    Packed::new(rows * bands * shape.inputs, shape.outputs, |at, output| {
        let (position, input) = (at / shape.inputs, at % shape.inputs);
        weights[(output * shape.inputs + input) * rows * bands + position]
    })
}

/// Convolution and max pool of an input of `rows` rows.
pub(super) fn convolve(shape: &Shape, weights: &Packed, input: &[f32], rows: usize) -> Pooled {
    let [pool_rows, pool_bands] = shape.pool.size;
    let [kernel_rows, kernel_bands] = shape.kernel;
    // Bands without gaps between them make one run.
    let (runs, run) = if shape.inputs == shape.input_stride {
        (1, kernel_bands * shape.inputs)
    } else {
        (kernel_bands, shape.inputs)
    };
    let starts: Vec<usize> = (0..kernel_rows)
        .flat_map(|row| (0..runs).map(move |band| row * shape.row_len + band * shape.input_stride))
        .collect();
    let len = shape.pooled_rows(rows) * shape.pooled_row_len;
    let mut pooled = Pooled { values: vec![0.0; len], winners: vec![0; len] };
    let row_len = ((shape.pooled_bands - 1) * shape.pool.stride[1] + pool_bands) * shape.stride;
    let mut unpooled = vec![0.0; pool_rows * row_len];
    let of_rows =
        pooled.values.chunks_exact_mut(shape.pooled_row_len).zip(pooled.winners.chunks_exact_mut(shape.pooled_row_len));
    for (row, (values, winners)) in of_rows.enumerate() {
        // Rows that this block shares with the one before.
        let shared = if row > 0 { pool_rows - shape.pool.stride[0] } else { 0 };
        unpooled.copy_within((pool_rows - shared) * row_len.., 0);
        for (within, out) in unpooled.chunks_exact_mut(row_len).enumerate().skip(shared) {
            let input = &input[shape.block_start(row, 0) + within * shape.row_len..];
            vectorised(Product {
                input,
                starts: &starts,
                run,
                step: shape.input_stride,
                weights,
                out,
                accumulate: false,
            });
        }
        vectorised(Maxima { pool: shape.pool, stride: shape.stride, unpooled: &unpooled, values, winners });
    }
    pooled
}

/// Maxima over one row of blocks; the first of equal values wins.
struct Maxima<'a> {
    pool: Pool,
    /// Values from one band to the next.
    stride: usize,
    /// `[row of a block][band][channel]`.
    unpooled: &'a [f32],
    /// `[band of blocks][channel]`.
    values: &'a mut [f32],
    winners: &'a mut [u32],
}

impl WithSimd for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [rows, bands] = self.pool.size;
        let stride = self.stride / S::F32_LANES;
        let unpooled = vectors::<S>(self.unpooled);
        let values = vectors_mut::<S>(self.values);
        let (winners, _) = S::as_mut_simd_u32s(self.winners);
        let row_len = unpooled.len() / rows;
        for pooled_band in 0..values.len() / stride {
            for channel in 0..stride {
                let first = pooled_band * self.pool.stride[1] * stride + channel;
                let mut best = unpooled[first];
                let mut from = simd.splat_u32s(0);
                let mut position = 0;
                for row in 0..rows {
                    for band in 0..bands {
                        let candidate = unpooled[first + row * row_len + band * stride];
                        let larger = simd.greater_than_f32s(candidate, best);
                        best = select(simd, larger, candidate, best);
                        from = simd.select_u32s(larger, simd.splat_u32s(position), from);
                        position += 1;
                    }
                }
                values[pooled_band * stride + channel] = best;
                winners[pooled_band * stride + channel] = from;
            }
        }
    }
}
