//! The core on an emulated board.
//!
//! Reads `audio.bin` from the emulator's working directory, recognises its utterances with the built-in model, and
//! writes `answers.bin`. `firmware-sim device` writes the audio and reads the answers. All numbers are little-endian
//! u32 unless another type is named.
//!
//! ```text
//! audio.bin    for each utterance: samples; i16 [samples]
//! answers.bin  stages (the input of the network, then its layers)
//!              for each utterance:
//!                for each stage: rows that left it; CRC-32 of them all
//!                1 if there is a prediction, else 0; i32 logits [16]
//!                instructions u64 [1 + layers]: front end, then the layers
//!                instructions u64 of the hop that took most
//!              bytes of stack that the core takes
//! ```
//!
//! The exit code says what went wrong: 2 a file, 3 the memory for the model, 4 an incomplete length, 5 a stack that ran
//! into the data.
//!
//! Each utterance is recognised three times: for the CRCs, for the instructions, and for the stack.

#![no_std]
#![no_main]

mod clock;
mod stack;

#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};
use semihosting::fs::File;
use semihosting::io::{self, Read, Write};
use semihosting::process::exit;
use ser_core::engine::Row;
use ser_core::recognizer::Observation;
use ser_core::spec::MAX_LAYERS;
use ser_core::{Model, Recognizer};

const PARSED: Model<'static> = ser_core::model!(concat!(env!("OUT_DIR"), "/model.ser"));
static MODEL: Model<'static> = PARSED;
/// A static, so that the measured stack is what the code alone needs.
static mut MEMORY: [u32; PARSED.state_words()] = [0; PARSED.state_words()];
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// Number of samples handed to the core at a time.
const CHUNK: usize = 128;
/// Most stages: the network's input and its layers.
const STAGES: usize = 1 + MAX_LAYERS;

#[entry]
fn main() -> ! {
    clock::start();
    match recognise_all() {
        Ok(()) => exit(0),
        Err(_) => exit(2),
    }
}

fn recognise_all() -> io::Result<()> {
    let memory = &raw mut MEMORY;
    // SAFETY: this function runs once, and nothing else uses the memory.
    let memory = unsafe { &mut *memory };
    let Ok(mut recognizer) = Recognizer::new(&MODEL, memory) else { exit(3) };
    let stages = 1 + MODEL.layers().len();
    let mut audio = File::open(c"audio.bin")?;
    let mut again = File::open(c"audio.bin")?;
    let mut once_more = File::open(c"audio.bin")?;
    let mut stack = 0;
    let mut answers = File::create(c"answers.bin")?;
    put(&mut answers, stages as u32)?;
    while let Some(samples) = length(&mut audio)? {
        let mut sums = [const { None }; STAGES];
        let mut rows = [0u32; STAGES];
        feed(&mut audio, samples, |chunk| {
            recognizer.push_observed(chunk, |observation| note(observation, &mut rows, &mut sums));
        })?;
        recognizer.catch_up_observed(|observation| note(observation, &mut rows, &mut sums));
        for (rows, sum) in rows.into_iter().zip(sums).take(stages) {
            put(&mut answers, rows)?;
            put(&mut answers, sum.unwrap_or_else(|| CRC.digest()).finalize())?;
        }
        let prediction = recognizer.finish();
        put(&mut answers, u32::from(prediction.is_some()))?;
        for logit in prediction.map(|prediction| prediction.logits).unwrap_or_default() {
            put(&mut answers, logit as u32)?;
        }

        length(&mut again)?;
        let (counts, worst_hop) = count(&mut again, samples, &mut recognizer)?;
        for instructions in counts.into_iter().take(stages).chain([worst_hop]) {
            answers.write_all(&instructions.to_le_bytes())?;
        }

        length(&mut once_more)?;
        feed(&mut once_more, samples, |chunk| {
            let push_and_ask = || {
                recognizer.push(chunk);
                core::hint::black_box(recognizer.prediction());
            };
            let Some(used) = stack::used_by(push_and_ask) else { exit(5) };
            stack = stack.max(used);
        })?;
        let Some(used) = stack::used_by(|| {
            core::hint::black_box(recognizer.finish());
        }) else {
            exit(5)
        };
        stack = stack.max(used);
    }
    put(&mut answers, stack as u32)
}

/// Instructions of the front end and of each layer, and those of the hop that took most. The work between two
/// observations counts for the stage that follows the first of them; the work after the last observation, for the layer
/// that kept the row. The rows that still wait at the end of the utterance belong to no hop.
fn count(audio: &mut File, samples: usize, recognizer: &mut Recognizer<'_, '_>) -> io::Result<([u64; STAGES], u64)> {
    let mut counts = [0u64; STAGES];
    let (mut before, mut heard, mut worst) = (0, 0, 0);
    let hop_len = MODEL.front_end().hop_len;
    feed(audio, samples, |chunk| {
        let mut since = clock::now();
        // The stage that is at work.
        let mut stage = 0;
        let mut lap = |counts: &mut [u64; STAGES], stage: usize| {
            let now = clock::now();
            counts[stage] += u64::from(clock::instructions(since, now));
            since = clock::now();
        };
        recognizer.push_observed(chunk, |observation| {
            lap(&mut counts, stage);
            stage = match observation {
                Observation::Input(_) => 1,
                Observation::Layer(layer, _) => 2 + layer,
            };
        });
        lap(&mut counts, stage);
        heard += chunk.len();
        if heard >= hop_len {
            heard -= hop_len;
            let all = counts.iter().sum();
            worst = worst.max(all - before);
            before = all;
        }
    })?;
    recognizer.reset();
    Ok((counts, worst))
}

/// Adds a row to the number and the checksum of the rows of its stage.
fn note(
    observation: Observation<'_>,
    rows: &mut [u32; STAGES],
    sums: &mut [Option<Digest<'static, u32, Table<1>>>; STAGES],
) {
    let (stage, row) = match observation {
        Observation::Input(codes) => (0, Row::Codes(codes)),
        Observation::Layer(layer, row) => (1 + layer, row),
    };
    rows[stage] += 1;
    digest(sums[stage].get_or_insert_with(|| CRC.digest()), row);
}

/// Reads `samples` samples and hands them to `push` in chunks.
fn feed(audio: &mut File, samples: usize, mut push: impl FnMut(&[i16])) -> io::Result<()> {
    let mut left = samples;
    while left > 0 {
        let mut bytes = [0u8; 2 * CHUNK];
        let mut chunk = [0i16; CHUNK];
        let len = left.min(CHUNK);
        audio.read_exact(&mut bytes[..2 * len])?;
        for (sample, bytes) in chunk.iter_mut().zip(bytes.chunks_exact(2)) {
            *sample = i16::from_le_bytes([bytes[0], bytes[1]]);
        }
        push(&chunk[..len]);
        left -= len;
    }
    Ok(())
}

/// The length of the next utterance; None at the end of the file.
fn length(audio: &mut File) -> io::Result<Option<usize>> {
    let mut bytes = [0; 4];
    match audio.read(&mut bytes)? {
        0 => Ok(None),
        4 => Ok(Some(u32::from_le_bytes(bytes) as usize)),
        _ => exit(4),
    }
}

fn put(answers: &mut File, value: u32) -> io::Result<()> {
    answers.write_all(&value.to_le_bytes())
}

fn digest(sum: &mut Digest<'static, u32, Table<1>>, row: Row<'_>) {
    match row {
        Row::Codes(codes) => codes.iter().for_each(|code| sum.update(&code.to_le_bytes())),
        Row::Hidden(hidden) => hidden.iter().for_each(|value| sum.update(&value.to_le_bytes())),
    }
}
