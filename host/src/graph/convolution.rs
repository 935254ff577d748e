//! Convolution, batch norm, ReLU and the max pools behind it, in one block.
//!
//! With a positive scale, batch norm and ReLU never decrease, so they change places with max pooling:
//! `pool(relu(norm(x))) = relu(norm(pool(x)))`. Norm and ReLU then run on the pooled map, a quarter of the size for 2×2.
//! The scale is the magnitude of its parameter, and the statistics are those of the pooled map; folded into the
//! convolution at export it is the description's conv, ReLU, max pool exactly.

use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::module::{batch_norm, batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;

use super::init;

/// Added to a variance before its root.
pub(super) const EPSILON: f64 = 1e-5;

/// Mean and variance of each channel over a batch.
#[derive(Debug)]
pub(super) struct Statistics {
    mean: Tensor<1>,
    variance: Tensor<1>,
}

/// A block of layers; see the module.
#[derive(Module, Debug)]
pub(super) struct Convolution {
    /// `[out channels, in channels, rows, bands]`, oldest row first.
    pub(super) weight: Param<Tensor<4>>,
    /// `[out channels]`; its magnitude is the scale.
    pub(super) scale: Param<Tensor<1>>,
    /// `[out channels]`.
    pub(super) shift: Param<Tensor<1>>,
    /// `[out channels]`, not trained.
    pub(super) running_mean: Param<Tensor<1>>,
    /// `[out channels]`, not trained.
    pub(super) running_variance: Param<Tensor<1>>,
    #[module(skip)]
    pools: Vec<[usize; 2]>,
}

impl Convolution {
    /// A block without pools; `kernel` is rows and bands.
    pub(super) fn new(inputs: usize, outputs: usize, kernel: [usize; 2], rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let [rows, bands] = kernel;
        let constant = |tensor: Tensor<1>| Param::from_tensor(tensor).set_require_grad(false);
        Self {
            // He et al. 2015, for ReLU: variance 2 / fan_in.
            weight: init::uniform([outputs, inputs, rows, bands], (6.0 / (inputs * rows * bands) as f64).sqrt(), rng, device),
            scale: Param::from_tensor(Tensor::ones([outputs], device)),
            shift: Param::from_tensor(Tensor::zeros([outputs], device)),
            running_mean: constant(Tensor::zeros([outputs], device)),
            running_variance: constant(Tensor::ones([outputs], device)),
            pools: Vec::new(),
        }
    }

    /// Appends a pool over blocks of rows and bands.
    pub(super) fn add_pool(&mut self, block: [usize; 2]) {
        self.pools.push(block);
    }

    /// Rows that leave for so many that enter.
    pub(super) fn output_rows(&self, rows: usize) -> usize {
        self.pools.iter().fold(rows, |rows, [block, _]| rows / block)
    }

    /// Rows that enter for one that leaves.
    pub(super) fn row_stride(&self) -> usize {
        self.pools.iter().map(|[rows, _]| rows).product()
    }

    /// Replaces weights and norm by a convolution with a bias.
    pub(super) fn set_folded(&mut self, weight: Tensor<4>, bias: Tensor<1>) {
        let ones = bias.ones_like();
        self.running_mean = Param::from_tensor(bias.zeros_like());
        self.running_variance = Param::from_tensor(ones.clone().sub_scalar(EPSILON));
        self.scale = Param::from_tensor(ones);
        self.shift = Param::from_tensor(bias);
        self.weight = Param::from_tensor(weight);
    }

    /// With the running statistics.
    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let (mean, variance) = (self.running_mean.val(), self.running_variance.val());
        relu(batch_norm(self.pooled(input), self.scale.val().abs(), self.shift.val(), mean, variance, EPSILON))
    }

    /// With the statistics of the batch, which are handed back.
    pub(super) fn forward_train(&self, input: Tensor<4>) -> (Tensor<4>, Statistics) {
        let norm = batch_norm_train(self.pooled(input), self.scale.val().abs(), self.shift.val(), EPSILON);
        (relu(norm.output), Statistics { mean: norm.mean.detach(), variance: norm.variance.detach() })
    }

    /// Moves the running statistics by `momentum` towards those of a batch.
    pub(super) fn update(mut self, of_batch: Statistics, momentum: f64) -> Self {
        let towards = |running: Param<Tensor<1>>, of_batch: Tensor<1>| {
            running.map(|running| (running.mul_scalar(1.0 - momentum) + of_batch.mul_scalar(momentum)).detach().set_require_grad(false))
        };
        self.running_mean = towards(self.running_mean, of_batch.mean);
        self.running_variance = towards(self.running_variance, of_batch.variance);
        self
    }

    /// Convolution and pools. Causal in time: zeros before the first row only.
    fn pooled(&self, input: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let [_, _, rows, bands] = weight.dims();
        let beside = bands / 2;
        let padding = [(rows - 1, 0), (beside, beside)];
        let output = conv2d(input, weight, None, ConvOptions::new_with_padding([1, 1], padding, [1, 1], 1));
        self.pools.iter().fold(output, |map, &block| max_pool2d(map, MaxPoolOptions::new(block)))
    }
}
