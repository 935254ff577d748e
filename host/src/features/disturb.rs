//! What microphones, rooms and wires do to a recording: gain, noise, a wrong sample rate, a narrow band, clipping,
//! silence around it.
//!
//! Recordings are 16 kHz mono `i16`. Levels are mean squares with full scale = 1, so a full-scale sine is at -3 dBFS.
//! Results that 16 bits cannot hold saturate, as in a converter. The level of noise is relative to the active speech
//! level (after ITU-T P.56, simplified): the mean square over the 10 ms frames that are at most 30 dB below the
//! loudest, so the silence around the speech does not count. This module makes test conditions; training augments
//! log-mel rows instead, see [`crate::features::augment`].

pub mod sounds;

use anyhow::{Result, ensure};

use crate::corpus::audio::{SAMPLE_RATE_HZ, change_speed};

/// The speech level is measured in frames of this many samples, 10 ms.
const FRAME_LEN: usize = SAMPLE_RATE_HZ as usize / 100;
/// Frames at least this far below the loudest are silence: a ratio of powers, 30 dB.
const ACTIVE_RANGE: f64 = 1e-3;
const FULL_SCALE: f64 = 32_768.0;

/// Mean square of the speech in a recording, about the recording's mean, without the silence around and between words;
/// 0 if there is no sound.
pub fn active_speech_level(samples: &[i16]) -> f64 {
    let mean = samples.iter().map(|&sample| f64::from(sample)).sum::<f64>() / samples.len().max(1) as f64;
    let power = |frame: &[i16]| {
        let squares = frame.iter().map(|&sample| ((f64::from(sample) - mean) / FULL_SCALE).powi(2));
        squares.sum::<f64>() / frame.len() as f64
    };
    let frames: Vec<f64> = samples.chunks(FRAME_LEN).map(power).collect();
    let loudest = frames.iter().copied().fold(0.0, f64::max);
    let active = || frames.iter().filter(|power| **power > loudest * ACTIVE_RANGE);
    active().sum::<f64>() / active().count().max(1) as f64
}

/// The recording `gain_db` louder.
pub fn gain(samples: &[i16], gain_db: f64) -> Vec<i16> {
    let factor = amplitude(gain_db);
    samples.iter().map(|&sample| saturate(f64::from(sample) * factor)).collect()
}

/// The recording with noise over its whole length, silence included, `snr_db` below its [`active_speech_level`].
///
/// The noise may have any level; noise that is shorter than the recording is repeated. Without noise or without speech,
/// the recording stays as it is.
pub fn mix(samples: &[i16], noise: &[f64], snr_db: f64) -> Vec<i16> {
    let noise = noise.get(..samples.len()).unwrap_or(noise);
    let level = mean_square(noise);
    if level == 0.0 {
        return samples.to_vec();
    }
    let factor = (active_speech_level(samples) / level).sqrt() * amplitude(-snr_db) * FULL_SCALE;
    samples
        .iter()
        .zip(noise.iter().cycle())
        .map(|(&sample, noise)| saturate(f64::from(sample) + factor * noise))
        .collect()
}

/// The recording as if it had been sampled at `rate_hz` and then taken for 16 kHz: `round(n * rate_hz / 16000)`
/// samples; pitch and tempo change together. The ratio is rounded as in [`change_speed`].
///
/// # Errors
///
/// If the rate is not in 8 to 32 kHz.
pub fn sampled_at(samples: &[i16], rate_hz: f64) -> Result<Vec<i16>> {
    ensure!((8_000.0..=32_000.0).contains(&rate_hz), "sample rate must be in 8000 to 32000 Hz, got {rate_hz}");
    change_speed(samples, f64::from(SAMPLE_RATE_HZ) / rate_hz)
}

/// The recording after a channel sampled at `rate_hz`: the same length, with nothing left above half that rate.
///
/// # Errors
///
/// If the rate is not in 8 to 16 kHz.
pub fn band_limit(samples: &[i16], rate_hz: f64) -> Result<Vec<i16>> {
    let rate = f64::from(SAMPLE_RATE_HZ);
    ensure!((8_000.0..=rate).contains(&rate_hz), "sample rate must be in 8000 to {rate} Hz, got {rate_hz}");
    let narrow = change_speed(samples, rate / rate_hz)?;
    let mut wide = change_speed(&narrow, rate_hz / rate)?;
    wide.resize(samples.len(), 0);
    Ok(wide)
}

/// The recording clipped `depth_db` below its own peak. A depth of 0 or less changes nothing.
pub fn clip(samples: &[i16], depth_db: f64) -> Vec<i16> {
    let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    let limit = f64::from(peak) * amplitude(-depth_db.max(0.0));
    samples.iter().map(|&sample| saturate(f64::from(sample).clamp(-limit, limit))).collect()
}

/// The recording with something before it and after it.
pub fn surround(samples: &[i16], before: &[i16], after: &[i16]) -> Vec<i16> {
    [before, samples, after].concat()
}

/// A sound of any level as a recording at `level_db`, dBFS. Silence stays silence.
pub fn at_level(sound: &[f64], level_db: f64) -> Vec<i16> {
    let level = mean_square(sound);
    let factor = if level > 0.0 { amplitude(level_db) * FULL_SCALE / level.sqrt() } else { 0.0 };
    sound.iter().map(|value| saturate(value * factor)).collect()
}

fn mean_square(sound: &[f64]) -> f64 {
    sound.iter().map(|value| value * value).sum::<f64>() / sound.len().max(1) as f64
}

/// The factor that a level in dB stands for.
fn amplitude(level_db: f64) -> f64 {
    libm::pow(10.0, level_db / 20.0)
}

fn saturate(value: f64) -> i16 {
    // The conversion saturates.
    value.round() as i16
}

#[cfg(test)]
mod tests;
