//! Runs the float network with tract, whose operators share nothing with the core.

use anyhow::{Result, ensure};
use ser_core::spec::{Layer, Network, Shape};
use tract_onnx::prelude::*;

use crate::features::rows::Rows;
use crate::model::onnx;

/// A float network, ready to run; threads may share it.
#[derive(Debug)]
pub struct FloatModel {
    network: Network,
    plan: Arc<TypedRunnableModel>,
}

/// The output of the float network for one utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatOutput {
    /// The rows that each convolution (after its ReLU), pool, flatten and LSTM passes on, in the order of the layers,
    /// `[band][channel]`.
    pub layers: Vec<Rows>,
    /// One for each label.
    pub logits: Vec<f32>,
    /// Softmax of the logits.
    pub probabilities: Vec<f32>,
}

impl FloatModel {
    /// Loads a file written by [`onnx::to_onnx`].
    ///
    /// # Errors
    ///
    /// If the file is damaged, or [`onnx::to_onnx`] did not write it.
    pub fn from_onnx(bytes: &[u8]) -> Result<Self> {
        let (proto, network) = onnx::read(bytes)?;
        let outputs: Vec<String> = passing_rows(&network)
            .enumerate()
            .map(|(index, (layer, _))| onnx::output_name(index, layer))
            .chain([onnx::LOGITS.to_owned(), onnx::PROBABILITIES.to_owned()])
            .collect();
        let mut model = tract_onnx::onnx().model_for_proto_model(&proto)?;
        let rows = match network.front_end.image_rows() {
            Some(rows) => rows.to_dim(),
            None => model.symbols.sym("rows").to_dim(),
        };
        let Shape { bands, channels } = network.input();
        model.set_input_fact(0, f32::fact([1.to_dim(), channels.to_dim(), rows, bands.to_dim()]).into())?;
        let plan = model.with_outputs_by_name(outputs)?.into_optimized()?.into_runnable()?;
        Ok(Self { network, plan })
    }

    /// The network that the file describes.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Runs the network over the normalised features of an utterance, rows `[band][channel]`; None when they are too
    /// few for every layer to pass on a row.
    ///
    /// # Errors
    ///
    /// If a row does not have the number of values that the network expects, or an image not its number of rows.
    pub fn run(&self, features: &Rows) -> Result<Option<FloatOutput>> {
        let row = self.network.input();
        ensure!(
            features.bands == row.len(),
            "the float model wants rows of {} values, rows of {} came",
            row.len(),
            features.bands
        );
        let rows = features.len();
        if let Some(wanted) = self.network.front_end.image_rows() {
            ensure!(rows == wanted, "the float model wants an image of {wanted} rows, {rows} came");
        }
        if self.network.rows(rows).any(|rows| rows == 0) {
            return Ok(None);
        }
        let input = Tensor::from_shape(&[1, row.channels, rows, row.bands], &channels_first(features, row))?;
        let outputs = self.plan.run(tvec!(input.into()))?;
        let layers = passing_rows(&self.network)
            .zip(&outputs)
            .map(|((layer, shape), values)| {
                let values = values.try_as_plain_ram()?.as_slice::<f32>()?;
                Ok(if matches!(layer, Layer::Flatten { .. } | Layer::Lstm { .. }) {
                    Rows { bands: shape.len(), values: values.to_vec() }
                } else {
                    channels_last(values, shape)
                })
            })
            .collect::<Result<Vec<Rows>>>()?;
        let vector = |index: usize| -> Result<Vec<f32>> {
            let labels = self.network.labels.len();
            match outputs.get(index).map(|values| values.try_as_plain_ram()?.as_slice::<f32>()) {
                Some(Ok(values)) if values.len() == labels => Ok(values.to_vec()),
                _ => anyhow::bail!("the float model gave no row of {labels} values"),
            }
        };
        Ok(Some(FloatOutput { logits: vector(layers.len())?, probabilities: vector(layers.len() + 1)?, layers }))
    }
}

/// The layers that pass rows on, which come first, and the shapes of their rows.
fn passing_rows(network: &Network) -> impl Iterator<Item = (Layer, Shape)> {
    let passes_rows = |layer: &Layer| {
        matches!(layer, Layer::Conv2d { .. } | Layer::MaxPool { .. } | Layer::Flatten { .. } | Layer::Lstm { .. })
    };
    network.shapes().map(|(layer, _, output)| (layer, output)).take_while(move |(layer, _)| passes_rows(layer))
}

/// Rows of `[bands][channels]` to `[channels][rows][bands]`.
fn channels_first(rows: &Rows, shape: Shape) -> Vec<f32> {
    let of_channel = |channel: usize| rows.values.iter().skip(channel).step_by(shape.channels.max(1));
    (0..shape.channels).flat_map(of_channel).copied().collect()
}

/// `[channels][rows][bands]` to rows of `[bands][channels]`.
fn channels_last(values: &[f32], shape: Shape) -> Rows {
    let plane = values.len() / shape.channels.max(1);
    let mut rows = vec![0.0; values.len()];
    for (channel, values) in values.chunks_exact(plane.max(1)).enumerate() {
        rows.iter_mut().skip(channel).step_by(shape.channels.max(1)).zip(values).for_each(|(to, from)| *to = *from);
    }
    Rows { bands: shape.len(), values: rows }
}

#[cfg(test)]
mod tests;
