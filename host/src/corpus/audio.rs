//! Recordings in, mono `i16` at the rate that is asked for out: all later modules see audio in this one form.
//!
//! Containers are told apart by their first bytes, whatever the file is called. `wav` reads WAV files in all
//! encodings that hold plain samples, `compressed` hands FLAC, Ogg and MP3 to symphonia (`ogg` looks at the pages first), and [`stream`] hears a pipe
//! while it is written.

mod compressed;
mod container;
mod format;
mod ogg;
mod pcm;
mod rate;
mod recording;
pub mod stream;
#[cfg(test)]
mod tests;
mod wav;

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hound::{SampleFormat, WavSpec, WavWriter};

use crate::files::write_atomic;
use container::Container;
pub use format::{ACCEPTED_RATES_HZ, AudioFormat, Encoding};
pub(crate) use rate::resample;
pub use rate::{change_speed, to_rate};
pub use recording::Recording;
use recording::to_i16;

/// The sample rate of the presets, of the synthesiser, and of all measures of a corpus, in Hz.
pub const SAMPLE_RATE_HZ: u32 = 16_000;

/// How the names of recordings end, in any case.
pub const EXTENSIONS: [&str; 4] = ["wav", "flac", "ogg", "mp3"];

impl Recording {
    /// Decodes the bytes of a file.
    ///
    /// - WAV (also RF64 and BW64): integers of up to 32 bits in any container, floating-point numbers of 32 or 64 bits,
    ///   A-law and µ-law. Where the writer did not know the length, as in a pipe, the file is read to its end.
    /// - FLAC, Ogg Vorbis, FLAC in Ogg, and MP3.
    ///
    /// Rates are 4 to 384 kHz, and there may be 1 to 8 channels.
    ///
    /// # Errors
    ///
    /// The error says what is wrong: empty, another kind of file, an encoding that is not read, damaged, truncated
    /// (fewer samples than the header says), no samples, a sample that is not a number, or a rate or number of channels
    /// outside of the ranges above.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        ensure!(!bytes.is_empty(), "empty file");
        let (container, audio) = Container::of(bytes)?;
        let recording = match container {
            Container::Wav => wav::decode(audio)?,
            Container::Flac | Container::Ogg | Container::Mpeg => compressed::decode(container, audio)?,
        };
        ensure!(!recording.samples.is_empty(), "no samples");
        Ok(recording)
    }

    /// Reads a file and decodes it.
    ///
    /// # Errors
    ///
    /// As [`Recording::decode`], or if the file cannot be read. The caller adds the name of the file.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).context("cannot be read")?;
        Self::decode(&bytes).map_err(|error| match Container::of(&bytes) {
            // The name promises something else than the reason speaks of.
            Ok((container @ (Container::Flac | Container::Ogg | Container::Mpeg), _)) if has_extension(path, "wav") => {
                error.context(format!("not a WAV file but {container}"))
            }
            _ => error,
        })
    }

    /// The samples at a rate, in Hz. The samples of a 16-bit mono recording at this rate come out bit for bit; samples
    /// beyond full scale saturate. Other rates are resampled as by [`to_rate`].
    ///
    /// # Errors
    ///
    /// If the rate is 0.
    pub fn at(&self, rate_hz: u32) -> Result<Vec<i16>> {
        let own = self.format.sample_rate_hz;
        if own == rate_hz {
            return Ok(self.samples.iter().copied().map(to_i16).collect());
        }
        Ok(resample(&self.samples, own, rate_hz)?.into_iter().map(to_i16).collect())
    }
}

/// Reads a recording as mono samples at a rate, in Hz: [`Recording::open`], then [`Recording::at`].
///
/// # Errors
///
/// Those of both; the error names the file.
pub fn read_audio(path: &Path, rate_hz: u32) -> Result<Vec<i16>> {
    Recording::open(path).and_then(|recording| recording.at(rate_hz)).with_context(|| path.display().to_string())
}

/// Whether a file's name says that it is a recording.
pub(super) fn is_recording(path: &Path) -> bool {
    EXTENSIONS.iter().any(|extension| has_extension(path, extension))
}

/// Whether a file's name says that its sound was compressed with loss.
pub(super) fn is_lossy(path: &Path) -> bool {
    ["ogg", "mp3"].iter().any(|extension| has_extension(path, extension))
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
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
