//! Turns the rows that the int8 core's layers pass on into real numbers: `(code - zero point) · scale`.

use ser_core::Model;
use ser_core::engine::Row;
use ser_core::frontend::INPUT_SCALE;
use ser_core::model::LayerParams;

/// A step of a hidden state.
const HIDDEN_SCALE: f32 = 1.0 / 32768.0;

/// Scale and zero point of the output of each layer of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Dequantiser {
    layers: Vec<(f32, i8)>,
}

impl Dequantiser {
    /// For a model's layers that pass rows on: convolutions, pools, flatten and LSTMs.
    pub fn new(model: &Model<'_>) -> Self {
        let mut code = (INPUT_SCALE, 0);
        let behind = |layer: &LayerParams<'_>| {
            code = match layer {
                LayerParams::Conv2d(conv) => (conv.output_scale(), conv.codes().zero_point()),
                LayerParams::Lstm(_) => (HIDDEN_SCALE, 0),
                LayerParams::MaxPool(_)
                | LayerParams::Flatten(_)
                | LayerParams::TimeMean(_)
                | LayerParams::LastStep(_)
                | LayerParams::Dense(_) => code,
            };
            code
        };
        Self { layers: model.layers().iter().map(behind).collect() }
    }

    /// Appends the real values of a row that layer `layer`, counted from 0, has passed on; appends nothing if the model
    /// has no such layer.
    pub fn append(&self, layer: usize, row: Row<'_>, to: &mut Vec<f32>) {
        let Some(&(scale, zero_point)) = self.layers.get(layer) else { return };
        match row {
            Row::Codes(codes) => {
                to.extend(codes.iter().map(|code| f32::from(i16::from(*code) - i16::from(zero_point)) * scale))
            }
            Row::Hidden(hidden) => to.extend(hidden.iter().map(|hidden| f32::from(*hidden) * scale)),
        }
    }
}
