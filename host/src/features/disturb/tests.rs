use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::sounds::{babble, clicks, hum, others, tone, white};
use super::*;
use crate::corpus::synth;
use crate::corpus::{Corpus, Utterance};

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

/// A synthetic utterance, so quiet that noise at 0 dB does not saturate.
fn speech(voice: usize) -> Vec<i16> {
    gain(&synth::render(1, voice, 3, 5), -12.0)
}

fn decibels(power: f64) -> f64 {
    10.0 * power.log10()
}

/// Level of a recording, dBFS.
fn level_db(samples: &[i16]) -> f64 {
    decibels(mean_square(&samples.iter().map(|&sample| f64::from(sample) / FULL_SCALE).collect::<Vec<f64>>()))
}

#[test]
fn the_speech_level_does_not_depend_on_silence_around_the_speech_or_on_an_offset() {
    let tone: Vec<i16> = (0..16_000).map(|n| if n % 2 == 0 { 3_277 } else { -3_277 }).collect();
    assert!((decibels(active_speech_level(&tone)) - -20.0).abs() < 0.01);
    let with_silence = surround(&tone, &[5; 8_000], &[-5; 32_000]);
    assert!((decibels(active_speech_level(&with_silence)) - -20.0).abs() < 0.01);
    let speech = speech(0);
    let with_offset: Vec<i16> = speech.iter().map(|sample| sample + 100).collect();
    assert!((decibels(active_speech_level(&with_offset) / active_speech_level(&speech))).abs() < 0.01);
}

#[test]
fn noise_of_every_kind_reaches_the_ratio_wanted() {
    for voice in 0..synth::VOICES.len() {
        let speech = speech(voice);
        let talkers: Vec<Vec<i16>> = (0..8).map(|sentence| synth::render(2, (voice + 1) % 4, 2, sentence)).collect();
        let noises = [
            white(speech.len(), &mut rng()),
            hum(speech.len(), &mut rng()),
            babble(speech.len(), &talkers, 8, &mut rng()),
        ];
        for (kind, noise) in noises.iter().enumerate() {
            for snr_db in [20.0, 10.0, 5.0, 0.0] {
                let mixed = mix(&speech, noise, snr_db);
                let difference: Vec<i16> = mixed.iter().zip(&speech).map(|(mixed, speech)| mixed - speech).collect();
                let reached = decibels(active_speech_level(&speech)) - level_db(&difference);
                assert!((reached - snr_db).abs() < 0.1, "voice {voice}, noise {kind}: {reached} dB, wanted {snr_db}");
            }
        }
    }
}

#[test]
fn noise_lasts_over_the_silence_too_and_is_repeated_where_it_is_short() {
    let recording = surround(&speech(0), &[0; 16_000], &[0; 16_000]);
    let mixed = mix(&recording, &white(1_000, &mut rng()), 10.0);
    assert_eq!(mixed.len(), recording.len());
    let (before, after) = (level_db(&mixed[..16_000]), level_db(&mixed[mixed.len() - 16_000..]));
    assert!((before - after).abs() < 0.1 && before > -60.0, "{before} and {after} dBFS");
}

#[test]
fn without_noise_or_without_speech_a_recording_stays_as_it_is() {
    let speech = speech(1);
    assert_eq!(mix(&speech, &[], 0.0), speech);
    assert_eq!(mix(&speech, &[0.0; 100], 0.0), speech);
    assert_eq!(mix(&[0; 500], &white(500, &mut rng()), 0.0), [0; 500]);
    assert_eq!(mix(&[], &[1.0], 0.0), [0; 0]);
}

#[test]
fn a_gain_of_zero_is_the_identity_and_a_large_one_saturates() {
    let samples = [i16::MIN, -1_000, -1, 0, 1, 1_000, i16::MAX];
    assert_eq!(gain(&samples, 0.0), samples);
    assert_eq!(gain(&samples, 20.0), [i16::MIN, -10_000, -10, 0, 10, 10_000, i16::MAX]);
    assert_eq!(gain(&samples, -20.0), [-3_277, -100, 0, 0, 0, 100, 3_277]);
}

#[test]
fn clipping_cuts_off_at_the_depth_below_the_peak_and_nowhere_else() {
    let speech = speech(2);
    let peak = |samples: &[i16]| f64::from(samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap());
    assert_eq!(clip(&speech, 0.0), speech);
    for depth_db in [6.0, 12.0, 18.0] {
        let clipped = clip(&speech, depth_db);
        let limit = peak(&clipped);
        assert!(
            (20.0 * (peak(&speech) / limit).log10() - depth_db).abs() < 0.05,
            "{depth_db} dB: {limit} of {}",
            peak(&speech)
        );
        assert!(
            clipped
                .iter()
                .zip(&speech)
                .all(|(c, s)| c == s || f64::from(c.unsigned_abs()) == limit && s.unsigned_abs() > c.unsigned_abs())
        );
    }
    assert_eq!(clip(&[i16::MIN, 0], 6.0), [-16_423, 0]);
    assert_eq!(clip(&[], 6.0), [0; 0]);
}

#[test]
fn a_recording_at_another_rate_has_that_rates_number_of_samples() {
    let second = vec![0; 16_000];
    for rate_hz in [15_200.0, 15_500.0, 16_500.0, 16_800.0] {
        let len = sampled_at(&second, rate_hz).unwrap().len() as f64;
        assert!((len / rate_hz - 1.0).abs() < 5e-4, "{len} samples at {rate_hz} Hz");
    }
    assert_eq!(sampled_at(&second, 16_000.0).unwrap(), second);
    assert!(sampled_at(&second, 44_100.0).unwrap_err().to_string().contains("44100"));
}

#[test]
fn a_narrow_band_keeps_length_and_low_tones_and_removes_high_ones() {
    for len in [16_001, 16_000, 1] {
        assert_eq!(band_limit(&vec![100; len], 8_000.0).unwrap().len(), len);
    }
    for (frequency_hz, lost_db) in [(1_000.0, -0.1..=0.1), (6_000.0, 60.0..=f64::INFINITY)] {
        let tone = at_level(&tone(16_000, frequency_hz), -20.0);
        let heard = band_limit(&tone, 8_000.0).unwrap();
        // The ends of a tone are steps, which leave something in every band.
        let loss_db = level_db(&tone[2_000..14_000]) - level_db(&heard[2_000..14_000]);
        assert!(lost_db.contains(&loss_db), "{frequency_hz} Hz lost {loss_db} dB");
    }
    assert!(band_limit(&[0; 10], 4_000.0).is_err());
}

#[test]
fn sounds_have_the_level_wanted() {
    let sounds = [white(48_000, &mut rng()), hum(48_000, &mut rng()), tone(48_000, 1_000.0), clicks(48_000, 10)];
    for sound in sounds {
        let level_db = level_db(&at_level(&sound, -40.0));
        assert!((level_db - -40.0).abs() < 0.05, "{level_db}");
    }
    assert_eq!(at_level(&[0.0; 5], -20.0), [0; 5]);
    assert_eq!(clicks(48_000, 10).iter().sum::<f64>(), 30.0);
}

#[test]
fn babble_is_everybody_elses_and_never_contains_the_utterance_itself() {
    let corpus = Corpus::synthetic(1);
    let utterances: Vec<&Utterance> = corpus.utterances.iter().step_by(7).collect();
    for utterance in &utterances {
        let others = others(&utterances, utterance, &mut rng());
        assert!(others.iter().all(|other| other.speaker != utterance.speaker), "{}", utterance.id);
        let of_other_speakers = utterances.iter().filter(|other| other.speaker != utterance.speaker).count();
        assert_eq!(others.len(), of_other_speakers);
    }
    let speaker: Vec<&Utterance> =
        utterances.iter().copied().filter(|utterance| utterance.speaker == "male1").collect();
    for utterance in &speaker {
        let others = others(&speaker, utterance, &mut rng());
        assert!(others.iter().all(|other| other.id != utterance.id), "{}", utterance.id);
        assert_eq!(others.len(), speaker.len() - 1);
    }
    assert!(others(&speaker[..1], speaker[0], &mut rng()).is_empty());
}

#[test]
fn every_talker_is_as_loud_as_the_others_whatever_its_own_level() {
    let (loud, quiet) = (vec![10_000, -10_000, 10_000, -10_000], vec![10, -10, 10, -10]);
    let sum = babble(400, &[loud, quiet, vec![0; 50], vec![]], 4, &mut rng());
    assert!(sum.iter().all(|value| (value.abs() - 2.0).abs() < 1e-9 || value.abs() < 1e-9), "{:?}", &sum[..4]);
}
