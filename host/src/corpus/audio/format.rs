//! How a recording is stored.

use std::fmt;

use anyhow::{Result, ensure};

/// Sample rates that a recording may have, in Hz. A lower rate holds no speech; no recorder has a higher one.
pub const ACCEPTED_RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=384_000;
/// More channels than this come from a broken header, not from a microphone.
const MAX_CHANNELS: u16 = 8;

/// How a recording is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AudioFormat {
    /// Frames per second, in Hz.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: u16,
    /// What a sample is.
    pub encoding: Encoding,
}

/// What a sample is stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// An integer of `bits` bits in `container` bytes: signed, but unsigned in one byte.
    Integer {
        /// Bits of a sample that say something.
        bits: u16,
        /// Bytes of a sample, 1 to 4.
        container: u16,
    },
    /// A floating-point number of 32 or 64 bits; full scale is 1.
    Float {
        /// Bits of a sample.
        bits: u16,
    },
    /// G.711 A-law, 8 bits.
    ALaw,
    /// G.711 µ-law, 8 bits.
    MuLaw,
    /// FLAC.
    Flac {
        /// Bits of a sample.
        bits: u32,
    },
    /// Vorbis.
    Vorbis,
    /// MPEG audio, layer III.
    Mp3,
}

impl AudioFormat {
    /// Samples of all channels in a second.
    pub(super) fn samples_in_a_second(&self) -> usize {
        self.sample_rate_hz as usize * usize::from(self.channels)
    }

    /// Checks rate and channels.
    ///
    /// # Errors
    ///
    /// If either is outside of its range.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            ACCEPTED_RATES_HZ.contains(&self.sample_rate_hz),
            "sample rate must be {} to {} Hz, the file has {}",
            ACCEPTED_RATES_HZ.start(),
            ACCEPTED_RATES_HZ.end(),
            self.sample_rate_hz
        );
        ensure!(
            (1..=MAX_CHANNELS).contains(&self.channels),
            "number of channels must be 1 to {MAX_CHANNELS}, the file has {}",
            self.channels
        );
        Ok(())
    }
}

impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = match self.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            n => format!("{n} channels"),
        };
        write!(f, "{} Hz, {channels}, {}", self.sample_rate_hz, self.encoding)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { bits, container } if *bits == 8 * container => write!(f, "{bits}-bit integer"),
            Self::Integer { bits, container } => write!(f, "{bits}-bit integer in {} bits", 8 * container),
            Self::Float { bits } => write!(f, "{bits}-bit float"),
            Self::ALaw => f.write_str("A-law"),
            Self::MuLaw => f.write_str("µ-law"),
            Self::Flac { bits } => write!(f, "FLAC of {bits} bits"),
            Self::Vorbis => f.write_str("Vorbis"),
            Self::Mp3 => f.write_str("MP3"),
        }
    }
}
