use super::*;
use crate::training::graph::fast::cell::tanh as vector_tanh;
use crate::training::graph::fast::lstm::LstmPass;
use crate::training::graph::fast::vector::{vectors, vectors_mut};
use crate::training::graph::lstm::Lstm;
use crate::training::graph::plain;
use crate::training::graph::tensors::numbers;
use crate::training::recipe::InitialWeights;
use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use pulp::{Simd, WithSimd};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

fn values(count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn tensor<const D: usize>(shape: [usize; D], rng: &mut ChaCha8Rng) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values(shape.iter().product(), rng), shape), &Device::flex().autodiff())
        .require_grad()
}

/// An LSTM and a sequence for it, with sizes around those of vectors and groups.
fn random_case(seed: u64) -> (Lstm, Tensor<3>) {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let (inputs, hidden) = (rng.random_range(1..40), rng.random_range(1..30));
    let mut lstm = Lstm::new(inputs, hidden, InitialWeights::He, rng, &Device::flex().autodiff());
    lstm.bias = Param::from_tensor(tensor([4 * hidden], rng));
    let shape = [rng.random_range(1..9), rng.random_range(1..11), inputs];
    (lstm, tensor(shape, rng).mul_scalar(2.0).detach().require_grad())
}

/// Asserts that values differ by less than a share of the largest.
#[track_caller]
fn assert_close<const D: usize>(came: &Tensor<D>, wanted: &Tensor<D>, share: f32, what: &str) {
    assert_eq!(came.dims(), wanted.dims(), "{what}");
    let (came, wanted) = (numbers(came.clone()), numbers(wanted.clone()));
    let limit = share * wanted.iter().fold(0.0, |largest: f32, value| largest.max(value.abs())) + 1e-7;
    for (at, (came, wanted)) in came.iter().zip(&wanted).enumerate() {
        assert!((came - wanted).abs() <= limit, "{what}, value {at}: {came} came, wanted {wanted} within {limit}");
    }
}

/// Asserts that the gradients of a pass are those of its twin, for a random gradient of the output.
#[track_caller]
fn assert_same_gradients(lstm: &Lstm, pass: &LstmPass, sequence: &Tensor<3>, wanted: Tensor<3>, seed: u64) {
    let of_output = tensor(wanted.dims(), &mut ChaCha8Rng::seed_from_u64(seed)).detach();
    let of_twin = (wanted * of_output.clone()).sum().backward();
    let mut gradients = GradientsParams::new();
    let of_input = pass.backward(lstm, of_output.inner(), &mut gradients);
    assert_close(&of_input, &sequence.grad(&of_twin).unwrap(), 1e-5, &format!("gradient of the input of case {seed}"));
    for (name, param) in [("input", &lstm.input_weight), ("recurrent", &lstm.recurrent_weight)] {
        let wanted = param.val().grad(&of_twin).unwrap();
        assert_close(
            &gradients.get::<2>(param.id).unwrap(),
            &wanted,
            1e-5,
            &format!("gradient of the {name} weights of case {seed}"),
        );
    }
    let wanted = lstm.bias.val().grad(&of_twin).unwrap();
    assert_close(
        &gradients.get::<1>(lstm.bias.id).unwrap(),
        &wanted,
        1e-5,
        &format!("gradient of the bias of case {seed}"),
    );
}

#[test]
fn an_lstm_does_what_burns_operations_do_forward_and_back() {
    for seed in 0..60 {
        let (lstm, sequence) = random_case(seed);
        let pass = LstmPass::new(&lstm, sequence.clone(), None);
        let wanted = plain::lstm(&lstm, sequence.clone(), None);
        assert_close(&pass.output, &wanted, 2e-6, &format!("output of case {seed}"));
        assert_same_gradients(&lstm, &pass, &sequence, wanted, seed);
    }
}

#[test]
fn hidden_states_that_are_taken_leave_bit_for_bit_and_enter_the_next_step() {
    for seed in 0..60 {
        let (lstm, sequence) = random_case(seed);
        let [steps, batch, _] = sequence.dims();
        let taken = tensor([steps, batch, lstm.hidden], &mut ChaCha8Rng::seed_from_u64(1000 + seed)).detach();
        let pass = LstmPass::new(&lstm, sequence.clone(), Some(&numbers(taken.clone())));
        assert_eq!(numbers(pass.output.clone()), numbers(taken.clone()));
        let wanted = plain::lstm(&lstm, sequence.clone(), Some(taken));
        assert_same_gradients(&lstm, &pass, &sequence, wanted, seed);
    }
}

#[test]
fn tanh_is_off_by_less_than_two_parts_in_ten_million() {
    struct Tanh<'a>(&'a [f32], &'a mut [f32]);
    impl WithSimd for Tanh<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for (x, y) in vectors::<S>(self.0).iter().zip(vectors_mut::<S>(self.1)) {
                *y = vector_tanh(simd, *x);
            }
        }
    }
    let x: Vec<f32> = (0..800_000).map(|i| (i as f32 - 400_000.0) / 33_333.0).collect();
    let mut y = vec![0.0; x.len()];
    vectorised(Tanh(&x, &mut y));
    for (x, y) in x.iter().zip(&y) {
        let wanted = f64::from(*x).tanh();
        assert!((f64::from(*y) - wanted).abs() < 2e-7, "tanh {x} is {wanted}, {y} came");
    }
    let mut y = [0.0; 8];
    vectorised(Tanh(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 100.0, -100.0, 1e-30], &mut y));
    assert!(y[0].is_nan());
    for (y, wanted) in y.iter().zip([f32::NAN, 1.0, -1.0, 0.0, 0.0, 1.0, -1.0, 1e-30]).skip(1) {
        assert!((y - wanted).abs() <= 2e-7 * wanted.abs(), "{y} came, wanted {wanted}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let weights = Weights {
        inputs: 13,
        hidden: 11,
        input: values(13 * 44, rng),
        recurrent: values(11 * 44, rng),
        bias: values(44, rng),
    };
    let sequence = values(6 * 19 * 13, rng);
    let run = |threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let pass = weights.clone().forward(&sequence, None, 6, 19);
            (pass.output(), pass.backward(&pass.output()))
        })
    };
    let alone = run(1);
    assert_eq!(run(2), alone);
    assert_eq!(run(3), alone);
}
