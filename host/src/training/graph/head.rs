//! The layers after the convolutions, in Burn's operations: flatten, LSTMs, time mean or last step, dense, auxiliary
//! heads. The caller computes the LSTMs.

use burn::tensor::{Tensor, TensorData};

use super::batch::Batch;
use super::core_outputs::CoreOutputs;
use super::dropout::Dropout;
use super::module::Graph;
use super::tensors::straight_through;

/// The outputs of the layers after the convolutions.
pub(super) struct Heads {
    /// `[batch, labels]`.
    pub(super) logits: Tensor<2>,
    /// Logits of each auxiliary head, `[batch, its classes]`.
    pub(super) auxiliary: Vec<Tensor<2>>,
}

/// From the convolutions' output `[steps, batch, features]` to logits. `lstm(index, sequence)` gives the hidden states
/// of the LSTM with that index. With `core`, the logits are the core's.
pub(super) fn head(
    graph: &Graph,
    mut sequence: Tensor<3>,
    batch: &Batch,
    mut dropout: Option<Dropout<'_>>,
    core: Option<&CoreOutputs>,
    mut lstm: impl FnMut(usize, Tensor<3>) -> Tensor<3>,
) -> Heads {
    if graph.flatten {
        let [steps, utterances, features] = sequence.dims();
        sequence = sequence.swap_dims(0, 1).reshape([1, utterances, steps * features]);
    }
    let [steps, utterances, _] = sequence.dims();
    let device = sequence.device();
    for index in 0..graph.lstms.len() {
        if let Some(dropout) = &mut dropout {
            let [_, _, inputs] = sequence.dims();
            sequence = sequence * dropout.mask(utterances, inputs, &device).unsqueeze();
        }
        sequence = lstm(index, sequence);
    }
    let weights = Tensor::from_data(TensorData::new(graph.step_weights(batch, steps), [steps, utterances, 1]), &device);
    let mut mean: Tensor<2> = (sequence * weights).sum_dim(0).squeeze_dim(0);
    if let Some(dropout) = &mut dropout {
        let [_, inputs] = mean.dims();
        mean = mean * dropout.mask(utterances, inputs, &device);
    }
    let auxiliary = graph.auxiliary.iter().map(|head| head.forward(&mean)).collect();
    let logits = mean.matmul(graph.dense_weight.val()) + graph.dense_bias.val().unsqueeze();
    let logits = match core {
        Some(core) => straight_through(logits.clone(), core.logits(logits.dims(), &device)),
        None => logits,
    };
    Heads { logits, auxiliary }
}
