//! LSTM over a whole sequence, with the input product of all steps and all gates in one matrix product.
//!
//! ```text
//! i, f, o = σ(W x + R h + b)    g = tanh(W x + R h + b)    c' = f c + i g    h' = o tanh c'
//! ```

use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;

use super::init;
use super::quantised::straight_through;
use crate::float_network::Gates;

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
    pub(super) fn new(inputs: usize, hidden: usize, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let forget = Self::columns(hidden).forget;
        let bias: Vec<f32> = (0..4 * hidden).map(|column| if forget.contains(&column) { 1.0 } else { 0.0 }).collect();
        Self {
            input_weight: init::glorot_uniform([inputs, 4 * hidden], inputs, hidden, rng, device),
            recurrent_weight: init::uniform([hidden, 4 * hidden], (1.0 / hidden as f64).sqrt(), rng, device),
            bias: Param::from_tensor(Tensor::from_data(TensorData::new(bias, [4 * hidden]), device)),
            hidden,
        }
    }

    /// Replaces the weights.
    pub(super) fn set_gates(&mut self, gates: Gates<GateTensors>) {
        // The order of `columns`.
        let gates = [gates.input, gates.forget, gates.output, gates.cell];
        let side_by_side = |of_gate: fn(&GateTensors) -> Tensor<2>| Param::from_tensor(Tensor::cat(gates.iter().map(of_gate).collect(), 1));
        self.input_weight = side_by_side(|gate| gate.input_weight.clone());
        self.recurrent_weight = side_by_side(|gate| gate.recurrent_weight.clone());
        self.bias = Param::from_tensor(Tensor::cat(gates.iter().map(|gate| gate.bias.clone()).collect(), 0));
    }

    /// Columns of each gate. The three sigmoids stand together: they are one operation.
    pub(super) fn columns(hidden: usize) -> Gates<std::ops::Range<usize>> {
        let gate = |position: usize| position * hidden..(position + 1) * hidden;
        Gates { input: gate(0), forget: gate(1), output: gate(2), cell: gate(3) }
    }

    /// `[steps, batch, inputs]` to the hidden state after each step, `[steps, batch, hidden]`. States start at zero.
    ///
    /// With `taken`, of the same shape as what is returned, these are the hidden states, with the gradient of the LSTM's own.
    pub(super) fn forward(&self, sequence: Tensor<3>, taken: Option<&Tensor<3>>) -> Tensor<3> {
        let [steps, batch, inputs] = sequence.dims();
        let columns = Self::columns(self.hidden);
        let products = sequence.reshape([steps * batch, inputs]).matmul(self.input_weight.val()) + self.bias.val().unsqueeze();
        let mut per_step = Vec::with_capacity(steps);
        split_steps(products, batch, &mut per_step);

        let recurrent_weight = self.recurrent_weight.val();
        let mut state: Option<(Tensor<2>, Tensor<2>)> = None;
        let mut outputs = Vec::with_capacity(steps);
        for (step, product) in per_step.into_iter().enumerate() {
            let sums = match &state {
                Some((hidden, _)) => product + hidden.clone().matmul(recurrent_weight.clone()),
                None => product,
            };
            let gates = sigmoid(sums.clone().slice_dim(1, 0..3 * self.hidden));
            let candidate = tanh(sums.slice_dim(1, columns.cell.clone()));
            let gate = |columns: &std::ops::Range<usize>| gates.clone().slice_dim(1, columns.clone());
            let update = gate(&columns.input) * candidate;
            let cell = match state {
                Some((_, cell)) => gate(&columns.forget) * cell + update,
                None => update,
            };
            let own = gate(&columns.output) * tanh(cell.clone());
            let hidden = match taken {
                Some(taken) => straight_through(own, taken.clone().slice_dim(0, step..step + 1).squeeze_dim(0)),
                None => own,
            };
            outputs.push(hidden.clone());
            state = Some((hidden, cell));
        }
        Tensor::stack(outputs, 0)
    }
}

/// Splits `[steps · batch, n]` into its steps, in order. By halves: the gradient of a slice is as large as what it was cut
/// from, so cutting each step from the whole would cost the square of their number.
fn split_steps(products: Tensor<2>, batch: usize, into: &mut Vec<Tensor<2>>) {
    let [rows, _] = products.dims();
    let steps = rows / batch;
    if steps <= 1 {
        into.push(products);
        return;
    }
    let middle = steps / 2 * batch;
    split_steps(products.clone().slice_dim(0, 0..middle), batch, into);
    split_steps(products.slice_dim(0, middle..rows), batch, into);
}
