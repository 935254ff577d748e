//! nRF52840 with a PDM microphone, on the pins of a Seeed XIAO nRF52840 Sense. Prints by RTT.

use core::cell::RefCell;
use core::sync::atomic::{Ordering, compiler_fence};

use cortex_m::peripheral::NVIC;
use critical_section::Mutex;
use nrf_pac::gpio::vals::Dir;
use nrf_pac::pdm::vals::{Freq, Operation, Ratio};
use nrf_pac::{CLOCK, Interrupt, P0, P1, PDM, interrupt};
use panic_rtt_target as _;

use crate::PARSED;
use crate::handover::{BLOCK_LEN, Block, Capture};

pub use cortex_m::asm::wfi as sleep;
pub use rtt_target::rprintln as println;

/// P1.00
const CLOCK_PIN: u8 = 0;
/// P0.16
const DATA_PIN: u8 = 16;
/// P1.10
const POWER_PIN: u8 = 10;

struct Microphone {
    capture: Capture,
    /// The block that the DMA fills.
    filling: &'static mut Block,
    /// The block that the DMA fills next.
    next: &'static mut Block,
}

static MICROPHONE: Mutex<RefCell<Option<Microphone>>> = Mutex::new(RefCell::new(None));

pub fn start_microphone(capture: Capture, [filling, next]: [&'static mut Block; 2]) {
    // 1.280 MHz / 80.
    const { assert!(PARSED.front_end().sample_rate_hz == 16_000, "the PDM is set to 16 kHz, the model wants another rate") };
    rtt_target::rtt_init_print!();

    // The microphone's clock comes from the crystal: the RC oscillator is off by up to several per cent.
    CLOCK.tasks_hfclkstart().write_value(1);
    while CLOCK.events_hfclkstarted().read() == 0 {}

    P1.outset().write(|pins| pins.set_pin(POWER_PIN.into(), true));
    P1.outclr().write(|pins| pins.set_pin(CLOCK_PIN.into(), true));
    for pin in [POWER_PIN, CLOCK_PIN] {
        P1.pin_cnf(pin.into()).write(|pin| pin.set_dir(Dir::Output));
    }
    P0.pin_cnf(DATA_PIN.into()).write(|pin| pin.set_dir(Dir::Input));
    PDM.psel().clk().write(|route| {
        route.set_port(true);
        route.set_pin(CLOCK_PIN);
    });
    PDM.psel().din().write(|route| route.set_pin(DATA_PIN));

    PDM.pdmclkctrl().write(|clock| clock.set_freq(Freq::_1280k));
    PDM.ratio().write(|ratio| ratio.set_ratio(Ratio::Ratio80));
    PDM.mode().write(|mode| mode.set_operation(Operation::Mono));
    PDM.enable().write(|enable| enable.set_enable(true));

    // The peripheral latches the pointer when a block starts; from then on the pointer may be set for the next block.
    PDM.sample().maxcnt().write(|len| len.set_buffsize(BLOCK_LEN as u16));
    PDM.sample().ptr().write_value(filling.as_mut_ptr() as u32);
    PDM.tasks_start().write_value(1);
    while PDM.events_started().read() == 0 {}
    PDM.events_started().write_value(0);
    PDM.sample().ptr().write_value(next.as_mut_ptr() as u32);

    critical_section::with(|cs| MICROPHONE.replace(cs, Some(Microphone { capture, filling, next })));
    PDM.intenset().write(|events| events.set_started(true));
    // SAFETY: the handler uses only `MICROPHONE`, which is set.
    unsafe { NVIC::unmask(Interrupt::PDM) };
}

#[interrupt]
fn PDM() {
    nrf_pac::PDM.events_started().write_value(0);
    critical_section::with(|cs| {
        if let Some(microphone) = MICROPHONE.borrow_ref_mut(cs).as_mut() {
            microphone.next_has_started();
        }
    });
}

impl Microphone {
    fn next_has_started(&mut self) {
        core::mem::swap(&mut self.filling, &mut self.next);
        // Reads of the DMA's samples stay behind this fence.
        compiler_fence(Ordering::Acquire);
        self.capture.exchange(&mut self.next);
        PDM.sample().ptr().write_value(self.next.as_mut_ptr() as u32);
    }
}
