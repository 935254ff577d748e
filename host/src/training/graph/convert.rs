//! The graph as plain numbers: batch norm folded into the convolutions, gates by name, layouts of the core.

use anyhow::{Result, bail};
use burn::module::Param;
use burn::tensor::Tensor;
use ser_core::spec::{Layer, Network};

use super::compute::Compute;
use super::convolution::Convolution;
use super::lstm::{GateTensors, Lstm};
use super::module::Graph;
use super::statistics::EPSILON;
use super::style::Style;
use super::tensors::{numbers, tensor};
use crate::features::rows::Normalization;
use crate::model::float_network::{FloatLayer, FloatNetwork, Gate, Gates};

impl Graph {
    /// The trained network, for the description that the graph was built from. Fails for another description.
    pub fn to_float_network(&self, network: &Network, normalization: &Normalization) -> Result<FloatNetwork> {
        let mut convolutions = self.convolutions.iter();
        let mut lstms = self.lstms.iter();
        let mut layers = Vec::with_capacity(network.layers.len());
        for layer in &network.layers {
            layers.push(match layer {
                Layer::Conv2d { .. } => match convolutions.next() {
                    Some(block) => folded(block),
                    None => bail!("the graph has {} convolutions, the description wants more", self.convolutions.len()),
                },
                Layer::MaxPool { .. } => FloatLayer::MaxPool,
                Layer::Lstm { .. } => match lstms.next() {
                    Some(lstm) => FloatLayer::Lstm(gates(lstm)),
                    None => bail!("the graph has {} LSTMs, the description wants more", self.lstms.len()),
                },
                Layer::Flatten { .. } => FloatLayer::Flatten,
                Layer::TimeMean => FloatLayer::TimeMean,
                Layer::LastStep => FloatLayer::LastStep,
                Layer::Dense { .. } => FloatLayer::Dense {
                    weight: numbers(self.dense_weight.val().transpose()),
                    bias: numbers(self.dense_bias.val()),
                },
            });
        }
        let converted = FloatNetwork { network: network.clone(), normalization: normalization.clone(), layers };
        converted.layers()?;
        Ok(converted)
    }
}

impl Graph {
    /// A graph that computes the same as a float network. Fails if its parameters do not fit its description.
    pub fn from_float_network(float: &FloatNetwork, compute: &Compute) -> Result<Self> {
        let mut graph = Self::new(&float.network, Style::default(), 0, compute)?
            .with_input_gain(&float.network, &float.normalization)?;
        let device = &compute.device;
        let mut convolutions = graph.convolutions.iter_mut();
        let mut lstms = graph.lstms.iter_mut();
        for (layer, input, parameters) in float.layers()? {
            match (layer, parameters) {
                (Layer::Conv2d { channels, rows, bands, .. }, FloatLayer::Conv2d { weight, bias }) => {
                    if let Some(block) = convolutions.next() {
                        let weight: Tensor<4> = tensor(weight, [channels, rows, bands, input.channels], device)?;
                        *block =
                            block.clone().set_folded(weight.permute([0, 3, 1, 2]), tensor(bias, [channels], device)?);
                    }
                }
                (Layer::Lstm { hidden }, FloatLayer::Lstm(gates)) => {
                    if let Some(lstm) = lstms.next() {
                        let gate = |gate: &Gate| -> Result<_> {
                            Ok(GateTensors {
                                input_weight: tensor(&gate.input_weight, [hidden, input.len()], device)?.transpose(),
                                recurrent_weight: tensor(&gate.recurrent_weight, [hidden, hidden], device)?.transpose(),
                                bias: tensor(&gate.bias, [hidden], device)?,
                            })
                        };
                        lstm.set_gates(Gates {
                            input: gate(&gates.input)?,
                            forget: gate(&gates.forget)?,
                            cell: gate(&gates.cell)?,
                            output: gate(&gates.output)?,
                        });
                    }
                }
                (Layer::Dense { units }, FloatLayer::Dense { weight, bias }) => {
                    graph.dense_weight = Param::from_tensor(tensor(weight, [units, input.len()], device)?.transpose());
                    graph.dense_bias = Param::from_tensor(tensor(bias, [units], device)?);
                }
                (_, FloatLayer::MaxPool | FloatLayer::Flatten | FloatLayer::TimeMean | FloatLayer::LastStep) => {}
                (layer, _) => bail!("wanted the parameters of {layer:?}, those of another layer came"),
            }
        }
        Ok(graph)
    }
}

/// `scale (w x - mean) / √(variance + ε) + shift` as one convolution with a bias.
fn folded(block: &Convolution) -> FloatLayer {
    let (mut weight, mut bias) = (block.acting_weight(), block.shift.val());
    if block.batch_norm {
        let [outputs, ..] = weight.dims();
        let factor = block.scale.val().abs() / (block.running_variance.val() + EPSILON).sqrt();
        weight = weight * factor.clone().reshape([outputs, 1, 1, 1]);
        bias = bias - block.running_mean.val() * factor;
    }
    FloatLayer::Conv2d { weight: numbers(weight.permute([0, 2, 3, 1])), bias: numbers(bias) }
}

fn gates(lstm: &Lstm) -> Gates<Gate> {
    let gate = |columns: std::ops::Range<usize>| Gate {
        input_weight: numbers(lstm.input_weight.val().slice_dim(1, columns.clone()).transpose()),
        recurrent_weight: numbers(lstm.recurrent_weight.val().slice_dim(1, columns.clone()).transpose()),
        bias: numbers(lstm.bias.val().slice_dim(0, columns)),
    };
    let columns = Lstm::columns(lstm.hidden);
    Gates {
        input: gate(columns.input),
        forget: gate(columns.forget),
        cell: gate(columns.cell),
        output: gate(columns.output),
    }
}
