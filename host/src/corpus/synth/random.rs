//! Random numbers that are the same on every machine.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// A stream of random numbers; the key decides all of them.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// The stream that belongs to the key.
    pub(super) fn new(key: [u64; 4]) -> Self {
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(key) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// Uniform in `0.0..1.0`.
    fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// Uniform in the range.
    pub(super) fn uniform(&mut self, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Nearly normal, never further than 6 `sd` from `mean`: a sum of twelve uniform numbers, which has variance 1.
    pub(super) fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        mean + sd * (sum - 6.0)
    }

    /// White noise of unit RMS, uniform in ±√3.
    pub(super) fn noise(&mut self) -> f64 {
        self.uniform([-1.732_050_807_568_877_2, 1.732_050_807_568_877_2])
    }

    /// True with the given probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the items.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[(self.unit() * items.len() as f64) as usize]
    }
}
