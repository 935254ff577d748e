//! A batch through a graph and back, with the graph's kernels.

use anyhow::{Result, ensure};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use ser_core::Model;
use ser_core::frontend::INPUT_SCALE;

use super::batch::{Batch, StepRows};
use super::compute::Kernels;
use super::core_outputs::CoreOutputs;
use super::dropout::Dropout;
use super::head::Heads;
use super::module::Graph;
use super::statistics::{Norming, Statistics};
use super::{fast, plain};
use crate::features::rows::input_code;

/// The result of a forward pass in training.
#[derive(Debug)]
pub struct TrainOutput {
    /// `[batch, labels]`.
    pub logits: Tensor<2>,
    /// Logits of each auxiliary head, `[batch, its classes]`.
    pub auxiliary: Vec<Tensor<2>>,
    way: Way,
}

/// The kernels that a batch went through, and what they keep of it.
#[derive(Debug)]
enum Way {
    Fast(Box<fast::Passes>),
    /// Statistics of each block; the rest is in Burn's graph.
    Burn(Vec<Statistics>),
}

impl Graph {
    /// Logits `[batch, labels]`, with the running statistics of batch norm.
    ///
    /// # Errors
    ///
    /// If the batch's sizes contradict each other, or its rows make no step.
    pub fn forward(&self, batch: &Batch) -> Result<Tensor<2>> {
        Ok(self.pass(batch, Norming::Running, None, None)?.logits)
    }

    /// Logits with the batch's own statistics; [`Graph::update_statistics`] moves the running ones towards these.
    ///
    /// # Errors
    ///
    /// Those of [`Graph::forward`].
    pub fn forward_train(&self, batch: &Batch, dropout: Option<Dropout<'_>>) -> Result<TrainOutput> {
        self.pass(batch, Norming::Batch, dropout, None)
    }

    /// Logits of the int8 core, with the gradient of this graph; `model` must be made from this graph. Batch norm uses
    /// its running statistics.
    ///
    /// # Errors
    ///
    /// If the model has other layers than the graph, or the sizes of the batch contradict each other.
    pub fn forward_quantised(&self, batch: &Batch, model: &Model<'_>) -> Result<TrainOutput> {
        self.check(batch)?;
        let rounded = |value: &f32| f32::from(input_code(*value)) * INPUT_SCALE;
        let batch = Batch { values: batch.values.iter().map(rounded).collect(), ..batch.clone() };
        ensure!(
            model.front_end().row_shape() == self.input,
            "the model has rows of {:?}, the graph wants rows of {:?}",
            model.front_end().row_shape(),
            self.input
        );
        self.forward_with(&batch, &CoreOutputs::new(model, &batch, &self.heard_rows(&batch))?)
    }

    /// The number of rows of each utterance that the core hears: the rows of the steps that count.
    fn heard_rows(&self, batch: &Batch) -> Vec<usize> {
        if self.image_rows.is_some() {
            return batch.valid_rows.clone();
        }
        let StepRows { first, further } = self.step_rows();
        self.valid_steps(batch, self.steps(batch.rows)).iter().map(|steps| first + (steps - 1) * further).collect()
    }

    /// Logits and hidden layers of the core, with the gradient of this graph.
    pub(super) fn forward_with(&self, batch: &Batch, core: &CoreOutputs) -> Result<TrainOutput> {
        let [_, labels] = self.dense_weight.val().dims();
        ensure!(
            core.blocks.len() == self.convolutions.len()
                && core.hidden.len() == self.lstms.len()
                && core.logits.len() == batch.valid_rows.len() * labels,
            "the core's model has other layers than the graph"
        );
        self.pass(batch, Norming::Running, None, Some(core))
    }

    pub(super) fn pass(
        &self,
        batch: &Batch,
        norming: Norming,
        dropout: Option<Dropout<'_>>,
        core: Option<&CoreOutputs>,
    ) -> Result<TrainOutput> {
        self.check(batch)?;
        let (Heads { logits, auxiliary }, way) = match self.kernels {
            Kernels::Fast => {
                let (heads, passes) = fast::forward(self, batch, norming, dropout, core);
                (heads, Way::Fast(Box::new(passes)))
            }
            Kernels::Burn => {
                let (heads, statistics) = plain::forward(self, batch, norming, dropout, core);
                (heads, Way::Burn(statistics))
            }
        };
        Ok(TrainOutput { logits, auxiliary, way })
    }

    /// Gradients of all parameters, for a loss that was computed from the logits of `output`.
    ///
    /// # Errors
    ///
    /// With the fast kernels, if the loss does not depend on the output of an LSTM or of the convolutions.
    pub fn gradients(&self, loss: &Tensor<1>, output: &TrainOutput) -> Result<GradientsParams> {
        match &output.way {
            Way::Fast(passes) => passes.gradients(self, loss),
            Way::Burn(_) => Ok(GradientsParams::from_grads(loss.backward(), self)),
        }
    }

    /// Moves the running statistics of batch norm by `momentum` (0..=1) towards those of a batch.
    #[must_use]
    pub fn update_statistics(mut self, output: &TrainOutput, momentum: f64) -> Self {
        let of_batch: Vec<&Statistics> = match &output.way {
            Way::Fast(passes) => passes.statistics().collect(),
            Way::Burn(statistics) => statistics.iter().collect(),
        };
        let blocks = self.convolutions.into_iter().zip(of_batch);
        self.convolutions = blocks.map(|(block, of_batch)| block.update(of_batch, momentum)).collect();
        self
    }
}
