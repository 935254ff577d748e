//! Quantises a float network to int8, calibrated on training utterances (post-training quantisation).
//!
//! Weights are symmetric in -127..=127, with one scale for each row of a weight matrix. Activations of convolutions are
//! int8 with a zero point; hidden states are Q0.15. Every row is proved to fit an int32 accumulator before it is
//! written, and the core's own parser checks the result again.

mod calibration;
mod grids;
mod rows;

pub use calibration::Calibration;

use anyhow::{Context, Result, bail};
use ser_core::frontend::INPUT_SCALE;
use ser_core::kernels::LOGIT_FRACTION_BITS;
use ser_core::quant::Multiplier;
use ser_core::spec::{Layer, Network};

use crate::model::float_network::{FloatLayer, FloatNetwork, Gate, Gates};
use grids::{CODE_MAGNITUDE, HIDDEN_INPUT, Input, mean_of};
pub(crate) use rows::multiplier;
use rows::{AffineRow, LstmRow};

/// Code of 0 after a ReLU: the whole range is left for positive values.
const RELU_ZERO_POINT: i8 = -128;

/// Rows of a weight matrix, with their biases and multipliers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantRows {
    /// `[rows][columns]`.
    pub weights: Vec<i8>,
    /// `[rows]`; the input's zero point is folded in.
    pub bias: Vec<i32>,
    /// `[rows]`.
    pub multipliers: Vec<Multiplier>,
}

/// A quantised layer. Matrices are stored row by row; the model file packs them later.
#[derive(Clone, Debug, PartialEq)]
pub enum QuantLayer {
    /// Convolution and ReLU.
    Conv2d {
        /// One row for each output channel.
        rows: QuantRows,
        /// Code of 0 in the output.
        zero_point: i8,
        /// Real value of one step of the output.
        scale: f32,
    },
    /// No numbers.
    MaxPool,
    /// No numbers.
    Flatten,
    /// Rows `[hidden][4]`; `rows` has the input weights.
    Lstm {
        /// Input weights, biases and multipliers.
        rows: QuantRows,
        /// `[hidden][4][hidden]`.
        recurrent_weights: Vec<i8>,
        /// `[hidden][4]`.
        input_shift: Vec<u8>,
    },
    /// No numbers.
    TimeMean,
    /// No numbers.
    LastStep,
    /// One row for each logit.
    Dense(QuantRows),
}

/// Quantises every layer. If numbers of a layer cannot be represented, the error names the layer and the reason.
pub fn quantise(float: &FloatNetwork, calibration: &Calibration) -> Result<Vec<QuantLayer>> {
    let mut input = Input { scale: f64::from(INPUT_SCALE), zero_point: 0, magnitude: CODE_MAGNITUDE };
    let mut quantised = Vec::new();
    let network = &float.network;
    let steps = |index: usize| network.front_end.image_rows().and_then(|rows| network.rows(rows).nth(index));
    for (index, (layer, shape, parameters)) in float.layers()?.into_iter().enumerate() {
        let name = || format!("layer {} ({})", index + 1, layer.name());
        let layer = match (layer, parameters) {
            (Layer::Conv2d { rows, bands, .. }, FloatLayer::Conv2d { weight, bias }) => {
                let scale = calibration.output_range(index)? / 255.0;
                let columns = rows * bands * shape.channels;
                let rows = affine_rows(weight, bias, columns, input, scale).with_context(name)?;
                input = Input { scale, zero_point: RELU_ZERO_POINT, magnitude: CODE_MAGNITUDE };
                QuantLayer::Conv2d { rows, zero_point: RELU_ZERO_POINT, scale: scale as f32 }
            }
            (Layer::Lstm { hidden }, FloatLayer::Lstm(gates)) => {
                let (of_input, of_hidden) = calibration.energies(index)?;
                // In a single step, the incoming hidden states are zeros.
                let energies = (of_input, if steps(index) == Some(1) { 0.0 } else { of_hidden });
                let layer = lstm(gates, shape.len(), hidden, input, energies).with_context(name)?;
                input = HIDDEN_INPUT;
                layer
            }
            (Layer::Dense { .. }, FloatLayer::Dense { weight, bias }) => {
                let step = 1.0 / f64::from(1u32 << LOGIT_FRACTION_BITS);
                QuantLayer::Dense(affine_rows(weight, bias, shape.len(), input, step).with_context(name)?)
            }
            (Layer::MaxPool { .. }, FloatLayer::MaxPool) => QuantLayer::MaxPool,
            (Layer::Flatten { .. }, FloatLayer::Flatten) => QuantLayer::Flatten,
            (Layer::TimeMean, FloatLayer::TimeMean) => {
                if input.magnitude == CODE_MAGNITUDE {
                    input = mean_of(input);
                }
                QuantLayer::TimeMean
            }
            (Layer::LastStep, FloatLayer::LastStep) => QuantLayer::LastStep,
            _ => bail!("{} came with parameters of another kind", name()),
        };
        quantised.push(layer);
    }
    Ok(quantised)
}

fn affine_rows(weight: &[f32], bias: &[f32], columns: usize, input: Input, output_scale: f64) -> Result<QuantRows> {
    let mut rows = QuantRows::default();
    for (index, (weights, &bias)) in weight.chunks_exact(columns.max(1)).zip(bias).enumerate() {
        let row =
            AffineRow::new(weights, f64::from(bias), input, output_scale).with_context(|| format!("row {index}"))?;
        rows.weights.extend(row.weights);
        rows.bias.push(row.bias);
        rows.multipliers.push(row.multiplier);
    }
    Ok(rows)
}

fn lstm(gates: &Gates<Gate>, inputs: usize, hidden: usize, input: Input, energies: (f64, f64)) -> Result<QuantLayer> {
    let mut rows = QuantRows::default();
    let mut recurrent_weights = Vec::new();
    let mut input_shift = Vec::new();
    for unit in 0..hidden {
        for gate in gates.in_core_order() {
            let row = LstmRow::new(
                &gate.input_weight[unit * inputs..][..inputs],
                &gate.recurrent_weight[unit * hidden..][..hidden],
                f64::from(gate.bias[unit]),
                input,
                energies,
            )
            .with_context(|| format!("unit {unit}"))?;
            rows.weights.extend(row.input_weights);
            rows.bias.push(row.bias);
            rows.multipliers.push(row.multiplier);
            recurrent_weights.extend(row.recurrent_weights);
            input_shift.push(row.input_shift);
        }
    }
    Ok(QuantLayer::Lstm { rows, recurrent_weights, input_shift })
}

/// A quantised network with zero weights: it has the sizes before anything is trained.
pub fn blank(network: &Network) -> Vec<QuantLayer> {
    let zeros = |rows: usize, columns: usize| QuantRows {
        weights: vec![0; rows * columns],
        bias: vec![0; rows],
        multipliers: Multiplier::new(1 << 30, 1).into_iter().cycle().take(rows).collect(),
    };
    network
        .shapes()
        .map(|(layer, input, _)| match layer {
            Layer::Conv2d { channels, rows, bands, .. } => QuantLayer::Conv2d {
                rows: zeros(channels, rows * bands * input.channels),
                zero_point: RELU_ZERO_POINT,
                scale: 1.0,
            },
            Layer::MaxPool { .. } => QuantLayer::MaxPool,
            Layer::Lstm { hidden } => QuantLayer::Lstm {
                rows: zeros(4 * hidden, input.len()),
                recurrent_weights: vec![0; 4 * hidden * hidden],
                input_shift: vec![0; 4 * hidden],
            },
            Layer::Flatten { .. } => QuantLayer::Flatten,
            Layer::TimeMean => QuantLayer::TimeMean,
            Layer::LastStep => QuantLayer::LastStep,
            Layer::Dense { units } => QuantLayer::Dense(zeros(units, input.len())),
        })
        .collect()
}
