//! The float network as ONNX.
//!
//! Input `features`: f32 `[1, 1, rows, mel_bands]`, any number of normalised log-mel rows; or `[1, 3, columns, bands]`,
//! a normalised image in red, green and blue, whose columns are the rows of the network. Outputs: `logits` and
//! `probabilities`, each `[1, labels]`. A causal convolution has `kernel - 1` rows of zeros before the first row and
//! none after the last; pools round down; before the flatten, the first LSTM or the time mean, a row is flattened
//! `[band][channel]`.
//! The name of a value says which layer makes it, for instance `layer1_relu` or `layer7_lstm`, counted from 1, so the
//! value can be tapped. The metadata hold the network's description and the normalisation as JSON.

pub mod trained;

use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use ser_core::spec::{Layer, Network, Padding, Shape};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

use crate::model::float_network::{FloatLayer, FloatNetwork, Gate, Gates};

/// Name of the input.
pub const FEATURES: &str = "features";
/// Name of the output before the softmax.
pub const LOGITS: &str = "logits";
/// Name of the output after the softmax.
pub const PROBABILITIES: &str = "probabilities";

/// Operator set of the nodes, and the IR version that goes with it.
const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;
const PRODUCER: &str = "ser";
/// Key of the network's description in the metadata.
const NETWORK_KEY: &str = "network";

/// Writes a network as an ONNX file.
///
/// # Errors
///
/// If description and parameters do not fit; the error names the layer.
pub fn to_onnx(float: &FloatNetwork) -> Result<Vec<u8>> {
    float.network.check()?;
    let mut graph = graph(&float.network);
    let mut tensors = graph.initializer.iter_mut().filter(|tensor| is_float(tensor));
    for (layer, input, parameters) in float.layers()? {
        for values in onnx_order(layer, input, parameters)? {
            let tensor = tensors.next().context("more parameters than the graph has room for")?;
            let wanted = tensor.dims.iter().product::<i64>() as usize;
            ensure!(values.len() == wanted, "{} wants {wanted} values, {} came", tensor.name, values.len());
            tensor.raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        }
    }
    let metadata = [
        ("labels", float.network.labels.join(",")),
        ("normalization", serde_json::to_string(&float.normalization)?),
        // Last, so a truncated file lacks it.
        (NETWORK_KEY, serde_json::to_string(&float.network)?),
    ];
    let model = ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: PRODUCER.to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        metadata_props: metadata.map(|(key, value)| StringStringEntryProto { key: key.to_owned(), value }).to_vec(),
        ..ModelProto::default()
    };
    Ok(model.encode_to_vec())
}

/// Decodes a file written by [`to_onnx`]; also returns the network that it describes.
///
/// # Errors
///
/// If the bytes are not ONNX, or if the graph is not that of the network in the metadata. So only the weights of a
/// returned model are unknown.
pub(crate) fn read(bytes: &[u8]) -> Result<(ModelProto, Network)> {
    let model = ModelProto::decode(bytes).context("not an ONNX file, or damaged")?;
    let entry = model.metadata_props.iter().find(|entry| entry.key == NETWORK_KEY);
    let entry = entry.context("not written by `host export --onnx`: its metadata have no entry `network`")?;
    let network: Network =
        serde_json::from_str(&entry.value).context("damaged: the description of the network in the metadata")?;
    network.check().context("damaged: the description of the network in the metadata")?;

    let mut bare = model.graph.clone().context("damaged: there is no graph")?;
    for tensor in bare.initializer.iter_mut().filter(|tensor| is_float(tensor)) {
        let wanted = tensor.dims.iter().try_fold(4i64, |len, dim| len.checked_mul(*dim));
        ensure!(
            wanted == i64::try_from(tensor.raw_data.len()).ok(),
            "damaged: {} has {} bytes",
            tensor.name,
            tensor.raw_data.len()
        );
        tensor.raw_data.clear();
    }
    let opsets = [OperatorSetIdProto { domain: String::new(), version: OPSET }];
    ensure!(
        bare == graph(&network) && model.opset_import == opsets,
        "damaged: the graph is not that of the network in the metadata"
    );
    Ok((model, network))
}

/// Name of the value that layer `index`, counted from 0, passes on.
pub(crate) fn output_name(index: usize, layer: Layer) -> String {
    match layer {
        Layer::Conv2d { .. } => format!("layer{}_relu", index + 1),
        Layer::MaxPool { .. } => format!("layer{}_max_pool", index + 1),
        Layer::Lstm { .. } => format!("layer{}_lstm", index + 1),
        Layer::Flatten { .. } => format!("layer{}_flatten", index + 1),
        Layer::TimeMean => format!("layer{}_time_mean", index + 1),
        Layer::LastStep => format!("layer{}_last_step", index + 1),
        Layer::Dense { .. } => LOGITS.to_owned(),
    }
}

fn is_float(tensor: &TensorProto) -> bool {
    tensor.data_type == DataType::Float as i32
}

/// The whole graph without the data of its float tensors.
fn graph(network: &Network) -> GraphProto {
    let mut graph = GraphBuilder {
        graph: GraphProto { name: PRODUCER.to_owned(), ..GraphProto::default() },
        value: FEATURES.to_owned(),
    };
    let mut flat = false;
    for (index, (layer, input, _)) in network.shapes().enumerate() {
        if !flat && matches!(layer, Layer::Flatten { .. } | Layer::Lstm { .. } | Layer::TimeMean) {
            graph.flatten(input);
            flat = true;
        }
        graph.layer(index, layer, input);
    }
    graph.node("softmax", "Softmax", &[], vec![int("axis", 1)], PROBABILITIES);
    let mut graph = graph.graph;
    let labels = [Some(1), Some(network.labels.len())];
    let Shape { bands, channels } = network.input();
    graph.input = vec![value_info(FEATURES, &[Some(1), Some(channels), network.front_end.image_rows(), Some(bands)])];
    graph.output = vec![value_info(LOGITS, &labels), value_info(PROBABILITIES, &labels)];
    graph
}

/// A graph that grows node by node; each node takes the value of the node before.
struct GraphBuilder {
    graph: GraphProto,
    value: String,
}

impl GraphBuilder {
    /// Adds a node that takes the last value and `tensors`.
    fn node(&mut self, name: &str, operator: &str, tensors: &[String], attribute: Vec<AttributeProto>, output: &str) {
        let last = std::mem::replace(&mut self.value, output.to_owned());
        self.graph.node.push(NodeProto {
            input: std::iter::once(last).chain(tensors.iter().cloned()).collect(),
            output: vec![output.to_owned()],
            name: name.to_owned(),
            op_type: operator.to_owned(),
            attribute,
            ..NodeProto::default()
        });
    }

    fn float_tensor(&mut self, name: String, dims: &[usize]) -> String {
        let dims = dims.iter().map(|dim| *dim as i64).collect();
        self.graph.initializer.push(TensorProto {
            dims,
            data_type: DataType::Float as i32,
            name: name.clone(),
            ..TensorProto::default()
        });
        name
    }

    fn int_tensor(&mut self, name: String, values: &[i64]) -> String {
        self.graph.initializer.push(TensorProto {
            dims: vec![values.len() as i64],
            data_type: DataType::Int64 as i32,
            int64_data: values.to_vec(),
            name: name.clone(),
            ..TensorProto::default()
        });
        name
    }

    /// `[1, channels, rows, bands]` to `[rows, 1, bands · channels]`, the layout of an LSTM's input.
    fn flatten(&mut self, row: Shape) {
        self.node("rows_first", "Transpose", &[], vec![ints("perm", &[2, 0, 3, 1])], "rows_first");
        // 0 copies the dimension from the input.
        let shape = self.int_tensor("row_shape".to_owned(), &[0, 1, row.len() as i64]);
        self.node("flat_rows", "Reshape", &[shape], vec![], "flat_rows");
    }

    fn layer(&mut self, index: usize, layer: Layer, input: Shape) {
        let prefix = format!("layer{}", index + 1);
        let output = output_name(index, layer);
        match layer {
            Layer::Conv2d { channels, rows, bands, padding } => {
                let weight = self.float_tensor(format!("{prefix}_weight"), &[channels, input.channels, rows, bands]);
                let bias = self.float_tensor(format!("{prefix}_bias"), &[channels]);
                let (rows, bands) = (rows as i64, bands as i64);
                let [before, behind, beside] = match padding {
                    Padding::Causal => [rows - 1, 0, bands / 2],
                    Padding::Same => [rows / 2, rows / 2, bands / 2],
                    Padding::Valid => [0; 3],
                };
                let attributes = vec![
                    ints("kernel_shape", &[rows, bands]),
                    ints("pads", &[before, beside, behind, beside]),
                    ints("strides", &[1, 1]),
                ];
                let conv = format!("{prefix}_conv2d");
                self.node(&conv, "Conv", &[weight, bias], attributes, &conv);
                self.node(&output, "Relu", &[], vec![], &output);
            }
            Layer::MaxPool { rows, bands, overlap } => {
                let block = [rows as i64, bands as i64];
                let strides = block.map(|side| side - overlap as i64);
                self.node(
                    &output,
                    "MaxPool",
                    &[],
                    vec![ints("kernel_shape", &block), ints("strides", &strides)],
                    &output,
                );
            }
            Layer::Lstm { hidden } => {
                let input_weight = self.float_tensor(format!("{prefix}_input_weight"), &[1, 4 * hidden, input.len()]);
                let recurrent_weight =
                    self.float_tensor(format!("{prefix}_recurrent_weight"), &[1, 4 * hidden, hidden]);
                let bias = self.float_tensor(format!("{prefix}_bias"), &[1, 8 * hidden]);
                let directions = format!("{prefix}_directions");
                let attributes = vec![int("hidden_size", hidden as i64)];
                self.node(&directions, "LSTM", &[input_weight, recurrent_weight, bias], attributes, &directions);
                let axis = self.int_tensor(format!("{prefix}_direction_axis"), &[1]);
                self.node(&output, "Squeeze", &[axis], vec![], &output);
            }
            Layer::Flatten { .. } => {
                let shape = self.int_tensor(format!("{prefix}_shape"), &[1, 1, layer.output(input).len() as i64]);
                self.node(&output, "Reshape", &[shape], vec![], &output);
            }
            Layer::LastStep => {
                let last = self.int_tensor(format!("{prefix}_index"), &[-1]);
                let step = format!("{prefix}_step");
                self.node(&step, "Gather", &[last], vec![int("axis", 0)], &step);
                let axis = self.int_tensor(format!("{prefix}_axis"), &[0]);
                self.node(&output, "Squeeze", &[axis], vec![], &output);
            }
            Layer::TimeMean => {
                self.node(&output, "ReduceMean", &[], vec![ints("axes", &[0]), int("keepdims", 0)], &output)
            }
            Layer::Dense { units } => {
                let weight = self.float_tensor(format!("{prefix}_weight"), &[units, input.len()]);
                let bias = self.float_tensor(format!("{prefix}_bias"), &[units]);
                self.node(&format!("{prefix}_dense"), "Gemm", &[weight, bias], vec![int("transB", 1)], &output);
            }
        }
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: AttributeType::Int as i32, i: value, ..AttributeProto::default() }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints as i32,
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

/// An f32 tensor at the edge of the graph; a dimension of None is the number of rows.
fn value_info(name: &str, dims: &[Option<usize>]) -> ValueInfoProto {
    let dim = |size: &Option<usize>| {
        let value = match size {
            Some(size) => dimension::Value::DimValue(*size as i64),
            None => dimension::Value::DimParam("rows".to_owned()),
        };
        Dimension { denotation: String::new(), value: Some(value) }
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let r#type = Some(TypeProto { denotation: String::new(), value: Some(type_proto::Value::TensorType(tensor)) });
    ValueInfoProto { name: name.to_owned(), r#type, doc_string: String::new() }
}

/// A layer's parameters in ONNX's order, tensor by tensor as in [`GraphBuilder::layer`].
fn onnx_order(layer: Layer, input: Shape, parameters: &FloatLayer) -> Result<Vec<Vec<f32>>> {
    Ok(match (layer, parameters) {
        (Layer::Conv2d { channels, rows, bands, .. }, FloatLayer::Conv2d { weight, bias }) => {
            let taps = rows * bands;
            let mut reordered = Vec::with_capacity(weight.len());
            for output in 0..channels {
                for channel in 0..input.channels {
                    let of_channel =
                        weight.iter().skip(output * taps * input.channels + channel).step_by(input.channels);
                    reordered.extend(of_channel.take(taps));
                }
            }
            vec![reordered, bias.clone()]
        }
        (Layer::Lstm { hidden }, FloatLayer::Lstm(gates)) => {
            let in_order = |values: fn(&Gate) -> &Vec<f32>| {
                in_onnx_order(gates).into_iter().flat_map(values).copied().collect::<Vec<f32>>()
            };
            // ONNX has one bias for the input and one for the hidden state; only their sum matters.
            let mut bias = in_order(|gate| &gate.bias);
            bias.resize(8 * hidden, 0.0);
            vec![in_order(|gate| &gate.input_weight), in_order(|gate| &gate.recurrent_weight), bias]
        }
        (Layer::Dense { .. }, FloatLayer::Dense { weight, bias }) => vec![weight.clone(), bias.clone()],
        (Layer::MaxPool { .. } | Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep, _) => vec![],
        _ => bail!("{} came with parameters of another kind", layer.name()),
    })
}

/// Input, output, forget, cell.
fn in_onnx_order(gates: &Gates<Gate>) -> [&Gate; 4] {
    [&gates.input, &gates.output, &gates.forget, &gates.cell]
}

#[cfg(test)]
pub(crate) mod tests;
