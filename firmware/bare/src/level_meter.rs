//! A level meter: how loud the microphone is, about once a second.
//!
//! The level is `10 log10` of the mean square, full scale = 1, so a full-scale sine is at -3 dBFS. micromath's
//! logarithm is an approximation that is small and fast; [`TOLERANCE_DB`] is enough for a meter. The recogniser does
//! not use it: its own levels are exact integers.

use micromath::F32;

/// Blocks of samples in one measurement: 1.02 s of 16 ms.
pub const BLOCKS: u32 = 64;

/// Largest difference from the exact level, dB. `tests/tests/level_meter.rs` checks it.
#[allow(dead_code, reason = "the program does not need it, the test does")]
pub const TOLERANCE_DB: f64 = 0.001;

/// `10 log10` of full scale squared, 2³⁰.
const FULL_SCALE_DB: f32 = 90.308_99;

/// Sums the squares of blocks.
#[derive(Default)]
pub struct LevelMeter {
    squares: u64,
    samples: u32,
    blocks: u32,
}

impl LevelMeter {
    /// Takes a block. Returns the level in dBFS with every [`BLOCKS`]th block, and starts a new measurement.
    pub fn push(&mut self, block: &[i16]) -> Option<f32> {
        self.squares += block.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum::<u64>();
        self.samples += block.len() as u32;
        self.blocks += 1;
        (self.blocks == BLOCKS).then(|| {
            let LevelMeter { squares, samples, .. } = core::mem::take(self);
            decibels(squares as f32 / samples as f32)
        })
    }
}

/// The level of a mean square, samples squared; at least that of one step, -90.3 dBFS. micromath is accurate above 1,
/// so full scale is subtracted after the logarithm.
pub fn decibels(mean_square: f32) -> f32 {
    10.0 * F32(mean_square.max(1.0)).log10().0 - FULL_SCALE_DB
}
