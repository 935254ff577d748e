//! Layers and the shapes between them.

use heapless::{String, Vec};

use super::error::SpecError;
use super::front_end::FrontEnd;
use super::shape::Shape;

/// Largest number of layers of a network.
pub const MAX_LAYERS: usize = 12;
/// Largest number of classes of a network.
pub const MAX_LABELS: usize = 16;
/// Largest number of rows of a convolution's kernel or a pool's block.
pub const MAX_KERNEL_ROWS: usize = 15;
/// Largest number of rows of a flatten.
pub const MAX_FLAT_ROWS: usize = 255;
/// Name of a class, UTF-8.
pub type Label = String<16>;

/// How far a convolution reaches beyond its input. It sees zeros there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Padding {
    /// Row `t` sees rows `t - rows + 1 ..= t`. Along frequency there are equal zeros on both sides, so the number of
    /// bands stays. For streams.
    #[default]
    Causal,
    /// Equal zeros on both sides along time and frequency (kernels are odd), so the numbers of rows and bands stay. For
    /// images.
    Same,
    /// No zeros: there is an output only where the whole kernel fits. For images.
    Valid,
}

/// Kind and size of a layer. The shape of its output follows: [`Layer::output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Layer {
    /// Convolution and ReLU, stride 1.
    Conv2d {
        /// Output channels.
        channels: usize,
        /// Kernel along time; odd for [`Padding::Same`].
        rows: usize,
        /// Kernel along frequency, odd.
        bands: usize,
        /// How far it reaches beyond its input.
        #[cfg_attr(feature = "serde", serde(default))]
        padding: Padding,
    },
    /// Maximum over blocks. Rows and bands that fill no block are dropped.
    MaxPool {
        /// Block along time.
        rows: usize,
        /// Block along frequency.
        bands: usize,
        /// Rows and bands that a block shares with the next, at most half of a block. So each value is in at most two
        /// blocks along each axis.
        #[cfg_attr(feature = "serde", serde(default))]
        overlap: usize,
    },
    /// All rows of an image as one row `[1][rows · bands · channels]`, oldest first.
    Flatten {
        /// Number of these rows.
        rows: usize,
    },
    /// LSTM over the flattened row. Its output is its hidden state at each step.
    Lstm {
        /// Size of hidden and cell state.
        hidden: usize,
    },
    /// Mean of all rows since the start.
    TimeMean,
    /// The last row.
    LastStep,
    /// Affine map of the flattened row.
    Dense {
        /// Outputs.
        units: usize,
    },
}

impl Layer {
    /// A causal convolution.
    pub const fn conv2d(channels: usize, rows: usize, bands: usize) -> Self {
        Layer::Conv2d { channels, rows, bands, padding: Padding::Causal }
    }

    /// A max pool over blocks that do not overlap.
    pub const fn max_pool(rows: usize, bands: usize) -> Self {
        Layer::MaxPool { rows, bands, overlap: 0 }
    }

    /// Shape of an output row, from the shape of an input row.
    pub const fn output(self, input: Shape) -> Shape {
        match self {
            Layer::Conv2d { channels, bands, padding, .. } => {
                Shape { bands: padding.output_len(input.bands, bands), channels }
            }
            Layer::MaxPool { bands, overlap, .. } => {
                Shape { bands: blocks(input.bands, bands, overlap), channels: input.channels }
            }
            Layer::Flatten { rows } => Shape { bands: 1, channels: rows * input.len() },
            Layer::Lstm { hidden } => Shape { bands: 1, channels: hidden },
            Layer::TimeMean | Layer::LastStep => input,
            Layer::Dense { units } => Shape { bands: 1, channels: units },
        }
    }

    /// Output rows of an input with this many rows.
    pub const fn output_rows(self, input_rows: usize) -> usize {
        match self {
            Layer::Conv2d { rows, padding, .. } => padding.output_len(input_rows, rows),
            Layer::MaxPool { rows, overlap, .. } => blocks(input_rows, rows, overlap),
            Layer::Flatten { rows } => blocks(input_rows, rows, 0),
            Layer::Lstm { .. } => input_rows,
            Layer::TimeMean | Layer::LastStep | Layer::Dense { .. } => {
                if input_rows > 0 {
                    1
                } else {
                    0
                }
            }
        }
    }

    /// Input rows for each output row, in a long input.
    pub const fn row_stride(self) -> usize {
        match self {
            Layer::MaxPool { rows, overlap, .. } => rows.saturating_sub(overlap),
            Layer::Flatten { rows } => rows,
            _ => 1,
        }
    }

    /// Weights and biases (an LSTM has one bias for each gate of each unit).
    pub const fn parameters(self, input: Shape) -> usize {
        match self {
            Layer::Conv2d { channels, rows, bands, .. } => channels * (rows * bands * input.channels + 1),
            Layer::Lstm { hidden } => 4 * hidden * (input.len() + hidden + 1),
            Layer::Dense { units } => units * (input.len() + 1),
            Layer::MaxPool { .. } | Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep => 0,
        }
    }

    /// Multiplications with a weight for each output row.
    pub const fn macs(self, input: Shape) -> usize {
        match self {
            Layer::Conv2d { channels, rows, bands, .. } => {
                self.output(input).bands * channels * rows * bands * input.channels
            }
            Layer::Lstm { hidden } => 4 * hidden * (input.len() + hidden),
            Layer::Dense { units } => units * input.len(),
            Layer::MaxPool { .. } | Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep => 0,
        }
    }

    /// Whether the layer needs the feature `image`.
    pub const fn is_for_images(self) -> bool {
        match self {
            Layer::Conv2d { padding, .. } => !matches!(padding, Padding::Causal),
            Layer::MaxPool { overlap, .. } => overlap > 0,
            Layer::Flatten { .. } | Layer::LastStep => true,
            Layer::Lstm { .. } | Layer::TimeMean | Layer::Dense { .. } => false,
        }
    }

    /// The layer's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Layer::Conv2d { .. } => "conv2d",
            Layer::MaxPool { .. } => "max pool",
            Layer::Flatten { .. } => "flatten",
            Layer::Lstm { .. } => "lstm",
            Layer::TimeMean => "time mean",
            Layer::LastStep => "last step",
            Layer::Dense { .. } => "dense",
        }
    }
}

impl Padding {
    /// Outputs along an axis, from the number of inputs and the length of the kernel.
    pub const fn output_len(self, inputs: usize, kernel: usize) -> usize {
        match self {
            Padding::Causal | Padding::Same => inputs,
            Padding::Valid => (inputs + 1).saturating_sub(kernel),
        }
    }
}

/// Number of blocks that fit into `len` places.
pub(crate) const fn blocks(len: usize, block: usize, overlap: usize) -> usize {
    match len.saturating_sub(overlap).checked_div(block.saturating_sub(overlap)) {
        Some(blocks) => blocks,
        None => 0,
    }
}

/// A front end, the layers behind it, and the classes.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Network {
    /// From PCM to rows.
    pub front_end: FrontEnd,
    /// From rows to logits: convolutions and pools, a flatten and LSTMs if wanted, time mean or (behind an LSTM) last
    /// step, one dense layer.
    pub layers: Vec<Layer, MAX_LAYERS>,
    /// One name for each logit.
    pub labels: Vec<Label, MAX_LABELS>,
}

impl Network {
    /// Shape of the rows of the front end.
    pub const fn input(&self) -> Shape {
        self.front_end.row_shape()
    }

    /// Each layer with the shapes of its input and output rows.
    pub fn shapes(&self) -> impl Iterator<Item = (Layer, Shape, Shape)> {
        let mut shape = self.input();
        self.layers.iter().map(move |&layer| {
            let input = shape;
            shape = layer.output(input);
            (layer, input, shape)
        })
    }

    /// Output rows of each layer, from the number of rows of the front end.
    pub fn rows(&self, input_rows: usize) -> impl Iterator<Item = usize> {
        let mut rows = input_rows;
        self.layers.iter().map(move |layer| {
            rows = layer.output_rows(rows);
            rows
        })
    }

    /// Checks that every size is in range and that the engine can run the layers in this order: any convolutions and
    /// pools, a flatten and LSTMs if wanted, one time mean or last step, one dense layer with a unit for each label. A
    /// last step is behind an LSTM. Layers that need the end of the input (paddings other than causal, flatten) are for
    /// images, which have a known number of rows.
    pub fn check(&self) -> Result<(), SpecError> {
        self.front_end.check()?;
        check_layers(self.input(), self.front_end.image_rows(), &self.layers, self.labels.len())
    }
}

/// The stage that the layers so far have reached, in the order `convolutions, flatten, LSTMs, summary, dense`.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Convolutions,
    Flat,
    Lstms,
    Summary,
    Dense,
}

/// Checks sizes and order of the layers; see [`Network::check`]. `image_rows` is the number of rows of an image, None
/// for a stream.
pub(crate) const fn check_layers(
    input: Shape,
    image_rows: Option<usize>,
    layers: &[Layer],
    labels: usize,
) -> Result<(), SpecError> {
    const fn refuse(quantity: &'static str, got: usize, wanted: &'static str) -> Result<(), SpecError> {
        Err(SpecError { quantity, got: got as f32, wanted })
    }
    if labels < 2 || labels > MAX_LABELS {
        return refuse("number of labels", labels, "2..=16");
    }
    let mut shape = input;
    let mut rows_so_far = image_rows;
    let mut stage = Stage::Convolutions;
    let mut rest = layers;
    while let [layer, behind @ ..] = rest {
        rest = behind;
        let position = layers.len() - behind.len();
        stage = match (*layer, stage) {
            (Layer::Conv2d { channels, rows, bands, padding }, Stage::Convolutions) => {
                if channels == 0 || channels > 256 {
                    return refuse("conv2d channels", channels, "1..=256");
                }
                if rows == 0 || rows > MAX_KERNEL_ROWS {
                    return refuse("conv2d rows", rows, "1..=15");
                }
                if bands.is_multiple_of(2) || bands > 15 {
                    return refuse("conv2d bands", bands, "an odd number in 1..=15");
                }
                match padding {
                    Padding::Causal => {}
                    Padding::Same | Padding::Valid if image_rows.is_none() => {
                        return refuse(
                            "position of a conv2d that is not causal",
                            position,
                            "a place in a network for images",
                        );
                    }
                    Padding::Same if rows.is_multiple_of(2) => {
                        return refuse("rows of a conv2d of the same size", rows, "an odd number");
                    }
                    Padding::Valid if bands > shape.bands => {
                        return refuse("bands of a conv2d without padding", bands, "at most the bands of the input");
                    }
                    Padding::Same | Padding::Valid => {}
                }
                Stage::Convolutions
            }
            (Layer::MaxPool { rows, bands, overlap }, Stage::Convolutions) => {
                if rows == 0 || rows > MAX_KERNEL_ROWS {
                    return refuse("max pool rows", rows, "1..=15");
                }
                if bands == 0 || bands > shape.bands {
                    return refuse("max pool bands", bands, "1..=bands of the input");
                }
                if overlap > rows / 2 || overlap > bands / 2 {
                    return refuse("max pool overlap", overlap, "at most half of its rows and bands");
                }
                Stage::Convolutions
            }
            (Layer::Flatten { rows }, Stage::Convolutions) => {
                match rows_so_far {
                    Some(wanted) if rows == wanted && rows <= MAX_FLAT_ROWS => {}
                    Some(_) => return refuse("flatten rows", rows, "all rows that come, at most 255"),
                    None => return refuse("position of flatten", position, "a place in a network for images"),
                }
                Stage::Flat
            }
            (Layer::Lstm { hidden }, Stage::Convolutions | Stage::Flat | Stage::Lstms) => {
                if hidden == 0 || hidden > 512 {
                    return refuse("lstm hidden", hidden, "1..=512");
                }
                if shape.len() > 8192 {
                    return refuse("lstm inputs", shape.len(), "1..=8192");
                }
                Stage::Lstms
            }
            (Layer::TimeMean, Stage::Convolutions | Stage::Flat | Stage::Lstms) | (Layer::LastStep, Stage::Lstms) => {
                Stage::Summary
            }
            (Layer::Dense { units }, Stage::Summary) => {
                if units != labels {
                    return refuse("dense units", units, "one for each label");
                }
                Stage::Dense
            }
            _ => {
                return refuse(
                    "position of a layer",
                    position,
                    "convolutions and pools, flatten, LSTMs, time mean or (behind an LSTM) last step, dense, in this order",
                );
            }
        };
        shape = layer.output(shape);
        if let Some(rows) = rows_so_far {
            let rows = layer.output_rows(rows);
            if rows == 0 {
                return refuse("rows behind a layer", rows, "at least 1: the image is too small");
            }
            rows_so_far = Some(rows);
        }
    }
    match stage {
        Stage::Dense => Ok(()),
        _ => refuse("number of layers", layers.len(), "a last layer `dense` behind time mean or last step"),
    }
}
