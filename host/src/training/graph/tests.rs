use super::*;
use crate::features::rows::{Normalization, Rows};
use crate::model::float_network::{FloatLayer, FloatNetwork, Gate};
use crate::training::graph::tensors::numbers;
use crate::training::recipe::InitialWeights;
use crate::training::run::Backend;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Tensor, TensorData};
use ser_core::spec::{Layer, LevelMode, Network, Padding, Shape, edge};

mod images;
mod kernels;
mod quantised;

const BANDS: usize = 9;

/// The gradients that there are, in the order of the parameters.
fn collect(graph: &Graph, gradients: &GradientsParams) -> Vec<Vec<f32>> {
    struct Collect<'g>(&'g GradientsParams, Vec<Vec<f32>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.extend(self.0.get::<D>(param.id).map(numbers));
        }
    }
    let mut collect = Collect(gradients, Vec::new());
    graph.visit(&mut collect);
    collect.1
}

/// The default backend, for recognition.
fn untracked() -> Compute {
    Compute::new(Backend::Fast).unwrap()
}

/// The default backend, for training.
fn tracked() -> Compute {
    untracked().autodiff()
}

fn network() -> Network {
    let mut network = edge();
    network.front_end.mel_bands = BANDS;
    network.layers = [
        Layer::conv2d(3, 3, 3),
        Layer::max_pool(2, 2),
        Layer::conv2d(4, 2, 5),
        Layer::conv2d(2, 1, 1),
        Layer::max_pool(1, 2),
        Layer::Lstm { hidden: 5 },
        Layer::Lstm { hidden: 3 },
        Layer::TimeMean,
        Layer::Dense { units: 6 },
    ]
    .into_iter()
    .collect();
    network
}

fn features(rows: usize, seed: usize) -> Rows {
    let values = (0..rows * BANDS).map(|i| (((i + 7) * (seed + 3) * 7919) % 1000) as f32 / 250.0 - 2.0).collect();
    Rows { bands: BANDS, values }
}

fn normalization() -> Normalization {
    Normalization { level: LevelMode::Absolute, mean: vec![0.0; BANDS], sd: vec![1.0; BANDS] }
}

/// A graph whose norm statistics are no longer the initial ones.
fn used_graph() -> Graph {
    let graph = Graph::new(&network(), Style::default(), 7, &tracked()).unwrap();
    let batch = Batch::new(&[features(14, 1), features(11, 2)], graph.step_rows());
    let output = graph.forward_train(&batch, None).unwrap();
    let graph = graph.update_statistics(&output, 0.7);
    // Scales of both signs, as training may make them, and shifts.
    let values: Vec<f32> =
        graph.values().iter().enumerate().map(|(i, v)| if i % 5 == 0 { -v * 1.3 } else { v + 0.05 }).collect();
    let graph = graph.with_values(&values).unwrap();
    assert!(
        graph.convolutions.iter().any(|block| block.scale.val().into_data().iter::<f32>().any(|scale| scale < 0.0))
    );
    let positive = |value: f32| value.abs() + 0.1;
    let mut graph = graph;
    for block in &mut graph.convolutions {
        block.running_variance = block.running_variance.clone().map(|v| {
            let values: Vec<f32> = v.to_data().iter::<f32>().map(positive).collect();
            Tensor::from_data(TensorData::new(values, v.shape()), &v.device())
        });
    }
    graph
}

fn logits(graph: &Graph, utterances: &[Rows]) -> Vec<f32> {
    graph.forward(&Batch::new(utterances, graph.step_rows())).unwrap().into_data().iter::<f32>().collect()
}

/// The description's layers in f64, as plain as possible.
fn plain_logits(float: &FloatNetwork, features: &Rows) -> Vec<f64> {
    let mut rows: Vec<Vec<f64>> = features.iter().map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect();
    for (layer, input, parameters) in float.layers().unwrap() {
        rows = match (layer, parameters) {
            (Layer::Conv2d { .. }, FloatLayer::Conv2d { weight, bias }) => {
                plain_conv(&rows, input, layer, weight, bias)
            }
            (Layer::MaxPool { rows: height, bands, overlap }, _) => plain_pool(&rows, input, [height, bands], overlap),
            (Layer::Flatten { .. }, _) => vec![rows.concat()],
            (Layer::LastStep, _) => rows.split_off(rows.len() - 1),
            (Layer::Lstm { hidden }, FloatLayer::Lstm(gates)) => {
                let (mut h, mut c) = (vec![0.0; hidden], vec![0.0; hidden]);
                let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
                rows.iter()
                    .map(|x| {
                        let sum = |gate: &Gate, unit: usize| {
                            let product = |weight: &[f32], x: &[f64]| -> f64 {
                                weight[unit * x.len()..].iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum()
                            };
                            product(&gate.input_weight, x)
                                + product(&gate.recurrent_weight, &h)
                                + f64::from(gate.bias[unit])
                        };
                        let next: Vec<(f64, f64)> = (0..hidden)
                            .map(|unit| {
                                let cell = sigmoid(sum(&gates.forget, unit)) * c[unit]
                                    + sigmoid(sum(&gates.input, unit)) * sum(&gates.cell, unit).tanh();
                                (sigmoid(sum(&gates.output, unit)) * cell.tanh(), cell)
                            })
                            .collect();
                        (h, c) = next.into_iter().unzip();
                        h.clone()
                    })
                    .collect()
            }
            (Layer::TimeMean, _) => {
                let n = rows.len() as f64;
                vec![(0..input.len()).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / n).collect()]
            }
            (Layer::Dense { units }, FloatLayer::Dense { weight, bias }) => rows
                .iter()
                .map(|x| {
                    let product =
                        |weights: &[f32]| -> f64 { weights.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum() };
                    (0..units)
                        .map(|unit| f64::from(bias[unit]) + product(&weight[unit * x.len()..(unit + 1) * x.len()]))
                        .collect()
                })
                .collect(),
            _ => panic!("{layer:?} with other parameters"),
        };
    }
    rows.remove(0)
}

fn plain_conv(rows: &[Vec<f64>], input: Shape, layer: Layer, weight: &[f32], bias: &[f32]) -> Vec<Vec<f64>> {
    let Layer::Conv2d { channels, rows: height, bands: width, padding } = layer else { panic!("{layer:?}") };
    let at = |t: isize, b: isize, c: usize| -> f64 {
        let inside = (0..rows.len() as isize).contains(&t) && (0..input.bands as isize).contains(&b);
        if inside { rows[t as usize][b as usize * input.channels + c] } else { 0.0 }
    };
    // Zeros before the first row and beside the first band.
    let [before, beside] = match padding {
        Padding::Causal => [height - 1, width / 2],
        Padding::Same => [height / 2, width / 2],
        Padding::Valid => [0, 0],
    };
    (0..layer.output_rows(rows.len()))
        .map(|t| {
            let mut output = Vec::new();
            for band in 0..layer.output(input).bands {
                for channel in 0..channels {
                    let mut sum = f64::from(bias[channel]);
                    for r in 0..height {
                        for k in 0..width {
                            for c in 0..input.channels {
                                let w = weight[((channel * height + r) * width + k) * input.channels + c];
                                let (from_row, from_band) =
                                    ((t + r) as isize - before as isize, (band + k) as isize - beside as isize);
                                sum += f64::from(w) * at(from_row, from_band, c);
                            }
                        }
                    }
                    output.push(sum.max(0.0));
                }
            }
            output
        })
        .collect()
}

fn plain_pool(rows: &[Vec<f64>], input: Shape, [height, width]: [usize; 2], overlap: usize) -> Vec<Vec<f64>> {
    let (step, step_bands) = (height - overlap, width - overlap);
    rows.windows(height)
        .step_by(step)
        .map(|block| {
            let mut output = Vec::new();
            for band in (0..).step_by(step_bands).take_while(|band| band + width <= input.bands) {
                for channel in 0..input.channels {
                    let inside = block
                        .iter()
                        .flat_map(|row| (0..width).map(move |k| row[(band + k) * input.channels + channel]));
                    output.push(inside.fold(f64::NEG_INFINITY, f64::max));
                }
            }
            output
        })
        .collect()
}

#[track_caller]
fn assert_close(came: &[f32], wanted: &[f64]) {
    assert_eq!(came.len(), wanted.len());
    for (came, wanted) in came.iter().zip(wanted) {
        assert!((f64::from(*came) - wanted).abs() < 2e-5, "{came} came, wanted {wanted}");
    }
}

#[test]
fn the_float_network_of_a_graph_gives_the_same_logits() {
    let graph = used_graph();
    let float = graph.to_float_network(&network(), &normalization()).unwrap();
    for rows in [2, 3, 9, 20] {
        let utterance = features(rows, rows);
        assert_close(&logits(&graph, std::slice::from_ref(&utterance)), &plain_logits(&float, &utterance));
    }
}

#[test]
fn a_network_may_begin_with_a_pool() {
    let mut network = network();
    network.layers.insert(0, Layer::max_pool(2, 1)).unwrap();
    let graph = Graph::new(&network, Style::default(), 7, &untracked()).unwrap();
    assert_eq!((graph.step_rows(), graph.steps(11)), (StepRows { first: 4, further: 4 }, 2));
    let float = graph.to_float_network(&network, &normalization()).unwrap();
    for rows in [4, 9, 20] {
        let utterance = features(rows - rows % 4, rows);
        assert_close(&logits(&graph, std::slice::from_ref(&utterance)), &plain_logits(&float, &utterance));
    }
}

#[test]
fn pools_may_overlap_in_a_stream() {
    let mut network = network();
    network.layers[1] = Layer::MaxPool { rows: 3, bands: 3, overlap: 1 };
    let graph = Graph::new(&network, Style::default(), 7, &untracked()).unwrap();
    assert_eq!(
        (graph.step_rows(), graph.steps(2), graph.steps(3), graph.steps(8)),
        (StepRows { first: 3, further: 2 }, 0, 1, 3)
    );
    let float = graph.to_float_network(&network, &normalization()).unwrap();
    let utterances = [features(3, 1), features(8, 2), features(17, 3)];
    let together = logits(&graph, &utterances);
    for (utterance, together) in utterances.iter().zip(together.chunks_exact(6)) {
        assert_close(together, &plain_logits(&float, utterance));
    }
}

#[test]
fn a_network_without_convolution_has_logits_too() {
    let mut network = network();
    network.layers.retain(|layer| !matches!(layer, Layer::Conv2d { .. }));
    let graph = Graph::new(&network, Style::default(), 7, &untracked()).unwrap();
    let float = graph.to_float_network(&network, &normalization()).unwrap();
    let utterance = features(9, 4);
    assert_close(&logits(&graph, std::slice::from_ref(&utterance)), &plain_logits(&float, &utterance));
}

#[test]
fn a_network_without_an_lstm_takes_the_mean_of_its_convolutions() {
    let mut network = network();
    network.layers.retain(|layer| !matches!(layer, Layer::Lstm { .. }));
    let graph = Graph::new(&network, Style::default(), 7, &tracked()).unwrap();
    let float = graph.to_float_network(&network, &normalization()).unwrap();
    let utterances = [features(9, 4), features(14, 1)];
    let together = logits(&graph, &utterances);
    for (utterance, together) in utterances.iter().zip(together.chunks_exact(6)) {
        assert_close(together, &plain_logits(&float, utterance));
    }

    let output = graph.forward_train(&Batch::new(&utterances, graph.step_rows()), None).unwrap();
    let loss = -log_softmax(output.logits.clone(), 1).slice([0..2, 0..1]).sum();
    let gradients = collect(&graph, &graph.gradients(&loss, &output).unwrap());
    assert_eq!(gradients.len(), 3 * 3 + 2);
    assert!(gradients.iter().all(|gradient| gradient.iter().any(|value| *value != 0.0)));
}

#[test]
fn a_graph_survives_the_way_to_plain_numbers_and_back() {
    let float = used_graph().to_float_network(&network(), &normalization()).unwrap();
    let graph = Graph::from_float_network(&float, &untracked()).unwrap();
    let utterance = features(12, 5);
    assert_close(&logits(&graph, std::slice::from_ref(&utterance)), &plain_logits(&float, &utterance));
}

#[test]
fn padding_a_batch_changes_no_utterances_logits() {
    let graph = used_graph();
    let utterances = [features(4, 1), features(17, 2), features(9, 3)];
    let together = logits(&graph, &utterances);
    for (utterance, together) in utterances.iter().zip(together.chunks_exact(6)) {
        let alone: Vec<f64> = logits(&graph, std::slice::from_ref(utterance)).into_iter().map(f64::from).collect();
        assert_close(together, &alone);
    }
}

#[test]
fn an_utterance_shorter_than_a_step_is_padded_to_one() {
    let graph = used_graph();
    let utterance = features(1, 1);
    let twice = Rows { bands: BANDS, values: utterance.values.repeat(2) };
    assert_eq!(logits(&graph, &[utterance]), logits(&graph, &[twice]));
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    let mut graph = Graph::new(&network(), Style::default(), 3, &tracked()).unwrap();
    let batch = Batch::new(&[features(14, 1), features(11, 2), features(6, 3)], graph.step_rows());
    let loss = |output: &TrainOutput| -log_softmax(output.logits.clone(), 1).slice([0..3, 0..1]).sum();
    let value = |graph: &Graph| {
        f64::from(loss(&graph.forward_train(&batch, None).unwrap()).into_data().iter::<f32>().next().unwrap())
    };
    // One weight of the first convolution and one of the first LSTM.
    let output = graph.forward_train(&batch, None).unwrap();
    let gradients = graph.gradients(&loss(&output), &output).unwrap();
    let of_conv = numbers(gradients.get::<4>(graph.convolutions[0].weight.id).unwrap())[4];
    let of_lstm = numbers(gradients.get::<2>(graph.lstms[0].recurrent_weight.id).unwrap())[7];
    let step = 1e-2;
    let mut moved = |param: usize, index: usize, by: f32| {
        let change = |tensor: TensorData| {
            let mut values: Vec<f32> = tensor.iter::<f32>().collect();
            values[index] += by;
            values
        };
        let (conv, lstm) = (graph.convolutions[0].weight.clone(), graph.lstms[0].recurrent_weight.clone());
        let device = tracked().device;
        if param == 0 {
            let data = TensorData::new(change(conv.val().into_data()), conv.val().shape());
            graph.convolutions[0].weight = Param::from_tensor(Tensor::from_data(data, &device));
        } else {
            let data = TensorData::new(change(lstm.val().into_data()), lstm.val().shape());
            graph.lstms[0].recurrent_weight = Param::from_tensor(Tensor::from_data(data, &device));
        }
        let loss = value(&graph);
        (graph.convolutions[0].weight, graph.lstms[0].recurrent_weight) = (conv, lstm);
        loss
    };
    for (param, index, came) in [(0, 4, of_conv), (1, 7, of_lstm)] {
        let wanted = (moved(param, index, step) - moved(param, index, -step)) / (2.0 * f64::from(step));
        assert!(
            (f64::from(came) - wanted).abs() < 2e-3 + 0.02 * wanted.abs(),
            "gradient {came}, difference quotient {wanted}"
        );
    }
}

#[test]
fn weights_depend_on_the_seed_alone() {
    let values = |seed| Graph::new(&network(), Style::default(), seed, &untracked()).unwrap().values();
    assert_eq!(values(1), values(1));
    assert_ne!(values(1), values(2));
}

#[test]
fn too_few_numbers_for_a_graph_are_refused() {
    let graph = used_graph();
    let values = graph.values();
    let error = graph.with_values(&values[1..]).unwrap_err().to_string();
    assert!(error.contains(&format!("{} came", values.len() - 1)), "{error}");
}

#[test]
fn an_adversarial_head_learns_what_the_layers_before_it_unlearn() {
    let gradients = |adversarial| {
        let graph = used_graph().with_auxiliary(&[AuxiliaryClasses { classes: 3, adversarial }], 3);
        let output =
            graph.forward_train(&Batch::new(&[features(12, 4), features(9, 5)], graph.step_rows()), None).unwrap();
        let logits = output.auxiliary[0].clone();
        let loss = (log_softmax(logits, 1).slice([0..2, 1..2])).sum() + output.logits.clone().sum() * 0.0;
        let gradients = graph.gradients(&loss, &output).unwrap();
        let head = graph.auxiliary[0].weight.val();
        let of_head: Vec<f32> = gradients.get::<2>(graph.auxiliary[0].weight.id).unwrap().into_data().iter().collect();
        let of_lstm: Vec<f32> =
            gradients.get::<2>(graph.lstms[0].input_weight.id).unwrap().into_data().iter().collect();
        let of_block: Vec<f32> =
            gradients.get::<4>(graph.convolutions[0].weight.id).unwrap().into_data().iter().collect();
        assert_eq!(head.dims(), [3, 3]);
        (of_head, of_lstm, of_block)
    };
    let (helpful, adversarial) = (gradients(false), gradients(true));
    assert_eq!(helpful.0, adversarial.0);
    for (before, turned) in helpful.1.iter().chain(&helpful.2).zip(adversarial.1.iter().chain(&adversarial.2)) {
        assert!((before + turned).abs() <= 1e-5 * before.abs().max(1e-3), "{before} {turned}");
    }
    assert!(helpful.1.iter().any(|gradient| gradient.abs() > 1e-6));
}
