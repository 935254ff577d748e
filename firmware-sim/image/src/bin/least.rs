//! The smallest firmware: a model in flash, memory for it, samples in, a prediction out. It is built to measure its
//! size and never run.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::ptr::write_volatile;

#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;

use semihosting as _;
use ser_core::{Model, Recognizer};

const PARSED: Model<'static> = ser_core::model!(concat!(env!("OUT_DIR"), "/model.ser"));
static MODEL: Model<'static> = PARSED;
static mut MEMORY: [u32; PARSED.state_words()] = [0; PARSED.state_words()];
static mut SAMPLES: [i16; 128] = [0; 128];
static mut ANSWER: (usize, bool) = (0, false);

#[entry]
fn main() -> ! {
    let memory = &raw mut MEMORY;
    // SAFETY: this function runs once, and nothing else uses the memory.
    let mut recognizer = Recognizer::new(&MODEL, unsafe { &mut *memory }).ok();
    loop {
        if let Some(recognizer) = &mut recognizer {
            let samples = &raw const SAMPLES;
            // SAFETY: nothing else uses the samples; `black_box` hides their values from the compiler.
            recognizer.push(black_box(unsafe { &*samples }));
            if let Some(prediction) = recognizer.prediction() {
                // SAFETY: nothing else uses the answer.
                unsafe { write_volatile(&raw mut ANSWER, (prediction.index, prediction.confident)) };
            }
        }
    }
}
