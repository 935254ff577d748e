//! The outputs of the int8 core's layers: quantisation-aware training computes its loss from these values.
//!
//! In each layer of the graph, the core's output replaces the layer's own, `y = y_core + (y_float - stop(y_float))`. So
//! the values are the device's to the last bit, while the gradient goes straight through the rounding to the float
//! weights (Bengio et al. 2013). Batch norm uses its running statistics, because the core has these folded in.

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use ser_core::Model;
use ser_core::engine::{Engine, Row};
use ser_core::kernels::LOGIT_FRACTION_BITS;
use ser_core::model::LayerParams;

use super::batch::Batch;
use crate::features::rows::input_code;
use crate::model::dequantise::Dequantiser;

/// Output of a block of layers: of each utterance `[row][band][channel]`.
pub(super) type Outputs = Vec<Vec<f32>>;

/// The core's outputs for a batch, as real numbers. Steps of padding are left out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CoreOutputs {
    /// Output of each convolution block.
    pub(super) blocks: Vec<Outputs>,
    /// Hidden states of each LSTM, of each utterance `[step][unit]`.
    pub(super) hidden: Vec<Vec<Vec<f32>>>,
    /// `[utterance][label]`.
    pub(super) logits: Vec<f32>,
}

impl CoreOutputs {
    /// Runs the core over the first `valid_rows` rows of each utterance of a batch.
    pub(super) fn new(model: &Model<'_>, batch: &Batch, valid_rows: &[usize]) -> Result<Self> {
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
                engine.push(&codes, &mut keep)?;
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

    /// Hidden states of an LSTM, `[steps][batch][hidden]`; zeros after the steps that count.
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
