//! Connects Burn, which keeps the parameters of an LSTM, and [`super::recurrence`], which computes with them.

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Tensor, TensorData};

use super::recurrence::{Pass, Weights};
use crate::training::graph::lstm::Lstm;
use crate::training::graph::tensors::numbers;

/// A sequence that went through an LSTM.
#[derive(Debug)]
pub(super) struct LstmPass {
    input: Tensor<3>,
    /// Hidden state after each step, `[steps, batch, hidden]`: a leaf of Burn's graph.
    pub(super) output: Tensor<3>,
    pass: Pass,
}

impl LstmPass {
    /// `[steps, batch, inputs]` through an LSTM. States start at zero.
    ///
    /// `taken`, `[steps][batch][hidden]`, replaces the hidden states and has the gradient of the LSTM's own.
    pub(super) fn new(lstm: &Lstm, sequence: Tensor<3>, taken: Option<&[f32]>) -> Self {
        let [steps, batch, inputs] = sequence.dims();
        let weights = Weights {
            inputs,
            hidden: lstm.hidden,
            input: numbers(lstm.input_weight.val()),
            recurrent: numbers(lstm.recurrent_weight.val()),
            bias: numbers(lstm.bias.val()),
        };
        let pass = weights.forward(&numbers(sequence.clone()), taken, steps, batch);
        let output = Tensor::from_data(TensorData::new(pass.output(), [steps, batch, lstm.hidden]), &sequence.device());
        Self { output: output.set_require_grad(lstm.bias.val().is_require_grad()), input: sequence, pass }
    }

    /// From the gradient of the output to that of the input; adds the gradients of the weights to those of the graph.
    pub(super) fn backward(&self, lstm: &Lstm, of_output: Tensor<3>, gradients: &mut GradientsParams) -> Tensor<3> {
        let device = of_output.device();
        let gradient = self.pass.backward(&numbers(of_output));
        let matrix = |values, like: &Param<Tensor<2>>| {
            Tensor::<2>::from_data(TensorData::new(values, like.val().shape()), &device)
        };
        gradients.register(lstm.input_weight.id, matrix(gradient.input, &lstm.input_weight));
        gradients.register(lstm.recurrent_weight.id, matrix(gradient.recurrent, &lstm.recurrent_weight));
        let bias = TensorData::new(gradient.bias, lstm.bias.val().shape());
        gradients.register(lstm.bias.id, Tensor::<1>::from_data(bias, &device));
        Tensor::from_data(TensorData::new(gradient.sequence, self.input.shape()), &self.input.device())
    }

    /// Passes a gradient of the input on to the operations that made the input.
    pub(super) fn through_input(&self, of_input: Tensor<3>) -> Gradients {
        (self.input.clone() * of_input).sum().backward()
    }
}
