//! tract against plain loops in f64.

use ser_core::spec::{Layer, Network, Padding, edge, paper, paper_seq};

use super::*;
use crate::model::float_network::{FloatLayer, FloatNetwork, Gate, Gates};
use crate::model::onnx::tests::{random_network, random_rows, tiny, tiny_image};
use crate::model::onnx::to_onnx;

/// Each row's values in f64.
type Plain = Vec<Vec<f64>>;

fn conv2d(x: &Plain, shape: Shape, layer: Layer, weight: &[f32], bias: &[f32]) -> Plain {
    let Layer::Conv2d { channels, rows, bands, padding } = layer else { panic!("{layer:?}") };
    let (before, below, lost) = match padding {
        Padding::Causal => (rows - 1, bands / 2, (0, 0)),
        Padding::Same => (rows / 2, bands / 2, (0, 0)),
        Padding::Valid => (0, 0, (rows - 1, bands - 1)),
    };
    let mut y = vec![vec![0.0; (shape.bands - lost.1) * channels]; x.len() - lost.0];
    for (t, output) in y.iter_mut().enumerate() {
        for b in 0..shape.bands - lost.1 {
            for o in 0..channels {
                let mut sum = f64::from(bias[o]);
                for i in 0..rows {
                    for j in 0..bands {
                        let (row, band) = (t as i64 + i as i64 - before as i64, b as i64 + j as i64 - below as i64);
                        if row < 0 || row >= x.len() as i64 || band < 0 || band >= shape.bands as i64 {
                            continue;
                        }
                        for c in 0..shape.channels {
                            let w = weight[((o * rows + i) * bands + j) * shape.channels + c];
                            sum += f64::from(w) * x[row as usize][band as usize * shape.channels + c];
                        }
                    }
                }
                output[b * channels + o] = sum.max(0.0);
            }
        }
    }
    y
}

fn max_pool(x: &Plain, shape: Shape, (rows, bands): (usize, usize), overlap: usize) -> Plain {
    let blocks = |len: usize, block: usize| (0..).take_while(|n| n * (block - overlap) + block <= len).count();
    let mut y = vec![vec![f64::NEG_INFINITY; blocks(shape.bands, bands) * shape.channels]; blocks(x.len(), rows)];
    for (t, row) in y.iter_mut().enumerate() {
        for (k, maximum) in row.iter_mut().enumerate() {
            let (band, channel) = (k / shape.channels, k % shape.channels);
            for i in 0..rows {
                for j in 0..bands {
                    let (row, band) = (t * (rows - overlap) + i, band * (bands - overlap) + j);
                    *maximum = maximum.max(x[row][band * shape.channels + channel]);
                }
            }
        }
    }
    y
}

fn lstm(x: &Plain, hidden: usize, gates: &Gates<Gate>) -> Plain {
    let sigmoid = |a: f64| 1.0 / (1.0 + (-a).exp());
    let (mut h, mut c) = (vec![0.0; hidden], vec![0.0; hidden]);
    let mut y = Plain::new();
    for row in x {
        let sum = |gate: &Gate, unit: usize| {
            let mut sum = f64::from(gate.bias[unit]);
            for (k, x) in row.iter().enumerate() {
                sum += f64::from(gate.input_weight[unit * row.len() + k]) * x;
            }
            for (k, h) in h.iter().enumerate() {
                sum += f64::from(gate.recurrent_weight[unit * hidden + k]) * h;
            }
            sum
        };
        let mut next = vec![0.0; hidden];
        for unit in 0..hidden {
            c[unit] = sigmoid(sum(&gates.forget, unit)) * c[unit]
                + sigmoid(sum(&gates.input, unit)) * sum(&gates.cell, unit).tanh();
            next[unit] = sigmoid(sum(&gates.output, unit)) * c[unit].tanh();
        }
        h = next;
        y.push(h.clone());
    }
    y
}

/// Rows of each layer up to the last LSTM, then the logits.
fn forward(network: &FloatNetwork, features: &Rows) -> (Vec<Plain>, Vec<f64>) {
    let mut x: Plain = features.iter().map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect();
    let mut layers = Vec::new();
    for (layer, shape, parameters) in network.layers().unwrap() {
        x = match (layer, parameters) {
            (Layer::Conv2d { .. }, FloatLayer::Conv2d { weight, bias }) => conv2d(&x, shape, layer, weight, bias),
            (Layer::MaxPool { rows, bands, overlap }, _) => max_pool(&x, shape, (rows, bands), overlap),
            (Layer::Flatten { rows }, _) => {
                assert_eq!(rows, x.len());
                vec![x.concat()]
            }
            (Layer::Lstm { hidden }, FloatLayer::Lstm(gates)) => lstm(&x, hidden, gates),
            (Layer::TimeMean, _) => {
                let mean = |k: usize| x.iter().map(|row| row[k]).sum::<f64>() / x.len() as f64;
                vec![(0..shape.len()).map(mean).collect()]
            }
            (Layer::LastStep, _) => x.split_off(x.len() - 1),
            (Layer::Dense { .. }, FloatLayer::Dense { weight, bias }) => {
                let logit = |(bias, weights): (&f32, &[f32])| {
                    f64::from(*bias) + weights.iter().zip(&x[0]).map(|(w, x)| f64::from(*w) * x).sum::<f64>()
                };
                vec![bias.iter().zip(weight.chunks_exact(shape.len())).map(logit).collect()]
            }
            other => panic!("{other:?}"),
        };
        layers.push(x.clone());
    }
    let logits = layers.pop().unwrap().remove(0);
    layers.pop();
    (layers, logits)
}

fn assert_equals_plain_loops(network: Network, rows: usize) {
    let network = random_network(network, 7);
    let model = FloatModel::from_onnx(&to_onnx(&network).unwrap()).unwrap();
    let features = random_rows(network.network.input().len(), rows, 3);
    let output = model.run(&features).unwrap().unwrap();
    let (layers, logits) = forward(&network, &features);
    assert_eq!(output.layers.len(), layers.len());
    for (index, (got, wanted)) in output.layers.iter().zip(&layers).enumerate() {
        assert_eq!((got.len(), got.bands), (wanted.len(), wanted[0].len()), "layer {}", index + 1);
        for (got, wanted) in got.values.iter().zip(wanted.iter().flatten()) {
            assert!(
                (f64::from(*got) - wanted).abs() < 1e-5 * wanted.abs().max(1.0),
                "layer {}: {got}, wanted {wanted}",
                index + 1
            );
        }
    }
    let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
    for ((got, probability), wanted) in output.logits.iter().zip(&output.probabilities).zip(&logits) {
        assert!((f64::from(*got) - wanted).abs() < 1e-5, "logit {got}, wanted {wanted}");
        assert!((f64::from(*probability) - wanted.exp() / sum).abs() < 1e-5, "probability {probability}");
    }
}

#[test]
fn tract_computes_what_plain_loops_compute() {
    for rows in [6, 7, 8, 23] {
        assert_equals_plain_loops(tiny(), rows);
    }
    for rows in [4, 101] {
        assert_equals_plain_loops(edge(), rows);
    }
}

#[test]
fn tract_computes_what_plain_loops_compute_of_an_image() {
    assert_equals_plain_loops(tiny_image(), 24);
    let mut sequence = tiny_image();
    sequence.layers.retain(|layer| !matches!(layer, Layer::Flatten { .. }));
    assert_equals_plain_loops(sequence, 24);
    assert_equals_plain_loops(paper(), 224);
    assert_equals_plain_loops(paper_seq(), 224);
}

#[test]
fn a_network_may_begin_with_an_lstm() {
    let mut network = tiny();
    network.layers.retain(|layer| !matches!(layer, Layer::Conv2d { .. } | Layer::MaxPool { .. }));
    assert_equals_plain_loops(network, 5);
}

#[test]
fn a_network_may_have_no_lstm() {
    let mut network = tiny();
    network.layers.retain(|layer| !matches!(layer, Layer::Lstm { .. }));
    assert_equals_plain_loops(network.clone(), 31);
    network.layers.retain(|layer| !matches!(layer, Layer::Conv2d { .. } | Layer::MaxPool { .. }));
    assert_equals_plain_loops(network, 5);
}

#[test]
fn one_model_serves_many_threads_and_lengths() {
    use rayon::prelude::*;
    let model = FloatModel::from_onnx(&to_onnx(&random_network(edge(), 1)).unwrap()).unwrap();
    let utterances: Vec<Rows> = (0..32).map(|n| random_rows(40, 4 + 7 * n, n as u64)).collect();
    let one_by_one: Vec<FloatOutput> = utterances.iter().map(|rows| model.run(rows).unwrap().unwrap()).collect();
    let at_once: Vec<FloatOutput> = utterances.par_iter().map(|rows| model.run(rows).unwrap().unwrap()).collect();
    assert_eq!(one_by_one, at_once);
}

#[test]
fn too_few_rows_for_a_step_of_the_lstm_give_no_output() {
    let model = FloatModel::from_onnx(&to_onnx(&random_network(edge(), 1)).unwrap()).unwrap();
    let step: usize = edge().layers.iter().map(|layer| layer.row_stride()).product();
    assert_eq!(model.run(&random_rows(40, step - 1, 1)).unwrap(), None);
    assert_eq!(model.run(&random_rows(40, 0, 1)).unwrap(), None);
    assert!(model.run(&random_rows(40, step, 1)).unwrap().is_some());
}

#[test]
fn another_number_of_bands_is_an_error_that_says_both() {
    let model = FloatModel::from_onnx(&to_onnx(&random_network(edge(), 1)).unwrap()).unwrap();
    let error = model.run(&random_rows(39, 20, 1)).unwrap_err().to_string();
    assert!(error.contains("40") && error.contains("39"), "{error}");
}

#[test]
fn an_image_of_another_number_of_rows_is_an_error_that_says_both() {
    let model = FloatModel::from_onnx(&to_onnx(&random_network(tiny_image(), 1)).unwrap()).unwrap();
    assert!(model.run(&random_rows(54, 24, 1)).unwrap().is_some());
    for rows in [0, 23, 25] {
        let error = model.run(&random_rows(54, rows, 1)).unwrap_err().to_string();
        assert!(error.contains("24") && error.contains(&rows.to_string()), "{error}");
    }
}
