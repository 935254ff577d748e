//! The conditions of a sweep: one table of disturbances of speech and one of sounds that are not speech.
//! `docs/robustness.md` explains them.

use anyhow::Result;
use rand::rngs::ChaCha8Rng;
use ser_host::corpus::audio::SAMPLE_RATE_HZ;
use ser_host::features::disturb::sounds::{babble, clicks, hum, tone, white};
use ser_host::features::disturb::{at_level, band_limit, clip, gain, mix, sampled_at, surround};

/// Voices that babble at once behind a recording.
pub const TALKERS: usize = 8;
/// Level of the noise before and after speech, dBFS.
const FLOOR_DB: f64 = -60.0;
/// Length of a sound that is not speech, samples: 3 s.
const SOUND_LEN: usize = 3 * SAMPLE_RATE_HZ as usize;
/// Number of sounds of a random kind.
const RANDOM_SOUNDS: usize = 20;

/// One kind of disturbance.
#[derive(Debug)]
pub struct Family {
    /// Name in tables.
    pub name: &'static str,
    /// The parameter with its unit.
    pub parameter: &'static str,
    /// Values of the parameter.
    pub values: &'static [f64],
    /// The value that changes nothing, if there is one.
    clean: Option<f64>,
    disturbance: Disturbance,
}

/// A disturbance; each variant states the unit of the parameter.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    /// dB.
    Gain,
    /// Ratio of speech to noise, dB.
    White,
    /// Ratio of speech to noise, dB.
    Babble,
    /// Ratio of speech to noise, dB.
    Hum,
    /// kHz.
    SampleRate,
    /// kHz, half the sample rate.
    Bandwidth,
    /// dB below the peak.
    Clipping,
    /// s of silence before the recording, and the same after it.
    DigitalSilence,
    /// s of silence before the recording, and the same after it.
    NoisySilence,
}

const SNR: &str = "signal-to-noise ratio (dB)";
const SNRS_DB: [f64; 4] = [20.0, 10.0, 5.0, 0.0];
const SILENCES_S: [f64; 4] = [0.0, 0.5, 1.0, 2.0];

/// The disturbances of speech.
pub const FAMILIES: [Family; 9] = [
    Family {
        name: "gain",
        parameter: "gain (dB)",
        values: &[-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0],
        clean: Some(0.0),
        disturbance: Disturbance::Gain,
    },
    Family { name: "white noise", parameter: SNR, values: &SNRS_DB, clean: None, disturbance: Disturbance::White },
    Family { name: "babble", parameter: SNR, values: &SNRS_DB, clean: None, disturbance: Disturbance::Babble },
    Family { name: "hum", parameter: SNR, values: &SNRS_DB, clean: None, disturbance: Disturbance::Hum },
    Family {
        name: "sample rate",
        parameter: "true sample rate (kHz)",
        values: &[15.2, 15.5, 16.0, 16.5, 16.8],
        clean: Some(16.0),
        disturbance: Disturbance::SampleRate,
    },
    Family {
        name: "bandwidth",
        parameter: "bandwidth (kHz)",
        values: &[4.0, 8.0],
        clean: Some(8.0),
        disturbance: Disturbance::Bandwidth,
    },
    Family {
        name: "clipping",
        parameter: "below peak (dB)",
        values: &[0.0, 6.0, 12.0, 18.0],
        clean: Some(0.0),
        disturbance: Disturbance::Clipping,
    },
    Family {
        name: "digital silence around",
        parameter: "on each side (s)",
        values: &SILENCES_S,
        clean: Some(0.0),
        disturbance: Disturbance::DigitalSilence,
    },
    Family {
        name: "noise at -60 dBFS around",
        parameter: "on each side (s)",
        values: &SILENCES_S,
        clean: Some(0.0),
        disturbance: Disturbance::NoisySilence,
    },
];

/// A recording and the noise to disturb it with.
#[derive(Debug)]
pub struct Subject {
    samples: Vec<i16>,
    white: Vec<f64>,
    hum: Vec<f64>,
    /// None if there is no other recording to babble behind this one.
    babble: Option<Vec<f64>>,
    /// Noise before the recording and noise after it, each as long as the longest silence of a sweep.
    floors: [Vec<i16>; 2],
}

impl Subject {
    /// Draws the noise for a recording; `talkers` are recordings of other utterances.
    pub fn new(samples: Vec<i16>, talkers: &[Vec<i16>], rng: &mut ChaCha8Rng) -> Self {
        let longest_s = SILENCES_S.into_iter().fold(0.0, f64::max);
        let babble = babble(samples.len(), talkers, TALKERS, rng);
        Self {
            white: white(samples.len(), rng),
            hum: hum(samples.len(), rng),
            babble: babble.iter().any(|value| *value != 0.0).then_some(babble),
            floors: [(); 2].map(|()| at_level(&white(samples_in(longest_s), rng), FLOOR_DB)),
            samples,
        }
    }

    /// The disturbed recording; None if the disturbance is babble and there are no others.
    pub fn disturbed(&self, family: &Family, value: f64) -> Result<Option<Vec<i16>>> {
        let samples = &self.samples;
        if family.clean == Some(value) {
            return Ok(Some(samples.clone()));
        }
        Ok(Some(match family.disturbance {
            Disturbance::Gain => gain(samples, value),
            Disturbance::White => mix(samples, &self.white, value),
            Disturbance::Hum => mix(samples, &self.hum, value),
            Disturbance::Babble => match &self.babble {
                Some(babble) => mix(samples, babble, value),
                None => return Ok(None),
            },
            Disturbance::SampleRate => sampled_at(samples, 1000.0 * value)?,
            Disturbance::Bandwidth => band_limit(samples, 2.0 * 1000.0 * value)?,
            Disturbance::Clipping => clip(samples, value),
            Disturbance::DigitalSilence => {
                let silence = vec![0; samples_in(value)];
                surround(samples, &silence, &silence)
            }
            Disturbance::NoisySilence => {
                let [before, after] =
                    self.floors.each_ref().map(|floor| floor.get(..samples_in(value)).unwrap_or(floor));
                surround(samples, before, after)
            }
        }))
    }
}

fn samples_in(seconds: f64) -> usize {
    (seconds * f64::from(SAMPLE_RATE_HZ)).round() as usize
}

/// A kind of sound that is not speech.
#[derive(Debug)]
pub struct Sound {
    /// Name in tables, with the level.
    pub name: &'static str,
    /// Number of sounds that are played.
    pub count: usize,
    kind: SoundKind,
    level_db: f64,
}

#[derive(Clone, Copy, Debug)]
enum SoundKind {
    Silence,
    White,
    Hum,
    Tone,
    Clicks,
}

/// Frequency of the tone, Hz.
const TONE_HZ: f64 = 1000.0;
/// Clicks in a second.
const CLICKS_PER_SECOND: usize = 10;

/// The sounds that are played in place of speech.
pub const SOUNDS: [Sound; 6] = [
    Sound { name: "digital silence", count: 1, kind: SoundKind::Silence, level_db: f64::NEG_INFINITY },
    Sound { name: "white noise at -40 dBFS", count: RANDOM_SOUNDS, kind: SoundKind::White, level_db: -40.0 },
    Sound { name: "white noise at -20 dBFS", count: RANDOM_SOUNDS, kind: SoundKind::White, level_db: -20.0 },
    Sound { name: "hum at -30 dBFS", count: RANDOM_SOUNDS, kind: SoundKind::Hum, level_db: -30.0 },
    Sound { name: "1 kHz tone at -20 dBFS", count: 1, kind: SoundKind::Tone, level_db: -20.0 },
    Sound { name: "10 clicks a second at -40 dBFS", count: 1, kind: SoundKind::Clicks, level_db: -40.0 },
];

impl Sound {
    /// A sound of this kind, drawn from `rng` if the kind is random.
    pub fn play(&self, rng: &mut ChaCha8Rng) -> Vec<i16> {
        let sound = match self.kind {
            SoundKind::Silence => vec![0.0; SOUND_LEN],
            SoundKind::White => white(SOUND_LEN, rng),
            SoundKind::Hum => hum(SOUND_LEN, rng),
            SoundKind::Tone => tone(SOUND_LEN, TONE_HZ),
            SoundKind::Clicks => clicks(SOUND_LEN, CLICKS_PER_SECOND),
        };
        at_level(&sound, self.level_db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use ser_host::corpus::synth;

    fn subject(talkers: usize) -> (Vec<i16>, Subject) {
        let samples = synth::render(1, 0, 0, 0);
        let talkers: Vec<Vec<i16>> = (0..talkers).map(|sentence| synth::render(1, 1, 2, sentence)).collect();
        (samples.clone(), Subject::new(samples, &talkers, &mut ChaCha8Rng::seed_from_u64(1)))
    }

    #[test]
    fn every_condition_changes_the_recording_but_the_clean_one() {
        let (samples, subject) = subject(TALKERS);
        for family in &FAMILIES {
            for &value in family.values {
                let disturbed = subject.disturbed(family, value).unwrap().unwrap();
                assert_eq!(disturbed == samples, family.clean == Some(value), "{} at {value}", family.name);
            }
            assert!(family.clean.is_none_or(|clean| family.values.contains(&clean)), "{}", family.name);
        }
    }

    #[test]
    fn only_babble_needs_others() {
        let (_, subject) = subject(0);
        for family in &FAMILIES {
            let made = family.values.iter().all(|value| subject.disturbed(family, *value).unwrap().is_some());
            assert_eq!(made, family.name != "babble", "{}", family.name);
        }
    }

    #[test]
    fn sounds_last_three_seconds_and_differ_by_chance_where_there_are_many() {
        for sound in &SOUNDS {
            let [first, second] = [1, 2].map(|seed| sound.play(&mut ChaCha8Rng::seed_from_u64(seed)));
            assert_eq!(first.len(), 48_000);
            assert_eq!(first != second, sound.count > 1, "{}", sound.name);
        }
    }
}
