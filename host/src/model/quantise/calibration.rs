//! Statistics of the float network's activations on training utterances.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use anyhow::{Result, ensure};
use ser_core::spec::{Layer, Network, Shape};
use serde::{Deserialize, Serialize};

use crate::features::rows::Rows;
use crate::model::float_model::FloatModel;
use crate::model::float_network::FloatNetwork;

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
    /// How many of the largest values to keep: those that may saturate, and one more. 0 keeps none.
    kept: usize,
    /// The largest positive values as bits, which sort like the numbers; the smallest of them is on top.
    largest: BinaryHeap<Reverse<u32>>,
    /// Positive values so far.
    positive: u64,
    rows: u64,
    energy: f64,
}

impl LayerStatistics {
    /// For a layer that gives at most `values` values.
    fn ranging_over(values: usize) -> Self {
        Self { kept: share(values as u64) + 1, ..Self::default() }
    }

    fn add(&mut self, rows: &Rows) {
        self.rows += rows.len() as u64;
        self.energy += rows.values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
        if self.kept > 0 {
            rows.values.iter().filter(|v| **v > 0.0).for_each(|v| self.keep(v.to_bits()));
        }
    }

    fn keep(&mut self, bits: u32) {
        self.positive += 1;
        if self.largest.len() < self.kept {
            self.largest.push(Reverse(bits));
        } else if let Some(mut least) = self.largest.peek_mut()
            && bits > least.0
        {
            *least = Reverse(bits);
        }
    }

    /// `Σ E[v²]` over the values of a row.
    fn row_energy(&self) -> f64 {
        self.energy / self.rows.max(1) as f64
    }

    fn output(self) -> LayerOutput {
        let row_energy = self.row_energy();
        let above = share(self.positive);
        let largest = self.largest.into_sorted_vec();
        let range = largest.get(above).map_or(1.0, |bits| f32::from_bits(bits.0));
        LayerOutput { range: f64::from(range), row_energy }
    }
}

/// How many of `positive` positive values may saturate.
fn share(positive: u64) -> usize {
    (positive as f64 * SATURATED_SHARE) as usize
}

impl Calibration {
    /// Runs the float model over normalised features of training utterances.
    pub fn new(float: &FloatNetwork, model: &FloatModel, utterances: &[Rows]) -> Result<Self> {
        let mut layers = layer_statistics(&float.network, utterances);
        let mut input = LayerStatistics::default();
        for rows in utterances {
            let Some(output) = model.run(rows)? else { continue };
            input.add(rows);
            layers.iter_mut().zip(&output.layers).for_each(|(statistics, rows)| statistics.add(rows));
        }
        ensure!(input.rows > 0, "no utterance to calibrate on is long enough for the network");
        let layers = layers.into_iter().map(LayerStatistics::output).collect();
        Ok(Self { layers, input_energy: input.row_energy() })
    }

    /// Upper end of the range of a convolution's output, after its ReLU.
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

/// Statistics for each layer; those of a convolution keep as many values as its range may depend on.
fn layer_statistics(network: &Network, utterances: &[Rows]) -> Vec<LayerStatistics> {
    let statistics = |(index, (layer, _, output)): (usize, (Layer, _, Shape))| match layer {
        Layer::Conv2d { .. } => {
            let rows = |utterance: &Rows| network.rows(utterance.len()).nth(index).unwrap_or(0);
            LayerStatistics::ranging_over(utterances.iter().map(rows).sum::<usize>() * output.len())
        }
        _ => LayerStatistics::default(),
    };
    network.shapes().enumerate().map(statistics).collect()
}

#[cfg(test)]
mod tests;
