//! Layers and the shapes between them.

use heapless::{String, Vec};

use super::front_end::{FrontEnd, SpecError};

/// Most layers that a network may have.
pub const MAX_LAYERS: usize = 12;
/// Most classes that a network may tell apart.
pub const MAX_LABELS: usize = 8;
/// Largest number of rows that a convolution's kernel or a pool's block has.
pub const MAX_KERNEL_ROWS: usize = 15;
/// Name of a class, UTF-8.
pub type Label = String<16>;

/// One row of activations: what a layer passes on at each of its time steps. Layout `[band][channel]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Positions along frequency.
    pub bands: usize,
    /// Values at each position.
    pub channels: usize,
}

impl Shape {
    /// Values in the row.
    pub const fn len(self) -> usize {
        self.bands * self.channels
    }

    /// Whether the row has no value at all.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A layer's kind and size; what it does to a row's shape follows: [`Layer::output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Layer {
    /// Convolution and ReLU, stride 1. Causal in time: row `t` sees rows `t - rows + 1 ..= t`, rows before the first are
    /// zeros. Padded with zeros along frequency to the same number of bands.
    Conv2d {
        /// Output channels.
        channels: usize,
        /// Kernel along time.
        rows: usize,
        /// Kernel along frequency, odd.
        bands: usize,
    },
    /// Maximum over blocks that do not overlap; what does not fill a block is dropped.
    MaxPool {
        /// Block along time: one row leaves for so many that enter.
        rows: usize,
        /// Block along frequency.
        bands: usize,
    },
    /// LSTM over the flattened row; passes on its hidden state at each step.
    Lstm {
        /// Size of hidden and cell state.
        hidden: usize,
    },
    /// Mean of all rows since the start.
    TimeMean,
    /// Affine map of the flattened row.
    Dense {
        /// Outputs.
        units: usize,
    },
}

impl Layer {
    /// Shape of the row that leaves, for a row of shape `input` that enters.
    pub const fn output(self, input: Shape) -> Shape {
        match self {
            Layer::Conv2d { channels, .. } => Shape { bands: input.bands, channels },
            Layer::MaxPool { bands, .. } => match input.bands.checked_div(bands) {
                Some(pooled) => Shape { bands: pooled, channels: input.channels },
                None => Shape { bands: 0, channels: input.channels },
            },
            Layer::Lstm { hidden } => Shape { bands: 1, channels: hidden },
            Layer::TimeMean => input,
            Layer::Dense { units } => Shape { bands: 1, channels: units },
        }
    }

    /// How many rows enter for one that leaves.
    pub const fn row_stride(self) -> usize {
        match self {
            Layer::MaxPool { rows, .. } => rows,
            _ => 1,
        }
    }

    /// Weights and biases (an LSTM has one bias for each gate of each unit).
    pub const fn parameters(self, input: Shape) -> usize {
        match self {
            Layer::Conv2d { channels, rows, bands } => channels * (rows * bands * input.channels + 1),
            Layer::Lstm { hidden } => 4 * hidden * (input.len() + hidden + 1),
            Layer::Dense { units } => units * (input.len() + 1),
            Layer::MaxPool { .. } | Layer::TimeMean => 0,
        }
    }

    /// Multiplications with a weight for each row that enters.
    pub const fn macs(self, input: Shape) -> usize {
        match self {
            Layer::Conv2d { channels, rows, bands } => input.bands * channels * rows * bands * input.channels,
            Layer::Lstm { hidden } => 4 * hidden * (input.len() + hidden),
            Layer::Dense { units } => units * input.len(),
            Layer::MaxPool { .. } | Layer::TimeMean => 0,
        }
    }

    /// The layer's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Layer::Conv2d { .. } => "conv2d",
            Layer::MaxPool { .. } => "max pool",
            Layer::Lstm { .. } => "lstm",
            Layer::TimeMean => "time mean",
            Layer::Dense { .. } => "dense",
        }
    }
}

/// A front end, the layers behind it and the classes that they tell apart.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Network {
    /// From PCM to rows.
    pub front_end: FrontEnd,
    /// From rows to logits: convolutions and pools, then LSTMs, one time mean, one dense layer.
    pub layers: Vec<Layer, MAX_LAYERS>,
    /// One name for each logit.
    pub labels: Vec<Label, MAX_LABELS>,
}

impl Network {
    /// Shape of the rows that the front end makes.
    pub const fn input(&self) -> Shape {
        Shape { bands: self.front_end.mel_bands, channels: 1 }
    }

    /// Each layer with the shapes of the rows that enter and leave it.
    pub fn shapes(&self) -> impl Iterator<Item = (Layer, Shape, Shape)> {
        let mut shape = self.input();
        self.layers.iter().map(move |&layer| {
            let input = shape;
            shape = layer.output(input);
            (layer, input, shape)
        })
    }

    /// Checks that every size is in range and that the layers stand in an order that the engine can run:
    /// any convolutions and pools, one LSTM or more, one time mean, one dense layer with a unit for each label.
    pub fn check(&self) -> Result<(), SpecError> {
        self.front_end.check()?;
        check_layers(self.input(), &self.layers, self.labels.len())
    }
}

/// How far along the order `convolutions, LSTMs, time mean, dense` the layers so far have come.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Convolutions,
    Lstms,
    Mean,
    Dense,
}

/// Checks sizes and order of the layers; see [`Network::check`].
pub(crate) const fn check_layers(input: Shape, layers: &[Layer], labels: usize) -> Result<(), SpecError> {
    const fn refuse(quantity: &'static str, got: usize, wanted: &'static str) -> Result<(), SpecError> {
        Err(SpecError { quantity, got: got as f32, wanted })
    }
    if labels < 2 || labels > MAX_LABELS {
        return refuse("number of labels", labels, "2..=8");
    }
    let mut shape = input;
    let mut stage = Stage::Convolutions;
    let mut rest = layers;
    while let [layer, behind @ ..] = rest {
        rest = behind;
        let position = layers.len() - behind.len();
        stage = match (*layer, stage) {
            (Layer::Conv2d { channels, rows, bands }, Stage::Convolutions) => {
                if channels == 0 || channels > 256 {
                    return refuse("conv2d channels", channels, "1..=256");
                }
                if rows == 0 || rows > MAX_KERNEL_ROWS {
                    return refuse("conv2d rows", rows, "1..=15");
                }
                if bands.is_multiple_of(2) || bands > 15 {
                    return refuse("conv2d bands", bands, "an odd number in 1..=15");
                }
                Stage::Convolutions
            }
            (Layer::MaxPool { rows, bands }, Stage::Convolutions) => {
                if rows == 0 || rows > MAX_KERNEL_ROWS {
                    return refuse("max pool rows", rows, "1..=15");
                }
                if bands == 0 || bands > shape.bands {
                    return refuse("max pool bands", bands, "1..=bands of the input");
                }
                Stage::Convolutions
            }
            (Layer::Lstm { hidden }, Stage::Convolutions | Stage::Lstms) => {
                if hidden == 0 || hidden > 512 {
                    return refuse("lstm hidden", hidden, "1..=512");
                }
                if shape.len() > 8192 {
                    return refuse("lstm inputs", shape.len(), "1..=8192");
                }
                Stage::Lstms
            }
            (Layer::TimeMean, Stage::Lstms) => Stage::Mean,
            (Layer::Dense { units }, Stage::Mean) => {
                if units != labels {
                    return refuse("dense units", units, "one for each label");
                }
                Stage::Dense
            }
            _ => return refuse("position of a layer", position, "convolutions and pools, LSTMs, time mean, dense, in this order"),
        };
        shape = layer.output(shape);
    }
    match stage {
        Stage::Dense => Ok(()),
        _ => refuse("number of layers", layers.len(), "a last layer `dense` behind LSTM and time mean"),
    }
}
