//! A block: convolution, batch norm, ReLU and the max pools that follow.
//!
//! With a positive scale, batch norm and ReLU never decrease, so they may change places with max pooling:
//! `pool(relu(norm(x))) = relu(norm(pool(x)))`. Norm and ReLU then run on the pooled map, which is a quarter of the
//! size for 2×2. The scale is the magnitude of its parameter, and the statistics are those of the pooled map. Folded
//! into the convolution at export, the block is exactly the description's conv, ReLU, max pool.
//!
//! Without batch norm, `shift` is the convolution's bias; scale and statistics are constants without effect.

use anyhow::{Result, ensure};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use ser_core::spec::Padding;

use super::init;
use super::pool::Pool;
use super::statistics::{EPSILON, Statistics};
use super::style::Style;
use crate::training::recipe::InitialWeights;

/// Parameters of a block of layers; see the module.
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
    pub(super) padding: Padding,
    #[module(skip)]
    pub(super) pool: Pool,
    pub(super) batch_norm: bool,
    /// Factor on each input channel before the convolution; not trained.
    #[module(skip)]
    pub(super) input_gain: Option<Vec<f32>>,
}

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Rows and bands.
    pub(super) kernel: [usize; 2],
    pub(super) padding: Padding,
}

impl Convolution {
    /// A block without pools.
    pub(super) fn new(sizes: Sizes, style: Style, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let Sizes { inputs, outputs, kernel: [rows, bands], padding } = sizes;
        let constant = |tensor: Tensor<1>| Param::from_tensor(tensor).set_require_grad(false);
        let (shape, fan_in) = ([outputs, inputs, rows, bands], inputs * rows * bands);
        let weight = match style.initial_weights {
            // He et al. 2015, for ReLU: variance 2 / fan_in.
            InitialWeights::He => init::uniform(shape, (6.0 / fan_in as f64).sqrt(), rng, device),
            InitialWeights::Glorot => init::glorot_uniform(shape, fan_in, outputs * rows * bands, rng, device),
        };
        let block = Self {
            weight,
            scale: Param::from_tensor(Tensor::ones([outputs], device)),
            shift: Param::from_tensor(Tensor::zeros([outputs], device)),
            running_mean: constant(Tensor::zeros([outputs], device)),
            running_variance: constant(Tensor::ones([outputs], device)),
            padding,
            pool: Pool::NONE,
            batch_norm: style.batch_norm,
            input_gain: None,
        };
        if style.batch_norm { block } else { block.without_norm() }
    }

    /// Sets scale and statistics to constants without effect.
    fn without_norm(mut self) -> Self {
        let ones = self.shift.val().ones_like().detach();
        self.running_mean = Param::from_tensor(ones.zeros_like()).set_require_grad(false);
        self.running_variance = Param::from_tensor(ones.clone().sub_scalar(EPSILON)).set_require_grad(false);
        self.scale = Param::from_tensor(ones).set_require_grad(self.batch_norm);
        self
    }

    /// Appends a pool.
    pub(super) fn add_pool(&mut self, pool: Pool) {
        self.pool = self.pool.then(pool);
    }

    /// Output rows for `rows` input rows.
    pub(super) fn output_rows(&self, rows: usize) -> usize {
        let [_, _, kernel_rows, _] = self.weight.val().dims();
        self.pool.rows(self.padding.output_len(rows, kernel_rows))
    }

    /// Multiplies each input channel by a constant before the convolution. Fails unless there is one constant per
    /// channel.
    pub(super) fn set_input_gain(&mut self, gain: &[f32]) -> Result<()> {
        let [_, inputs, ..] = self.weight.val().dims();
        ensure!(gain.len() == inputs, "a convolution wants gains of {inputs} channels, {} came", gain.len());
        self.input_gain = Some(gain.to_vec());
        Ok(())
    }

    /// A tensor in the layout of the weights, each weight multiplied by the gain of its input channel.
    pub(super) fn amplified(&self, weights: Tensor<4>) -> Tensor<4> {
        match self.gains(&weights.device()) {
            Some(gains) => weights * gains,
            None => weights,
        }
    }

    /// `[1, in channels, 1, 1]`.
    fn gains(&self, device: &Device) -> Option<Tensor<4>> {
        let gain = self.input_gain.as_ref()?;
        Some(Tensor::from_data(TensorData::new(gain.clone(), [1, gain.len(), 1, 1]), device))
    }

    /// The weights as they act on the block's input.
    pub(super) fn acting_weight(&self) -> Tensor<4> {
        self.amplified(self.weight.val())
    }

    /// Replaces weights and norm by a convolution with a bias; `weight` acts on the block's input as it is, gains
    /// included.
    pub(super) fn set_folded(self, weight: Tensor<4>, bias: Tensor<1>) -> Self {
        let weight = match self.gains(&weight.device()) {
            Some(gains) => weight / gains,
            None => weight,
        };
        Self { weight: Param::from_tensor(weight), shift: Param::from_tensor(bias), ..self }.without_norm()
    }

    /// Moves the running statistics by `momentum` towards those of a batch.
    pub(super) fn update(mut self, of_batch: &Statistics, momentum: f64) -> Self {
        if !self.batch_norm {
            return self;
        }
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
