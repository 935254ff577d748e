//! The trainable network: a Burn module built from the one description, and its way back to plain numbers.
//!
//! ```text
//! [batch, 1, rows, bands] ─ convolution blocks ─ [steps, batch, features] ─ LSTMs ─ mean over valid steps ─ dense ─ logits
//! ```
//!
//! Everything is causal, so rows appended to an utterance change nothing before them: utterances of different lengths share
//! a batch, and [`Batch::valid_rows`] says what counts.

mod convert;
mod convolution;
mod init;
mod lstm;

use anyhow::{Context, Result, ensure};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use ser_core::spec::{Layer, Network};

use crate::features::Rows;
use convolution::{Convolution, Statistics};
use lstm::Lstm;

/// Utterances of equal padded length, ready for the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Normalised features, `[utterance][rows][bands]`.
    pub values: Vec<f32>,
    /// Rows of every utterance, padding included.
    pub rows: usize,
    /// Rows of each utterance that count, at most `rows`.
    pub valid_rows: Vec<usize>,
}

impl Batch {
    /// Pads utterances, none of them empty, to a common length: the longest, rounded up to whole LSTM steps of `row_stride` rows. An
    /// utterance is padded with its own rows from the start, so that the statistics of batch norm are those of speech.
    pub fn new(utterances: &[Rows], row_stride: usize) -> Self {
        let longest = utterances.iter().map(Rows::len).max().unwrap_or(0);
        let rows = longest.next_multiple_of(row_stride.max(1));
        let values = utterances.iter().flat_map(|u| u.values.iter().copied().cycle().take(rows * u.bands)).collect();
        Self { values, rows, valid_rows: utterances.iter().map(Rows::len).collect() }
    }
}

/// Zeroes a share of the values between layers, and scales the rest up; the same ones at all time steps of an utterance.
#[derive(Debug)]
pub struct Dropout<'r> {
    /// Share of values, in 0..1.
    pub rate: f64,
    /// Which values.
    pub rng: &'r mut ChaCha8Rng,
}

impl Dropout<'_> {
    /// Factors `[batch, features]`, each 0 or `1 / (1 - rate)`.
    fn mask(&mut self, batch: usize, features: usize, device: &Device) -> Tensor<2> {
        let keep = (1.0 / (1.0 - self.rate)) as f32;
        let factors = (0..batch * features).map(|_| if self.rng.random_bool(self.rate) { 0.0 } else { keep }).collect();
        Tensor::from_data(TensorData::new::<f32, _>(factors, [batch, features]), device)
    }
}

/// What a forward pass in training gives.
#[derive(Debug)]
pub struct TrainOutput {
    /// `[batch, labels]`.
    pub logits: Tensor<2>,
    statistics: Vec<Statistics>,
}

/// The network as a Burn module.
#[derive(Module, Debug)]
pub struct Graph {
    convolutions: Vec<Convolution>,
    lstms: Vec<Lstm>,
    /// `[inputs, labels]`.
    dense_weight: Param<Tensor<2>>,
    /// `[labels]`.
    dense_bias: Param<Tensor<1>>,
    bands: usize,
}

impl Graph {
    /// A graph with random weights that depend on nothing but `seed`. An error for a description that is unusable, or that
    /// starts with a pool.
    pub fn new(network: &Network, seed: u64, device: &Device) -> Result<Self> {
        network.check()?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut convolutions: Vec<Convolution> = Vec::new();
        let mut lstms = Vec::new();
        let mut dense = None;
        for (layer, input, _) in network.shapes() {
            match layer {
                Layer::Conv2d { channels, rows, bands } => {
                    convolutions.push(Convolution::new(input.channels, channels, [rows, bands], &mut rng, device));
                }
                Layer::MaxPool { rows, bands } => {
                    let block = convolutions.last_mut().context("training wants a convolution before the first max pool")?;
                    block.add_pool([rows, bands]);
                }
                Layer::Lstm { hidden } => lstms.push(Lstm::new(input.len(), hidden, &mut rng, device)),
                Layer::TimeMean => {}
                Layer::Dense { units } => {
                    let weight = init::glorot_uniform([input.len(), units], input.len(), units, &mut rng, device);
                    dense = Some((weight, Param::from_tensor(Tensor::zeros([units], device))));
                }
            }
        }
        let (dense_weight, dense_bias) = dense.context("the network has no dense layer")?;
        Ok(Self { convolutions, lstms, dense_weight, dense_bias, bands: network.front_end.mel_bands })
    }

    /// Logits `[batch, labels]`, with the running statistics of batch norm.
    pub fn forward(&self, batch: &Batch) -> Result<Tensor<2>> {
        let mut features = self.input(batch)?;
        for block in &self.convolutions {
            features = block.forward(features);
        }
        self.head(features, batch, None)
    }

    /// Logits with the batch's own statistics, which [`Graph::update_statistics`] takes in.
    pub fn forward_train(&self, batch: &Batch, dropout: Option<Dropout<'_>>) -> Result<TrainOutput> {
        let mut features = self.input(batch)?;
        let mut statistics = Vec::with_capacity(self.convolutions.len());
        for block in &self.convolutions {
            let (output, of_block) = block.forward_train(features);
            features = output;
            statistics.push(of_block);
        }
        Ok(TrainOutput { logits: self.head(features, batch, dropout)?, statistics })
    }

    /// Moves the running statistics of batch norm by `momentum` (0..=1) towards those of a batch.
    #[must_use]
    pub fn update_statistics(mut self, output: TrainOutput, momentum: f64) -> Self {
        self.convolutions =
            self.convolutions.into_iter().zip(output.statistics).map(|(block, of_batch)| block.update(of_batch, momentum)).collect();
        self
    }

    /// The batch as a tensor `[batch, 1, rows, bands]`. An error when its sizes contradict each other or it is empty.
    fn input(&self, batch: &Batch) -> Result<Tensor<4>> {
        let utterances = batch.valid_rows.len();
        let wanted = utterances * batch.rows * self.bands;
        ensure!(wanted > 0 && batch.values.len() == wanted, "a batch wants {wanted} features, at least 1, {} came", batch.values.len());
        let data = TensorData::new(batch.values.clone(), [utterances, 1, batch.rows, self.bands]);
        Ok(Tensor::from_data(data, &self.dense_weight.val().device()))
    }

    /// From feature maps `[batch, channels, steps, bands]` to logits.
    fn head(&self, features: Tensor<4>, batch: &Batch, mut dropout: Option<Dropout<'_>>) -> Result<Tensor<2>> {
        let [utterances, channels, steps, bands] = features.dims();
        let device = features.device();
        ensure!(steps > 0, "an utterance of {} rows is too short for a single LSTM step of {} rows", batch.rows, self.row_stride());
        // The core flattens a row as [band][channel].
        let mut sequence: Tensor<3> = features.permute([2, 0, 3, 1]).reshape([steps, utterances, bands * channels]);
        for lstm in &self.lstms {
            if let Some(dropout) = &mut dropout {
                let [_, _, inputs] = sequence.dims();
                sequence = sequence * dropout.mask(utterances, inputs, &device).unsqueeze();
            }
            sequence = lstm.forward(sequence);
        }
        let weights = Tensor::from_data(TensorData::new(self.step_weights(batch, steps), [steps, utterances, 1]), &device);
        let mut mean: Tensor<2> = (sequence * weights).sum_dim(0).squeeze_dim(0);
        if let Some(dropout) = &mut dropout {
            let [_, inputs] = mean.dims();
            mean = mean * dropout.mask(utterances, inputs, &device);
        }
        Ok(mean.matmul(self.dense_weight.val()) + self.dense_bias.val().unsqueeze())
    }

    /// Weights of the mean over each utterance's valid steps, `[steps][utterance]`; at least one step counts.
    fn step_weights(&self, batch: &Batch, steps: usize) -> Vec<f32> {
        let valid: Vec<usize> = batch.valid_rows.iter().map(|&rows| self.steps(rows).clamp(1, steps)).collect();
        (0..steps).flat_map(|step| valid.iter().map(move |&valid| if step < valid { 1.0 / valid as f32 } else { 0.0 })).collect()
    }

    /// LSTM steps that so many rows make.
    pub fn steps(&self, rows: usize) -> usize {
        self.convolutions.iter().fold(rows, |rows, block| block.output_rows(rows))
    }

    /// Rows that make one LSTM step.
    pub fn row_stride(&self) -> usize {
        self.convolutions.iter().map(Convolution::row_stride).product()
    }

    /// All numbers that training changes, running statistics included, in a fixed order.
    pub fn values(&self) -> Vec<f32> {
        struct Collect(Vec<f32>);
        impl ModuleVisitor for Collect {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.extend(param.val().into_data().iter::<f32>());
            }
        }
        let mut collect = Collect(Vec::new());
        self.visit(&mut collect);
        collect.0
    }

    /// The graph with other numbers, in the order of [`Graph::values`]. An error when there are too few or too many.
    pub fn with_values(self, values: &[f32]) -> Result<Self> {
        struct Replace<'v> {
            values: &'v [f32],
            wanted: usize,
        }
        impl ModuleMapper for Replace<'_> {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|tensor| {
                    let len = tensor.shape().num_elements();
                    self.wanted += len;
                    let Some((values, rest)) = self.values.split_at_checked(len) else { return tensor };
                    self.values = rest;
                    let tracked = tensor.is_require_grad();
                    let data = TensorData::new(values.to_vec(), tensor.shape());
                    Tensor::from_data(data, &tensor.device()).set_require_grad(tracked)
                })
            }
        }
        let mut replace = Replace { values, wanted: 0 };
        let graph = self.map(&mut replace);
        ensure!(replace.wanted == values.len(), "the network has {} numbers, {} came", replace.wanted, values.len());
        Ok(graph)
    }
}

#[cfg(test)]
mod tests;
