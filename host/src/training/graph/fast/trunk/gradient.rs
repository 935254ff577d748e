//! Gradients of a convolution for one utterance.
//!
//! A max pool passes the gradient of a value to the one position that the value came from. The other positions get zero
//! and are skipped: a quarter of the work remains after a pool of 2×2. Gradients that ReLU has cut are skipped too.
//! Where blocks overlap, a position may get several gradients, which add up.

use pulp::{Simd, WithSimd};

use super::block::Shape;
use crate::training::graph::fast::vector::{store, vectorised, vectors};

impl Shape {
    /// Number of values in a gradient of the weights, `[output][kernel row][run]`.
    fn spread_len(&self) -> usize {
        self.outputs * self.kernel[0] * self.run
    }

    /// Place of weight `[output, input, row, band]` in that gradient.
    fn spread_index(&self, [output, input, row, band]: [usize; 4]) -> usize {
        (output * self.kernel[0] + row) * self.run + band * self.input_stride + input
    }

    /// All weights as `[output, input, row, band]`, in the order of Burn's tensors.
    fn weights(&self) -> impl Iterator<Item = [usize; 4]> {
        let [inputs, rows, bands] = [self.inputs, self.kernel[0], self.kernel[1]];
        (0..self.outputs * inputs * rows * bands)
            .map(move |at| [at / (inputs * rows * bands), at / (rows * bands) % inputs, at / bands % rows, at % bands])
    }

    /// Weights from Burn's order to the order of [`input_gradient`].
    pub(super) fn spread(&self, weights: &[f32]) -> Vec<f32> {
        let mut spread = vec![0.0; self.spread_len()];
        for (weight, at) in weights.iter().zip(self.weights()) {
            spread[self.spread_index(at)] = *weight;
        }
        spread
    }

    /// The inverse of [`Shape::spread`].
    pub(super) fn gather(&self, spread: &[f32]) -> Vec<f32> {
        self.weights().map(|at| spread[self.spread_index(at)]).collect()
    }
}

/// Gradient of the weights, for [`Shape::gather`]. `of_pooled` is the gradient of the pool's output; `winners` says
/// where each value came from.
pub(super) fn weight_gradient(shape: &Shape, input: &[f32], of_pooled: &[f32], winners: &[u32]) -> Vec<f32> {
    let mut out = vec![0.0; shape.spread_len()];
    vectorised(Weights { shape, input, of_pooled, winners, offsets: &shape.pool_offsets(), out: &mut out });
    out
}

struct Weights<'a> {
    shape: &'a Shape,
    input: &'a [f32],
    of_pooled: &'a [f32],
    winners: &'a [u32],
    offsets: &'a [usize],
    out: &'a mut [f32],
}

impl WithSimd for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let shape = self.shape;
        let (run, [kernel_rows, _]) = (shape.run, shape.kernel);
        // The gradients of one row of one channel, and where the input values that they multiply begin.
        let mut came: Vec<(f32, usize)> = Vec::with_capacity(shape.pooled_bands);
        for row in 0..self.of_pooled.len() / shape.pooled_row_len {
            let gradients = &self.of_pooled[row * shape.pooled_row_len..][..shape.pooled_row_len];
            let winners = &self.winners[row * shape.pooled_row_len..][..shape.pooled_row_len];
            for output in 0..shape.outputs {
                came.clear();
                let (mut position, mut start) = (output, shape.block_start(row, 0));
                while position < shape.pooled_row_len {
                    if gradients[position] != 0.0 {
                        came.push((gradients[position], start + self.offsets[winners[position] as usize]));
                    }
                    position += shape.stride;
                    start += shape.block_start(0, 1);
                }
                // Several sums at a time hide the latency of an addition: the sums of a run, and of several kernel
                // rows.
                let mut kernel_row = 0;
                while kernel_row < kernel_rows {
                    let left = kernel_rows - kernel_row;
                    let together = match run / S::F32_LANES {
                        1 | 2 if left >= 5 => 5,
                        1..=3 if left >= 3 => 3,
                        _ => 1,
                    };
                    let mut at = 0;
                    while at < run {
                        let place = [output, kernel_row, at];
                        at += S::F32_LANES
                            * match (together, (run - at) / S::F32_LANES) {
                                (5, 1) => self.sum::<S, 5, 1>(simd, &came, place),
                                (5, _) => self.sum::<S, 5, 2>(simd, &came, place),
                                (3, 1) => self.sum::<S, 3, 1>(simd, &came, place),
                                (3, 2) => self.sum::<S, 3, 2>(simd, &came, place),
                                (3, _) => self.sum::<S, 3, 3>(simd, &came, place),
                                (_, 6..) => self.sum::<S, 1, 6>(simd, &came, place),
                                (_, 3..) => self.sum::<S, 1, 3>(simd, &came, place),
                                _ => self.sum::<S, 1, 1>(simd, &came, place),
                            };
                    }
                    kernel_row += together;
                }
            }
        }
    }
}

impl Weights<'_> {
    /// Adds the share of one row to `K` rows of the kernel and `V` vectors of their runs; returns `V`.
    #[inline(always)]
    fn sum<S: Simd, const K: usize, const V: usize>(
        &mut self,
        simd: S,
        came: &[(f32, usize)],
        [output, kernel_row, at]: [usize; 3],
    ) -> usize {
        let (row_len, run) = (self.shape.row_len, self.shape.run);
        let mut sums = [[simd.splat_f32s(0.0); V]; K];
        let input = &self.input[kernel_row * row_len + at..];
        for &(gradient, start) in came {
            let gradient = simd.splat_f32s(gradient);
            let rows = &input[start..][..(K - 1) * row_len + V * S::F32_LANES];
            for (k, sums) in sums.iter_mut().enumerate() {
                let values = vectors::<S>(&rows[k * row_len..][..V * S::F32_LANES]);
                for v in 0..V {
                    sums[v] = simd.mul_add_e_f32s(gradient, values[v], sums[v]);
                }
            }
        }
        for (k, sums) in sums.iter().enumerate() {
            let start = (output * self.shape.kernel[0] + kernel_row + k) * run + at;
            store(simd, &mut self.out[start..][..V * S::F32_LANES], sums, true);
        }
        V
    }
}

/// Gradient of an input of `rows` rows, `[row][band][channel]` without the zeros around it. `weights` come from
/// [`Shape::spread`]. Bands of the input must begin at whole vectors.
pub(super) fn input_gradient(
    shape: &Shape,
    weights: &[f32],
    rows: usize,
    of_pooled: &[f32],
    winners: &[u32],
) -> Vec<f32> {
    let mut padded = shape.input_zeros(rows);
    vectorised(Input { shape, weights, of_pooled, winners, offsets: &shape.pool_offsets(), out: &mut padded });
    let mut out = Vec::with_capacity(rows * shape.bands * shape.input_stride);
    (0..rows).for_each(|row| out.extend_from_slice(&padded[shape.input_row(row)]));
    out
}

struct Input<'a> {
    shape: &'a Shape,
    weights: &'a [f32],
    of_pooled: &'a [f32],
    winners: &'a [u32],
    offsets: &'a [usize],
    out: &'a mut [f32],
}

impl WithSimd for Input<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let shape = self.shape;
        let (run, stride, outputs) = (shape.run, shape.stride, shape.outputs);
        // Channels, sorted by the position in the block that they came from: channels of one position are summed before
        // the sum is stored.
        let mut came = vec![0; self.offsets.len() * outputs];
        let mut counts = vec![0; self.offsets.len()];
        for position in 0..self.of_pooled.len() / stride {
            let (row, band) = (position / shape.pooled_bands, position % shape.pooled_bands);
            let start = shape.block_start(row, band);
            let gradients = &self.of_pooled[position * stride..][..outputs];
            let winners = &self.winners[position * stride..][..outputs];
            counts.fill(0);
            for (output, &winner) in winners.iter().enumerate().filter(|(output, _)| gradients[*output] != 0.0) {
                let winner = winner as usize;
                came[winner * outputs + counts[winner]] = output;
                counts[winner] += 1;
            }
            for winner in 0..counts.len() {
                let came = &came[winner * outputs..][..counts[winner]];
                for kernel_row in 0..shape.kernel[0] {
                    let mut at = 0;
                    while at < run {
                        let to = start + self.offsets[winner] + kernel_row * shape.row_len + at;
                        let from = kernel_row * run + at;
                        at += S::F32_LANES
                            * match (run - at) / S::F32_LANES {
                                6.. => self.sum::<S, 6>(simd, gradients, came, from, to),
                                3.. => self.sum::<S, 3>(simd, gradients, came, from, to),
                                _ => self.sum::<S, 1>(simd, gradients, came, from, to),
                            };
                    }
                }
            }
        }
    }
}

impl Input<'_> {
    /// Multiplies the gradients of some channels with `V` vectors of their weights from `from` on, and adds the
    /// products at `to`; returns `V`.
    #[inline(always)]
    fn sum<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        gradients: &[f32],
        outputs: &[usize],
        from: usize,
        to: usize,
    ) -> usize {
        let of_output = self.shape.kernel[0] * self.shape.run;
        let mut sums = [simd.splat_f32s(0.0); V];
        for &output in outputs {
            let gradient = simd.splat_f32s(gradients[output]);
            let weights = vectors::<S>(&self.weights[output * of_output + from..][..V * S::F32_LANES]);
            for v in 0..V {
                sums[v] = simd.mul_add_e_f32s(gradient, weights[v], sums[v]);
            }
        }
        store(simd, &mut self.out[to..][..V * S::F32_LANES], &sums, true);
        V
    }
}
