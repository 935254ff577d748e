//! Test signals, 16-bit PCM.

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// White noise, uniform in `-amplitude..=amplitude`.
pub fn noise(seed: u64, amplitude: i16, len: usize) -> Vec<i16> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| rng.random_range(-amplitude..=amplitude)).collect()
}

/// A sine of `cycles` per sample.
pub fn sine(cycles: f64, amplitude: f64, len: usize) -> Vec<i16> {
    (0..len).map(|n| (amplitude * (TAU * (cycles * n as f64).fract()).sin()).round() as i16).collect()
}

/// A square wave between both extremes, each for `half_period` samples.
pub fn square(half_period: usize, len: usize) -> Vec<i16> {
    (0..len).map(|n| if (n / half_period).is_multiple_of(2) { i16::MAX } else { i16::MIN }).collect()
}

/// A constant signal.
pub fn constant(value: i16, len: usize) -> Vec<i16> {
    vec![value; len]
}

/// Noise whose level changes, with digital silence in between: it opens and closes gates.
pub fn babble(seed: u64, len: usize) -> Vec<i16> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut samples = Vec::with_capacity(len);
    while samples.len() < len {
        let burst = rng.random_range(1..=len / 4 + 1);
        let amplitude = [0, 3, 300, 3_000, i16::MAX][rng.random_range(0..5)];
        let offset = [0, 0, 500, -4_000][rng.random_range(0..4)];
        samples.extend((0..burst).map(|_| rng.random_range(-amplitude..=amplitude).saturating_add(offset)));
    }
    samples.truncate(len);
    samples
}
