//! A decoded recording, and the two scales of its samples.

use super::format::AudioFormat;

/// One, on the scale of 16-bit samples.
pub(super) const FULL_SCALE: f32 = 32_768.0;

/// A decoded recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The average of all channels at the recording's own rate, as fractions of full scale; at least one sample.
    pub samples: Vec<f32>,
    /// How the samples were stored.
    pub format: AudioFormat,
}

/// A fraction of full scale as a 16-bit sample.
pub(super) fn to_i16(sample: f32) -> i16 {
    // The conversion saturates.
    (sample * FULL_SCALE).round() as i16
}
