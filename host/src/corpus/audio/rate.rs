//! From one sample rate to another.

use anyhow::{Result, anyhow, ensure};
use ser_fourier::ResamplerError;

use super::recording::{FULL_SCALE, to_i16};

/// Least number of samples of the lower rate, or nearly, that the resampler transforms at a time. The more, the narrower
/// the band that its filter takes from the upper end.
const BLOCK: usize = 1024;

/// Resamples audio that comes in pieces. The same rate on both sides changes no bit.
pub(super) struct Resampler(Option<ser_fourier::Resampler>);

impl Resampler {
    /// From one rate to another, in Hz.
    ///
    /// # Errors
    ///
    /// If a rate is 0.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self> {
        if from_hz == to_hz {
            return Ok(Self(None));
        }
        let (from, to) = (from_hz as usize, to_hz as usize);
        ensure!(from > 0 && to > 0, "cannot resample from {from} Hz to {to} Hz");
        // The delay is half an FFT block, and a block is a multiple of `from / gcd`. Only an even multiple has a delay
        // of whole samples on both sides, which can be compensated without shifting the phase.
        let smallest_even_block = 2 * from / gcd(from, to);
        let least = BLOCK * (from / to).max(1);
        let block = least.div_ceil(smallest_even_block) * smallest_even_block;
        Ok(Self(Some(ser_fourier::Resampler::new(from, to, block).map_err(failure)?)))
    }

    /// Takes the next samples and appends what is ready.
    pub fn push(&mut self, samples: &[f32], output: &mut Vec<f32>) -> Result<()> {
        match &mut self.0 {
            Some(resampler) => resampler.push(samples, output).map_err(failure),
            None => {
                output.extend_from_slice(samples);
                Ok(())
            }
        }
    }

    /// Appends what is left.
    pub fn finish(self, output: &mut Vec<f32>) -> Result<()> {
        self.0.map_or(Ok(()), |resampler| resampler.finish(output).map_err(failure))
    }
}

fn failure(error: ResamplerError) -> anyhow::Error {
    anyhow!("cannot resample: {error}")
}

/// Band-limited resampling to exactly `round(n * to / from)` samples, at least 1 if there is any; the filter's delay is
/// compensated.
pub(crate) fn resample(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>> {
    let ratio = f64::from(to) / f64::from(from.max(1));
    let mut output = Vec::with_capacity((samples.len() as f64 * ratio) as usize);
    let mut resampler = Resampler::new(from, to)?;
    resampler.push(samples, &mut output)?;
    resampler.finish(&mut output)?;
    Ok(output)
}

/// The samples at another rate, in Hz: `round(n * to / from)` of them, at least 1 if there is any. The delay of the
/// filter is compensated.
///
/// # Errors
///
/// If a rate is 0.
pub fn to_rate(samples: &[i16], from_hz: u32, to_hz: u32) -> Result<Vec<i16>> {
    if from_hz == to_hz {
        return Ok(samples.to_vec());
    }
    let samples: Vec<f32> = samples.iter().map(|&sample| f32::from(sample) / FULL_SCALE).collect();
    Ok(resample(&samples, from_hz, to_hz)?.into_iter().map(to_i16).collect())
}

/// Plays `samples` `factor` times as fast: `round(n / factor)` samples; pitch and tempo change together.
///
/// The factor is rounded to thousandths; the length follows from the rounded factor.
///
/// # Errors
///
/// If the factor is not in `0.5..=2.0`.
pub fn change_speed(samples: &[i16], factor: f64) -> Result<Vec<i16>> {
    ensure!((0.5..=2.0).contains(&factor), "speed factor must be in 0.5 to 2.0, got {factor}");
    // A ratio of small integers keeps the resampler's FFT blocks short.
    to_rate(samples, (factor * 1000.0).round() as u32, 1000)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
