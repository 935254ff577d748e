//! Float networks with random weights, as large as trained ones are.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use ser_core::spec::{Layer, Level, Network};
use ser_host::features::{Normalization, Rows};
use ser_host::float_network::{FloatLayer, FloatNetwork, Gate, Gates};

/// A network whose weights are uniform with the variance `2 / inputs`.
pub fn random_network(network: &Network, seed: u64) -> FloatNetwork {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = |count: usize, inputs: usize| -> Vec<f32> {
        let limit = (6.0 / inputs as f32).sqrt();
        (0..count).map(|_| rng.random_range(-limit..limit)).collect()
    };
    let layers = network
        .shapes()
        .map(|(layer, input, _)| match layer {
            Layer::Conv2d { channels, rows, bands } => {
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
            Layer::TimeMean => FloatLayer::TimeMean,
            Layer::Dense { units } => FloatLayer::Dense { weight: uniform(units * input.len(), input.len()), bias: uniform(units, 100) },
        })
        .collect();
    let bands = network.front_end.mel_bands;
    FloatNetwork {
        network: network.clone(),
        normalization: Normalization { level: Level::Absolute, mean: vec![-50.0; bands], sd: vec![12.0; bands] },
        layers,
    }
}

/// Normalised features that change slowly, as speech does.
pub fn random_features(bands: usize, rows: usize, seed: u64) -> Rows {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut row = vec![0.0f32; bands];
    let mut values = Vec::new();
    for _ in 0..rows {
        for value in &mut row {
            *value = (0.7 * *value + rng.random_range(-1.0..1.0)).clamp(-4.0, 3.9);
        }
        values.extend_from_slice(&row);
    }
    Rows { bands, values }
}
