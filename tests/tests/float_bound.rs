//! Compares the int8 core with the float network (run by tract), within bounds that follow from the quantisation alone.
//!
//! Let `x̂` be the core's value of `x`, and `e_x` a bound of `|x̂ - x|`. A convolution has
//! `e_y = Σ |ŵ - w| |x| + Σ |ŵ| e_x + |b̂ - b| + step/2`, plus what exceeds the output's range; ReLU and maximum do not
//! enlarge a bound. An LSTM is computed in f64 from the core's own inputs and hidden states. Its gates are off by half
//! a step of Q3.12 and the error of the table, its cell by `e_c' = f e_c + |c| e_f + i e_g + |g| e_i + 2⁻²⁵`, and its
//! output by `o e_c + |tanh c| e_o` and roundings.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use ser_core::Model;
use ser_core::engine::{Engine, Row};
use ser_core::frontend::INPUT_SCALE;
use ser_core::kernels::{Conv2d, Dense, Lstm, MaxPool};
use ser_core::model::LayerParams;
use ser_core::packed::packed_index;
use ser_core::quant::Multipliers;
use ser_core::spec::{Image, Layer, Network, Padding, edge, paper, paper_seq};
use ser_host::features::rows::{Rows, input_code};
use ser_host::model::export::{Exported, export};
use ser_host::model::float_model::FloatModel;
use ser_host::model::float_network::{FloatLayer, FloatNetwork};
use ser_host::model::model_file::Confidence;
use ser_tests::random_network::{random_features, random_network};
use ser_tests::tolerance;

/// Largest errors of the sigmoid and tanh tables; `quant.rs` checks them.
const SIGMOID_ERROR: f64 = tolerance::SIGMOID.limit / 32768.0;
const TANH_ERROR: f64 = tolerance::TANH.limit / 32768.0;
/// `1 - σ(8)`: the error of a saturated gate.
const GATE_SATURATION: f64 = 3.4e-4;
/// Room for rounding in tract's f32 sums of values of order 1.
const F32_SLACK: f64 = 1e-4;
const CONFIDENCE: Confidence = Confidence { temperature: 1.0, threshold: 0.5 };

/// Values `[row][value]`.
type Plane = Vec<Vec<f64>>;

/// The output of each layer as real values, and the logits.
struct CoreOutput {
    layers: Vec<Plane>,
    logits: Vec<f64>,
}

fn real(multipliers: Multipliers<'_>) -> Vec<f64> {
    multipliers.iter().map(|m| f64::from(m.mantissa()) / 2f64.powi(32 + i32::from(m.shift()))).collect()
}

/// Weights of a packed matrix, row by row.
fn unpacked(matrix: &[u8], rows: usize, columns: usize) -> Vec<f64> {
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| packed_index(row, column, columns)));
    places.map(|place| f64::from(matrix[place] as i8)).collect()
}

fn integers(values: &[[u8; 4]]) -> Vec<f64> {
    values.iter().map(|value| f64::from(i32::from_le_bytes(*value))).collect()
}

/// Scale and zero point of each layer's output.
fn grids(model: &Model<'_>) -> Vec<(f64, f64)> {
    let mut grid = (f64::from(INPUT_SCALE), 0.0);
    let mut grids = Vec::new();
    for layer in model.layers() {
        match layer {
            LayerParams::Conv2d(conv) => grid = (f64::from(conv.output_scale()), f64::from(conv.codes().zero_point())),
            LayerParams::Lstm(_) => grid = (1.0 / 32768.0, 0.0),
            // A mean of codes has 128 steps for each.
            LayerParams::TimeMean(_) if grid.0 != 1.0 / 32768.0 => grid = (grid.0 / 128.0, 0.0),
            _ => {}
        }
        grids.push(grid);
    }
    grids
}

fn run_core(model: &Model<'_>, features: &Rows) -> CoreOutput {
    let grids = grids(model);
    let mut memory = vec![0; model.network_words()];
    let mut engine = Engine::new(model, &mut memory).expect("enough memory");
    let mut layers = vec![Plane::new(); model.layers().len()];
    let mut tap = |layer: usize, row: Row<'_>| {
        let (scale, zero) = grids[layer];
        layers[layer].push(match row {
            Row::Codes(codes) => codes.iter().map(|q| (f64::from(*q) - zero) * scale).collect(),
            Row::Hidden(hidden) => hidden.iter().map(|h| f64::from(*h) * scale).collect(),
        });
    };
    for row in features.iter() {
        let codes: Vec<i8> = row.iter().map(|z| input_code(*z)).collect();
        engine.push(&codes, &mut tap).expect("rows of the front end");
    }
    engine.finish(&mut tap);
    let logits = engine.logits().expect("enough rows");
    CoreOutput { layers, logits: logits.iter().take(model.labels().len()).map(|l| f64::from(*l) / 4096.0).collect() }
}

/// Bounds of a convolution's outputs `y`, given its float inputs `x` and the bounds `e_x` of their errors.
fn convolution_bound(
    conv: &Conv2d<'_>,
    float: &FloatLayer,
    input_scale: f64,
    x: &Plane,
    e_x: &Plane,
    y: &Plane,
) -> Plane {
    let FloatLayer::Conv2d { weight, bias } = float else { panic!("a convolution's parameters") };
    let (channels, scale) = (conv.input().channels, f64::from(conv.output_scale()));
    let codes = unpacked(conv.codes().weights(), conv.channels(), conv.patch_len());
    let steps: Vec<f64> = real(conv.codes().multipliers()).iter().map(|m| m * scale / input_scale).collect();
    let patch = conv.patch_len();
    let zero = f64::from(conv.input_zero_point());
    let biases = integers(conv.codes().bias());
    let largest = (127.0 - f64::from(conv.codes().zero_point())) * scale;
    let (before, below) = match conv.padding() {
        Padding::Causal => (conv.rows() - 1, conv.bands() / 2),
        Padding::Same => (conv.rows() / 2, conv.bands() / 2),
        Padding::Valid => (0, 0),
    };
    let bound = |t: usize, output: usize| {
        let (band, channel) = (output / conv.channels(), output % conv.channels());
        let (codes, weights) = (&codes[channel * patch..][..patch], &weight[channel * patch..][..patch]);
        let unfolded = (biases[channel] + zero * codes.iter().sum::<f64>()) * steps[channel] * input_scale;
        let mut bound = (unfolded - f64::from(bias[channel])).abs() + scale / 2.0;
        for k in 0..patch {
            let (i, j, c) = (k / (conv.bands() * channels), k / channels % conv.bands(), k % channels);
            let row = (t + i).checked_sub(before).filter(|row| *row < x.len());
            let column = (band + j).checked_sub(below).filter(|column| *column < conv.input().bands);
            let (Some(row), Some(column)) = (row, column) else { continue };
            let at = column * channels + c;
            let quantised = codes[k] * steps[channel];
            bound += (quantised - f64::from(weights[k])).abs() * x[row][at].abs() + quantised.abs() * e_x[row][at];
        }
        bound + (y[t][output] - largest).max(0.0)
    };
    (0..y.len()).map(|t| (0..conv.output_len()).map(|output| bound(t, output)).collect()).collect()
}

fn pool_bound(pool: &MaxPool, e_x: &Plane) -> Plane {
    let channels = pool.input().channels;
    let of_block = |rows: &[Vec<f64>], output: usize| {
        let (band, channel) = (output / channels, output % channels);
        let start = band * (pool.bands() - pool.shared());
        let values = rows.iter().flat_map(|row| (0..pool.bands()).map(move |j| row[(start + j) * channels + channel]));
        values.fold(0.0, f64::max)
    };
    let blocks = e_x.windows(pool.rows()).step_by(pool.rows() - pool.shared());
    blocks.map(|rows| (0..pool.output_len()).map(|output| of_block(rows, output)).collect()).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Computes an LSTM in f64 from the core's inputs `x` and hidden states `h`. Returns the largest share of its bound
/// that an output used.
fn lstm_share_of_bound(lstm: &Lstm<'_>, (scale, zero): (f64, f64), x: &Plane, h: &Plane) -> f64 {
    let rows = 4 * lstm.hidden();
    let input_weights = unpacked(lstm.gates().weights()[0], rows, lstm.inputs());
    let recurrent_weights = unpacked(lstm.gates().weights()[1], rows, lstm.hidden());
    let (bias, multipliers) = (integers(lstm.gates().bias()), real(lstm.gates().multipliers()));
    let (mut cell, mut e_cell) = (vec![0f64; lstm.hidden()], vec![0f64; lstm.hidden()]);
    let mut before = vec![0.0; lstm.hidden()];
    let half_step = 0.5 / 4096.0;
    let mut worst: f64 = 0.0;
    for (x, h) in x.iter().zip(h) {
        for unit in 0..lstm.hidden() {
            let gate = |gate: usize| {
                let row = unit * 4 + gate;
                let from_input: f64 =
                    input_weights[row * lstm.inputs()..].iter().zip(x).map(|(w, x)| w * (x / scale + zero)).sum();
                let from_hidden: f64 =
                    recurrent_weights[row * lstm.hidden()..].iter().zip(&before).map(|(w, h)| w * h * 32768.0).sum();
                let acc = from_input * 2f64.powi(i32::from(lstm.gates().input_shift()[row])) + from_hidden + bias[row];
                acc * multipliers[row] / 4096.0
            };
            let [a_i, a_f, a_g, a_o] = [gate(0), gate(1), gate(2), gate(3)];
            let (i, f, g, o) = (sigmoid(a_i), sigmoid(a_f), a_g.tanh(), sigmoid(a_o));
            let e_sigmoid =
                |a: f64| half_step / 4.0 + SIGMOID_ERROR + if a.abs() > 7.99 { GATE_SATURATION } else { 0.0 };
            let (e_i, e_f, e_o, e_g) = (e_sigmoid(a_i), e_sigmoid(a_f), e_sigmoid(a_o), half_step + TANH_ERROR);
            e_cell[unit] =
                (f + e_f) * e_cell[unit] + cell[unit].abs() * e_f + (i + e_i) * e_g + g.abs() * e_i + 2f64.powi(-25);
            cell[unit] = f * cell[unit] + i * g;
            let squashed = cell[unit].tanh();
            let bound = (o + e_o) * (e_cell[unit] + half_step + TANH_ERROR) + squashed.abs() * e_o + 2f64.powi(-16);
            worst = worst.max((h[unit] - o * squashed).abs() / bound);
        }
        before.clone_from(h);
    }
    worst
}

/// Returns the largest share of its bound that a logit used, given the core's rows, of which the dense layer takes the
/// mean or the last, and the real value of a step of these.
fn dense_share_of_bound(dense: &Dense<'_>, rows: &Plane, step: f64, last_step: bool, logits: &[f64]) -> f64 {
    let weights = unpacked(dense.weights(), dense.bias().len(), dense.inputs());
    let (bias, multipliers) = (integers(dense.bias()), real(dense.multipliers()));
    let summed = if last_step { &rows[rows.len() - 1..] } else { rows };
    let mean: Vec<f64> =
        (0..dense.inputs()).map(|k| summed.iter().map(|h| h[k]).sum::<f64>() / summed.len() as f64).collect();
    let mut worst: f64 = 0.0;
    for (unit, logit) in logits.iter().enumerate() {
        let row = &weights[unit * dense.inputs()..][..dense.inputs()];
        let acc: f64 = row.iter().zip(&mean).map(|(w, x)| w * x / step).sum::<f64>() + bias[unit];
        // A mean is rounded to a step, a last step is not; the logit is rounded to a step of Q19.12.
        let of_mean = if last_step { 0.0 } else { row.iter().map(|w| w.abs() / 2.0).sum() };
        let bound = (of_mean * multipliers[unit] + 0.5) / 4096.0;
        worst = worst.max((logit - acc * multipliers[unit] / 4096.0).abs() / bound);
    }
    worst
}

fn plane(rows: &Rows) -> Plane {
    rows.iter().map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect()
}

fn training_features(network: &Network, seed: u64) -> Vec<Rows> {
    let rows = network.front_end.image_rows().unwrap_or(60);
    (0..8).map(|n| random_features(network.input().len(), rows, seed + n)).collect()
}

fn float_taps(onnx: &[u8], features: &Rows) -> Vec<Plane> {
    let output = FloatModel::from_onnx(onnx).expect("ONNX").run(features).expect("a run").expect("enough rows");
    output.layers.iter().map(plane).collect()
}

fn half_input_steps(x: &Plane) -> Plane {
    x.iter().map(|row| vec![f64::from(INPUT_SCALE) / 2.0; row.len()]).collect()
}

fn largest_excess(core: &Plane, float: &Plane, bound: &Plane) -> f64 {
    let excess = |((core, float), bound): ((&f64, &f64), &f64)| (core - float).abs() - bound;
    core.iter().flatten().zip(float.iter().flatten()).zip(bound.iter().flatten()).map(excess).fold(f64::MIN, f64::max)
}

/// Exports the network, runs core and float network over the same features, and asserts every layer's bound.
fn assert_within_bounds(float: &FloatNetwork, seed: u64) {
    let network = &float.network;
    let Exported { model, onnx } = export(float, &training_features(network, seed), CONFIDENCE).expect("export");
    let model = Model::parse(&model).expect("a model");
    let features = random_features(network.input().len(), network.front_end.image_rows().unwrap_or(80), seed + 100);
    let core = run_core(&model, &features);
    let taps = float_taps(&onnx, &features);

    let (mut x, mut grid) = (plane(&features), (f64::from(INPUT_SCALE), 0.0));
    let mut e_x = half_input_steps(&x);
    let mut core_x = Plane::new();
    let last_step = network.layers.contains(&Layer::LastStep);
    for (index, (layer, next_grid)) in model.layers().iter().zip(grids(&model)).enumerate() {
        let output = &core.layers[index];
        match layer {
            LayerParams::Conv2d(conv) => {
                e_x = convolution_bound(conv, &float.layers[index], grid.0, &x, &e_x, &taps[index])
            }
            LayerParams::MaxPool(pool) => e_x = pool_bound(pool, &e_x),
            LayerParams::Lstm(lstm) => {
                let share = lstm_share_of_bound(lstm, grid, &core_x, output);
                assert!(share <= 1.0, "layer {index} used {share:.3} of its bound");
            }
            LayerParams::Flatten(_) => e_x = vec![e_x.concat()],
            LayerParams::TimeMean(_) | LayerParams::LastStep(_) => {}
            LayerParams::Dense(dense) => {
                let share = dense_share_of_bound(dense, &core_x, grid.0, last_step, &core.logits);
                assert!(share <= 1.0, "the logits used {share:.3} of their bound");
            }
        }
        if matches!(layer, LayerParams::Conv2d(_) | LayerParams::MaxPool(_) | LayerParams::Flatten(_)) {
            x.clone_from(&taps[index]);
            assert_eq!(output.len(), x.len(), "rows of layer {index}");
            let excess = largest_excess(output, &x, &e_x);
            assert!(excess <= F32_SLACK, "layer {index} is {excess} outside of its bound");
        }
        if !output.is_empty() {
            core_x.clone_from(output);
        }
        grid = next_grid;
    }
}

#[test]
fn every_layer_of_edge_is_within_its_bound() {
    assert_within_bounds(&random_network(&edge(), 1), 10);
}

#[test]
fn every_layer_of_the_networks_for_images_is_within_its_bound() {
    assert_within_bounds(&random_network(&paper(), 2), 20);
    assert_within_bounds(&random_network(&paper_seq(), 3), 30);
}

#[test]
fn layers_of_any_shape_and_padding_are_within_their_bounds() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let paddings = [Padding::Causal, Padding::Same, Padding::Valid];
    for seed in 0..9 {
        let mut network: Network = paper();
        network.front_end.image = Some(Image { bands: rng.random_range(16..30), columns: rng.random_range(16..30) });
        let [first, second] = [rng.random_range(0..2), 1].map(|overlap: usize| Layer::MaxPool {
            rows: 2 * overlap.max(1) + rng.random_range(0..2),
            bands: 2 * overlap.max(1) + rng.random_range(0..2),
            overlap,
        });
        let mut conv = |n: usize| Layer::Conv2d {
            channels: rng.random_range(1..7),
            rows: 2 * rng.random_range(0..2) + 1,
            bands: 2 * rng.random_range(0..3) + 1,
            padding: paddings[(seed as usize + n) % 3],
        };
        let convolutions = [conv(0), first, conv(1), second, conv(2)];
        let rows = convolutions
            .iter()
            .fold(network.front_end.image_rows(), |rows, layer| rows.map(|rows| layer.output_rows(rows)));
        let flatten = (seed % 3 > 0).then_some(rows).flatten().map(|rows| Layer::Flatten { rows });
        let behind = [
            Layer::Lstm { hidden: rng.random_range(1..12) },
            Layer::Lstm { hidden: rng.random_range(1..12) },
            if seed % 2 > 0 { Layer::TimeMean } else { Layer::LastStep },
            Layer::Dense { units: 6 },
        ];
        network.layers = convolutions.into_iter().chain(flatten).chain(behind).collect();
        assert_within_bounds(&random_network(&network, seed), seed);
    }
}

#[test]
fn layers_of_any_shape_are_within_their_bounds() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for seed in 0..6 {
        let mut network: Network = edge();
        network.front_end.mel_bands = rng.random_range(8..20);
        network.layers = [
            Layer::conv2d(rng.random_range(1..7), rng.random_range(1..5), 2 * rng.random_range(0..3) + 1),
            Layer::max_pool(rng.random_range(1..4), rng.random_range(1..4)),
            Layer::conv2d(rng.random_range(1..7), 2, 3),
            Layer::Lstm { hidden: rng.random_range(1..12) },
            Layer::Lstm { hidden: rng.random_range(1..12) },
            Layer::TimeMean,
            Layer::Dense { units: 6 },
        ]
        .into_iter()
        .collect();
        assert_within_bounds(&random_network(&network, seed), seed);
    }
}

#[test]
fn networks_without_an_lstm_are_within_their_bounds() {
    let behind = [Layer::TimeMean, Layer::Dense { units: 6 }];
    for (seed, layers) in [
        vec![],
        vec![Layer::max_pool(2, 3)],
        vec![Layer::conv2d(5, 3, 3)],
        vec![Layer::conv2d(5, 3, 3), Layer::max_pool(2, 2), Layer::conv2d(7, 2, 1)],
    ]
    .into_iter()
    .enumerate()
    {
        let network = Network { layers: layers.into_iter().chain(behind).collect(), ..edge() };
        assert_within_bounds(&random_network(&network, seed as u64), seed as u64);
    }
}

#[test]
fn the_bounds_catch_a_wrong_weight() {
    let float = random_network(&edge(), 5);
    let exported = export(&float, &training_features(&float.network, 0), CONFIDENCE).expect("export");
    let mut altered = float.clone();
    if let Some(FloatLayer::Conv2d { weight, .. }) = altered.layers.first_mut() {
        weight[4] += 0.2;
    }
    let features = random_features(40, 40, 9);
    let y = &float_taps(&ser_host::model::onnx::to_onnx(&altered).expect("ONNX"), &features)[0];
    let model = Model::parse(&exported.model).expect("a model");
    let Some(LayerParams::Conv2d(conv)) = model.layers().first() else { panic!("edge begins with a convolution") };
    let x = plane(&features);
    let bound = convolution_bound(conv, &float.layers[0], f64::from(INPUT_SCALE), &x, &half_input_steps(&x), y);
    assert!(largest_excess(&run_core(&model, &features).layers[0], y, &bound) > F32_SLACK);
}
