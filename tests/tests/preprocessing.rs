//! Tests that each option of the front end does its job: denoising, silence removal, windows, mel filters,
//! normalisation. (`frontend.rs` tests pre-emphasis, and the silence gate row by row.)

use rand::{SeedableRng, rngs::ChaCha8Rng};
use ser_core::frontend::{DECIBEL, Frame, FrontEnd};
use ser_core::spec::{self, Denoise, LevelMode, Trim, Window, edge};
use ser_core::{Model, Recognizer};
use ser_host::corpus::labels::EMOTIONS;
use ser_host::corpus::synth;
use ser_host::features::disturb::{at_level, mix, sounds};
use ser_host::features::rows::{Extractor, Normalization, Rows};
use ser_host::features::tables::OwnedTables;
use ser_tests::random_model::Shape;
use ser_tests::signals;
use ser_tests::under_test::{dirty_memory, hear, hear_with, reference_front_end};

/// Frames in a second with the preset's hop.
const SECOND: usize = 16_000 / 256;

const ONCE: Denoise = Denoise { subtraction_tenths: 10, depth_db: 10 };
const TWICE: Denoise = Denoise { subtraction_tenths: 20, depth_db: 15 };

fn untrimmed(denoise: Option<Denoise>) -> spec::FrontEnd {
    spec::FrontEnd { trim: None, denoise, ..edge().front_end }
}

/// Log-mel rows and levels of all frames, dB, before the gate.
fn frames(spec: &spec::FrontEnd, samples: &[i16]) -> Vec<(Vec<f64>, f64)> {
    let db = |level: i16| f64::from(level) / f64::from(DECIBEL);
    let tables = OwnedTables::new(spec).expect("a usable description");
    let mut work = dirty_memory(FrontEnd::work_len(spec));
    let mut front_end = FrontEnd::new(spec, tables.borrow(), &mut work).expect("memory enough");
    let mut frames = Vec::new();
    front_end.push(samples, &mut |frame: Frame<'_>| {
        frames.push((frame.log_mel.iter().map(|&band| db(band)).collect(), f64::from(frame.level.decibels())))
    });
    frames
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Noise that falls by 3 dB per octave, by three poles (Kellet).
fn pink(len: usize, seed: u64) -> Vec<f64> {
    let mut poles = [(0.99765, 0.0990460, 0.0), (0.963, 0.2965164, 0.0), (0.57, 1.0526913, 0.0)];
    let white = sounds::white(len, &mut rng(seed)).into_iter();
    let filtered = white.map(|value| {
        poles.iter_mut().for_each(|(pole, gain, state)| *state = *pole * *state + *gain * value);
        poles.iter().map(|(_, _, state)| state).sum::<f64>() + 0.1848 * value
    });
    filtered.collect()
}

fn voices(which: std::ops::Range<usize>) -> Vec<Vec<i16>> {
    which.map(|n| synth::render(synth::DEFAULT_SEED, n % synth::VOICES.len(), n % EMOTIONS.len(), n)).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    values.for_each(|value| (sum, count) = (sum + value, count + 1.0));
    sum / count
}

/// How much lower the second rows are than the first: mean over all bands, dB.
fn attenuation(without: &[(Vec<f64>, f64)], with: &[(Vec<f64>, f64)]) -> f64 {
    mean(without.iter().zip(with).flat_map(|((a, _), (b, _))| a.iter().zip(b).map(|(a, b)| a - b)))
}

/// Frames of speech: those within 35 dB of the loudest.
fn speech(frames: &[(Vec<f64>, f64)]) -> Vec<usize> {
    let peak = frames.iter().map(|(_, level)| *level).fold(f64::MIN, f64::max);
    (0..frames.len()).filter(|&frame| frames[frame].1 > peak - 35.0).collect()
}

/// Log spectral distance over the frames `over`: dB RMS over the bands of a frame, mean over the frames.
fn distance(one: &[(Vec<f64>, f64)], other: &[(Vec<f64>, f64)], over: &[usize]) -> f64 {
    mean(over.iter().map(|&frame| mean(one[frame].0.iter().zip(&other[frame].0).map(|(a, b)| (a - b).powi(2))).sqrt()))
}

#[test]
fn steady_noise_is_attenuated_by_nearly_the_depth_a_second_after_it_began() {
    for (name, noise) in [("white", sounds::white(10 * 16_000, &mut rng(1))), ("pink", pink(10 * 16_000, 2))] {
        for level_db in [-20.0, -50.0] {
            let samples = at_level(&noise, level_db);
            let spec = |denoise| spec::FrontEnd { floor_db: -110.0, ..untrimmed(denoise) };
            let without = frames(&spec(None), &samples);
            for (denoise, least) in [(ONCE, 8.5), (TWICE, 14.5), (Denoise { depth_db: 30, ..TWICE }, 24.0)] {
                let with = frames(&spec(Some(denoise)), &samples);
                let by = attenuation(&without[SECOND..], &with[SECOND..]);
                println!("{name} at {level_db} dBFS, {denoise:?}: {by:.2} dB");
                assert!(
                    (least..=f64::from(denoise.depth_db) + 0.01).contains(&by),
                    "{name} at {level_db} dBFS, {denoise:?}: {by} dB"
                );
            }
        }
    }
}

/// Denoising subtracts half the estimated noise floor, so twice the lost power is the floor, except where a frame has
/// too little power.
#[test]
fn the_floor_is_the_mean_power_of_steady_noise_in_each_band() {
    // The depth is so large that a band keeps its power minus the noise.
    let denoise = Denoise { subtraction_tenths: 5, depth_db: 60 };
    let power = |db: f64| 10f64.powf(db / 10.0);
    let spec = |denoise| spec::FrontEnd { floor_db: -150.0, ..untrimmed(denoise) };
    for (name, noise) in [("white", sounds::white(40 * 16_000, &mut rng(3))), ("pink", pink(40 * 16_000, 4))] {
        let samples = at_level(&noise, -30.0);
        let (without, with) = (frames(&spec(None), &samples), frames(&spec(Some(denoise)), &samples));
        for band in 0..40 {
            let pairs =
                || (2 * SECOND..without.len()).map(|frame| (power(without[frame].0[band]), power(with[frame].0[band])));
            let taken = mean(
                pairs().filter(|(without, with)| *with > 1e-3 * without).map(|(without, with)| 2.0 * (without - with)),
            );
            let off_db = 10.0 * (taken / mean(pairs().map(|(without, _)| without))).log10();
            assert!(off_db.abs() < 0.75, "{name}, band {band}: the floor is {off_db} dB off");
        }
    }
}

#[test]
fn clean_speech_loses_less_than_a_decibel() {
    let recordings = voices(0..8);
    for (denoise, most) in [(ONCE, 0.6), (TWICE, 0.9)] {
        let loss = mean(recordings.iter().map(|samples| {
            let (without, with) = (frames(&untrimmed(None), samples), frames(&untrimmed(Some(denoise)), samples));
            let pick = |of: &[(Vec<f64>, f64)]| -> Vec<_> {
                speech(&without).into_iter().map(|frame| of[frame].clone()).collect()
            };
            attenuation(&pick(&without), &pick(&with))
        }));
        println!("{denoise:?}: {loss:.2} dB");
        assert!((0.0..most).contains(&loss), "{denoise:?}: {loss} dB");
    }
}

#[test]
fn rows_of_noisy_speech_are_nearer_to_the_clean_ones_with_denoising() {
    let len = 4 * 16_000;
    let noises = [
        ("white", sounds::white(len, &mut rng(5)), 0.75),
        ("pink", pink(len, 6), 0.75),
        ("babble", sounds::babble(len, &voices(8..24), 12, &mut rng(7)), 0.9),
    ];
    for (name, noise, share) in noises {
        for snr_db in [5.0, 10.0, 15.0] {
            let (mut with, mut without) = (0.0, 0.0);
            for samples in &voices(0..8) {
                let noisy = mix(samples, &noise, snr_db);
                let clean = frames(&untrimmed(None), samples);
                without += distance(&clean, &frames(&untrimmed(None), &noisy), &speech(&clean)) / 8.0;
                with += distance(&clean, &frames(&untrimmed(Some(ONCE)), &noisy), &speech(&clean)) / 8.0;
            }
            println!("{name} at {snr_db} dB: {without:.1} dB from the clean rows, {with:.1} dB with denoising");
            assert!(with < share * without, "{name} at {snr_db} dB: {without} dB without, {with} dB with denoising");
        }
    }
}

#[test]
fn noise_that_grew_by_10_db_is_attenuated_again_3_seconds_later_and_what_comes_a_second_after_it_fell_is_not() {
    let noise = sounds::white(6 * 16_000, &mut rng(8));
    let samples = [at_level(&noise, -50.0), at_level(&noise, -40.0), at_level(&noise, -60.0)].concat();
    let with = frames(&untrimmed(Some(TWICE)), &samples);
    let without = frames(&untrimmed(None), &samples);
    let at = |second: usize| attenuation(&without[second * SECOND..][..SECOND], &with[second * SECOND..][..SECOND]);
    assert!(at(6) < 3.0, "{} dB: what is louder than the noise so far may be speech", at(6));
    assert!(at(9) > 12.0, "{} dB, 3 s after the noise grew", at(9));
    // A sound after quieter noise is kept again: half a second of noise 10 dB above it.
    let samples =
        [at_level(&noise, -40.0), at_level(&noise[..16_000], -65.0), at_level(&noise[..8_000], -45.0)].concat();
    let (with, without) = (frames(&untrimmed(Some(TWICE)), &samples), frames(&untrimmed(None), &samples));
    let burst = 7 * SECOND + 5..7 * SECOND + 25;
    let lost = attenuation(&without[burst.clone()], &with[burst]);
    assert!(lost < 1.0, "{lost} dB of what came a second after the noise fell");
}

/// The vowel lasts a second, longer than any real one.
#[test]
fn a_loud_vowel_is_not_swallowed() {
    let noise = at_level(&sounds::white(4 * 16_000, &mut rng(9)), -50.0);
    let vowel: Vec<f64> =
        (0..16_000).map(|n| (1..30).map(|k| (0.0471 * f64::from(k * n)).sin() / f64::from(k)).sum()).collect();
    let mut samples = noise;
    at_level(&vowel, -20.0).iter().zip(&mut samples[2 * 16_000..]).for_each(|(vowel, sample)| *sample += vowel);
    let (with, without) = (frames(&untrimmed(Some(TWICE)), &samples), frames(&untrimmed(None), &samples));
    // Bands 20 dB above the noise, which has -66 dBFS in each.
    for frame in 2 * SECOND..3 * SECOND - 4 {
        for (band, (with, without)) in with[frame].0.iter().zip(&without[frame].0).enumerate() {
            assert!(
                *without < -46.0 || without - with < 1.5,
                "frame {frame}, band {band}: of {without} dBFS {with} are left"
            );
        }
    }
    assert!(without[2 * SECOND + 10].0.iter().filter(|band| **band > -46.0).count() >= 10);
}

/// The gate judges the denoised level: a threshold of -50 dBFS passes noise of -45 dBFS, but not what denoising leaves
/// of it.
#[test]
fn the_gate_hears_speech_in_noise_and_not_the_noise() {
    let noise = at_level(&sounds::white(4 * 16_000, &mut rng(10)), -45.0);
    let mut samples = noise;
    at_level(&sounds::white(8_000, &mut rng(11)), -20.0)
        .iter()
        .zip(&mut samples[2 * 16_000..])
        .for_each(|(burst, sample)| *sample += burst);
    let rows = |denoise| {
        let spec = spec::FrontEnd { denoise, ..edge().front_end };
        Extractor::new(&spec).expect("a usable description").log_mel(&samples).expect("rows").len()
    };
    let burst = 8_000 / 256 + 1024 / 256;
    assert_eq!(rows(None), (samples.len() - 1024) / 256 + 1);
    assert!((burst - 2..=burst + 2).contains(&rows(Some(TWICE))), "{} rows, the burst has {burst}", rows(Some(TWICE)));
}

/// A model with a denoising front end.
fn denoising_model() -> Vec<u8> {
    let mut file = Shape::lstm_alone(40, 3, 2).fill(1);
    file.front_end = reference_front_end(&spec::FrontEnd { denoise: Some(TWICE), ..edge().front_end });
    file.to_bytes()
}

#[test]
fn the_noise_floor_is_part_of_a_snapshot_and_depends_on_no_chunk() {
    let bytes = denoising_model();
    let model = Model::parse(&bytes).expect("a valid file");
    let samples = mix(&voices(0..1)[0], &sounds::white(16_000, &mut rng(12)), 10.0);
    let whole = hear(&model, [&samples[..]]);
    assert!(whole.input.len() > SECOND / 2);
    for len in [1, 100, 256, 4_321] {
        assert_eq!(hear(&model, samples.chunks(len)), whole, "chunks of {len}");
    }
    let (before, behind) = samples.split_at(samples.len() / 2);
    let (mut memory, mut other_memory) = (dirty_memory(model.state_words()), dirty_memory(model.state_words()));
    let mut one = Recognizer::new(&model, &mut memory).expect("memory enough");
    let mut other = Recognizer::new(&model, &mut other_memory).expect("memory enough");
    one.push(before);
    other.push(&signals::noise(13, i16::MAX, 5_000));
    let mut snapshot = vec![0; model.snapshot_len()];
    one.snapshot(&mut snapshot).expect("the length wanted");
    other.restore(&snapshot).expect("a snapshot of this model");
    assert_eq!(hear_with(&mut one, &model, [behind]), hear_with(&mut other, &model, [behind]));
    // The next utterance starts without a noise estimate.
    assert_eq!(hear_with(&mut one, &model, [&samples[..]]), whole);
}

#[test]
fn memory_grows_by_16_bytes_a_band_and_not_at_all_without_denoising() {
    let words = |denoise| FrontEnd::work_len(&untrimmed(denoise));
    assert_eq!(words(None), 1024 / 2 + 1024 + 2 + 20);
    assert_eq!(words(Some(ONCE)), words(None) + 4 * 40);
}

#[test]
fn removal_of_silence_leaves_the_frames_that_hold_sound_and_removes_all_others() {
    let spec = spec::FrontEnd {
        trim: Some(Trim { threshold_db: -50.0, range_db: 35.0, max_pause_rows: 0 }),
        ..edge().front_end
    };
    let rows = |spec: &spec::FrontEnd, samples: &[i16]| {
        Extractor::new(spec).expect("a usable description").log_mel(samples).expect("rows")
    };
    let sound = at_level(&sounds::white(16_000, &mut rng(14)), -20.0);
    let (begin, end) = (5 * 1024, 5 * 1024 + sound.len());
    let samples = [vec![0; begin], sound, vec![0; 5 * 1024]].concat();
    let all = rows(&untrimmed(None), &samples);
    let with_sound = (0..all.len()).filter(|frame| frame * 256 + 1024 > begin && frame * 256 < end);
    let wanted: Vec<&[f32]> = all
        .iter()
        .enumerate()
        .filter(|(frame, _)| with_sound.clone().any(|it| it == *frame))
        .map(|(_, row)| row)
        .collect();
    assert_eq!(rows(&spec, &samples).iter().collect::<Vec<_>>(), wanted);
}

/// Highest side lobe beyond the first zeros, which lie two bins from the middle: -31.5 dB for Hann, -42.7 dB for
/// Hamming (Harris 1978).
#[test]
fn windows_have_their_side_lobes() {
    for (window, wanted_db) in [(Window::Hann, -31.5), (Window::Hamming, -42.7)] {
        let reference = reference_front_end(&spec::FrontEnd { window, ..untrimmed(None) });
        let len = usize::from(reference.frame_len);
        let gain = |cycles: f64| {
            let turn = std::f64::consts::TAU * cycles / len as f64;
            let value = |n: usize| f64::from(reference.window_table[n.min(len - n)]);
            let (re, im) = (0..len).fold((0.0, 0.0), |(re, im), n| {
                let (sin, cos) = (turn * n as f64).sin_cos();
                (re + value(n) * cos, im + value(n) * sin)
            });
            10.0 * (re * re + im * im).log10()
        };
        let highest = (0..400).map(|step| gain(2.0 + f64::from(step) / 20.0)).fold(f64::MIN, f64::max) - gain(0.0);
        assert!((highest - wanted_db).abs() < 0.2, "{window:?}: {highest} dB, wanted {wanted_db} dB");
    }
}

#[test]
fn from_20_to_40_mel_filters_sum_to_1_between_the_centres_of_the_outermost() {
    for mel_bands in 20..=40 {
        let reference = reference_front_end(&spec::FrontEnd { mel_bands, ..untrimmed(None) });
        assert_eq!(reference.edges.len(), mel_bands + 2);
        let mut sums = vec![0; 513];
        for band in 0..mel_bands {
            let weight = |bin: u16| i64::from(reference.rising[usize::from(bin - reference.edges[0])]);
            let [from, centre, to] = [0, 1, 2].map(|offset| reference.edges[band + offset]);
            assert!(from <= centre && centre <= to && from < to, "band {band} of {mel_bands}");
            (from..centre).for_each(|bin| sums[usize::from(bin)] += weight(bin));
            (centre..to).for_each(|bin| sums[usize::from(bin)] += 32_768 - weight(bin));
        }
        let between = usize::from(reference.edges[1])..usize::from(reference.edges[mel_bands]);
        assert!(between.len() > 400 && sums[between].iter().all(|&sum| sum == 32_768), "{mel_bands} bands");
    }
}

#[test]
fn normalised_features_have_mean_0_and_standard_deviation_1_over_the_training_part() {
    for level in [LevelMode::Absolute, LevelMode::RelativeToPeak] {
        let front_end = spec::FrontEnd { level, ..edge().front_end };
        let extractor = Extractor::new(&front_end).expect("a usable description");
        let training: Vec<Rows> =
            voices(0..12).iter().map(|samples| extractor.log_mel(samples).expect("rows")).collect();
        let normalization = Normalization::fit(&front_end, training.iter().map(Ok)).expect("rows of speech");
        let features: Vec<Rows> = training.iter().map(|rows| normalization.apply(rows)).collect();
        for band in 0..40 {
            let values = || features.iter().flat_map(|rows| rows.iter().map(move |row| f64::from(row[band])));
            let centre = mean(values());
            let sd = mean(values().map(|value| (value - centre).powi(2))).sqrt();
            // Values beyond 4 standard deviations are clipped.
            assert!(
                centre.abs() < 0.01 && (sd - 1.0).abs() < 0.01,
                "{level:?}, band {band}: mean {centre}, standard deviation {sd}"
            );
        }
    }
}
