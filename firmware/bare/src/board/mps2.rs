//! QEMU's mps2-an386, a Cortex-M4F without a microphone. SysTick interrupts as often as a DMA would, and its handler
//! reads the samples of a block by semihosting from `audio.raw` (16-bit little-endian PCM) in the emulator's working
//! directory. A second of silence follows the recording, then the program ends.

use core::cell::RefCell;
use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::peripheral::Peripherals;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::Mutex;
use semihosting::fs::File;
use semihosting::io::Read;
use semihosting::process::exit;

use crate::PARSED;
use crate::handover::{BLOCK_LEN, Block, Capture};

pub use semihosting::println;

const CLOCK_HZ: u64 = 25_000_000;
const SAMPLE_RATE_HZ: u32 = PARSED.front_end().sample_rate_hz;
const TICKS_PER_BLOCK: u64 = CLOCK_HZ * BLOCK_LEN as u64 / SAMPLE_RATE_HZ as u64;
const _: () = assert!(TICKS_PER_BLOCK <= 1 << 24, "a block is longer than SysTick can count");

struct Microphone {
    capture: Capture,
    /// The block that the DMA fills.
    filling: &'static mut Block,
    /// The block that the DMA fills next.
    next: &'static mut Block,
    recording: File,
    /// Blocks of silence since the recording ended.
    silence: u32,
}

static MICROPHONE: Mutex<RefCell<Option<Microphone>>> = Mutex::new(RefCell::new(None));
static OVER: AtomicBool = AtomicBool::new(false);

pub fn start_microphone(capture: Capture, [filling, next]: [&'static mut Block; 2]) {
    let Ok(recording) = File::open(c"audio.raw") else { panic!("cannot open audio.raw") };
    let Some(mut peripherals) = Peripherals::take() else { panic!("the microphone was started before") };
    critical_section::with(|cs| {
        MICROPHONE.replace(cs, Some(Microphone { capture, filling, next, recording, silence: 0 }))
    });
    peripherals.SYST.set_clock_source(SystClkSource::Core);
    peripherals.SYST.set_reload(TICKS_PER_BLOCK as u32 - 1);
    peripherals.SYST.clear_current();
    peripherals.SYST.enable_interrupt();
    peripherals.SYST.enable_counter();
}

/// Waits for an interrupt; ends the program when the recording is over.
pub fn sleep() {
    if OVER.load(Ordering::Relaxed) {
        exit(0);
    }
    cortex_m::asm::wfi();
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        if let Some(microphone) = MICROPHONE.borrow_ref_mut(cs).as_mut() {
            microphone.block_is_full();
        }
    });
}

impl Microphone {
    fn block_is_full(&mut self) {
        // A second of silence ends the last utterance.
        if self.silence * BLOCK_LEN as u32 > SAMPLE_RATE_HZ {
            OVER.store(true, Ordering::Relaxed);
            return;
        }
        let mut bytes = [0; 2 * BLOCK_LEN];
        let Ok(read) = self.recording.read(&mut bytes) else { panic!("cannot read audio.raw") };
        if read == 0 {
            self.silence += 1;
        }
        for (sample, bytes) in self.filling.iter_mut().zip(bytes.as_chunks().0) {
            *sample = i16::from_le_bytes(*bytes);
        }
        // A DMA goes on in the next block at once.
        core::mem::swap(&mut self.filling, &mut self.next);
        self.capture.exchange(&mut self.next);
    }
}
