use super::*;
use crate::training::graph::convolution::Convolution;
use crate::training::graph::plain;
use crate::training::graph::statistics::EPSILON;
use crate::training::graph::tensors::numbers;
use burn::module::Param;
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use ser_core::spec::Padding;

/// A trunk and a batch for it.
struct Case {
    batch: Batch,
    input: spec::Shape,
    first_pool: Pool,
    blocks: Vec<Block>,
}

fn values(count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// A pool of at most `rows` rows and `bands` bands; blocks sometimes overlap.
fn random_pool(rows: usize, bands: usize, rng: &mut ChaCha8Rng) -> Pool {
    let size = [rng.random_range(1..=rows.min(3)), rng.random_range(1..=bands.min(3))];
    let overlap = if rng.random_bool(0.5) { size[0].min(size[1]) / 2 } else { 0 };
    Pool::new(size, overlap)
}

/// Sizes around those of vectors and tiles, all paddings, with batch norm and without, scales of both signs.
fn random_case(seed: u64) -> Case {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let (utterances, all_bands) = (rng.random_range(1..5), rng.random_range(14..45));
    let all_rows = rng.random_range(14..30);
    let input =
        spec::Shape { bands: all_bands, channels: if rng.random_bool(0.5) { 1 } else { rng.random_range(1..12) } };
    let batch = Batch {
        values: values(utterances * all_rows * input.len(), rng),
        rows: all_rows,
        valid_rows: vec![all_rows; utterances],
    };
    let first_pool = if rng.random_bool(0.3) { random_pool(2, 2, rng) } else { Pool::NONE };
    let (mut rows, mut bands) = (first_pool.rows(all_rows), first_pool.bands(all_bands));
    let mut inputs = input.channels;
    let blocks = (0..rng.random_range(0..4))
        .map(|_| {
            let wanted = [Padding::Causal, Padding::Same, Padding::Valid][rng.random_range(0..3)];
            let mut kernel = [rng.random_range(1..6), 2 * rng.random_range(0..3) + 1];
            let padding = if wanted == Padding::Valid && (rows <= kernel[0] || bands <= kernel[1]) {
                Padding::Causal
            } else {
                wanted
            };
            if padding == Padding::Same {
                kernel[0] |= 1;
            }
            let pool = random_pool(padding.output_len(rows, kernel[0]), padding.output_len(bands, kernel[1]), rng);
            (rows, bands) =
                (pool.rows(padding.output_len(rows, kernel[0])), pool.bands(padding.output_len(bands, kernel[1])));
            let outputs = rng.random_range(1..50);
            let batch_norm = rng.random_bool(0.8);
            let of_norm = |scale: Vec<f32>, otherwise: f32| if batch_norm { scale } else { vec![otherwise; outputs] };
            let variance = (0..outputs).map(|_| rng.random_range(0.5..2.0)).collect();
            let block = Block {
                inputs,
                outputs,
                kernel,
                padding,
                pool,
                batch_norm,
                weight: values(outputs * inputs * kernel[0] * kernel[1], rng),
                scale: of_norm(values(outputs, rng), 1.0),
                shift: values(outputs, rng),
                running: Statistics {
                    mean: of_norm(values(outputs, rng), 0.0),
                    variance: of_norm(variance, 1.0 - EPSILON as f32),
                },
            };
            inputs = outputs;
            block
        })
        .collect();
    Case { batch, input, first_pool, blocks }
}

impl Case {
    fn pass(&self, norming: Norming) -> Pass {
        Pass::new(&self.batch, self.input, self.first_pool, self.blocks.clone(), norming, None)
    }

    /// Random outputs for all blocks, half of them cut by ReLU.
    fn random_outputs(&self, rng: &mut ChaCha8Rng) -> Vec<Outputs> {
        let (mut rows, mut bands) = (self.first_pool.rows(self.batch.rows), self.first_pool.bands(self.input.bands));
        let of_block = |block: &Block| {
            rows = block.pool.rows(block.padding.output_len(rows, block.kernel[0]));
            bands = block.pool.bands(block.padding.output_len(bands, block.kernel[1]));
            let output =
                |_: &usize| values(rows * bands * block.outputs, rng).iter().map(|value| value.max(0.0)).collect();
            self.batch.valid_rows.iter().map(output).collect()
        };
        self.blocks.iter().map(of_block).collect()
    }
}

/// The same by Burn's own operations: the plain twin.
struct Twin {
    blocks: Vec<Convolution>,
    statistics: Vec<Statistics>,
    /// `[step, utterance, band, channel]`.
    sequence: Tensor<4>,
}

/// A block's numbers as Burn parameters.
fn parameters(block: &Block, device: &Device) -> Convolution {
    let vector = |values: &[f32]| Param::from_tensor(Tensor::<1>::from_data(TensorData::from(values), device));
    let [rows, bands] = block.kernel;
    let weight = TensorData::new(block.weight.clone(), [block.outputs, block.inputs, rows, bands]);
    Convolution {
        weight: Param::from_tensor(Tensor::from_data(weight, device)),
        scale: vector(&block.scale),
        shift: vector(&block.shift),
        running_mean: vector(&block.running.mean).set_require_grad(false),
        running_variance: vector(&block.running.variance).set_require_grad(false),
        padding: block.padding,
        pool: block.pool,
        batch_norm: block.batch_norm,
        input_gain: None,
    }
}

/// `outputs` replace those of the blocks.
fn twin(case: &Case, norming: Norming, outputs: Option<&[Outputs]>) -> Twin {
    let device = Device::flex().autodiff();
    let utterances = case.batch.valid_rows.len();
    let shape = [utterances, case.batch.rows, case.input.bands, case.input.channels];
    let features: Tensor<4> = Tensor::from_data(TensorData::new(case.batch.values.clone(), shape), &device);
    let mut map = plain::max_pool(features.permute([0, 3, 1, 2]), case.first_pool);
    let blocks: Vec<Convolution> = case.blocks.iter().map(|block| parameters(block, &device)).collect();
    let mut statistics = Vec::new();
    for (place, block) in blocks.iter().enumerate() {
        let (output, of_block) = plain::block(block, map, norming, outputs.map(|outputs| &outputs[place]));
        map = output;
        statistics.push(of_block);
    }
    Twin { blocks, statistics, sequence: map.permute([2, 0, 3, 1]) }
}

/// Asserts that values differ by less than a share of the largest.
#[track_caller]
fn assert_close(came: &[f32], wanted: &[f32], share: f32, what: &str) {
    assert_eq!(came.len(), wanted.len(), "{what}");
    let limit = share * wanted.iter().fold(0.0, |largest: f32, value| largest.max(value.abs())) + 1e-6;
    for (at, (came, wanted)) in came.iter().zip(wanted).enumerate() {
        assert!((came - wanted).abs() <= limit, "{what}, value {at}: {came} came, wanted {wanted} within {limit}");
    }
}

#[test]
fn the_forward_pass_is_that_of_burns_operations() {
    for seed in 0..60 {
        let case = random_case(seed);
        for norming in [Norming::Batch, Norming::Running] {
            let (came, wanted) = (case.pass(norming), twin(&case, norming, None));
            assert_close(&came.sequence, &numbers(wanted.sequence.clone()), 1e-5, &format!("output of case {seed}"));
            assert_eq!(came.steps, wanted.sequence.dims()[0]);
            for (came, wanted) in came.statistics().zip(&wanted.statistics) {
                assert_close(&came.mean, &wanted.mean, 1e-5, &format!("mean of case {seed}"));
                assert_close(&came.variance, &wanted.variance, 1e-5, &format!("variance of case {seed}"));
            }
        }
    }
}

/// Asserts that the gradients of a pass are those of its twin, for a random gradient of the output.
#[track_caller]
fn assert_same_gradients(came: &Pass, wanted: Twin, seed: u64) {
    let of_sequence = values(came.sequence.len(), &mut ChaCha8Rng::seed_from_u64(seed));
    let factors =
        Tensor::from_data(TensorData::new(of_sequence.clone(), wanted.sequence.shape()), &wanted.sequence.device());
    let gradients: Gradients = (wanted.sequence * factors).sum().backward();
    for (place, (came, block)) in came.backward(&of_sequence).into_iter().zip(wanted.blocks).enumerate() {
        // Compared together: norm takes away the scale of a weight, so the rest of the weight's gradient may be pure
        // rounding.
        let came = [came.weight, came.scale, came.shift].concat();
        let wanted = [
            numbers(block.weight.val().grad(&gradients).unwrap()),
            numbers(block.scale.val().grad(&gradients).unwrap()),
            numbers(block.shift.val().grad(&gradients).unwrap()),
        ];
        assert_close(&came, &wanted.concat(), 1e-4, &format!("gradients of block {place} in case {seed}"));
    }
}

#[test]
fn the_gradients_are_those_of_burns_operations() {
    for seed in 0..60 {
        let case = random_case(seed);
        for norming in [Norming::Batch, Norming::Running] {
            let came = case.pass(norming);
            if case.blocks.is_empty() {
                assert!(came.backward(&came.sequence).is_empty());
                continue;
            }
            assert_same_gradients(&came, twin(&case, norming, None), seed);
        }
    }
}

#[test]
fn what_is_taken_for_the_output_of_a_block_enters_the_next_and_cuts_its_gradient() {
    for seed in (0..60).filter(|seed| !random_case(*seed).blocks.is_empty()) {
        let case = random_case(seed);
        let outputs = case.random_outputs(&mut ChaCha8Rng::seed_from_u64(1000 + seed));
        let came =
            Pass::new(&case.batch, case.input, case.first_pool, case.blocks.clone(), Norming::Running, Some(&outputs));
        let wanted = twin(&case, Norming::Running, Some(&outputs));
        assert_eq!(came.sequence, numbers(wanted.sequence.clone()));
        assert_same_gradients(&came, wanted, seed);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let case = (0..).map(random_case).find(|case| case.blocks.len() == 3 && case.batch.valid_rows.len() == 4).unwrap();
    let run = |threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let pass = case.pass(Norming::Batch);
            let gradients = pass.backward(&pass.sequence);
            (pass.sequence, gradients)
        })
    };
    let alone = run(1);
    assert_eq!(run(2), alone);
    assert_eq!(run(3), alone);
}
