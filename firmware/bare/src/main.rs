//! A firmware around the core, without an operating system.
//!
//! ```text
//! microphone ─ DMA ─ two blocks ─ interrupt ─ queue ─ main loop ─ Listener ─ events
//!                                     └────── queue ──────┘
//! ```
//!
//! The DMA fills one block while the next one waits for it. When a block is full, the interrupt sends it to the main
//! loop and gives the DMA an empty one. The main loop hands the block to the listener and then sends it back; it sleeps
//! when no block waits. Everything that depends on the board is in one file of [`board`].

#![no_std]
#![no_main]

mod board;
mod handover;
mod level_meter;

use core::fmt;

use board::println;
use cortex_m_rt::entry;
use handover::BLOCK_LEN;
use level_meter::LevelMeter;
use ser_core::{EndpointerConfig, Event, Listener, Model};
use static_cell::ConstStaticCell;

/// The compiler parses and thereby checks the model. Cargo takes its path from `.cargo/config.toml`.
const PARSED: Model<'static> = ser_core::model!(env!("SER_MODEL"));
static MODEL: Model<'static> = PARSED;
/// Memory for this model; its size is known at compile time.
static MEMORY: ConstStaticCell<[u32; PARSED.state_words()]> = ConstStaticCell::new([0; PARSED.state_words()]);

#[entry]
fn main() -> ! {
    let Ok(mut listener) = Listener::new(&MODEL, MEMORY.take(), &EndpointerConfig::default()) else {
        panic!("the memory does not fit the model");
    };
    let mut meter = LevelMeter::default();
    let mut heard = 0;
    let (capture, mut stream, for_the_dma) = handover::new();
    board::start_microphone(capture, for_the_dma);
    loop {
        match stream.receive() {
            Some(block) => {
                if block.lost > 0 {
                    println!("overrun: {} blocks of {} samples lost", block.lost, BLOCK_LEN);
                }
                listener.push(block.samples, show);
                heard += BLOCK_LEN as u64;
                if let Some(level) = meter.push(block.samples) {
                    println!("{:9} s  level {} dBFS", Seconds(heard), Tenths(level));
                }
                stream.give_back(block.samples);
            }
            // Interrupts are disabled, so that none comes between the check and the sleep. A pending interrupt still
            // wakes the processor.
            None => critical_section::with(|_| {
                if stream.is_empty() {
                    board::sleep();
                }
            }),
        }
    }
}

fn show(event: Event<'_>) {
    match event {
        Event::Started { start } => println!("{:9} s  speech", Seconds(start)),
        Event::Ended { start, end, cut, prediction } => {
            let why = if cut { "cut" } else { "end" };
            let (label, sure) = match prediction {
                None => ("too little speech", ""),
                Some(prediction) => (prediction.label, if prediction.confident { "" } else { ", not sure" }),
            };
            println!("{:9} s  {} after {} s: {}{}", Seconds(end), why, Seconds(end - start), label, sure);
        }
    }
}

/// A negative level, shown with one decimal. It uses no floating-point formatting, because that takes much flash.
struct Tenths(f32);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (-10.0 * self.0 + 0.5) as u32;
        write!(f, "-{}.{}", tenths / 10, tenths % 10)
    }
}

/// A number of samples, shown as seconds with two decimals. It uses no floating point, because formatting floats takes
/// much flash.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = u64::from(PARSED.front_end().sample_rate_hz);
        let hundredths = (100 * self.0 + rate / 2) / rate;
        let width = f.width().unwrap_or(0).saturating_sub(3);
        write!(f, "{:width$}.{:02}", hundredths / 100, hundredths % 100)
    }
}
