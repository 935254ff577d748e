//! Noise to mix with speech, and sounds that are no speech at all, 16 kHz.
//!
//! Sounds are real numbers of no particular level; [`mix`](super::mix) and [`at_level`](super::at_level) set the level.
//! Random sounds depend only on the generator's state.

use std::f64::consts::TAU;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::{FULL_SCALE, active_speech_level};
use crate::corpus::Utterance;
use crate::corpus::audio::SAMPLE_RATE_HZ;

/// Frequency of the mains, Hz.
const MAINS_HZ: f64 = 50.0;
/// Number of harmonics in hum, the mains frequency included; the `k`-th has an amplitude of `1 / k`.
const HUM_HARMONICS: u32 = 10;

/// White noise, uniformly distributed.
pub fn white(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Mains hum: 50 Hz and its multiples up to 500 Hz with falling amplitudes and random phases.
pub fn hum(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut sum = vec![0.0; len];
    for harmonic in 1..=HUM_HARMONICS {
        let (phase, harmonic) = (rng.random_range(0.0..TAU), f64::from(harmonic));
        for (value, tone) in sum.iter_mut().zip(sine(len, harmonic * MAINS_HZ, phase)) {
            *value += tone / harmonic;
        }
    }
    sum
}

/// A sine.
pub fn tone(len: usize, frequency_hz: f64) -> Vec<f64> {
    sine(len, frequency_hz, 0.0).collect()
}

fn sine(len: usize, frequency_hz: f64, phase: f64) -> impl Iterator<Item = f64> {
    let step = TAU * frequency_hz / f64::from(SAMPLE_RATE_HZ);
    (0..len).map(move |n| libm::sin(phase + step * n as f64))
}

/// `per_second` clicks of one sample each second.
pub fn clicks(len: usize, per_second: usize) -> Vec<f64> {
    let period = (SAMPLE_RATE_HZ as usize / per_second.max(1)).max(1);
    (0..len).map(|n| if n.is_multiple_of(period) { 1.0 } else { 0.0 }).collect()
}

/// `voices` people talking at once. Each voice is a talker's recording, brought to the same active speech level and
/// repeated from a random place; the voices are added up. With fewer talkers than voices, recordings are used several
/// times. A silent recording adds nothing; without talkers there is silence.
pub fn babble(len: usize, talkers: &[Vec<i16>], voices: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut sum = vec![0.0; len];
    for talker in talkers.iter().cycle().take(voices) {
        let level = active_speech_level(talker);
        if level == 0.0 {
            continue;
        }
        let mean = talker.iter().map(|&sample| f64::from(sample)).sum::<f64>() / talker.len() as f64;
        let factor = 1.0 / (FULL_SCALE * level.sqrt());
        let start = rng.random_range(0..talker.len());
        for (value, &sample) in sum.iter_mut().zip(talker.iter().cycle().skip(start)) {
            *value += factor * (f64::from(sample) - mean);
        }
    }
    sum
}

/// Who may babble behind an utterance, in random order: the utterances of other speakers. If there are none, or the
/// speakers are unknown, all other utterances. Never the utterance itself.
pub fn others<'c>(utterances: &[&'c Utterance], utterance: &Utterance, rng: &mut ChaCha8Rng) -> Vec<&'c Utterance> {
    let mut others: Vec<&Utterance> = utterances.iter().copied().filter(|other| other.id != utterance.id).collect();
    if others.iter().any(|other| other.speaker != utterance.speaker) {
        others.retain(|other| other.speaker != utterance.speaker);
    }
    others.shuffle(rng);
    others
}
