//! Gradients from Burn's graph, which the kernels outside of it cut into sections.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Tensor};

use crate::training::graph::module::Graph;

/// Gradients of each section.
pub(super) struct Sections(pub(super) Vec<Gradients>);

impl Sections {
    /// Takes out the gradient of a leaf, summed over the sections that hold the leaf.
    pub(super) fn take<const D: usize>(&mut self, leaf: &Tensor<D>) -> Option<Tensor<D>> {
        self.0.iter_mut().filter_map(|section| leaf.grad_remove(section)).reduce(|sum, gradient| sum + gradient)
    }

    /// Adds the gradients of the parameters that Burn differentiates to the gradients of the graph.
    pub(super) fn register(self, graph: &Graph, gradients: &mut GradientsParams) {
        graph.visit(&mut Register { sections: self, gradients });
    }
}

struct Register<'g> {
    sections: Sections,
    gradients: &'g mut GradientsParams,
}

impl ModuleVisitor for Register<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.sections.take(&param.val()) {
            self.gradients.register(param.id, gradient);
        }
    }
}
