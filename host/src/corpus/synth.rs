//! A synthetic corpus of CASIA's shape: 4 voices say 50 sentences in 6 emotions.
//!
//! Source–filter synthesis. A sentence is a fixed sequence of syllables. `style` draws how this utterance is spoken
//! (pitch, rate, level, tilt, jitter, pauses, …), from distributions that depend on the emotion and overlap. `track`
//! lays the syllables out in time. `tract` turns them into sound: glottal pulses and noise pass through the resonances
//! of a vocal tract. What a recording adds (level, noise floor, DC, silence before and after) is drawn without regard
//! to the emotion, so it gives nothing away.
//!
//! The result is speech-like, not speech: it exercises the whole way of the data, and figures measured on it say
//! nothing about people. All arithmetic is f64 with the functions of `libm`, and random numbers come from ChaCha8, so
//! the bits are the same on every machine.

mod random;
mod sentence;
mod style;
#[cfg(test)]
mod tests;
mod track;
mod tract;
mod voice;

use crate::corpus::audio::SAMPLE_RATE_HZ;
use crate::corpus::labels::EMOTIONS;
use random::Random;
use style::Style;

/// The speakers: two women, then two men.
pub const VOICES: [&str; 4] = ["female1", "female2", "male1", "male2"];
/// Number of sentences that each voice says in each emotion.
pub const SENTENCES: usize = 50;
/// The seed of the corpus where none is given.
pub const DEFAULT_SEED: u64 = 1;

/// Level of a neutral utterance, RMS over the speech, relative to full scale.
const SPEECH_LEVEL_DB: f64 = -26.0;
/// The recording gain of an utterance differs from the mean by up to this much.
const GAIN_SPREAD_DB: f64 = 4.0;
/// Level of the noise floor, RMS relative to full scale.
const NOISE_FLOOR_DB: [f64; 2] = [-70.0, -60.0];
/// Largest DC offset, as a fraction of full scale.
const MAX_DC: f64 = 0.002;
/// Silence before the speech, and silence after it, in seconds.
const SILENCE_S: [f64; 2] = [0.05, 0.25];
/// Coefficient of the first difference that stands for microphone and room, about ±1 dB over the band.
const CHANNEL_TILT: [f64; 2] = [-0.06, 0.06];
/// Peaks above this fraction of full scale are scaled down to it.
const MAX_PEAK: f64 = 0.95;

/// One utterance, 16 kHz mono, 1 to 2.5 s. Only the arguments decide its samples.
///
/// # Panics
///
/// If `voice`, `emotion` or `sentence` is not an index into [`VOICES`], [`EMOTIONS`] or `0..`[`SENTENCES`].
pub fn render(seed: u64, voice: usize, emotion: usize, sentence: usize) -> Vec<i16> {
    assert!(
        voice < VOICES.len() && emotion < EMOTIONS.len() && sentence < SENTENCES,
        "no voice {voice}, emotion {emotion} or sentence {sentence}"
    );
    let mut random = Random::new([seed, voice as u64, emotion as u64, sentence as u64]);
    let voice = &voice::ALL[voice];
    let style = Style::draw(emotion, voice, &mut random);
    let frames = track::plan(&sentence::syllables(sentence), voice, &style, &mut random);
    let speech = tract::speak(&frames, voice, &style, &mut random);
    record(&speech, style.level_db, &mut random)
}

/// What a recorder does to speech: gain, silence around it, noise floor, DC, 16 bits.
fn record(speech: &[f64], level_db: f64, random: &mut Random) -> Vec<i16> {
    let tilt = random.uniform(CHANNEL_TILT);
    let level_db = SPEECH_LEVEL_DB + level_db + random.uniform([-GAIN_SPREAD_DB, GAIN_SPREAD_DB]);
    let noise = amplitude(random.uniform(NOISE_FLOOR_DB));
    let dc = random.uniform([-MAX_DC, MAX_DC]);
    let mut silence = || (random.uniform(SILENCE_S) * f64::from(SAMPLE_RATE_HZ)) as usize;
    let (lead, trail) = (silence(), silence());

    let mean_square = speech.iter().map(|s| s * s).sum::<f64>() / speech.len() as f64;
    let peak = speech.iter().fold(0.0, |peak: f64, s| peak.max(s.abs()));
    let gain = (amplitude(level_db) / mean_square.sqrt()).min(MAX_PEAK / peak);

    let mut before = 0.0;
    let silent = |samples: usize| std::iter::repeat_n(0.0, samples);
    silent(lead)
        .chain(speech.iter().copied())
        .chain(silent(trail))
        .map(|sample| {
            let heard = sample - tilt * before;
            before = sample;
            let full = gain * heard + noise * random.noise() + dc;
            libm::round(full * 32_768.0).clamp(-32_768.0, 32_767.0) as i16
        })
        .collect()
}

/// The factor that a level in dB stands for.
fn amplitude(level_db: f64) -> f64 {
    libm::pow(10.0, level_db / 20.0)
}
