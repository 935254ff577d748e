//! Parameters of an LSTM:
//!
//! ```text
//! i, f, o = σ(W x + R h + b)    g = tanh(W x + R h + b)    c' = f c + i g    h' = o tanh c'
//! ```

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;

use super::init;
use crate::model::float_network::Gates;
use crate::training::recipe::InitialWeights;

/// Weights of the four gates, side by side.
#[derive(Module, Debug)]
pub(super) struct Lstm {
    /// `[inputs, 4 hidden]`; [`Lstm::columns`] gives the columns of each gate.
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
    /// Forget biases are 1, so a fresh cell remembers.
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

    /// Columns of each gate. The three sigmoid gates are neighbours.
    pub(super) fn columns(hidden: usize) -> Gates<std::ops::Range<usize>> {
        let gate = |position: usize| position * hidden..(position + 1) * hidden;
        Gates { input: gate(0), forget: gate(1), output: gate(2), cell: gate(3) }
    }
}
