//! What the float network's activations look like on training utterances.

use anyhow::{Result, ensure};
use ser_core::spec::Layer;
use serde::{Deserialize, Serialize};

use crate::features::Rows;
use crate::float_model::FloatModel;
use crate::float_network::FloatNetwork;

/// Share of a layer's positive outputs that may lie above its range and saturate.
const SATURATED_SHARE: f64 = 1e-5;

/// Ranges and mean squares of each layer's outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    layers: Vec<LayerOutput>,
    /// `Σ E[x²]` over the values of an input row.
    input_energy: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LayerOutput {
    /// Upper end of the range; 1 where no output is positive.
    range: f64,
    /// `Σ E[v²]` over the values of a row.
    row_energy: f64,
}

#[derive(Clone, Debug, Default)]
struct LayerStatistics {
    /// The positive ones.
    values: Vec<f32>,
    rows: u64,
    energy: f64,
}

impl LayerStatistics {
    fn add(&mut self, rows: &Rows, keep_values: bool) {
        self.rows += rows.len() as u64;
        self.energy += rows.values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
        if keep_values {
            self.values.extend(rows.values.iter().filter(|v| **v > 0.0));
        }
    }

    /// `Σ E[v²]` over the values of a row.
    fn row_energy(&self) -> f64 {
        self.energy / self.rows.max(1) as f64
    }

    fn output(mut self) -> LayerOutput {
        self.values.sort_unstable_by(f32::total_cmp);
        let above = (self.values.len() as f64 * SATURATED_SHARE) as usize;
        let range = self.values.iter().rev().nth(above).copied().unwrap_or(1.0);
        LayerOutput { range: f64::from(range), row_energy: self.row_energy() }
    }
}

impl Calibration {
    /// Runs the float model over normalised features of training utterances.
    pub fn new(float: &FloatNetwork, model: &FloatModel, utterances: &[Rows]) -> Result<Self> {
        let mut layers = vec![LayerStatistics::default(); float.layers.len()];
        let mut input = LayerStatistics::default();
        for rows in utterances {
            let Some(output) = model.run(rows)? else { continue };
            input.add(rows, false);
            for ((statistics, layer), rows) in layers.iter_mut().zip(&float.network.layers).zip(&output.layers) {
                statistics.add(rows, matches!(layer, Layer::Conv2d { .. }));
            }
        }
        ensure!(input.rows > 0, "no utterance to calibrate on is long enough for the network");
        let layers = layers.into_iter().map(LayerStatistics::output).collect();
        Ok(Self { layers, input_energy: input.row_energy() })
    }

    /// Upper end of the range of a convolution's output, behind its ReLU.
    pub(super) fn output_range(&self, layer: usize) -> Result<f64> {
        let range = self.layers.get(layer).map_or(1.0, |output| output.range);
        ensure!(range.is_finite(), "an output of layer {} is not a finite number", layer + 1);
        Ok(range)
    }

    /// `Σ E[x²]` over an LSTM's inputs and `Σ E[h²]` over its hidden states.
    pub(super) fn energies(&self, layer: usize) -> Result<(f64, f64)> {
        let energy = |index: usize| self.layers.get(index).map(|output| output.row_energy);
        let input = layer.checked_sub(1).map_or(Some(self.input_energy), energy);
        match (input, energy(layer)) {
            (Some(input), Some(hidden)) if input.is_finite() && hidden.is_finite() => Ok((input, hidden)),
            _ => anyhow::bail!("outputs around layer {} are not finite numbers", layer + 1),
        }
    }
}
