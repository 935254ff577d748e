//! Times the core on one thread over synthetic speech, as a whole and part by part, and the network `paper` over an
//! image. Throughput is in seconds of audio per second.
//!
//! `cargo bench -p firmware-sim`

mod layers;
mod paper;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::ItemsCount;
use ser_core::Model;
use ser_core::engine::Row;
use ser_core::frontend::{Frame, FrontEnd};
use ser_core::model::LayerParams;
use ser_core::recognizer::{Observation, Recognizer};
use ser_host::corpus::audio::SAMPLE_RATE_HZ;
use ser_host::corpus::synth;

use layers::{Input, ROUNDS, conv2d, lstm, max_pool};

static FILE: &[u8] = include_bytes!("../../../models/synthetic/edge.ser");
static MODEL: LazyLock<Model<'static>> =
    LazyLock::new(|| Model::parse(FILE).expect("the model that comes with the repository"));
static SPEECH: LazyLock<Vec<i16>> =
    LazyLock::new(|| (0..24).flat_map(|n| synth::render(synth::DEFAULT_SEED, n % 4, n % 6, n)).collect());
/// Input of each layer, all rows one after the other.
static INPUTS: LazyLock<Vec<Input>> = LazyLock::new(record);

fn record() -> Vec<Input> {
    let mut inputs = vec![Input::Codes(Vec::new()); MODEL.layers().len() + 1];
    let mut memory = vec![0; MODEL.state_words()];
    let mut recognizer = Recognizer::new(&MODEL, &mut memory).expect("enough memory");
    recognizer.push_observed(&SPEECH, |observation| match observation {
        Observation::Input(codes) => inputs[0].add(Row::Codes(codes)),
        Observation::Layer(layer, row) => inputs[layer + 1].add(row),
    });
    inputs
}

fn whole_core() {
    let mut memory = vec![0; MODEL.state_words()];
    let mut recognizer = Recognizer::new(&MODEL, &mut memory).expect("enough memory");
    for chunk in SPEECH.chunks(256) {
        recognizer.push(chunk);
    }
    divan::black_box(recognizer.finish());
}

fn front_end_only() {
    let spec = MODEL.front_end();
    let mut work = vec![0; FrontEnd::work_len(spec)];
    let mut front_end = FrontEnd::new(spec, MODEL.tables(), &mut work).expect("enough memory");
    for chunk in SPEECH.chunks(256) {
        front_end.push(chunk, &mut |frame: Frame<'_>| {
            divan::black_box(frame);
        });
    }
}

fn convolutions_only() {
    for (layer, input) in MODEL.layers().iter().zip(INPUTS.iter()) {
        match (layer, input) {
            (LayerParams::Conv2d(conv), Input::Codes(rows)) => conv2d(conv, rows),
            (LayerParams::MaxPool(pool), Input::Codes(rows)) => max_pool(pool, rows),
            _ => {}
        }
    }
}

fn lstms_only() {
    for (layer, input) in MODEL.layers().iter().zip(INPUTS.iter()) {
        match (layer, input) {
            (LayerParams::Lstm(layer), Input::Codes(rows)) => lstm(layer, rows.iter().map(|code| i16::from(*code))),
            (LayerParams::Lstm(layer), Input::Hidden(rows)) => lstm(layer, rows.iter().copied()),
            _ => {}
        }
    }
}

fn audio_seconds() -> ItemsCount {
    ItemsCount::new(SPEECH.len() / SAMPLE_RATE_HZ as usize)
}

#[divan::bench]
fn recognizer(bencher: Bencher<'_, '_>) {
    bencher.counter(audio_seconds()).bench(whole_core);
}

#[divan::bench]
fn front_end(bencher: Bencher<'_, '_>) {
    bencher.counter(audio_seconds()).bench(front_end_only);
}

#[divan::bench]
fn convolutions_and_pools(bencher: Bencher<'_, '_>) {
    bencher.counter(audio_seconds()).bench(convolutions_only);
}

#[divan::bench]
fn lstms(bencher: Bencher<'_, '_>) {
    bencher.counter(audio_seconds()).bench(lstms_only);
}

/// Prints how the core's time divides among its parts. The parts take turns, so that other work of the machine slows
/// all of them alike.
fn print_shares() {
    LazyLock::force(&INPUTS);
    let parts = [
        ("recognizer", whole_core as fn()),
        ("front end", front_end_only),
        ("convolutions and pools", convolutions_only),
        ("LSTMs", lstms_only),
    ];
    let mut fastest = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        for (fastest, (_, part)) in fastest.iter_mut().zip(parts) {
            let start = Instant::now();
            part();
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let seconds = SPEECH.len() as f64 / f64::from(SAMPLE_RATE_HZ);
    let whole = fastest[0].as_secs_f64();
    println!("{seconds:.1} s of audio, {:.0} x real time", seconds / whole);
    for ((name, _), time) in parts.iter().zip(fastest) {
        let time = time.as_secs_f64();
        println!("  {name:<23} {:6.2} ms, {:5.1} %", 1e3 * time, 100.0 * time / whole);
    }
}

fn main() {
    print_shares();
    paper::print_shares();
    divan::main();
}
