//! The proof that nothing in `ser-core` can panic. This program calls every public entry with data that the compiler
//! knows nothing of, and its panic handler calls a function that does not exist. If the optimiser finds that no panic
//! can be reached, it drops the handler and the program links; otherwise linking fails.
//!
//! Two things are left out. The texts of errors (`Display`) are formatted by `core::fmt`, whose formatting of floats has
//! panics in it that nothing reaches. And a sum that overflows does not panic here, as in every release build; in a
//! debug build a description that no check has accepted could.
//!
//! The program is linked and never run. `cargo xtask prove` links it for all targets at opt-level 3 and s, and
//! shows that it would find a panic.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::ptr::read_volatile;

use ser_core::arch::{CodeRows, GateRows, four_rows, four_rows_of_pair, portable};
use ser_core::endpointer::{Endpointer, EndpointerConfig};
use ser_core::engine::{Engine, Logits};
use ser_core::fixed::Q3_12;
use ser_core::frontend::image::shade;
use ser_core::frontend::{
    Backlog, Frame, Framer, FrontEnd, ImageFrontEnd, InputFilter, Level, LevelReference, Normalizer, Passage, RowGate,
    Tables,
};
use ser_core::kernels::{
    Conv2d, Conv2dState, Dense, Flatten, FlattenState, LastStep, LastStepState, Lstm, LstmState, MaxPool, MaxPoolState,
    TimeMean, TimeMeanState, matrix_vector,
};
use ser_core::listener::Listener;
use ser_core::packed::{packed_index, packed_len};
use ser_core::quant::{Multiplier, Multipliers, requantize};
use ser_core::spec::{self, Denoise, Image, Layer, LevelMode, Padding, Shape, Trim, Window};
use ser_core::{ImageRecognizer, Model, Prediction, Recognizer, activation};

unsafe extern "C" {
    /// Not defined anywhere.
    fn a_panic_can_be_reached() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: a program with this call does not link.
    unsafe { a_panic_can_be_reached() }
}

static mut ADDRESS: usize = 0;
static mut NUMBER: usize = 0;

/// Any number.
fn number() -> usize {
    // SAFETY: a static, which is always valid to read.
    unsafe { read_volatile(&raw const NUMBER) }
}

fn float() -> f32 {
    f32::from_bits(number() as u32)
}

/// Any level.
fn level() -> Level {
    Level::from_steps(number() as i16)
}

/// A slice of any length, anywhere.
fn slice<T: Copy>() -> &'static mut [T] {
    // SAFETY: the program is never run; the compiler knows neither address nor length of this slice.
    unsafe { core::slice::from_raw_parts_mut(read_volatile(&raw const ADDRESS) as *mut T, number()) }
}

fn model() -> Option<Model<'static>> {
    Model::parse(slice()).map_err(|error| black_box(error.summary())).ok()
}

fn multipliers() -> Multipliers<'static> {
    Multipliers { mantissa: slice(), shift: slice() }
}

fn shape() -> Shape {
    Shape { bands: number(), channels: number() }
}

fn trim() -> Trim {
    Trim { threshold_db: float(), range_db: float(), max_pause_rows: number() }
}

fn front_end_spec() -> spec::FrontEnd {
    spec::FrontEnd {
        sample_rate_hz: number() as u32,
        frame_len: number(),
        hop_len: number(),
        fft_len: number(),
        window: match number() {
            0 => Window::Hann,
            1 => Window::Hamming,
            _ => Window::HannSymmetric,
        },
        dc_block_pole: float(),
        pre_emphasis: float(),
        mel_bands: number(),
        mel_low_hz: float(),
        mel_high_hz: float(),
        floor_db: float(),
        trim: (number() > 0).then(trim),
        level: if number() > 0 { LevelMode::Absolute } else { LevelMode::RelativeToPeak },
        denoise: (number() > 0).then(|| Denoise { subtraction_tenths: number() as u8, depth_db: number() as u8 }),
        image: (number() > 0).then(|| Image { bands: number(), columns: number() }),
    }
}

#[inline(never)]
fn recognizer() {
    let Some(model) = model() else { return };
    let _ = black_box((
        model.state_words(),
        model.network_words(),
        model.snapshot_len(),
        model.file_len(),
        model.checksum(),
    ));
    let _ = black_box((model.labels(), model.layers(), model.temperature(), model.confidence_threshold()));
    let Ok(mut recognizer) = Recognizer::new(&model, slice()) else { return };
    recognizer.push(slice());
    recognizer.push_observed(slice(), |observation| {
        black_box(observation);
    });
    recognizer.catch_up_observed(|observation| {
        black_box(observation);
    });
    black_box(recognizer.prediction());
    black_box(recognizer.finish());
    let _ = black_box(recognizer.snapshot(slice()));
    let _ = black_box(recognizer.restore(slice()));
    recognizer.push(slice());
    recognizer.reset();
    let logits: &mut [Logits] = slice();
    logits.iter().for_each(|logits| {
        black_box(Prediction::new(&model, *logits));
    });
}

#[inline(never)]
fn listener() {
    let Some(model) = model() else { return };
    let configs: &mut [EndpointerConfig] = slice();
    for config in configs {
        let Ok(mut listener) = Listener::new(&model, slice(), config) else { return };
        listener.push(slice(), |event| {
            black_box(event);
        });
        listener.end_utterance(|event| {
            black_box(event);
        });
        listener.finish(|event| {
            black_box(event);
        });
        listener.set_floor_db(float());
        black_box(listener.floor_db());
        let _ = black_box(listener.snapshot(slice()));
        let _ = black_box(listener.restore(slice()));
        listener.push(slice(), |event| {
            black_box(event);
        });
        listener.reset();
        if let Ok(mut endpointer) = Endpointer::new(config, &front_end_spec()) {
            endpointer.set_floor_db(float());
            black_box(endpointer.push(level(), Backlog::Released));
            black_box(endpointer.push(level(), Backlog::Empty));
            black_box((endpointer.floor_db(), endpointer.end_utterance()));
            black_box(endpointer.finish());
        }
    }
}

#[inline(never)]
fn engine() {
    let Some(model) = model() else { return };
    let Some(mut engine) = Engine::new(&model, slice()) else { return };
    let _ = black_box(engine.push(slice(), |layer, row| {
        black_box((layer, row));
    }));
    engine.finish(|layer, row| {
        black_box((layer, row));
    });
    black_box(engine.logits());
    engine.reset();
}

#[inline(never)]
fn front_end() {
    let spec = front_end_spec();
    let _ = black_box(spec.check());
    let tables =
        Tables { window: slice(), mel_edges: slice(), mel_rise: slice(), floor: (number() as u64).to_le_bytes() };
    let _ = black_box(tables.check(&spec));
    if let Some(mut front_end) = FrontEnd::new(&spec, tables, slice()) {
        front_end.push(slice(), &mut |frame: Frame<'_>| {
            black_box(frame);
        });
        front_end.reset();
    }
    portable::power_spectrum(slice(), slice());
    let mut framer = Framer::new(slice(), number());
    black_box(framer.push(slice(), |from, to| to.iter_mut().zip(from).for_each(|(to, from)| *to = *from)));
    black_box(framer.frame());
    let mut filter = InputFilter::new(&spec);
    filter.process(slice(), slice());
    let mut reference = LevelReference::new(spec.level);
    black_box(reference.of_row([level(), level()]));
    let normalizer = Normalizer { mean: slice(), multipliers: multipliers() };
    normalizer.codes(slice(), level()).for_each(|code| {
        black_box(code);
    });
    let mut gate = RowGate::new(spec.trim, number(), slice::<i8>());
    let passage = gate.judge(level());
    gate.push(slice(), passage, |row| {
        black_box(row);
    });
    gate.push(slice(), Passage::Held, |row| {
        black_box(row);
    });
    black_box(gate.backlog());
    gate.flush(|row| {
        black_box(row);
    });
    gate.reset();
}

#[inline(never)]
fn image() {
    let Some(model) = model() else { return };
    let _ = black_box((model.image_state_words(), model.image_levels_len(number())));
    if let Ok(mut recognizer) = ImageRecognizer::new(&model, slice()) {
        let _ = black_box(recognizer.recognize(slice(), slice()));
        let _ = black_box(recognizer.recognize_observed(slice(), slice(), |observation| {
            black_box(observation);
        }));
    }
    let image = Image { bands: number(), columns: number() };
    let spec = spec::FrontEnd { image: (number() > 0).then_some(image), ..front_end_spec() };
    let tables = Tables { window: slice(), mel_edges: slice(), mel_rise: slice(), floor: [0; 8] };
    black_box(ImageFrontEnd::levels_len(&spec, number()));
    if let Some(mut front_end) = ImageFrontEnd::new(&spec, tables, slice()) {
        if let Ok(levels) = front_end.levels(slice(), slice()) {
            shade(levels);
        }
        front_end.column(slice(), number(), slice());
    }
    let normalizer = Normalizer { mean: slice(), multipliers: multipliers() };
    black_box(normalizer.pixel_codes(slice()));
}

#[inline(never)]
fn kernels() {
    let padding = match number() {
        0 => Padding::Causal,
        1 => Padding::Same,
        _ => Padding::Valid,
    };
    let Some(codes) = CodeRows::new(number(), slice(), slice(), multipliers(), number() as i8) else { return };
    let kernel = [number(), number()];
    let Some(conv) = Conv2d::new(shape(), kernel, padding, number() as i8, float(), codes) else { return };
    let mut state = Conv2dState { ring: slice(), oldest: &mut (number() as u32) };
    conv.reset(&mut state);
    black_box(conv.push(&mut state, slice(), slice(), slice()));
    black_box((conv.is_possible(&state), conv.rows_behind(), conv.ring_len(), conv.work_len(), conv.output_len()));
    let Some(pool) = MaxPool::new(shape(), [number(), number()], number()) else { return };
    let mut state = MaxPoolState { maximum: slice(), filled: &mut (number() as u32) };
    black_box(pool.push(&mut state, slice()));
    black_box((pool.is_possible(&state), pool.maximum_len(), pool.output_len()));
    pool.reset(&mut state);
    let flatten = Flatten::new(shape(), number());
    let mut state = FlattenState { values: slice(), filled: &mut (number() as u32) };
    black_box((flatten.push(&mut state, slice()), flatten.is_possible(&state), flatten.output_len()));
    flatten.reset(&mut state);
    let last = LastStep::new(number());
    let mut state = LastStepState { row: slice(), seen: &mut (number() as u32) };
    last.push(&mut state, slice());
    black_box(last.is_possible(&state));
    last.reset(&mut state);
    let Some(gates) = GateRows::new(number(), [slice(), slice()], slice(), multipliers(), slice()) else { return };
    let Some(lstm) = Lstm::new(number(), gates) else { return };
    let mut state = LstmState { hidden: slice(), cell: slice() };
    lstm.push(&mut state, slice(), slice());
    lstm.reset(&mut state);
    let mean = TimeMean::new(number());
    let mut state = TimeMeanState { sum: slice(), count: &mut (number() as u32) };
    mean.push(&mut state, slice());
    mean.push_codes(&mut state, slice());
    black_box(mean.mean(&state, slice()));
    mean.reset(&mut state);
    let Some(dense) = Dense::new(number(), slice(), slice(), multipliers()) else { return };
    dense.map(slice(), slice());
}

#[inline(never)]
fn numbers() {
    black_box(ser_core::arch::kernels());
    black_box((four_rows(slice(), slice()), portable::four_rows(slice(), slice())));
    black_box((four_rows_of_pair(slice(), slice()), portable::four_rows_of_pair(slice(), slice())));
    matrix_vector(slice(), slice(), |sum| {
        black_box(sum);
    });
    black_box((packed_len(number(), number()), packed_index(number(), number(), number())));
    if let Some(multiplier) = Multiplier::new(number() as i32, number() as u8) {
        black_box(requantize(number() as i32, multiplier));
    }
    multipliers().iter().for_each(|multiplier| {
        black_box(multiplier);
    });
    black_box((activation::tanh(Q3_12(number() as i16)), activation::sigmoid(Q3_12(number() as i16))));
    if let Some(network) = spec::preset(core::str::from_utf8(slice()).unwrap_or_default()) {
        let _ = black_box(network.check());
        network.rows(number()).zip(network.shapes()).for_each(|of_layer| {
            black_box(of_layer);
        });
    }
}

/// Descriptions, also those that no check has seen.
#[inline(never)]
fn descriptions() {
    let padding = match number() {
        0 => Padding::Causal,
        1 => Padding::Same,
        _ => Padding::Valid,
    };
    black_box(padding.output_len(number(), number()));
    let layers = [
        Layer::Conv2d { channels: number(), rows: number(), bands: number(), padding },
        Layer::MaxPool { rows: number(), bands: number(), overlap: number() },
        Layer::Flatten { rows: number() },
        Layer::Lstm { hidden: number() },
        Layer::TimeMean,
        Layer::LastStep,
        Layer::Dense { units: number() },
    ];
    for layer in layers {
        let input = shape();
        black_box((layer.output(input), layer.output_rows(number()), layer.row_stride(), layer.parameters(input)));
        black_box((layer.macs(input), layer.is_for_images(), layer.name()));
    }
    let Some(model) = model() else { return };
    for layer in model.layers() {
        black_box((layer.spec(), layer.file_bytes(), layer.state_bytes(), layer.slow_path()));
    }
}

/// Entry point of the linker.
#[unsafe(no_mangle)]
pub extern "C" fn _start() {
    recognizer();
    listener();
    engine();
    front_end();
    image();
    kernels();
    numbers();
    descriptions();
    #[cfg(feature = "deliberate")]
    black_box(slice::<u8>()[number()]);
}
