//! A trained network as plain numbers: the form in which training hands it to the quantiser and to the ONNX writer.
//!
//! Batch norm is folded into the convolutions. Layouts are the core's, so export reorders nothing.

use anyhow::{Result, ensure};
use ser_core::spec::{Layer, Network, Shape};
use serde::{Deserialize, Serialize};

use crate::features::rows::Normalization;

/// One value for each gate of an LSTM. Gates have names because Burn, Keras, ONNX and the core order them differently.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Gates<T> {
    /// Input gate, sigmoid.
    pub input: T,
    /// Forget gate, sigmoid.
    pub forget: T,
    /// Cell candidate, tanh.
    pub cell: T,
    /// Output gate, sigmoid.
    pub output: T,
}

impl<T> Gates<T> {
    /// The gates in the order of the core's rows: input, forget, cell, output.
    pub fn in_core_order(&self) -> [&T; 4] {
        [&self.input, &self.forget, &self.cell, &self.output]
    }
}

/// One gate of an LSTM: `W x + R h + b`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Gate {
    /// `W`, `[hidden][inputs]`; inputs flattened `[band][channel]`.
    pub input_weight: Vec<f32>,
    /// `R`, `[hidden][hidden]`.
    pub recurrent_weight: Vec<f32>,
    /// `b`, `[hidden]`; the sum of both biases where a framework has two.
    pub bias: Vec<f32>,
}

/// Parameters of one layer.
#[expect(clippy::large_enum_variant, reason = "a network has a dozen layers")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FloatLayer {
    /// Convolution, followed by ReLU. Batch norm, if there was any, is folded in.
    Conv2d {
        /// `[out channel][row, oldest first][band][in channel]`.
        weight: Vec<f32>,
        /// `[out channel]`.
        bias: Vec<f32>,
    },
    /// No parameters.
    MaxPool,
    /// No parameters.
    Flatten,
    /// See [`Gate`].
    Lstm(Gates<Gate>),
    /// No parameters.
    TimeMean,
    /// No parameters.
    LastStep,
    /// Affine map.
    Dense {
        /// `[unit][input]`.
        weight: Vec<f32>,
        /// `[unit]`.
        bias: Vec<f32>,
    },
}

/// A network's description with its trained parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FloatNetwork {
    /// The description.
    pub network: Network,
    /// Normalisation of the features.
    pub normalization: Normalization,
    /// Parameters, one entry for each layer of the description.
    pub layers: Vec<FloatLayer>,
}

impl FloatNetwork {
    /// Checks the description, that the parameters fit it, and that all numbers are finite.
    ///
    /// # Errors
    ///
    /// The error names the first fault.
    pub fn check(&self) -> Result<()> {
        self.network.check()?;
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        let parts = self.network.front_end.normalized_parts();
        for values in [&self.normalization.mean, &self.normalization.sd] {
            ensure!(
                values.len() == parts && finite(values),
                "the normalisation of the features wants {parts} numbers, {} values came",
                values.len()
            );
        }
        for (position, (layer, _, parameters)) in self.layers()?.into_iter().enumerate() {
            let sound = match parameters {
                FloatLayer::Conv2d { weight, bias } | FloatLayer::Dense { weight, bias } => {
                    finite(weight) && finite(bias)
                }
                FloatLayer::Lstm(gates) => gates
                    .in_core_order()
                    .iter()
                    .all(|gate| finite(&gate.input_weight) && finite(&gate.recurrent_weight) && finite(&gate.bias)),
                FloatLayer::MaxPool | FloatLayer::Flatten | FloatLayer::TimeMean | FloatLayer::LastStep => true,
            };
            ensure!(sound, "layer {} ({}) has a value that is no number", position + 1, layer.name());
        }
        Ok(())
    }

    /// Each layer's description, the shape of the row that enters it, and its parameters. If description and parameters
    /// do not fit, the error names the layer.
    pub fn layers(&self) -> Result<Vec<(Layer, Shape, &FloatLayer)>> {
        let network = &self.network;
        ensure!(
            network.layers.len() == self.layers.len(),
            "the network wants parameters for {} layers, parameters for {} came",
            network.layers.len(),
            self.layers.len()
        );
        network
            .shapes()
            .zip(&self.layers)
            .enumerate()
            .map(|(position, ((layer, input, _), parameters))| {
                let came = match parameters {
                    FloatLayer::Conv2d { weight, bias } | FloatLayer::Dense { weight, bias } => {
                        weight.len() + bias.len()
                    }
                    FloatLayer::Lstm(gates) => gates
                        .in_core_order()
                        .iter()
                        .map(|g| g.input_weight.len() + g.recurrent_weight.len() + g.bias.len())
                        .sum(),
                    FloatLayer::MaxPool | FloatLayer::Flatten | FloatLayer::TimeMean | FloatLayer::LastStep => 0,
                };
                let same_kind = matches!(
                    (layer, parameters),
                    (Layer::Conv2d { .. }, FloatLayer::Conv2d { .. })
                        | (Layer::MaxPool { .. }, FloatLayer::MaxPool)
                        | (Layer::Lstm { .. }, FloatLayer::Lstm(_))
                        | (Layer::Flatten { .. }, FloatLayer::Flatten)
                        | (Layer::TimeMean, FloatLayer::TimeMean)
                        | (Layer::LastStep, FloatLayer::LastStep)
                        | (Layer::Dense { .. }, FloatLayer::Dense { .. })
                );
                let wanted = layer.parameters(input);
                ensure!(
                    same_kind && came == wanted,
                    "layer {} ({}) wants {wanted} parameters of its kind, {came} came",
                    position + 1,
                    layer.name()
                );
                Ok((layer, input, parameters))
            })
            .collect()
    }
}
