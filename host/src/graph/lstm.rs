//! LSTM over a whole sequence. Its numbers are Burn's, what it does is not: see [`recurrence`].
//!
//! ```text
//! i, f, o = σ(W x + R h + b)    g = tanh(W x + R h + b)    c' = f c + i g    h' = o tanh c'
//! ```

mod cell;
mod recurrence;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;

use super::convert::numbers;
use super::init;
use crate::float_network::Gates;
use crate::run::InitialWeights;
use recurrence::{Pass, Weights};

/// Weights of the four gates, side by side.
#[derive(Module, Debug)]
pub(super) struct Lstm {
    /// `[inputs, 4 hidden]`; which columns belong to which gate says [`Lstm::columns`].
    pub(super) input_weight: Param<Tensor<2>>,
    /// `[hidden, 4 hidden]`.
    pub(super) recurrent_weight: Param<Tensor<2>>,
    /// `[4 hidden]`.
    pub(super) bias: Param<Tensor<1>>,
    pub(super) hidden: usize,
}

/// Weights of one gate.
#[derive(Debug)]
pub(super) struct GateTensors {
    /// `[inputs, hidden]`.
    pub(super) input_weight: Tensor<2>,
    /// `[hidden, hidden]`.
    pub(super) recurrent_weight: Tensor<2>,
    /// `[hidden]`.
    pub(super) bias: Tensor<1>,
}

impl Lstm {
    /// Forget biases are 1, so that a fresh cell remembers.
    pub(super) fn new(
        inputs: usize,
        hidden: usize,
        initial_weights: InitialWeights,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let forget = Self::columns(hidden).forget;
        let bias: Vec<f32> = (0..4 * hidden).map(|column| if forget.contains(&column) { 1.0 } else { 0.0 }).collect();
        let (of_input, of_hidden) = ([inputs, 4 * hidden], [hidden, 4 * hidden]);
        let (input_weight, recurrent_weight) = match initial_weights {
            InitialWeights::He => {
                let input_weight = init::glorot_uniform(of_input, inputs, hidden, rng, device);
                (input_weight, init::uniform(of_hidden, (1.0 / hidden as f64).sqrt(), rng, device))
            }
            InitialWeights::Glorot => {
                let input_weight = init::glorot_uniform(of_input, inputs, 4 * hidden, rng, device);
                (input_weight, init::orthogonal(of_hidden, rng, device))
            }
        };
        Self {
            input_weight,
            recurrent_weight,
            bias: Param::from_tensor(Tensor::from_data(TensorData::new(bias, [4 * hidden]), device)),
            hidden,
        }
    }

    /// Replaces the weights.
    pub(super) fn set_gates(&mut self, gates: Gates<GateTensors>) {
        // The order of `columns`.
        let gates = [gates.input, gates.forget, gates.output, gates.cell];
        let side_by_side = |of_gate: fn(&GateTensors) -> Tensor<2>| {
            Param::from_tensor(Tensor::cat(gates.iter().map(of_gate).collect(), 1))
        };
        self.input_weight = side_by_side(|gate| gate.input_weight.clone());
        self.recurrent_weight = side_by_side(|gate| gate.recurrent_weight.clone());
        self.bias = Param::from_tensor(Tensor::cat(gates.iter().map(|gate| gate.bias.clone()).collect(), 0));
    }

    /// Columns of each gate. The three sigmoids stand together.
    pub(super) fn columns(hidden: usize) -> Gates<std::ops::Range<usize>> {
        let gate = |position: usize| position * hidden..(position + 1) * hidden;
        Gates { input: gate(0), forget: gate(1), output: gate(2), cell: gate(3) }
    }

    /// `[steps, batch, inputs]` to the hidden state after each step. States start at zero.
    ///
    /// With `taken`, `[steps][batch][hidden]`, these are the hidden states, with the gradient of the LSTM's own.
    pub(super) fn forward(&self, sequence: Tensor<3>, taken: Option<&[f32]>) -> LstmPass {
        let [steps, batch, inputs] = sequence.dims();
        let weights = Weights {
            inputs,
            hidden: self.hidden,
            input: numbers(self.input_weight.val()),
            recurrent: numbers(self.recurrent_weight.val()),
            bias: numbers(self.bias.val()),
        };
        let pass = weights.forward(&numbers(sequence.clone()), taken, steps, batch);
        let output = Tensor::from_data(TensorData::new(pass.output(), [steps, batch, self.hidden]), &sequence.device());
        LstmPass { output: output.set_require_grad(self.bias.val().is_require_grad()), input: sequence, pass }
    }

    /// From the gradient of a pass's output to that of its input; enters those of the weights among those of the graph.
    pub(super) fn backward(&self, pass: &LstmPass, of_output: Tensor<3>, gradients: &mut GradientsParams) -> Tensor<3> {
        let device = of_output.device();
        let gradient = pass.pass.backward(&numbers(of_output));
        let matrix = |values, like: &Param<Tensor<2>>| {
            Tensor::<2>::from_data(TensorData::new(values, like.val().shape()), &device)
        };
        gradients.register(self.input_weight.id, matrix(gradient.input, &self.input_weight));
        gradients.register(self.recurrent_weight.id, matrix(gradient.recurrent, &self.recurrent_weight));
        let bias = TensorData::new(gradient.bias, self.bias.val().shape());
        gradients.register(self.bias.id, Tensor::<1>::from_data(bias, &device));
        Tensor::from_data(TensorData::new(gradient.sequence, pass.input.shape()), &pass.input.device())
    }
}

/// A sequence that went through an LSTM.
#[derive(Debug)]
pub(super) struct LstmPass {
    input: Tensor<3>,
    /// Hidden state after each step, `[steps, batch, hidden]`: a leaf of Burn's graph.
    pub(super) output: Tensor<3>,
    pass: Pass,
}

impl LstmPass {
    /// Hands a gradient of the input on to what Burn made the input from.
    pub(super) fn through_input(&self, of_input: Tensor<3>) -> Gradients {
        (self.input.clone() * of_input).sum().backward()
    }
}

#[cfg(test)]
mod tests;
