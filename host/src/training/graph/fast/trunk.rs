//! The convolution blocks, outside of Burn: forward over a batch, and backward from a gradient of their output.
//!
//! Nothing before the blocks needs a gradient, so they need not be part of Burn's graph: their output is a leaf of it.
//! Utterances are computed in parallel, and sums over utterances run in the order of the utterances, so the number of
//! threads changes no bit.

mod block;
mod gradient;
mod norm;

use std::borrow::Cow;

use rayon::prelude::*;
use ser_core::spec;

use crate::training::graph::batch::Batch;
use crate::training::graph::core_outputs::Outputs;
use crate::training::graph::pool::Pool;
use crate::training::graph::statistics::{Norming, Statistics};
pub(super) use block::{Block, BlockGradient};
use block::{Pooled, Shape, convolve, pack};
use gradient::{input_gradient, weight_gradient};
use norm::{Moments, Norm, Sums, statistics_of};

/// A batch after the blocks, with everything that the backward pass needs.
#[derive(Debug)]
pub(super) struct Pass {
    levels: Vec<Level>,
    /// Output of the last block, `[step][utterance][band][channel]`.
    pub(super) sequence: Vec<f32>,
    /// Steps of each utterance.
    pub(super) steps: usize,
}

/// A block and what went through it.
#[derive(Debug)]
struct Level {
    block: Block,
    shape: Shape,
    norm: Norm,
    norming: Norming,
    statistics: Statistics,
    rows: usize,
    utterances: Vec<Kept>,
}

/// One utterance at one block.
#[derive(Debug)]
struct Kept {
    /// The input, with the zeros around it.
    input: Vec<f32>,
    pooled: Pooled,
    /// Values that replace the output, in the layout of the pooled values.
    output: Option<Vec<f32>>,
}

impl Pass {
    /// A batch through a max pool and the blocks; its rows have the shape `input`. There must be at least one step.
    ///
    /// `outputs`, one for each block, replace the outputs of the blocks. The backward pass treats them as the blocks'
    /// own, with the maxima of the pools where the blocks have them.
    pub(super) fn new(
        batch: &Batch,
        input: spec::Shape,
        first_pool: Pool,
        blocks: Vec<Block>,
        norming: Norming,
        outputs: Option<&[Outputs]>,
    ) -> Self {
        let features: Vec<Cow<'_, [f32]>> = batch
            .values
            .par_chunks_exact(batch.rows * input.len())
            .map(|utterance| pool_features(utterance, input, first_pool))
            .collect();
        let (mut rows, mut bands) = (first_pool.rows(batch.rows), first_pool.bands(input.bands));
        let mut levels: Vec<Level> = Vec::with_capacity(blocks.len());
        for block in blocks {
            let before = levels.last();
            let outputs_of_block = outputs.and_then(|outputs| outputs.get(levels.len()));
            let norming = if block.batch_norm { norming } else { Norming::Running };
            let input_stride = before.map_or(block.inputs, |before| before.shape.stride);
            let shape = Shape::new(&block, bands, input_stride);
            let weights = pack(&shape, &block.weight);
            let (utterances, moments): (Vec<Kept>, Vec<Option<Moments>>) = features
                .par_iter()
                .enumerate()
                .map(|(utterance, features)| {
                    let mut input = shape.input_zeros(rows);
                    let values = match before {
                        Some(before) => Cow::Owned(before.output(&before.utterances[utterance])),
                        None => Cow::Borrowed(&**features),
                    };
                    for (row, values) in values.chunks_exact(bands * input_stride).enumerate() {
                        input[shape.input_row(row)].copy_from_slice(values);
                    }
                    let pooled = convolve(&shape, &weights, &input, rows);
                    let moments = (norming == Norming::Batch).then(|| Moments::of(&pooled.values, shape.stride));
                    let output = outputs_of_block
                        .and_then(|outputs| outputs.get(utterance))
                        .map(|output| shape.pad_channels(output, rows));
                    (Kept { input, pooled, output }, moments)
                })
                .unzip();
            let statistics = match norming {
                Norming::Batch => {
                    let moments: Vec<Moments> = moments.into_iter().flatten().collect();
                    statistics_of(&moments, shape.pooled_rows(rows) * shape.pooled_bands, shape.outputs)
                }
                Norming::Running => block.running.clone(),
            };
            let scale: Vec<f32> = block.scale.iter().map(|scale| scale.abs()).collect();
            let norm = Norm::new(&scale, &block.shift, &statistics, shape.stride);
            let pooled = (shape.pooled_rows(rows), shape.pooled_bands);
            levels.push(Level { block, shape, norm, norming, statistics, rows, utterances });
            (rows, bands) = pooled;
        }
        let (outputs, channels, stride): (Vec<Cow<'_, [f32]>>, usize, usize) = match levels.last() {
            Some(last) => {
                let outputs = last.utterances.par_iter().map(|kept| last.output(kept).into()).collect();
                (outputs, last.shape.outputs, last.shape.stride)
            }
            None => (features, input.channels, input.channels),
        };
        let mut sequence = Vec::with_capacity(rows * outputs.len() * bands * channels);
        for row in 0..rows {
            for output in &outputs {
                let of_row = &output[row * bands * stride..(row + 1) * bands * stride];
                of_row.chunks_exact(stride).for_each(|band| sequence.extend_from_slice(&band[..channels]));
            }
        }
        Self { levels, sequence, steps: rows }
    }

    /// Statistics of each block over the batch.
    pub(super) fn statistics(&self) -> impl Iterator<Item = &Statistics> {
        self.levels.iter().map(|level| &level.statistics)
    }

    /// Gradients of each block, in order, from the gradient of [`Pass::sequence`].
    pub(super) fn backward(&self, of_sequence: &[f32]) -> Vec<BlockGradient> {
        let Some(last) = self.levels.last() else { return Vec::new() };
        let mut gradients = last.spread_channels(of_sequence);
        let mut of_blocks: Vec<BlockGradient> = Vec::with_capacity(self.levels.len());
        for (place, level) in self.levels.iter().enumerate().rev() {
            let (of_block, of_input) = level.backward(gradients, place > 0);
            of_blocks.push(of_block);
            gradients = of_input;
        }
        of_blocks.reverse();
        of_blocks
    }
}

impl Shape {
    /// An output `[row][band][channel]` with padded channels. Rows that it lacks, of those that a block makes from
    /// `rows` input rows, become zeros.
    fn pad_channels(&self, output: &[f32], rows: usize) -> Vec<f32> {
        let mut padded = vec![0.0; self.pooled_rows(rows) * self.pooled_row_len];
        for (to, from) in padded.chunks_exact_mut(self.stride).zip(output.chunks_exact(self.outputs)) {
            to[..self.outputs].copy_from_slice(from);
        }
        padded
    }
}

impl Level {
    /// The block's output for an utterance, `[row][band][channel]` with padded channels.
    fn output(&self, kept: &Kept) -> Vec<f32> {
        kept.output.clone().unwrap_or_else(|| self.norm.activate(&kept.pooled.values))
    }

    /// A gradient `[row][utterance][band][channel]` as one gradient for each utterance, `[row][band][channel]` with
    /// padded channels.
    fn spread_channels(&self, gradient: &[f32]) -> Vec<Vec<f32>> {
        let (channels, stride) = (self.shape.outputs, self.shape.stride);
        let row_len = self.shape.pooled_bands * channels;
        (0..self.utterances.len())
            .map(|utterance| {
                let mut out = vec![0.0; self.utterances[utterance].pooled.values.len()];
                let rows = gradient.chunks_exact(row_len).skip(utterance).step_by(self.utterances.len());
                for (to, from) in out.chunks_exact_mut(stride).zip(rows.flat_map(|row| row.chunks_exact(channels))) {
                    to[..channels].copy_from_slice(from);
                }
                out
            })
            .collect()
    }

    /// From the gradient of the output, one for each utterance, to the gradients of the block's numbers and of its
    /// input.
    fn backward(&self, mut gradients: Vec<Vec<f32>>, input_too: bool) -> (BlockGradient, Vec<Vec<f32>>) {
        let of_utterances = gradients.par_iter_mut().zip(&self.utterances);
        let through_relu = |(gradient, kept): (&mut Vec<f32>, &Kept)| {
            self.norm.through_relu(&kept.pooled.values, kept.output.as_deref(), gradient)
        };
        let sums: Vec<Sums> = of_utterances.map(through_relu).collect();
        let sums = Sums::of(&sums);
        let positions = gradients.iter().map(Vec::len).sum::<usize>() / self.shape.stride;
        let means = match self.norming {
            Norming::Batch => sums.mean(positions),
            // Running statistics do not depend on the values.
            Norming::Running => sums.zeros(),
        };
        let weights = self.shape.spread(&self.block.weight);
        let (of_weights, of_inputs): (Vec<Vec<f32>>, Vec<Vec<f32>>) = gradients
            .par_iter_mut()
            .zip(&self.utterances)
            .map(|(gradient, Kept { input, pooled, .. })| {
                self.norm.through_norm(&means, &pooled.values, gradient);
                let of_weights = weight_gradient(&self.shape, input, gradient, &pooled.winners);
                let of_input = if input_too {
                    input_gradient(&self.shape, &weights, self.rows, gradient, &pooled.winners)
                } else {
                    Vec::new()
                };
                (of_weights, of_input)
            })
            .unzip();
        let mut of_weight = vec![0.0; weights.len()];
        for of_utterance in of_weights {
            of_weight.iter_mut().zip(of_utterance).for_each(|(sum, value)| *sum += value);
        }
        let outputs = self.shape.outputs;
        let sign = |value: f32| if value == 0.0 { 0.0 } else { value.signum() };
        let gradient = BlockGradient {
            weight: self.shape.gather(&of_weight),
            scale: sums.scale.iter().zip(&self.block.scale).map(|(sum, scale)| sum * sign(*scale)).collect(),
            shift: sums.shift[..outputs].to_vec(),
        };
        (gradient, of_inputs)
    }
}

/// Max pool of an utterance's features, whose rows have the given shape.
fn pool_features(features: &[f32], shape: spec::Shape, pool: Pool) -> Cow<'_, [f32]> {
    if pool == Pool::NONE {
        return features.into();
    }
    let spec::Shape { bands, channels } = shape;
    let [pool_rows, pool_bands] = pool.size;
    let block = |row: usize, band: usize, channel: usize| {
        let first = row * pool.stride[0] * bands + band * pool.stride[1];
        let inside = (0..pool_rows).flat_map(move |r| (0..pool_bands).map(move |b| first + r * bands + b));
        inside.map(|position| features[position * channels + channel]).fold(f32::NEG_INFINITY, f32::max)
    };
    let (rows, pooled_bands) = (pool.rows(features.len() / shape.len()), pool.bands(bands));
    let values = (0..rows * pooled_bands * channels).map(|at| {
        let (position, channel) = (at / channels, at % channels);
        block(position / pooled_bands, position % pooled_bands, channel)
    });
    values.collect()
}

#[cfg(test)]
mod tests;
