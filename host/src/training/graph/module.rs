//! The network as a Burn module, built from the one description: its parameters, and what follows from its shapes.

use anyhow::{Context, Result, ensure};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use ser_core::spec::{Layer, Network, Shape};

use super::auxiliary::{AuxiliaryClasses, AuxiliaryHead};
use super::batch::{Batch, StepRows};
use super::compute::{Compute, Kernels};
use super::convolution::{Convolution, Sizes};
use super::init;
use super::lstm::Lstm;
use super::pool::Pool;
use super::style::Style;
use super::tensors::numbers;
use crate::features::rows::Normalization;

/// The network as a Burn module.
#[derive(Module, Debug)]
pub struct Graph {
    pub(super) convolutions: Vec<Convolution>,
    pub(super) lstms: Vec<Lstm>,
    /// `[inputs, labels]`.
    pub(super) dense_weight: Param<Tensor<2>>,
    /// `[labels]`.
    pub(super) dense_bias: Param<Tensor<1>>,
    pub(super) auxiliary: Vec<AuxiliaryHead>,
    /// Shape of the input rows.
    #[module(skip)]
    pub(super) input: Shape,
    /// Rows of an image.
    #[module(skip)]
    pub(super) image_rows: Option<usize>,
    /// The max pool before the first convolution.
    #[module(skip)]
    pub(super) first_pool: Pool,
    /// What computes blocks and LSTMs.
    #[module(skip)]
    pub(super) kernels: Kernels,
    /// Whether all steps of an image become one.
    pub(super) flatten: bool,
    /// Whether the dense layer gets the last step instead of the mean.
    last_step: bool,
}

impl Graph {
    /// A graph with random weights, which depend on `seed` only. Fails for an unusable description.
    pub fn new(network: &Network, style: Style, seed: u64, compute: &Compute) -> Result<Self> {
        network.check()?;
        let Compute { device, kernels } = compute;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut convolutions: Vec<Convolution> = Vec::new();
        let mut lstms = Vec::new();
        let mut dense = None;
        let mut first_pool = Pool::NONE;
        for (layer, input, _) in network.shapes() {
            match layer {
                Layer::Conv2d { channels, rows, bands, padding } => {
                    let sizes = Sizes { inputs: input.channels, outputs: channels, kernel: [rows, bands], padding };
                    convolutions.push(Convolution::new(sizes, style, &mut rng, device));
                }
                Layer::MaxPool { rows, bands, overlap } => {
                    let pool = Pool::new([rows, bands], overlap);
                    match convolutions.last_mut() {
                        Some(block) => block.add_pool(pool),
                        None => first_pool = first_pool.then(pool),
                    }
                }
                Layer::Lstm { hidden } => {
                    lstms.push(Lstm::new(input.len(), hidden, style.initial_weights, &mut rng, device))
                }
                Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep => {}
                Layer::Dense { units } => {
                    let weight = init::glorot_uniform([input.len(), units], input.len(), units, &mut rng, device);
                    dense = Some((weight, Param::from_tensor(Tensor::zeros([units], device))));
                }
            }
        }
        let (dense_weight, dense_bias) = dense.context("the network has no dense layer")?;
        Ok(Self {
            convolutions,
            lstms,
            dense_weight,
            dense_bias,
            auxiliary: Vec::new(),
            input: network.input(),
            image_rows: network.front_end.image_rows(),
            first_pool,
            kernels: *kernels,
            flatten: network.layers.iter().any(|layer| matches!(layer, Layer::Flatten { .. })),
            last_step: network.layers.contains(&Layer::LastStep),
        })
    }

    /// The graph for images with this normalisation: each colour is multiplied by its `sd` before the first
    /// convolution. [`Graph::to_float_network`] folds this constant into the weights. A graph for streams, or without a
    /// convolution, stays as it is.
    ///
    /// # Errors
    ///
    /// If the normalisation does not have the number of colours of the network's images.
    pub fn with_input_gain(mut self, network: &Network, normalization: &Normalization) -> Result<Self> {
        if let (Some(_), Some(first)) = (network.front_end.image, self.convolutions.first_mut()) {
            first.set_input_gain(&normalization.sd)?;
        }
        Ok(self)
    }

    /// The graph with `heads` beside its dense layer, in place of any earlier ones. Only training uses them.
    #[must_use]
    pub fn with_auxiliary(mut self, heads: &[AuxiliaryClasses], seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let device = self.dense_weight.val().device();
        let [inputs, _] = self.dense_weight.val().dims();
        self.auxiliary = heads.iter().map(|head| AuxiliaryHead::new(inputs, *head, &mut rng, &device)).collect();
        self
    }

    /// Fails if the batch's sizes contradict each other, or its rows make no step.
    pub(super) fn check(&self, batch: &Batch) -> Result<()> {
        let wanted = batch.valid_rows.len() * batch.rows * self.input.len();
        ensure!(
            wanted > 0 && batch.values.len() == wanted,
            "a batch wants {wanted} features, at least 1, {} came",
            batch.values.len()
        );
        if let Some(rows) = self.image_rows {
            let other = batch.valid_rows.iter().copied().chain([batch.rows]).find(|came| *came != rows);
            ensure!(
                other.is_none(),
                "the network hears images of {rows} columns, one of {} came",
                other.unwrap_or_default()
            );
        }
        let first = self.step_rows().first;
        ensure!(
            batch.rows >= first,
            "an utterance of {} rows is too short for a single step of {first} rows",
            batch.rows
        );
        Ok(())
    }

    /// Weight of each step in the input of the dense layer, `[steps][utterance]`: the mean over an utterance's valid
    /// steps, or the last valid step.
    pub(super) fn step_weights(&self, batch: &Batch, steps: usize) -> Vec<f32> {
        let valid = self.valid_steps(batch, steps);
        let weight = |step: usize, valid: usize| match self.last_step {
            true if step + 1 == valid => 1.0,
            false if step < valid => 1.0 / valid as f32,
            _ => 0.0,
        };
        (0..steps).flat_map(|step| valid.iter().map(move |&valid| weight(step, valid))).collect()
    }

    /// How many of the batch's `steps` steps count for each utterance; at least one.
    pub(super) fn valid_steps(&self, batch: &Batch, steps: usize) -> Vec<usize> {
        batch.valid_rows.iter().map(|&rows| self.steps(rows).clamp(1, steps.max(1))).collect()
    }

    /// Number of steps behind the convolutions that `rows` rows make.
    pub fn steps(&self, rows: usize) -> usize {
        let steps = self.convolutions.iter().fold(self.first_pool.rows(rows), |rows, block| block.output_rows(rows));
        if self.flatten { steps.min(1) } else { steps }
    }

    /// Rows that make steps behind the convolutions.
    pub fn step_rows(&self) -> StepRows {
        if let Some(rows) = self.image_rows {
            return StepRows { first: rows, further: rows };
        }
        let pool = self.convolutions.iter().fold(self.first_pool, |pool, block| pool.then(block.pool));
        StepRows { first: pool.size[0], further: pool.stride[0] }
    }

    /// All parameters in a fixed order: trained numbers, running statistics and constants.
    pub fn values(&self) -> Vec<f32> {
        struct Collect(Vec<f32>);
        impl ModuleVisitor for Collect {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.extend(numbers(param.val()));
            }
        }
        let mut collect = Collect(Vec::new());
        self.visit(&mut collect);
        collect.0
    }

    /// How many of [`Graph::values`] get a gradient.
    pub fn trained_values(&self) -> usize {
        struct Count(usize);
        impl ModuleVisitor for Count {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let tensor = param.val();
                self.0 += if tensor.is_require_grad() { tensor.shape().num_elements() } else { 0 };
            }
        }
        let mut count = Count(0);
        self.visit(&mut count);
        count.0
    }

    /// The graph with other numbers, in the order of [`Graph::values`]. Fails if there are too few or too many.
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
        ensure!(replace.wanted == values.len(), "the network wants {} numbers, {} came", replace.wanted, values.len());
        Ok(graph)
    }
}
