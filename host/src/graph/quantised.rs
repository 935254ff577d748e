//! A forward pass with the values of the int8 core: what quantisation-aware training computes its loss from.
//!
//! Each layer of the graph takes what the core's layer gives for its own output, `y = y_core + (y_float -
//! stop(y_float))`, so that the values are the device's to the last bit while the gradient goes straight through the
//! rounding to the float weights (Bengio et al. 2013). Batch norm takes its running statistics, as it does when it is
//! folded for the core.

use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use ser_core::Model;
use ser_core::engine::{Engine, Row};
use ser_core::frontend::INPUT_SCALE;
use ser_core::kernels::LOGIT_FRACTION_BITS;
use ser_core::model::LayerParams;

use super::trunk::{Norming, Outputs};
use super::{Batch, Graph, Heads, StepRows, TrainOutput};
use crate::dequantise::Dequantiser;
use crate::features::input_code;

/// `values`, with the gradient of `own`. Its value is exact: nothing but 0 is added.
pub(super) fn straight_through<const D: usize>(own: Tensor<D>, values: Tensor<D>) -> Tensor<D> {
    values + (own.clone() - own.detach())
}

/// What the core makes of a batch, as real numbers. Steps of padding are left out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CoreOutputs {
    /// What leaves each convolution block.
    pub(super) blocks: Vec<Outputs>,
    /// Hidden states of each LSTM, of each utterance `[step][unit]`.
    pub(super) hidden: Vec<Vec<Vec<f32>>>,
    /// `[utterance][label]`.
    pub(super) logits: Vec<f32>,
}

impl CoreOutputs {
    /// Runs the core over the first `valid_rows` rows of each utterance of a batch.
    fn new(model: &Model<'_>, batch: &Batch, valid_rows: &[usize]) -> Result<Self> {
        let dequantiser = Dequantiser::new(model);
        let (blocks, lstms) = outputs_of_blocks(model);
        let kept: Vec<usize> = blocks.iter().chain(&lstms).copied().collect();
        let row_len = model.front_end().row_shape().len();
        let hear = |(values, &rows): (&[f32], &usize)| -> Result<(Vec<Vec<f32>>, Vec<f32>)> {
            let mut outputs = vec![Vec::new(); kept.len()];
            let mut memory = vec![0; model.network_words()];
            let mut engine = Engine::new(model, &mut memory).context("the core's memory is too short")?;
            let mut keep = |layer: usize, row: Row<'_>| {
                if let Some(output) = kept.iter().position(|kept| *kept == layer).and_then(|at| outputs.get_mut(at)) {
                    dequantiser.append(layer, row, output);
                }
            };
            for row in values.chunks_exact(row_len).take(rows) {
                let codes: Vec<i8> = row.iter().map(|value| input_code(*value)).collect();
                engine.push(&codes, &mut keep);
            }
            engine.finish(&mut keep);
            let logits = engine.logits().context("the core heard too little for an answer")?;
            let step = 1.0 / f64::from(1u32 << LOGIT_FRACTION_BITS);
            Ok((
                outputs,
                logits.iter().take(model.labels().len()).map(|logit| (f64::from(*logit) * step) as f32).collect(),
            ))
        };
        let utterances = batch.values.par_chunks_exact(batch.rows * row_len).zip(valid_rows);
        let heard: Vec<(Vec<Vec<f32>>, Vec<f32>)> = utterances.map(hear).collect::<Result<_>>()?;
        let logits = heard.iter().flat_map(|(_, logits)| logits).copied().collect();
        let mut by_layer: Vec<Vec<Vec<f32>>> = kept.iter().map(|_| Vec::with_capacity(heard.len())).collect();
        for (outputs, _) in heard {
            by_layer.iter_mut().zip(outputs).for_each(|(of_layer, output)| of_layer.push(output));
        }
        let hidden = by_layer.split_off(blocks.len());
        Ok(Self { blocks: by_layer, hidden, logits })
    }

    /// Hidden states of an LSTM, `[steps][batch][hidden]`, zeros behind those that count.
    pub(super) fn hidden_states(&self, lstm: usize, [steps, utterances, hidden]: [usize; 3]) -> Vec<f32> {
        let mut values = vec![0.0; steps * utterances * hidden];
        for (utterance, states) in self.hidden.get(lstm).into_iter().flatten().enumerate() {
            let places = values.chunks_exact_mut(hidden).skip(utterance).step_by(utterances);
            places.zip(states.chunks_exact(hidden)).for_each(|(to, from)| to.copy_from_slice(from));
        }
        values
    }

    /// The logits, `[batch, labels]`.
    pub(super) fn logits(&self, shape: [usize; 2], device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(self.logits.clone(), shape), device)
    }
}

/// The last layer of each convolution block, and the LSTMs.
fn outputs_of_blocks(model: &Model<'_>) -> (Vec<usize>, Vec<usize>) {
    let (mut blocks, mut lstms) = (Vec::new(), Vec::new());
    for (index, layer) in model.layers().iter().enumerate() {
        match layer {
            LayerParams::Conv2d(_) => blocks.push(index),
            LayerParams::MaxPool(_) => {
                if let Some(last) = blocks.last_mut() {
                    *last = index;
                }
            }
            LayerParams::Lstm(_) => lstms.push(index),
            LayerParams::Flatten(_) | LayerParams::TimeMean(_) | LayerParams::LastStep(_) | LayerParams::Dense(_) => {}
        }
    }
    (blocks, lstms)
}

impl Graph {
    /// Logits of the int8 core, with the gradient of this graph; `model` must be made from it. Batch norm takes its
    /// running statistics.
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
            "the model takes rows of {:?}, the graph {:?}",
            model.front_end().row_shape(),
            self.input
        );
        self.forward_with(&batch, &CoreOutputs::new(model, &batch, &self.heard_rows(&batch))?)
    }

    /// Rows of each utterance that the core is to hear: those of the steps that count.
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
        let trunk = self.trunk(batch, Norming::Running, Some(&core.blocks))?;
        let sequence = self.sequence(&trunk, batch).set_require_grad(self.dense_weight.val().is_require_grad());
        let Heads { logits, auxiliary, lstms } = self.head(sequence.clone(), batch, None, Some(core));
        Ok(TrainOutput { logits, auxiliary, trunk, sequence, lstms })
    }
}
