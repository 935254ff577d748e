use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use ser_core::spec::{Image, LevelMode, edge, paper};

use super::*;
use crate::corpus::trained::TrainedOn;
use crate::features::rows::{Normalization, Rows};
use crate::model::float_model::FloatModel;

/// A network in which no two layers have the same sizes, kernels or strides.
pub(crate) fn tiny() -> Network {
    let mut network = edge();
    network.front_end.mel_bands = 9;
    network.layers = [
        Layer::conv2d(3, 2, 5),
        Layer::max_pool(3, 2),
        Layer::conv2d(2, 4, 3),
        Layer::max_pool(2, 1),
        Layer::Lstm { hidden: 5 },
        Layer::TimeMean,
        Layer::Dense { units: 6 },
    ]
    .into_iter()
    .collect();
    network
}

/// A network for images in which no two layers have the same sizes, kernels, paddings or overlaps; pools drop
/// incomplete blocks.
pub(crate) fn tiny_image() -> Network {
    let mut network = paper();
    network.front_end.image = Some(Image { bands: 18, columns: 24 });
    network.layers = [
        Layer::Conv2d { channels: 2, rows: 5, bands: 3, padding: Padding::Same },
        Layer::MaxPool { rows: 3, bands: 3, overlap: 1 },
        Layer::Conv2d { channels: 4, rows: 2, bands: 3, padding: Padding::Valid },
        Layer::conv2d(3, 3, 5),
        Layer::MaxPool { rows: 4, bands: 2, overlap: 1 },
        Layer::Flatten { rows: 3 },
        Layer::Lstm { hidden: 5 },
        Layer::Lstm { hidden: 4 },
        Layer::LastStep,
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
            Layer::Conv2d { channels, rows, bands, .. } => {
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
            Layer::Dense { units } => {
                FloatLayer::Dense { weight: values(units * input.len(), input.len()), bias: values(units, 1) }
            }
            Layer::MaxPool { .. } => FloatLayer::MaxPool,
            Layer::Flatten { .. } => FloatLayer::Flatten,
            Layer::TimeMean => FloatLayer::TimeMean,
            Layer::LastStep => FloatLayer::LastStep,
        })
        .collect();
    let parts = network.front_end.normalized_parts();
    FloatNetwork {
        network,
        normalization: Normalization { level: LevelMode::Absolute, mean: vec![-60.0; parts], sd: vec![10.0; parts] },
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
    for network in [edge(), tiny_image()] {
        let float = random_network(network, 1);
        let (model, network) = read(&to_onnx(&float).unwrap()).unwrap();
        assert_eq!(network, float.network);
        let labels = model.metadata_props.iter().find(|entry| entry.key == "labels").unwrap();
        assert_eq!(labels.value, "angry,fear,happy,neutral,sad,surprise");
    }
}

#[test]
fn the_input_of_an_image_has_three_colours_and_as_many_columns_as_the_image() {
    let dims = |network: Network| -> Vec<Option<i64>> {
        let (model, _) = read(&to_onnx(&random_network(network, 1)).unwrap()).unwrap();
        let input = model.graph.unwrap().input.remove(0).r#type.unwrap().value.unwrap();
        let type_proto::Value::TensorType(tensor) = input;
        let size = |dim: &Dimension| match dim.value {
            Some(dimension::Value::DimValue(size)) => Some(size),
            _ => None,
        };
        tensor.shape.unwrap().dim.iter().map(size).collect()
    };
    assert_eq!(dims(tiny_image()), [1, 3, 24, 18].map(Some));
    assert_eq!(dims(tiny()), [Some(1), Some(1), None, Some(9)]);
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
    for network in [tiny(), tiny_image()] {
        let file = to_onnx(&random_network(network, 1)).unwrap();
        assert!(FloatModel::from_onnx(&file).is_ok());
        for len in 0..file.len() {
            assert!(FloatModel::from_onnx(&file[..len]).is_err(), "{len} of {} bytes", file.len());
        }
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
fn a_file_says_what_it_was_trained_on_and_stays_the_same_network() {
    let file = to_onnx(&random_network(tiny(), 1)).unwrap();
    assert_eq!(trained::trained_on(&file).unwrap(), None);
    let corpus = crate::corpus::Corpus::synthetic(1);
    let [first, second] = [0, 1].map(|place| TrainedOn::new("some", &[&corpus.utterances[place]]));
    let once = trained::with_trained_on(&file, &first).unwrap();
    let twice = trained::with_trained_on(&once, &second).unwrap();
    assert_eq!(trained::trained_on(&once).unwrap(), Some(first));
    assert_eq!(trained::trained_on(&twice).unwrap(), Some(second));
    assert_eq!(read(&twice).unwrap().0.graph, read(&file).unwrap().0.graph);
    assert!(FloatModel::from_onnx(&twice).is_ok());
    assert!((0..once.len()).all(|len| FloatModel::from_onnx(&once[..len]).is_err()));
}

#[test]
fn bytes_that_are_no_onnx_are_an_error() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for len in [0, 1, 10, 1000, 10_000] {
        let bytes: Vec<u8> = (0..len).map(|_| rng.random()).collect();
        assert!(FloatModel::from_onnx(&bytes).is_err(), "{len} bytes");
    }
}
