//! Heads beside the dense layer, which tell something other than the emotion from the same input. They steer what the
//! layers before them learn; export leaves them out.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;

use super::init;

/// The classes of an auxiliary head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuxiliaryClasses {
    /// Number of classes.
    pub classes: usize,
    /// Whether the layers before the head unlearn what it tells: they get its gradient with the opposite sign (Ganin &
    /// Lempitsky 2015).
    pub adversarial: bool,
}

/// An affine map of the dense layer's input: the time mean or the last step.
#[derive(Module, Debug)]
pub(super) struct AuxiliaryHead {
    /// `[inputs, classes]`.
    pub(super) weight: Param<Tensor<2>>,
    /// `[classes]`.
    bias: Param<Tensor<1>>,
    adversarial: bool,
}

impl AuxiliaryHead {
    pub(super) fn new(
        inputs: usize,
        AuxiliaryClasses { classes, adversarial }: AuxiliaryClasses,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let weight = init::glorot_uniform([inputs, classes], inputs, classes, rng, device);
        Self { weight, bias: Param::from_tensor(Tensor::zeros([classes], device)), adversarial }
    }

    /// `[batch, inputs]` to logits `[batch, classes]`.
    pub(super) fn forward(&self, mean: &Tensor<2>) -> Tensor<2> {
        let mean = if self.adversarial { mean.clone().detach() * 2.0 - mean.clone() } else { mean.clone() };
        mean.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }
}
