//! Convolution, batch norm, ReLU and the max pools behind it, in one block.
//!
//! With a positive scale, batch norm and ReLU never decrease, so they change places with max pooling:
//! `pool(relu(norm(x))) = relu(norm(pool(x)))`. Norm and ReLU then run on the pooled map, a quarter of the size for 2×2.
//! The scale is the magnitude of its parameter, and the statistics are those of the pooled map; folded into the
//! convolution at export it is the description's conv, ReLU, max pool exactly.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;

use super::convert::numbers;
use super::init;
use super::trunk::{Block, BlockGradient, EPSILON, Statistics};

/// Parameters of a block of layers; see the module. [`super::trunk`] computes with them.
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
    /// Rows and bands.
    #[module(skip)]
    pool: [usize; 2],
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
            pool: [1, 1],
        }
    }

    /// Appends a pool over blocks of rows and bands. Two in a row are one over blocks of blocks.
    pub(super) fn add_pool(&mut self, [rows, bands]: [usize; 2]) {
        self.pool = [self.pool[0] * rows, self.pool[1] * bands];
    }

    /// Rows that enter for one that leaves.
    pub(super) fn row_stride(&self) -> usize {
        self.pool[0]
    }

    /// The block as plain numbers.
    pub(super) fn block(&self) -> Block {
        let weight = self.weight.val();
        let [outputs, inputs, rows, bands] = weight.dims();
        Block {
            outputs,
            inputs,
            kernel: [rows, bands],
            pool: self.pool,
            weight: numbers(weight),
            scale: numbers(self.scale.val()),
            shift: numbers(self.shift.val()),
            running: Statistics { mean: numbers(self.running_mean.val()), variance: numbers(self.running_variance.val()) },
        }
    }

    /// Enters a gradient of the block among those of the graph; `device` is that of gradients.
    pub(super) fn register(&self, gradient: BlockGradient, device: &Device, gradients: &mut GradientsParams) {
        let vector = |values| Tensor::<1>::from_data(TensorData::new(values, self.shift.val().shape()), device);
        let weight: Tensor<4> = Tensor::from_data(TensorData::new(gradient.weight, self.weight.val().shape()), device);
        gradients.register(self.weight.id, weight);
        gradients.register(self.scale.id, vector(gradient.scale));
        gradients.register(self.shift.id, vector(gradient.shift));
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

    /// Moves the running statistics by `momentum` towards those of a batch.
    pub(super) fn update(mut self, of_batch: &Statistics, momentum: f64) -> Self {
        let towards = |running: Param<Tensor<1>>, of_batch: &[f32]| {
            running.map(|running| {
                let of_batch = Tensor::from_data(TensorData::from(of_batch), &running.device());
                (running.mul_scalar(1.0 - momentum) + of_batch.mul_scalar(momentum)).detach().set_require_grad(false)
            })
        };
        self.running_mean = towards(self.running_mean, &of_batch.mean);
        self.running_variance = towards(self.running_variance, &of_batch.variance);
        self
    }
}
