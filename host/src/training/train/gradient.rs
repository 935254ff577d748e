//! Prepares gradients for the optimiser: L2 regularisation, if the recipe has it, and clipping by a norm.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::training::graph::Graph;
use crate::training::recipe::{NormOver, Optimizer, Recipe};

/// Values that a thread works on at a time.
pub(super) const CHUNK: usize = 1 << 14;

/// The gradients as the recipe's optimiser wants them.
pub(super) fn prepare(gradients: GradientsParams, graph: &Graph, recipe: &Recipe) -> GradientsParams {
    let gradients = match recipe.optimizer {
        Optimizer::AdamW => gradients,
        Optimizer::Sgd { .. } => {
            let mut regularise = Regularise { gradients, decay: recipe.weight_decay as f32 };
            graph.visit(&mut regularise);
            regularise.gradients
        }
    };
    match recipe.norm_over {
        NormOver::All => clip(gradients, graph, recipe.gradient_norm),
        NormOver::Each => {
            let mut each = ClipEach { gradients, limit: recipe.gradient_norm };
            graph.visit(&mut each);
            each.gradients
        }
    }
}

/// Scales the gradients of all weights so that their common norm is at most `limit`.
fn clip(gradients: GradientsParams, graph: &Graph, limit: f64) -> GradientsParams {
    let mut squares = Squares { gradients: &gradients, sum: 0.0 };
    graph.visit(&mut squares);
    let norm = squares.sum.sqrt();
    if norm <= limit {
        return gradients;
    }
    let mut scale = Scale { gradients, factor: limit / norm };
    graph.visit(&mut scale);
    scale.gradients
}

struct Squares<'g> {
    gradients: &'g GradientsParams,
    sum: f64,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum += gradient.into_data().iter::<f32>().map(|g| f64::from(g) * f64::from(g)).sum::<f64>();
        }
    }
}

struct Scale {
    gradients: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

/// Scales the gradient of each parameter so that its own norm is at most `limit`.
struct ClipEach {
    gradients: GradientsParams,
    limit: f64,
}

impl ModuleVisitor for ClipEach {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let (device, mut data) = (gradient.device(), gradient.into_data());
        if let Ok(values) = data.as_mut_slice::<f32>() {
            let norm = squares(values).sqrt();
            if norm > self.limit {
                let factor = (self.limit / norm) as f32;
                values.par_chunks_mut(CHUNK).for_each(|chunk| chunk.iter_mut().for_each(|value| *value *= factor));
            }
        }
        self.gradients.register(param.id, Tensor::<D>::from_data(data, &device));
    }
}

/// Sum of squares; the number of threads does not change it.
fn squares(values: &[f32]) -> f64 {
    let of_chunk = |chunk: &[f32]| {
        let mut sums = [0.0f32; 32];
        for values in chunk.chunks(sums.len()) {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * value);
        }
        sums.iter().map(|sum| f64::from(*sum)).sum()
    };
    let of_chunks: Vec<f64> = values.par_chunks(CHUNK).map(of_chunk).collect();
    of_chunks.iter().sum()
}

/// Adds the gradient of `decay / 2 · w²` for weights. Biases, which are the vectors among the parameters, stay.
struct Regularise {
    gradients: GradientsParams,
    decay: f32,
}

impl ModuleVisitor for Regularise {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D == 1 || self.decay == 0.0 {
            return;
        }
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let (device, mut data, weights) = (gradient.device(), gradient.into_data(), param.val().into_data());
        if let (Ok(values), Ok(weights)) = (data.as_mut_slice::<f32>(), weights.as_slice::<f32>()) {
            values.par_chunks_mut(CHUNK).zip(weights.par_chunks(CHUNK)).for_each(|(values, weights)| {
                values.iter_mut().zip(weights).for_each(|(value, weight)| *value += self.decay * weight);
            });
        }
        self.gradients.register(param.id, Tensor::<D>::from_data(data, &device));
    }
}
