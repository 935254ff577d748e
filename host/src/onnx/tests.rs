use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use ser_core::spec::{Level, edge};

use super::*;
use crate::features::{Normalization, Rows};
use crate::float_model::FloatModel;

/// A network whose layers all have other sizes, kernels and strides.
pub(crate) fn tiny() -> Network {
    let mut network = edge();
    network.front_end.mel_bands = 9;
    network.layers = [
        Layer::Conv2d { channels: 3, rows: 2, bands: 5 },
        Layer::MaxPool { rows: 3, bands: 2 },
        Layer::Conv2d { channels: 2, rows: 4, bands: 3 },
        Layer::MaxPool { rows: 2, bands: 1 },
        Layer::Lstm { hidden: 5 },
        Layer::TimeMean,
        Layer::Dense { units: 6 },
    ]
    .into_iter()
    .collect();
    network
}

/// A network with weights uniform in about ±1/√inputs.
pub(crate) fn random_network(network: Network, seed: u64) -> FloatNetwork {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values = |count: usize, fan_in: usize| -> Vec<f32> {
        let limit = 1.5 / (fan_in as f32).sqrt();
        (0..count).map(|_| rng.random_range(-limit..limit)).collect()
    };
    let layers = network
        .shapes()
        .map(|(layer, input, _)| match layer {
            Layer::Conv2d { channels, rows, bands } => {
                let patch = rows * bands * input.channels;
                FloatLayer::Conv2d { weight: values(channels * patch, patch), bias: values(channels, patch) }
            }
            Layer::Lstm { hidden } => {
                let mut gate = || Gate {
                    input_weight: values(hidden * input.len(), input.len()),
                    recurrent_weight: values(hidden * hidden, hidden),
                    bias: values(hidden, 1),
                };
                FloatLayer::Lstm(Gates { input: gate(), forget: gate(), cell: gate(), output: gate() })
            }
            Layer::Dense { units } => FloatLayer::Dense { weight: values(units * input.len(), input.len()), bias: values(units, 1) },
            Layer::MaxPool { .. } => FloatLayer::MaxPool,
            Layer::TimeMean => FloatLayer::TimeMean,
        })
        .collect();
    let bands = network.input().bands;
    FloatNetwork {
        network,
        normalization: Normalization { level: Level::Absolute, mean: vec![-60.0; bands], sd: vec![10.0; bands] },
        layers,
    }
}

/// Features uniform in ±2.
pub(crate) fn random_rows(bands: usize, rows: usize, seed: u64) -> Rows {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Rows { bands, values: (0..bands * rows).map(|_| rng.random_range(-2.0..2.0)).collect() }
}

#[test]
fn a_file_tells_the_network_that_it_holds() {
    let float = random_network(edge(), 1);
    let (model, network) = read(&to_onnx(&float).unwrap()).unwrap();
    assert_eq!(network, float.network);
    let labels = model.metadata_props.iter().find(|entry| entry.key == "labels").unwrap();
    assert_eq!(labels.value, "angry,fear,happy,neutral,sad,surprise");
}

#[test]
fn parameters_that_do_not_fit_are_an_error_that_names_the_layer() {
    let mut float = random_network(tiny(), 1);
    if let FloatLayer::Conv2d { weight, bias } = &mut float.layers[2] {
        bias.push(weight.pop().unwrap());
    }
    let error = to_onnx(&float).unwrap_err().to_string();
    assert!(error.contains("layer3_weight"), "{error}");
    float.layers.pop();
    assert!(to_onnx(&float).is_err());
}

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let file = to_onnx(&random_network(tiny(), 1)).unwrap();
    assert!(FloatModel::from_onnx(&file).is_ok());
    for len in 0..file.len() {
        assert!(FloatModel::from_onnx(&file[..len]).is_err(), "{len} of {} bytes", file.len());
    }
}

#[test]
fn a_file_with_a_flipped_bit_is_an_error_or_has_other_weights() {
    let file = to_onnx(&random_network(tiny(), 1)).unwrap();
    let (original, network) = read(&file).unwrap();
    for position in 0..file.len() {
        let mut damaged = file.clone();
        damaged[position] ^= 1 << (position % 8);
        if let Ok((model, described)) = read(&damaged) {
            let mut graph = model.graph.unwrap();
            let untouched = original.graph.as_ref().unwrap();
            for (tensor, original) in graph.initializer.iter_mut().zip(&untouched.initializer) {
                tensor.raw_data.clone_from(&original.raw_data);
            }
            if described == network {
                assert_eq!(&graph, untouched, "byte {position}");
            }
        }
    }
}

#[test]
fn bytes_that_are_no_onnx_are_an_error() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for len in [0, 1, 10, 1000, 10_000] {
        let bytes: Vec<u8> = (0..len).map(|_| rng.random()).collect();
        assert!(FloatModel::from_onnx(&bytes).is_err(), "{len} bytes");
    }
}
