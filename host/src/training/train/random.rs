//! Random numbers of a training.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Random numbers for different purposes are independent.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Order = 1,
    Augmentation = 2,
    Dropout = 3,
    Mixup = 4,
}

/// The generator for one purpose and place of a training.
pub(super) fn generator(seed: u64, purpose: Purpose, epoch: usize, place: usize) -> ChaCha8Rng {
    let mut bytes = [0; 32];
    let words = [seed, purpose as u64, epoch as u64, place as u64];
    for (to, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    ChaCha8Rng::from_seed(bytes)
}
