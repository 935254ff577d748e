//! Counts executed instructions.
//!
//! On Cortex-M it reads SysTick, in an emulator that lets virtual time pass by instructions (`-icount shift=6`). One
//! instruction takes 64 ns; one tick takes 40 ns (mps2-an385, mps2-an386, mps2-an500), 50 ns (mps2-an505) or 62.5 ns (microbit),
//! and `SER_BOARD` says which. On RISC-V it reads `minstret`, which then counts nanoseconds.

#[cfg(target_arch = "arm")]
mod counter {
    use cortex_m::peripheral::SYST;
    use cortex_m::peripheral::syst::SystClkSource;

    /// Numbers of ticks and of instructions that take the same time.
    const TICKS_AND_INSTRUCTIONS: (u64, u64) = match env!("SER_BOARD").as_bytes() {
        b"an505" => (64, 50),
        b"microbit" => (128, 125),
        _ => (64, 40),
    };
    const WRAP: u32 = 1 << 24;

    pub fn start() {
        // SAFETY: nothing else in the program uses SysTick.
        let mut timer = unsafe { cortex_m::Peripherals::steal() }.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(WRAP - 1);
        timer.clear_current();
        timer.enable_counter();
    }

    /// SysTick counts downwards.
    pub fn now() -> u32 {
        SYST::get_current()
    }

    /// Instructions between two readings, less than 2²⁴ ticks apart.
    pub fn instructions(from: u32, to: u32) -> u32 {
        let ticks = from.wrapping_sub(to) & (WRAP - 1);
        let (in_ticks, in_instructions) = TICKS_AND_INSTRUCTIONS;
        (u64::from(ticks) * in_instructions / in_ticks) as u32
    }
}

#[cfg(target_arch = "riscv32")]
mod counter {
    pub fn start() {}

    pub fn now() -> u32 {
        riscv::register::minstret::read() as u32
    }

    /// Instructions between two readings, less than 2³² ns apart.
    pub fn instructions(from: u32, to: u32) -> u32 {
        to.wrapping_sub(from) / 64
    }
}

pub use counter::{instructions, now, start};
