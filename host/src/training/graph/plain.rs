//! The network in Burn's own operations, which Burn differentiates: it runs on any backend of Burn's.
//!
//! To be trained, a layer needs only its forward pass, here or in [`super::head`]. The kernels in [`super::fast`]
//! compute the same.

use burn::tensor::activation::{relu, sigmoid, tanh};
use burn::tensor::module::{batch_norm, batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, TensorData};
use ser_core::spec::Padding;

use super::batch::Batch;
use super::convolution::Convolution;
use super::core_outputs::{CoreOutputs, Outputs};
use super::dropout::Dropout;
use super::head::{Heads, head};
use super::lstm::Lstm;
use super::module::Graph;
use super::pool::Pool;
use super::statistics::{EPSILON, Norming, Statistics};
use super::tensors::{numbers, straight_through};

/// A batch through the network, and the statistics of each block. With `core`, the core's outputs replace those of the
/// layers.
pub(super) fn forward(
    graph: &Graph,
    batch: &Batch,
    norming: Norming,
    dropout: Option<Dropout<'_>>,
    core: Option<&CoreOutputs>,
) -> (Heads, Vec<Statistics>) {
    let device = graph.dense_weight.val().device();
    let shape = [batch.valid_rows.len(), batch.rows, graph.input.bands, graph.input.channels];
    let features: Tensor<4> = Tensor::from_data(TensorData::new(batch.values.clone(), shape), &device);
    let mut map = max_pool(features.permute([0, 3, 1, 2]), graph.first_pool);
    let mut statistics = Vec::with_capacity(graph.convolutions.len());
    for (index, convolution) in graph.convolutions.iter().enumerate() {
        let (output, of_block) = block(convolution, map, norming, core.and_then(|core| core.blocks.get(index)));
        map = output;
        statistics.push(of_block);
    }
    let [utterances, channels, steps, bands] = map.dims();
    let sequence = map.permute([2, 0, 3, 1]).reshape([steps, utterances, bands * channels]);
    let heads = head(graph, sequence, batch, dropout, core, |index, sequence| {
        let layer = &graph.lstms[index];
        let [steps, utterances, _] = sequence.dims();
        let taken = core.map(|core| {
            let shape = [steps, utterances, layer.hidden];
            Tensor::from_data(TensorData::new(core.hidden_states(index, shape), shape), &sequence.device())
        });
        lstm(layer, sequence, taken)
    });
    (heads, statistics)
}

/// Max pool of a map `[batch, channels, rows, bands]`.
pub(super) fn max_pool(map: Tensor<4>, pool: Pool) -> Tensor<4> {
    if pool == Pool::NONE { map } else { max_pool2d(map, MaxPoolOptions::new(pool.size).with_stride(pool.stride)) }
}

/// A map `[batch, channels, rows, bands]` through convolution, max pool, batch norm and ReLU; also the statistics that
/// the norm used. `outputs`, of each utterance `[row][band][channel]`, replace the block's own. They take the gradient
/// of the block's own where they are positive.
pub(super) fn block(
    of: &Convolution,
    map: Tensor<4>,
    norming: Norming,
    outputs: Option<&Outputs>,
) -> (Tensor<4>, Statistics) {
    let weight = of.acting_weight();
    let [_, _, rows, bands] = weight.dims();
    let padding = match of.padding {
        Padding::Causal => [(rows - 1, 0), (bands / 2, bands / 2)],
        Padding::Same => [(rows / 2, rows / 2), (bands / 2, bands / 2)],
        Padding::Valid => [(0, 0), (0, 0)],
    };
    let convolved = conv2d(map, weight, None, ConvOptions::new_with_padding([1, 1], padding, [1, 1], 1));
    let pooled = max_pool(convolved, of.pool);
    let (scale, shift) = (of.scale.val().abs(), of.shift.val());
    let (normed, mean, variance) = if of.batch_norm && norming == Norming::Batch {
        let norm = batch_norm_train(pooled, scale, shift, EPSILON);
        (norm.output, norm.mean, norm.variance)
    } else {
        let (mean, variance) = (of.running_mean.val(), of.running_variance.val());
        (batch_norm(pooled, scale, shift, mean.clone(), variance.clone(), EPSILON), mean, variance)
    };
    let output = match outputs {
        Some(outputs) => {
            let [utterances, channels, rows, bands] = normed.dims();
            let mut values = vec![0.0; utterances * rows * bands * channels];
            for (to, from) in values.chunks_exact_mut((rows * bands * channels).max(1)).zip(outputs) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
            let data = TensorData::new(values, [utterances, rows, bands, channels]);
            let taken = Tensor::<4>::from_data(data, &normed.device()).permute([0, 3, 1, 2]);
            let passes = taken.clone().greater_elem(0.0).float();
            taken + (normed.clone() - normed.detach()) * passes
        }
        None => relu(normed),
    };
    (output, Statistics { mean: numbers(mean), variance: numbers(variance) })
}

/// `[steps, batch, inputs]` to the hidden state after each step, `[steps, batch, hidden]`. States start at zero.
/// `taken` replaces the hidden states, in the output and as input of the next step, and has the gradient of the LSTM's
/// own.
pub(super) fn lstm(of: &Lstm, sequence: Tensor<3>, taken: Option<Tensor<3>>) -> Tensor<3> {
    let [steps, batch, inputs] = sequence.dims();
    let columns = Lstm::columns(of.hidden);
    let zeros = Tensor::<2>::zeros([batch, of.hidden], &sequence.device());
    let (mut hidden, mut cell) = (zeros.clone(), zeros);
    // The input's share of all gate sums is one product for all steps.
    let of_inputs = sequence.reshape([steps * batch, inputs]).matmul(of.input_weight.val()) + of.bias.val().unsqueeze();
    let recurrent_weight = of.recurrent_weight.val();
    let mut outputs = Vec::with_capacity(steps);
    for step in 0..steps {
        let of_input = of_inputs.clone().slice_dim(0, step * batch..(step + 1) * batch);
        let sums = of_input + hidden.matmul(recurrent_weight.clone());
        let gate = |columns: &std::ops::Range<usize>| sums.clone().slice_dim(1, columns.clone());
        cell = sigmoid(gate(&columns.forget)) * cell + sigmoid(gate(&columns.input)) * tanh(gate(&columns.cell));
        hidden = sigmoid(gate(&columns.output)) * tanh(cell.clone());
        if let Some(taken) = &taken {
            hidden = straight_through(hidden, taken.clone().slice_dim(0, step..step + 1).squeeze_dim(0));
        }
        outputs.push(hidden.clone());
    }
    Tensor::stack(outputs, 0)
}
