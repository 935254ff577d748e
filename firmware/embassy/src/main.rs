//! A firmware around the core with Embassy, on an nRF52840 with a PDM microphone on the pins of a Seeed XIAO nRF52840
//! Sense.
//!
//! ```text
//! microphone ─ DMA ─ two blocks ─ task `sample` ─ channel ─ task `main` ─ Listener ─ events
//! ```
//!
//! `sample` runs in its own executor, in an interrupt: it must hand a block on before the DMA has filled the next one,
//! however long `main` takes for a block.

#![no_std]
#![no_main]

use defmt::{info, warn};
use defmt_rtt as _;
use embassy_executor::{InterruptExecutor, Spawner};
use embassy_nrf::config::{Config, HfclkSource};
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::interrupt::{self, InterruptExt, Priority};
use embassy_nrf::pdm::{self, Frequency, Pdm, Ratio, SamplerState};
use embassy_nrf::{bind_interrupts, peripherals};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::zerocopy_channel::{Channel, Sender};
use panic_probe as _;
use ser_core::{EndpointerConfig, Event, Listener, Model};
use static_cell::{ConstStaticCell, StaticCell};

/// The compiler parses and thereby checks the model. Cargo takes its path from `.cargo/config.toml`.
const PARSED: Model<'static> = ser_core::model!(env!("SER_MODEL"));
static MODEL: Model<'static> = PARSED;
/// Memory for this model; its size is known at compile time.
static MEMORY: ConstStaticCell<[u32; PARSED.state_words()]> = ConstStaticCell::new([0; PARSED.state_words()]);

/// Samples of a block: 16 ms at 16 kHz. A smaller block wakes the processor more often; a larger one takes more memory
/// and delays the answer.
const BLOCK_LEN: usize = 256;
/// Blocks between `sample` and `main`: one that is heard and one that waits. The hop that takes most, behind a pause,
/// takes 9 ms of 16, so no more need to wait for the listener.
const BLOCKS: usize = 2;

/// A block of samples, from `sample` to `main`.
struct Block {
    samples: [i16; BLOCK_LEN],
    /// Number of blocks lost before this one, because `main` was busy.
    lost: u32,
}

type Mutex = CriticalSectionRawMutex;

bind_interrupts!(struct Interrupts {
    PDM => pdm::InterruptHandler<peripherals::PDM>;
});

static SAMPLING: InterruptExecutor = InterruptExecutor::new();

#[embassy_nrf::interrupt]
fn EGU0_SWI0() {
    // SAFETY: this is the handler of the interrupt that the executor is started with; `start` unmasks it.
    unsafe { SAMPLING.on_interrupt() }
}

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let mut config = Config::default();
    // The microphone's clock comes from the crystal: the RC oscillator is off by up to several per cent.
    config.hfclk_source = HfclkSource::ExternalXtal;
    let peripherals = embassy_nrf::init(config);

    let mut rate = pdm::Config::default();
    // 1.280 MHz / 80.
    const { assert!(PARSED.front_end().sample_rate_hz == 16_000, "the PDM is set to 16 kHz, the model wants another rate") };
    rate.frequency = Frequency::_1280k;
    rate.ratio = Ratio::Ratio80;
    let _power = Output::new(peripherals.P1_10, Level::High, OutputDrive::Standard);
    let microphone = Pdm::new(peripherals.PDM, Interrupts, peripherals.P1_00, peripherals.P0_16, rate);

    static WAITING: ConstStaticCell<[Block; BLOCKS]> =
        ConstStaticCell::new([const { Block { samples: [0; BLOCK_LEN], lost: 0 } }; BLOCKS]);
    static CHANNEL: StaticCell<Channel<'static, Mutex, Block>> = StaticCell::new();
    let (sender, mut receiver) = CHANNEL.init(Channel::new(WAITING.take())).split();

    let Ok(mut listener) = Listener::new(&MODEL, MEMORY.take(), &EndpointerConfig::default()) else {
        defmt::panic!("the memory does not fit the model");
    };
    let Ok(sampling) = sample(microphone, sender) else { defmt::panic!("the microphone is sampled already") };
    interrupt::EGU0_SWI0.set_priority(Priority::P6);
    SAMPLING.start(interrupt::EGU0_SWI0).spawn(sampling);
    loop {
        let block = receiver.receive().await;
        hear(&mut listener, block);
        receiver.receive_done();
    }
}

#[embassy_executor::task]
async fn sample(mut microphone: Pdm<'static>, mut sender: Sender<'static, Mutex, Block>) {
    let mut for_the_dma = [[0; BLOCK_LEN]; 2];
    let mut lost = 0;
    let sampled = microphone.run_task_sampler(&mut for_the_dma, |samples| {
        match sender.try_send() {
            Some(block) => {
                *block = Block { samples: *samples, lost };
                sender.send_done();
                lost = 0;
            }
            None => lost += 1,
        }
        SamplerState::Sampled
    });
    if sampled.await.is_err() {
        defmt::panic!("the microphone is sampled already");
    }
}

/// Not inlined: the compiler would copy it to both points where `main` resumes, and the listener is large.
#[inline(never)]
fn hear(listener: &mut Listener<'_, '_>, block: &Block) {
    if block.lost > 0 {
        warn!("overrun: {=u32} blocks of {=usize} samples lost", block.lost, BLOCK_LEN);
    }
    listener.push(&block.samples, show);
}

fn show(event: Event<'_>) {
    match event {
        Event::Started { start } => info!("{=u64:ms} s  speech", milliseconds(start)),
        Event::Ended { start, end, cut, prediction } => {
            let why = if cut { "cut" } else { "end" };
            let (label, sure) = match prediction {
                None => ("too little speech", ""),
                Some(prediction) => (prediction.label, if prediction.confident { "" } else { ", not sure" }),
            };
            info!(
                "{=u64:ms} s  {=str} after {=u64:ms} s: {=str}{=str}",
                milliseconds(end),
                why,
                milliseconds(end - start),
                label,
                sure
            );
        }
    }
}

fn milliseconds(samples: u64) -> u64 {
    1000 * samples / u64::from(PARSED.front_end().sample_rate_hz)
}
