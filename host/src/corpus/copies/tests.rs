use super::correlation::Peak;
use super::*;
use crate::corpus::audio::{SAMPLE_RATE_HZ, resample, write_wav};
use crate::corpus::choice::Choice;
use crate::corpus::synth;

/// The shift of a copy, in tenths of a sample.
const TENTHS: usize = 3;

/// An utterance of the second man.
fn speech(seed: u64, emotion: usize, sentence: usize) -> Vec<i16> {
    synth::render(seed, 3, emotion, sentence)
}

fn voice(samples: &[i16]) -> Voice {
    Voice::new(samples).unwrap().unwrap()
}

fn peak(first: &[i16], second: &[i16]) -> Peak {
    Correlator::new().peak(&voice(first), &voice(second)).unwrap()
}

fn likeness(first: &[i16], second: &[i16]) -> f32 {
    let (first, second) = (voice(first), voice(second));
    let fingerprints = Fingerprints::new(&[&first, &second]).unwrap();
    fingerprints.likeness(0, 1, &mut fingerprints.scratch()).unwrap()
}

/// The recording `lead` samples and 0.3 of a sample later, scaled, with white noise at a level relative to it.
fn copy(samples: &[i16], lead: usize, gain: f32, noise_db: f32) -> Vec<i16> {
    let dense: Vec<f32> = samples.iter().map(|&sample| f32::from(sample)).collect();
    let dense = resample(&dense, SAMPLE_RATE_HZ, 10 * SAMPLE_RATE_HZ).unwrap();
    let shifted: Vec<f32> = dense.into_iter().skip(10 - TENTHS).step_by(10).collect();
    let level = (shifted.iter().map(|sample| sample * sample).sum::<f32>() / shifted.len() as f32).sqrt();
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Uniform in ±√3, of variance 1.
        (state as f32 / u32::MAX as f32 * 2.0 - 1.0) * 3.0_f32.sqrt() * level * 10.0_f32.powf(noise_db / 20.0)
    };
    let silence = std::iter::repeat_n(0.0, lead);
    silence.chain(shifted).map(|sample| (gain * (sample + noise())).round() as i16).collect()
}

#[test]
fn a_copy_is_found_however_it_was_cut_scaled_and_shifted() {
    let original = speech(1, 1, 0);
    let copied = copy(&original, 2_000, 0.9, -25.0);
    let found = peak(&original, &copied);
    assert!(found.correlation > 0.98, "{found:?}");
    // The copy begins with the last 0.7 of the first sample.
    let lag_s = (2_000.0 + 0.3 - 1.0) / f64::from(SAMPLE_RATE_HZ);
    assert!((found.lag_s - lag_s).abs() < 1.0 / f64::from(SAMPLE_RATE_HZ), "{found:?}, wanted {lag_s}");
    let inverted: Vec<i16> = copied.iter().skip(1_500).map(|sample| -sample).collect();
    assert!(peak(&inverted, &original).correlation > 0.98);
    let offset: Vec<i16> = original.iter().map(|sample| sample + 500).collect();
    assert!(peak(&offset, &original).correlation > 0.99);
}

#[test]
fn the_same_sentence_spoken_twice_and_two_sentences_of_a_voice_are_no_copies() {
    let one = speech(1, 1, 0);
    for (what, other) in
        [("again", speech(2, 1, 0)), ("another emotion", speech(1, 4, 0)), ("another sentence", speech(1, 1, 1))]
    {
        let found = peak(&one, &other);
        assert!(found.correlation < 0.7, "{what}: {found:?}");
    }
}

#[test]
fn fingerprints_lose_no_copy() {
    let (mut least_correlation, mut least_likeness) = (1.0_f32, 1.0_f32);
    for (index, (emotion, sentence)) in (0..12).map(|n| (n % 6, 4 * n)).enumerate() {
        let original = speech(1, emotion, sentence);
        // As much noise as a copy may have, and more.
        for noise_db in [-6.0, -3.0, 0.0, 3.0] {
            // Frames half a hop apart.
            let copied = copy(&original, 256 + 512 * index, 1.0, noise_db);
            let (correlation, likeness) = (peak(&original, &copied).correlation, likeness(&original, &copied));
            if correlation >= LEAST_CORRELATION {
                least_correlation = least_correlation.min(correlation);
                least_likeness = least_likeness.min(likeness);
            }
        }
    }
    assert!(least_correlation < LEAST_CORRELATION + 0.02, "{least_correlation}");
    assert!(least_likeness > LEAST_LIKENESS + 0.05, "{least_likeness}");
}

#[test]
fn fingerprints_keep_most_pairs_from_being_correlated() {
    let voices: Vec<Voice> = (0..24).map(|n| voice(&speech(1, n % 6, n))).collect();
    let fingerprints = Fingerprints::new(&voices.iter().collect::<Vec<_>>()).unwrap();
    let mut scratch = fingerprints.scratch();
    let pairs = (0..24).flat_map(|one| (0..one).map(move |other| (one, other)));
    let alike = pairs
        .filter(|&(one, other)| fingerprints.likeness(one, other, &mut scratch).unwrap() >= LEAST_LIKENESS)
        .count();
    assert!(alike < 28, "{alike} of 276");
}

#[test]
fn spectra_lose_no_copy_and_rule_out_most_pairs() {
    let mut copies = 0;
    for (index, (emotion, sentence)) in (0..12).map(|n| (n % 6, 4 * n)).enumerate() {
        let original = speech(1, emotion, sentence);
        for noise_db in [-25.0, -6.0, -3.0, 0.0] {
            // One has 0.3 s less speech, and a transform of another length.
            let copied = copy(&original[..original.len() - 4_800], 20_000 * (index % 3), 1.0, noise_db);
            let correlation = peak(&original, &copied).correlation;
            let bound = Spectra::new(&[&voice(&original), &voice(&copied)]).unwrap().bound(0, 1);
            assert!(bound > correlation - 0.01, "{bound} for a correlation of {correlation}");
            copies += usize::from(correlation >= LEAST_CORRELATION);
        }
    }
    assert!(copies >= 12, "{copies}");
    let voices: Vec<Voice> = (0..48).map(|n| voice(&speech(1, n % 6, n))).collect();
    let spectra = Spectra::new(&voices.iter().collect::<Vec<_>>()).unwrap();
    let pairs = (0..48).flat_map(|one| (0..one).map(move |other| (one, other)));
    let alike = pairs.filter(|&(one, other)| spectra.may_be_copies(one, other)).count();
    assert!(alike < 12, "{alike} of 1128");
}

#[test]
fn a_search_that_is_stopped_finds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    stop.ask();
    assert_eq!(Copies::find(&corpus(dir.path()), &stop).unwrap(), None);
}

#[test]
fn what_is_silent_or_too_short_has_no_copy() {
    for samples in [&[][..], &[5; 16_000], &[1, -1, 2], &[3_000, -3_000].repeat(2_000)] {
        assert!(Voice::new(samples).unwrap().is_none(), "{} samples", samples.len());
    }
}

/// A corpus in which sad 1 of li is fear 1 of li, and happy 2 of an is happy 3 of li; all others are different.
fn corpus(dir: &Path) -> Corpus {
    let write = |name: &str, samples: &[i16]| {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_wav(&path, samples).unwrap();
    };
    let (fear, happy) = (speech(1, 1, 0), speech(1, 2, 1));
    write("li/fear/1.wav", &fear);
    write("li/sad/1.wav", &copy(&fear, 700, 0.9, -25.0));
    write("an/happy/2.wav", &happy);
    write("li/happy/3.wav", &happy);
    write("li/sad/2.wav", &speech(1, 4, 2));
    write("li/fear/2.wav", &speech(1, 1, 2));
    std::fs::write(dir.join("li/sad/broken.wav"), "no recording").unwrap();
    Corpus::open(dir, &Choice::default()).unwrap()
}

#[test]
fn copies_with_different_labels_come_first_and_are_told_by_speaker_and_labels() {
    let dir = tempfile::tempdir().unwrap();
    let copies = Copies::find(&corpus(dir.path()), &Stop::default()).unwrap().unwrap();
    let ids = |copies: &Copies| copies.recordings.iter().map(|recording| recording.id.clone()).collect::<Vec<_>>();
    let [conflict, other] = copies.as_slice() else { panic!("{copies:?}") };
    assert_eq!((ids(conflict), conflict.labels_differ), (vec!["li/fear/1.wav".into(), "li/sad/1.wav".into()], true));
    assert_eq!((ids(other), other.labels_differ), (vec!["an/happy/2.wav".into(), "li/happy/3.wav".into()], false));
    let [pair] = conflict.pairs.as_slice() else { panic!("{conflict:?}") };
    assert!(pair.correlation > 0.98 && (pair.lag_ms - 43.75).abs() < 0.2, "{pair:?}");
    assert_eq!(ambiguous(&copies).into_iter().collect::<Vec<_>>(), ids(conflict));
    assert_eq!(
        conflicts(&copies),
        ["1 recording of li is there both as fear and as sad: no classifier can be right about both"]
    );
    let divided = |protocol| copies.iter().map(|copies| copies.may_be_divided(protocol)).collect::<Vec<_>>();
    assert_eq!(divided(Protocol::Random), [true, true]);
    assert_eq!(divided(Protocol::Sentence), [false, true]);
    assert_eq!(divided(Protocol::Speaker), [false, true]);

    let path = dir.path().join("copies.json");
    save(&copies, &path).unwrap();
    assert_eq!(load(&path).unwrap(), copies);
    std::fs::write(&path, "{}").unwrap();
    assert!(load(&path).unwrap_err().to_string().contains("holds no copies"));
}

#[test]
fn a_check_reports_copies_and_warns_of_labels_that_differ() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(dir.path());
    let report = crate::corpus::check::check(&corpus, &Choice::default()).unwrap();
    assert_eq!(report.copies, Copies::find(&corpus, &Stop::default()).unwrap().unwrap());
    for wanted in [
        "1 recording of li is there both as fear and as sad",
        "2 groups with protocol random, 1 with sentence, 1 with speaker",
    ] {
        assert!(report.warnings.iter().any(|warning| warning.contains(wanted)), "{:?}", report.warnings);
    }
    let text = report.to_string();
    assert!(text.contains("li/fear/1.wav = li/sad/1.wav (correlation 0.9"), "{text}");
    assert!(text.contains("2 duplicated, 4 copies (2 of them under two labels)"), "{text}");
}

#[test]
fn copies_of_copies_are_one_group() {
    let mut groups = Groups::new(6);
    for (one, other) in [(4, 5), (2, 3), (5, 3), (0, 1)] {
        groups.join(one, other);
    }
    assert_eq!((0..6).map(|place| groups.of(place)).collect::<Vec<_>>(), [0, 0, 2, 2, 2, 2]);
}
