//! Gradient clipping by the norm over all weights. Burn's own clips each tensor by itself, which turns the gradient.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::graph::Graph;

/// Scales the gradients of all weights so that their common norm is at most `limit`.
pub(super) fn clip(gradients: GradientsParams, graph: &Graph, limit: f64) -> GradientsParams {
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
