//! How an emotion is spoken.
//!
//! Directions follow the phonetics literature (Scherer 2003, Juslin & Laukka 2003): anger is loud, bright and abrupt;
//! fear is high, fast and trembling; joy is high, lively and bright; sadness is slow, low, flat, soft and breathy;
//! surprise is high and ends on a rise.

use super::random::Random;
use super::voice::Voice;

/// How one utterance is spoken.
pub(super) struct Style {
    /// Pitch above the voice's own, in semitones.
    pub pitch_st: f64,
    /// Factor on the movement of the tones.
    pub pitch_range: f64,
    /// Pitch at the end of the utterance minus pitch at its start, in semitones.
    pub slope_st: f64,
    /// Movement of the pitch within the last syllable, in semitones.
    pub final_st: f64,
    /// Depth of the trembling of the pitch, in semitones.
    pub tremor_st: f64,
    /// Factor on the speed of the syllables.
    pub rate: f64,
    /// Level of the utterance, relative to neutral speech.
    pub level_db: f64,
    /// How much louder stressed syllables are: the exponent of the stress.
    pub emphasis: f64,
    /// Corner of the low-pass filter that stands for the tilt of the glottal spectrum, in Hz.
    pub tilt_hz: f64,
    /// Share of a period in which the glottis is open.
    pub open_quotient: f64,
    /// Aspiration noise, relative to the pulses.
    pub breath: f64,
    /// Standard deviation of the length of a period, relative to its mean.
    pub jitter: f64,
    /// Standard deviation of the height of a pulse, relative to its mean.
    pub shimmer: f64,
    /// Factor on the formants: a smile shortens the vocal tract.
    pub formant_scale: f64,
    /// Time in which voicing sets in, in s.
    pub attack_s: f64,
    /// Probability of a pause between two syllables.
    pub pause: f64,
}

/// Number of the parameters that depend on the emotion.
const PARAMETERS: usize = 15;

/// Mean differences from neutral speech. Pitch, slope, final and tremor are in semitones, level is in dB, emph adds to
/// the exponent, and all others are natural logarithms of factors. Rows in the order of
/// [`EMOTIONS`](crate::corpus::labels::EMOTIONS).
#[rustfmt::skip]
const MEANS: [[f64; PARAMETERS]; 6] = [
    // pitch range slope final tremor rate  level emph  tilt  open  breath jitter shim smile attack
    [ 3.5,  0.35, -3.0, -2.5,  0.00,  0.14,  4.0,  1.2,  1.00, -0.40, -0.8,  0.6,  0.5, 0.05, -0.9], // angry
    [ 6.0, -0.30,  0.5,  0.0,  0.50,  0.22,  0.0, -0.3,  0.00,  0.15,  0.9,  1.0,  0.8,-0.02,  0.0], // fear
    [ 4.5,  0.55,  0.0,  0.5,  0.00,  0.06,  2.0,  0.5,  0.45, -0.15, -0.2,  0.0,  0.0, 0.12, -0.3], // happy
    [ 0.0,  0.00,  0.0,  0.0,  0.00,  0.00,  0.0,  0.0,  0.00,  0.00,  0.0,  0.0,  0.0, 0.00,  0.0], // neutral
    [-1.5, -0.60,  0.5, -0.5,  0.15, -0.28, -4.0, -0.5, -0.80,  0.25,  1.2,  0.4,  0.4,-0.05,  0.7], // sad
    [ 5.0,  0.45,  4.0,  7.0,  0.00, -0.06,  1.5,  0.4,  0.10,  0.10,  0.3,  0.0,  0.0, 0.02, -0.3], // surprise
];

/// Standard deviations from one utterance to the next, the same for all emotions.
#[rustfmt::skip]
const SPREADS: [f64; PARAMETERS] =
    [ 1.0,  0.15,  0.9,  1.0,  0.05,  0.05,  1.5,  0.2,  0.10, 0.07,  0.2,  0.2,  0.2, 0.012,  0.2];

/// Range of the factor on the means: emotions are acted more or less strongly.
const INTENSITY: [f64; 2] = [0.9, 1.35];

impl Style {
    /// Draws the style of one utterance.
    pub(super) fn draw(emotion: usize, voice: &Voice, random: &mut Random) -> Self {
        let intensity = voice.expression * random.uniform(INTENSITY);
        let means = &MEANS[emotion];
        let [
            pitch,
            range,
            slope,
            last,
            tremor,
            rate,
            level,
            emphasis,
            tilt,
            open,
            breath,
            jitter,
            shimmer,
            smile,
            attack,
        ] = std::array::from_fn(|parameter| random.normal(intensity * means[parameter], SPREADS[parameter]));
        let pause = 0.12 - 0.8 * rate;
        Self {
            pitch_st: pitch,
            pitch_range: libm::exp(range),
            slope_st: slope - 2.5,
            final_st: last - 1.0,
            tremor_st: tremor.max(0.0),
            rate: voice.rate * libm::exp(rate),
            level_db: level,
            emphasis: (1.0 + emphasis).max(0.0),
            tilt_hz: voice.tilt_hz * libm::exp(tilt),
            open_quotient: (0.6 * libm::exp(open)).clamp(0.3, 0.9),
            breath: voice.breath * libm::exp(breath),
            jitter: 0.007 * libm::exp(jitter),
            shimmer: 0.04 * libm::exp(shimmer),
            formant_scale: libm::exp(smile),
            attack_s: 0.02 * libm::exp(attack),
            pause: pause.clamp(0.02, 0.5),
        }
    }
}
