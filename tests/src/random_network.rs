//! Float networks with random weights, as large as trained weights are.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use ser_core::spec::{Layer, LevelMode, Network};
use ser_host::features::rows::{Normalization, Rows};
use ser_host::model::float_network::{FloatLayer, FloatNetwork, Gate, Gates};

/// A network with uniform weights of variance `2 / inputs`.
pub fn random_network(network: &Network, seed: u64) -> FloatNetwork {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = |count: usize, inputs: usize| -> Vec<f32> {
        let limit = (6.0 / inputs as f32).sqrt();
        (0..count).map(|_| rng.random_range(-limit..limit)).collect()
    };
    let layers = network
        .shapes()
        .map(|(layer, input, _)| match layer {
            Layer::Conv2d { channels, rows, bands, .. } => {
                let inputs = rows * bands * input.channels;
                FloatLayer::Conv2d { weight: uniform(channels * inputs, inputs), bias: uniform(channels, 100) }
            }
            Layer::MaxPool { .. } => FloatLayer::MaxPool,
            Layer::Lstm { hidden } => {
                let inputs = input.len() + hidden;
                let mut gate = || Gate {
                    input_weight: uniform(hidden * input.len(), inputs),
                    recurrent_weight: uniform(hidden * hidden, inputs),
                    bias: uniform(hidden, 10),
                };
                FloatLayer::Lstm(Gates { input: gate(), forget: gate(), cell: gate(), output: gate() })
            }
            Layer::Flatten { .. } => FloatLayer::Flatten,
            Layer::TimeMean => FloatLayer::TimeMean,
            Layer::LastStep => FloatLayer::LastStep,
            Layer::Dense { units } => {
                FloatLayer::Dense { weight: uniform(units * input.len(), input.len()), bias: uniform(units, 100) }
            }
        })
        .collect();
    // In dB for a stream, in pixel values for an image.
    let (mean, sd) = if network.front_end.image.is_some() { (120.0, 34.0) } else { (-50.0, 12.0) };
    let parts = network.front_end.normalized_parts();
    let normalization = Normalization { level: LevelMode::Absolute, mean: vec![mean; parts], sd: vec![sd; parts] };
    FloatNetwork { network: network.clone(), normalization, layers }
}

/// Normalised features that change slowly, as those of speech do, in rows of `values_per_row` values.
pub fn random_features(values_per_row: usize, rows: usize, seed: u64) -> Rows {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut row = vec![0.0f32; values_per_row];
    let mut values = Vec::new();
    for _ in 0..rows {
        for value in &mut row {
            *value = (0.7 * *value + rng.random_range(-1.0..1.0)).clamp(-4.0, 3.9);
        }
        values.extend_from_slice(&row);
    }
    Rows { bands: values_per_row, values }
}
