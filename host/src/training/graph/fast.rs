//! Convolution blocks and LSTMs with our own kernels, forward and backward. Burn's operations take almost
//! four times as long.
//!
//! The output of a kernel is a leaf of Burn's graph; everything between and after the kernels is Burn's.
//! [`super::plain`] is the twin.

mod blocks;
mod cell;
mod lstm;
mod recurrence;
mod sections;
mod trunk;
mod vector;

use anyhow::{Context, Result};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use super::batch::Batch;
use super::core_outputs::CoreOutputs;
use super::dropout::Dropout;
use super::head::{Heads, head};
use super::module::Graph;
use super::statistics::{Norming, Statistics};
use super::tensors::numbers;
use lstm::LstmPass;
use sections::Sections;
use trunk::Pass;

/// What the backward pass needs of a batch.
#[derive(Debug)]
pub(super) struct Passes {
    trunk: Pass,
    /// Output of the trunk, `[steps, batch, features]`: a leaf of Burn's graph. The features are `[band][channel]`, as
    /// in the core.
    sequence: Tensor<3>,
    lstms: Vec<LstmPass>,
}

/// A batch through the network. With `core`, the core's outputs replace those of the layers.
pub(super) fn forward(
    graph: &Graph,
    batch: &Batch,
    norming: Norming,
    dropout: Option<Dropout<'_>>,
    core: Option<&CoreOutputs>,
) -> (Heads, Passes) {
    let blocks = graph.convolutions.iter().map(blocks::block).collect();
    let outputs = core.map(|core| &*core.blocks);
    let trunk = Pass::new(batch, graph.input, graph.first_pool, blocks, norming, outputs);
    let utterances = batch.valid_rows.len();
    let shape = [trunk.steps, utterances, trunk.sequence.len() / (trunk.steps * utterances)];
    let weight = graph.dense_weight.val();
    let sequence = Tensor::from_data(TensorData::new(trunk.sequence.clone(), shape), &weight.device())
        .set_require_grad(weight.is_require_grad());
    let mut lstms = Vec::with_capacity(graph.lstms.len());
    let heads = head(graph, sequence.clone(), batch, dropout, core, |index, sequence| {
        let lstm = &graph.lstms[index];
        let [steps, utterances, _] = sequence.dims();
        let taken = core.map(|core| core.hidden_states(index, [steps, utterances, lstm.hidden]));
        let pass = LstmPass::new(lstm, sequence, taken.as_deref());
        let output = pass.output.clone();
        lstms.push(pass);
        output
    });
    (heads, Passes { trunk, sequence, lstms })
}

impl Passes {
    /// Statistics of each block over the batch.
    pub(super) fn statistics(&self) -> impl Iterator<Item = &Statistics> {
        self.trunk.statistics()
    }

    /// Gradients of all parameters, for a loss that was computed from the outputs of this pass.
    ///
    /// Burn differentiates everything between the kernels: first the loss and the head, then the part between the last
    /// two LSTMs, and so on, back to the trunk.
    pub(super) fn gradients(&self, graph: &Graph, loss: &Tensor<1>) -> Result<GradientsParams> {
        let mut of_burn = Sections(vec![loss.backward()]);
        let mut gradients = GradientsParams::new();
        for (lstm, pass) in graph.lstms.iter().zip(&self.lstms).rev() {
            let of_output = of_burn.take(&pass.output).context("the loss does not depend on the output of an LSTM")?;
            let of_input = pass.backward(lstm, of_output, &mut gradients);
            of_burn.0.push(pass.through_input(of_input));
        }
        let of_sequence = of_burn.take(&self.sequence).context("the loss does not depend on the convolutions")?;
        let device = of_sequence.device();
        for (block, gradient) in graph.convolutions.iter().zip(self.trunk.backward(&numbers(of_sequence))) {
            blocks::register(block, gradient, &device, &mut gradients);
        }
        of_burn.register(graph, &mut gradients);
        Ok(gradients)
    }
}
