//! Gradients from the sections that Burn's graph is cut into by what is computed outside of it.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Tensor};

use super::Graph;

/// Gradients of each section.
pub(super) struct Sections(pub(super) Vec<Gradients>);

impl Sections {
    /// Takes out the gradient of a leaf, summed over the sections that it is in.
    pub(super) fn take<const D: usize>(&mut self, leaf: &Tensor<D>) -> Option<Tensor<D>> {
        self.0.iter_mut().filter_map(|section| leaf.grad_remove(section)).reduce(|sum, gradient| sum + gradient)
    }

    /// Enters the gradients of the parameters in Burn's care among those of the graph.
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
