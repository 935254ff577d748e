//! Connects Burn, which keeps the parameters of convolution blocks, and [`super::trunk`], which computes with them.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use super::trunk::{Block, BlockGradient};
use crate::training::graph::convolution::Convolution;
use crate::training::graph::statistics::Statistics;
use crate::training::graph::tensors::numbers;

/// The block as plain numbers.
pub(super) fn block(of: &Convolution) -> Block {
    let weight = of.acting_weight();
    let [outputs, inputs, rows, bands] = weight.dims();
    Block {
        outputs,
        inputs,
        kernel: [rows, bands],
        padding: of.padding,
        pool: of.pool,
        batch_norm: of.batch_norm,
        weight: numbers(weight),
        scale: numbers(of.scale.val()),
        shift: numbers(of.shift.val()),
        running: Statistics { mean: numbers(of.running_mean.val()), variance: numbers(of.running_variance.val()) },
    }
}

/// Adds a gradient of the block to the gradients of the graph; `device` is the device of gradients.
pub(super) fn register(of: &Convolution, gradient: BlockGradient, device: &Device, gradients: &mut GradientsParams) {
    let vector = |values| Tensor::<1>::from_data(TensorData::new(values, of.shift.val().shape()), device);
    let weight: Tensor<4> = Tensor::from_data(TensorData::new(gradient.weight, of.weight.val().shape()), device);
    gradients.register(of.weight.id, of.amplified(weight));
    if of.batch_norm {
        gradients.register(of.scale.id, vector(gradient.scale));
    }
    gradients.register(of.shift.id, vector(gradient.shift));
}
