//! The speakers.

/// The properties of a speaker, whatever the emotion.
pub(super) struct Voice {
    /// Pitch in the middle of a neutral utterance, in Hz.
    pub f0_hz: f64,
    /// Factor on the formant frequencies of a male vocal tract of average length.
    pub formant_scale: f64,
    /// Corner of the low-pass filter that stands for the tilt of the glottal spectrum in neutral speech, in Hz.
    pub tilt_hz: f64,
    /// Aspiration noise in neutral speech, relative to the pulses.
    pub breath: f64,
    /// Speed of the syllables, as a factor on the average speaker's.
    pub rate: f64,
    /// How strongly this speaker acts emotions.
    pub expression: f64,
}

/// In the order of [`VOICES`](super::VOICES).
pub(super) const ALL: [Voice; 4] = [
    Voice { f0_hz: 215.0, formant_scale: 1.14, tilt_hz: 1700.0, breath: 0.05, rate: 1.02, expression: 1.0 },
    Voice { f0_hz: 190.0, formant_scale: 1.19, tilt_hz: 1400.0, breath: 0.08, rate: 0.95, expression: 0.9 },
    Voice { f0_hz: 118.0, formant_scale: 0.97, tilt_hz: 1900.0, breath: 0.03, rate: 1.0, expression: 0.95 },
    Voice { f0_hz: 135.0, formant_scale: 1.03, tilt_hz: 1500.0, breath: 0.04, rate: 1.07, expression: 1.05 },
];
