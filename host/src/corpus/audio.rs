//! WAV files in, 16 kHz mono `i16` out: all later modules see audio in this one form.

use std::fmt;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::files::write_atomic;

/// The sample rate of all audio inside ser, in Hz.
pub const SAMPLE_RATE_HZ: u32 = 16_000;

/// Sample rates that a file may have, in Hz. A lower rate holds no speech; no recorder has a higher one.
const ACCEPTED_RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=384_000;
/// More channels than this come from a broken header, not from a microphone.
const MAX_CHANNELS: u16 = 8;
/// One, on the scale of 16-bit samples.
const FULL_SCALE: f32 = 32_768.0;
/// Least number of input samples that the resampler transforms at a time.
const RESAMPLER_BLOCK: usize = 1024;

/// How the samples of a WAV file are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WavFormat {
    /// Frames per second, in Hz.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: u16,
    /// Bits per sample.
    pub bits_per_sample: u16,
    /// Whether samples are floating-point numbers; otherwise they are integers.
    pub float: bool,
}

impl fmt::Display for WavFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = match self.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            n => format!("{n} channels"),
        };
        let kind = if self.float { "float" } else { "integer" };
        write!(f, "{} Hz, {channels}, {}-bit {kind}", self.sample_rate_hz, self.bits_per_sample)
    }
}

/// Reads a WAV file as 16 kHz mono.
///
/// Integer files of 8, 16, 24 or 32 bits and 32-bit float files are read, at 4 to 384 kHz, with 1 to 8 channels.
/// Channels are averaged. Other rates are resampled: the delay of the filter is compensated, and `n` samples at `rate`
/// become `round(n * 16000 / rate)`, at least 1. The samples of a 16-bit mono file at 16 kHz come out bit for bit.
/// Float samples beyond ±1 saturate.
///
/// # Errors
///
/// The error names the file and says what is wrong: unreadable, empty, not a WAV file, truncated (fewer samples than
/// the header says), no samples, a sample that is not a number, or a rate or number of channels outside the ranges
/// above.
pub fn read_wav(path: &Path) -> Result<Vec<i16>> {
    Ok(read_wav_and_format(path).with_context(|| path.display().to_string())?.0)
}

/// [`read_wav`], with the format of the file. Errors give the reason; the caller adds the name of the file.
pub(crate) fn read_wav_and_format(path: &Path) -> Result<(Vec<i16>, WavFormat)> {
    let bytes = std::fs::read(path).context("cannot be read")?;
    let (mono, format) = decode(&bytes)?;
    let mono = match format.sample_rate_hz {
        SAMPLE_RATE_HZ => mono,
        rate => resample(&mono, rate, SAMPLE_RATE_HZ)?,
    };
    Ok((mono.into_iter().map(to_i16).collect(), format))
}

/// Writes 16 kHz mono samples as a 16-bit WAV file, atomically.
///
/// # Errors
///
/// The error names the file and gives the operating system's reason.
pub fn write_wav(path: &Path, samples: &[i16]) -> Result<()> {
    let spec =
        WavSpec { channels: 1, sample_rate: SAMPLE_RATE_HZ, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut bytes = Vec::with_capacity(samples.len() * 2 + 64);
    let mut writer = WavWriter::new(Cursor::new(&mut bytes), spec)?;
    for &sample in samples {
        writer.write_sample(sample)?;
    }
    writer.finalize()?;
    write_atomic(path, &bytes)
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
    let thousandths = (factor * 1000.0).round() as u32;
    if thousandths == 1000 || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let samples: Vec<f32> = samples.iter().map(|&s| f32::from(s) / FULL_SCALE).collect();
    Ok(resample(&samples, thousandths, 1000)?.into_iter().map(to_i16).collect())
}

/// The samples of a WAV file at its own rate, mixed down to one channel, as fractions of full scale.
fn decode(bytes: &[u8]) -> Result<(Vec<f32>, WavFormat)> {
    ensure!(!bytes.is_empty(), "empty file");
    let bytes = format_and_samples(bytes);
    let mut reader = WavReader::new(bytes.as_slice()).map_err(header_error)?;
    let spec = reader.spec();
    let format = WavFormat {
        sample_rate_hz: spec.sample_rate,
        channels: spec.channels,
        bits_per_sample: spec.bits_per_sample,
        float: spec.sample_format == SampleFormat::Float,
    };
    ensure!(
        ACCEPTED_RATES_HZ.contains(&spec.sample_rate),
        "sample rate must be {} to {} Hz, the file has {}",
        ACCEPTED_RATES_HZ.start(),
        ACCEPTED_RATES_HZ.end(),
        spec.sample_rate
    );
    ensure!(
        (1..=MAX_CHANNELS).contains(&spec.channels),
        "number of channels must be 1 to {MAX_CHANNELS}, the file has {}",
        spec.channels
    );
    let frames = reader.duration() as usize;
    ensure!(frames > 0, "no samples");
    let mono = if format.float {
        mix_down(reader.samples::<f32>(), format.channels, frames)?
    } else {
        let full_scale = match format.bits_per_sample {
            bits @ (8 | 16 | 24 | 32) => (1_u32 << (bits - 1)) as f32,
            bits => bail!("integer samples must have 8, 16, 24 or 32 bits, the file has {bits}"),
        };
        // A power of two: a 16-bit sample that becomes a fraction and then an integer again keeps its value.
        mix_down(reader.samples::<i32>().map(|s| s.map(|s| s as f32 / full_scale)), format.channels, frames)?
    };
    Ok((mono, format))
}

/// The file without the chunks that say nothing about the sound. hound needs this: it does not skip the byte that pads
/// a chunk of odd length.
fn format_and_samples(bytes: &[u8]) -> Vec<u8> {
    let (riff, mut rest) = bytes.split_at_checked(12).unwrap_or((bytes, &[]));
    let mut kept = riff.to_vec();
    while let Some((&[a, b, c, d, len @ ..], behind)) = rest.split_first_chunk::<8>() {
        let id = [a, b, c, d];
        if id == *b"data" {
            kept.extend(rest);
            break;
        }
        let len = u32::from_le_bytes(len) as usize;
        let len = len.saturating_add(len % 2).min(behind.len());
        let (_, next) = behind.split_at(len);
        if id == *b"fmt " {
            kept.extend(rest.iter().take(rest.len() - next.len()));
        }
        rest = next;
    }
    kept
}

/// What an unreadable header means to the owner of the file.
fn header_error(error: hound::Error) -> anyhow::Error {
    match error {
        hound::Error::IoError(_) => anyhow!("truncated: the file ends before its samples begin"),
        hound::Error::FormatError(reason) => anyhow!("not a WAV file: {reason}"),
        hound::Error::Unsupported => anyhow!("compressed or unknown WAV encoding, wanted integer PCM or 32-bit float"),
        other => anyhow!(other),
    }
}

/// Averages the channels of each frame; `frames` is the number that the header announces.
fn mix_down(samples: impl Iterator<Item = hound::Result<f32>>, channels: u16, frames: usize) -> Result<Vec<f32>> {
    let channels = usize::from(channels);
    let mut mono = Vec::new();
    let mut sum = 0.0;
    for (index, sample) in samples.enumerate() {
        let sample = match sample {
            Ok(sample) => sample,
            Err(hound::Error::IoError(_)) => {
                bail!("truncated: the header says {frames} samples, the file holds {}", mono.len())
            }
            Err(error) => return Err(header_error(error)),
        };
        ensure!(sample.is_finite(), "sample {} is {sample}", index / channels);
        sum += sample;
        if index % channels == channels - 1 {
            mono.push(sum / channels as f32);
            sum = 0.0;
        }
    }
    Ok(mono)
}

/// Band-limited resampling to exactly `round(n * to / from)` samples, at least 1; the filter's delay is compensated.
pub(crate) fn resample(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>> {
    let (from, to) = (from as usize, to as usize);
    let len = ((samples.len() * to + from / 2) / from).max(1);
    // The delay is half an FFT block, and a block is a multiple of `from / gcd`. Only an even multiple has a delay of
    // whole samples on both sides, which can be compensated without shifting the phase.
    let smallest_even_block = 2 * from / gcd(from, to);
    let block = RESAMPLER_BLOCK.div_ceil(smallest_even_block) * smallest_even_block;
    let mut output =
        ser_fourier::resample(samples, from, to, block).map_err(|error| anyhow!("cannot resample: {error}"))?;
    // The resampler rounds the length up.
    output.resize(len, 0.0);
    Ok(output)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn to_i16(sample: f32) -> i16 {
    // The conversion saturates.
    (sample * FULL_SCALE).round() as i16
}

#[cfg(test)]
mod tests;
