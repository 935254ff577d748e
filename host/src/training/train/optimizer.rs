//! Optimisers: they turn gradients into new weights.

use anyhow::{Context, Result, ensure};
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Bytes, Tensor};
use rayon::prelude::*;

use super::gradient::CHUNK;
use crate::training::graph::Graph;
use crate::training::recipe::{self, Recipe};

/// An optimiser and its state.
pub(super) enum Optimizer {
    AdamW(ModuleOptimizer),
    Sgd(Momentum),
}

impl Optimizer {
    /// The optimiser of a recipe before its first step.
    pub(super) fn new(recipe: &Recipe) -> Self {
        match recipe.optimizer {
            recipe::Optimizer::AdamW => {
                Self::AdamW(AdamWConfig::new().with_weight_decay(recipe.weight_decay as f32).with_epsilon(1e-8).init())
            }
            recipe::Optimizer::Sgd { momentum } => {
                Self::Sgd(Momentum { momentum: momentum as f32, velocities: Vec::new() })
            }
        }
    }

    /// Takes one step. The gradients come from [`super::gradient::prepare`].
    pub(super) fn step(&mut self, learning_rate: f64, graph: Graph, gradients: GradientsParams) -> Graph {
        match self {
            Self::AdamW(adam) => adam.step(learning_rate, graph, gradients),
            Self::Sgd(momentum) => momentum.step(learning_rate, graph, gradients),
        }
    }

    /// The state as bytes.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Self::AdamW(adam) => adam.into_bytes()?.to_vec(),
            Self::Sgd(momentum) => postcard::to_stdvec(&momentum.velocities)?,
        })
    }

    /// Takes over the state of another optimiser of the same kind for this graph.
    pub(super) fn restore(&mut self, bytes: Vec<u8>, graph: &Graph) -> Result<()> {
        match self {
            Self::AdamW(adam) => *adam = adam.clone().from_bytes(Bytes::from_bytes_vec(bytes))?,
            Self::Sgd(momentum) => {
                let velocities: Vec<Vec<f32>> = postcard::from_bytes(&bytes).context("the velocities are damaged")?;
                let (wanted, came) = (graph.trained_values(), velocities.iter().map(Vec::len).sum::<usize>());
                ensure!(
                    velocities.is_empty() || came == wanted,
                    "the network wants velocities for {wanted} trained numbers, velocities for {came} came"
                );
                momentum.velocities = velocities;
            }
        }
        Ok(())
    }
}

/// Gradient descent with momentum: `v' = momentum · v - rate · g`, `w' = w + v'`.
pub(super) struct Momentum {
    momentum: f32,
    /// For each parameter with a gradient, in the order of the graph; empty before the first step.
    velocities: Vec<Vec<f32>>,
}

impl Momentum {
    fn step(&mut self, learning_rate: f64, graph: Graph, gradients: GradientsParams) -> Graph {
        graph.map(&mut Step { optimizer: self, rate: learning_rate as f32, gradients, place: 0 })
    }
}

struct Step<'o> {
    optimizer: &'o mut Momentum,
    rate: f32,
    gradients: GradientsParams,
    /// Number of parameters with a gradient so far.
    place: usize,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let gradient = gradient.into_data();
        let gradient = gradient.as_slice::<f32>().unwrap_or_default();
        let Momentum { momentum, velocities } = &mut *self.optimizer;
        if velocities.len() <= self.place {
            velocities.push(vec![0.0; gradient.len()]);
        }
        let (rate, momentum) = (self.rate, *momentum);
        let velocity = velocities.get_mut(self.place).map_or(&mut [][..], Vec::as_mut_slice);
        self.place += 1;
        param.map(|tensor| {
            let (device, tracked) = (tensor.device(), tensor.is_require_grad());
            let mut weights = tensor.into_data();
            if let Ok(weights) = weights.as_mut_slice::<f32>() {
                let chunks =
                    weights.par_chunks_mut(CHUNK).zip(velocity.par_chunks_mut(CHUNK)).zip(gradient.par_chunks(CHUNK));
                chunks.for_each(|((weights, velocity), gradient)| {
                    for ((weight, velocity), gradient) in weights.iter_mut().zip(velocity).zip(gradient) {
                        *velocity = momentum * *velocity - rate * gradient;
                        *weight += *velocity;
                    }
                });
            }
            Tensor::from_data(weights, &device).set_require_grad(tracked)
        })
    }
}
