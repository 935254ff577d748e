//! Times the network `paper` over an image, int8 in the core and f32 in tract, on one thread each. Weights and pixels
//! are random; they cost as much time as trained ones.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::ItemsCount;
use ser_core::Model;
use ser_core::engine::{Engine, Row};
use ser_core::model::LayerParams;
use ser_core::spec::paper;
use ser_host::features::rows::{Rows, input_code};
use ser_host::model::export::{Exported, export};
use ser_host::model::float_model::FloatModel;
use ser_host::model::model_file::Confidence;
use ser_tests::random_network::{random_features, random_network};

use crate::layers::{Input, ROUNDS, conv2d, lstm, max_pool};

/// Seconds of speech that an image counts as: about an utterance of CASIA.
const SECONDS: usize = 2;

static IMAGE: LazyLock<Rows> = LazyLock::new(|| {
    let front_end = paper().front_end;
    random_features(front_end.row_shape().len(), front_end.image_rows().unwrap_or_default(), 1)
});
static CODES: LazyLock<Vec<i8>> = LazyLock::new(|| IMAGE.values.iter().map(|value| input_code(*value)).collect());
static EXPORTED: LazyLock<Exported> = LazyLock::new(|| {
    let confidence = Confidence { temperature: 1.0, threshold: 0.5 };
    export(&random_network(&paper(), 1), std::slice::from_ref(&*IMAGE), confidence)
        .expect("a network that can be quantised")
});
static MODEL: LazyLock<Model<'static>> = LazyLock::new(|| Model::parse(&EXPORTED.model).expect("an exported model"));
static FLOAT: LazyLock<FloatModel> =
    LazyLock::new(|| FloatModel::from_onnx(&EXPORTED.onnx).expect("an exported network"));
/// Input of each layer.
static INPUTS: LazyLock<Vec<Input>> = LazyLock::new(|| {
    let mut inputs = vec![Input::Codes(Vec::new()); MODEL.layers().len() + 1];
    inputs[0] = Input::Codes(CODES.clone());
    run_core(|layer, row| inputs[layer + 1].add(row));
    inputs
});

fn run_core(mut tap: impl FnMut(usize, Row<'_>)) {
    let mut memory = vec![0; MODEL.network_words()];
    let mut engine = Engine::new(&MODEL, &mut memory).expect("enough memory");
    for column in CODES.chunks_exact(MODEL.front_end().row_shape().len()) {
        engine.push(column, &mut tap).expect("columns of the front end");
    }
    engine.finish(&mut tap);
    divan::black_box(engine.logits());
}

fn int8() {
    run_core(|_, _| {});
}

fn float() {
    divan::black_box(FLOAT.run(&IMAGE).expect("an image of the right size"));
}

fn run_layer(layer: &LayerParams<'_>, input: &Input) {
    match (layer, input) {
        (LayerParams::Conv2d(conv), Input::Codes(rows)) => conv2d(conv, rows),
        (LayerParams::MaxPool(pool), Input::Codes(rows)) => max_pool(pool, rows),
        (LayerParams::Lstm(layer), Input::Codes(rows)) => lstm(layer, rows.iter().map(|code| i16::from(*code))),
        (LayerParams::Lstm(layer), Input::Hidden(rows)) => lstm(layer, rows.iter().copied()),
        _ => {}
    }
}

#[divan::bench]
fn paper_int8(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(SECONDS)).bench(int8);
}

#[divan::bench]
fn paper_float(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(SECONDS)).bench(float);
}

fn fastest(part: impl Fn()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        part();
        start.elapsed()
    };
    (0..ROUNDS).map(time).min().unwrap_or_default()
}

/// Prints the time of the core, of its layers and of tract.
pub fn print_shares() {
    LazyLock::force(&INPUTS);
    LazyLock::force(&FLOAT);
    let (int8, float) = (fastest(int8).as_secs_f64(), fastest(float).as_secs_f64());
    let factor = |time: f64| SECONDS as f64 / time;
    println!(
        "image of {SECONDS} s of audio, {:.0} x real time; float in tract {:.2} ms, {:.0} x",
        factor(int8),
        1e3 * float,
        factor(float)
    );
    println!("  {:<23} {:6.2} ms", "network", 1e3 * int8);
    for (index, (layer, input)) in MODEL.layers().iter().zip(INPUTS.iter()).enumerate() {
        let time = fastest(|| run_layer(layer, input)).as_secs_f64();
        println!(
            "  {:<23} {:6.2} ms, {:5.1} %",
            format!("{} {}", index + 1, layer.spec().name()),
            1e3 * time,
            100.0 * time / int8
        );
    }
}
