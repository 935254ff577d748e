//! A snapshot taken at any place and restored elsewhere makes no difference. Anything that is not a snapshot is
//! refused, and nothing makes the core panic.

use proptest::prelude::*;
use ser_core::snapshot::{SNAPSHOT_HEADER_LEN, SnapshotError};
use ser_core::{EndpointerConfig, Event, Listener, Model, Recognizer};
use ser_tests::random_model::{Shape, small_model};
use ser_tests::signals;
use ser_tests::under_test::{dirty_memory, hear_with};

fn model_bytes(seed: u64) -> Vec<u8> {
    let mut file = Shape::random(seed).fill(seed);
    file.front_end.hop_len = file.front_end.hop_len.clamp(1, 60);
    file.to_bytes()
}

/// An endpointer for utterances of a few frames.
fn config() -> EndpointerConfig {
    EndpointerConfig { hangover_ms: 20, min_speech_ms: 10, max_ms: 150, ..EndpointerConfig::default() }
}

/// Repairs the checksum of the state, so that the core reads the state itself.
fn repair(snapshot: &mut [u8]) {
    let crc = ser_core::contract::CRC.checksum(&snapshot[SNAPSHOT_HEADER_LEN..]);
    snapshot[16..20].copy_from_slice(&crc.to_le_bytes());
}

fn recognizer_snapshot(model: &Model<'_>, samples: &[i16]) -> Vec<u8> {
    let mut memory = dirty_memory(model.state_words());
    let mut recognizer = Recognizer::new(model, &mut memory).expect("memory enough");
    recognizer.push(samples);
    let mut snapshot = vec![0xAA; model.snapshot_len()];
    recognizer.snapshot(&mut snapshot).expect("the length wanted");
    snapshot
}

fn restore(model: &Model<'_>, snapshot: &[u8]) -> Result<(), SnapshotError> {
    let mut memory = dirty_memory(model.state_words());
    Recognizer::new(model, &mut memory).expect("memory enough").restore(snapshot)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restored_recognizer_goes_on_with_the_same_bits(seed: u64, at in 0..6_000_usize) {
        let bytes = model_bytes(seed);
        let model = Model::parse(&bytes).expect("a valid file");
        let samples = signals::babble(seed, 6_000);
        let (before, behind) = samples.split_at(at);
        let snapshot = recognizer_snapshot(&model, before);

        let (mut memory, mut other_memory) = (dirty_memory(model.state_words()), vec![0; model.state_words()]);
        let mut one = Recognizer::new(&model, &mut memory).expect("memory enough");
        let mut other = Recognizer::new(&model, &mut other_memory).expect("memory enough");
        one.push(before);
        other.push(&signals::noise(seed, i16::MAX, 777));
        prop_assert_eq!(other.restore(&snapshot), Ok(()));
        prop_assert_eq!(one.prediction(), other.prediction());
        prop_assert_eq!(hear_with(&mut one, &model, [behind]), hear_with(&mut other, &model, [behind]));
    }

    #[test]
    fn a_restored_listener_tells_the_same_events(seed: u64, at in 0..20_000_usize) {
        let bytes = model_bytes(seed);
        let model = Model::parse(&bytes).expect("a valid file");
        let samples = signals::babble(seed, 20_000);
        let (before, behind) = samples.split_at(at);
        let (mut memory, mut other_memory) = (dirty_memory(model.state_words()), vec![0; model.state_words()]);
        let mut one = Listener::new(&model, &mut memory, &config()).expect("memory enough");
        let mut other = Listener::new(&model, &mut other_memory, &config()).expect("memory enough");
        one.push(before, |_| ());
        let mut snapshot = vec![0; Listener::snapshot_len(&model)];
        prop_assert_eq!(one.snapshot(&mut snapshot), Ok(()));
        prop_assert_eq!(other.restore(&snapshot), Ok(()));
        let events = |listener: &mut Listener<'_, '_>| {
            let mut events = Vec::new();
            listener.push(behind, |event| events.push(format!("{event:?}")));
            listener.finish(|event| events.push(format!("{event:?}")));
            events
        };
        prop_assert_eq!(events(&mut one), events(&mut other));
    }

    /// Replaces words of the state by extremes and by random values, and repairs the checksum.
    #[test]
    fn whatever_is_restored_nothing_panics(seed: u64, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u32>(), 0..6_u8), 0..6), all: bool) {
        let bytes = model_bytes(seed);
        let model = Model::parse(&bytes).expect("a valid file");
        let mut memory = dirty_memory(model.state_words());
        let mut listener = Listener::new(&model, &mut memory, &config()).expect("memory enough");
        listener.push(&signals::babble(seed, 3_000), |_| ());
        let mut snapshot = vec![0; Listener::snapshot_len(&model)];
        listener.snapshot(&mut snapshot).expect("the length wanted");
        let (_, state) = snapshot.split_at_mut(SNAPSHOT_HEADER_LEN);
        // Counters come first, so every other edit goes there.
        for (number, (index, value, kind)) in edits.iter().enumerate() {
            let words = if number % 2 == 0 { 12 } else { state.len() / 4 - 1 };
            // The first word is that of the parameters.
            let at = 4 + 4 * index.index(words.min(state.len() / 4 - 1));
            let word = [0, 1, u32::MAX, i32::MAX as u32, *value, *value % 300][usize::from(*kind)];
            state[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        if all {
            signals::noise(seed, i16::MAX, state.len()).iter().zip(&mut state[4..]).for_each(|(from, to)| *to = *from as u8);
        }
        repair(&mut snapshot);
        let restored = listener.restore(&snapshot);
        let read = restored.is_ok() || matches!(restored, Err(SnapshotError::Impossible { .. }));
        prop_assert!(read, "{:?}", restored);
        listener.push(&signals::babble(seed ^ 1, 6_000), |_| ());
        listener.finish(|_| ());
    }
}

#[test]
fn a_snapshot_cut_short_or_changed_is_refused_with_what_was_wanted() {
    let bytes = small_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let snapshot = recognizer_snapshot(&model, &signals::noise(1, 20_000, 333));
    assert_eq!(restore(&model, &snapshot), Ok(()));
    let wanted = model.snapshot_len();
    for len in 0..wanted {
        assert_eq!(restore(&model, &snapshot[..len]), Err(SnapshotError::Length { got: len, wanted }), "{len}");
    }
    for byte in 0..wanted {
        for bit in 0..8 {
            let mut changed = snapshot.clone();
            changed[byte] ^= 1 << bit;
            let error = restore(&model, &changed).expect_err("a changed bit");
            let right = match byte {
                0..8 => matches!(error, SnapshotError::Kind { .. }),
                8..10 => matches!(error, SnapshotError::Version { .. }),
                10..12 => matches!(error, SnapshotError::Contract { .. }),
                12..16 => matches!(error, SnapshotError::Model { .. }),
                _ => matches!(error, SnapshotError::Checksum { .. }),
            };
            assert!(right, "byte {byte}: {error}");
        }
    }
    assert_eq!(
        restore(&model, &snapshot[..40]).expect_err("too short").to_string(),
        format!("snapshot of {wanted} bytes wanted, 40 came")
    );
}

#[test]
fn a_snapshot_of_another_model_or_of_a_listener_is_refused() {
    let bytes = small_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let mut other = small_model();
    other.temperature *= 2.0;
    let other_bytes = other.to_bytes();
    let other = Model::parse(&other_bytes).expect("a valid file");
    let error = SnapshotError::Model { got: other.checksum(), wanted: model.checksum() };
    assert_eq!(restore(&model, &recognizer_snapshot(&other, &[])), Err(error));

    let mut memory = dirty_memory(model.state_words());
    let listener = Listener::new(&model, &mut memory, &config()).expect("memory enough");
    let mut snapshot = vec![0; Listener::snapshot_len(&model)];
    listener.snapshot(&mut snapshot).expect("the length wanted");
    assert_eq!(restore(&model, &snapshot), Err(SnapshotError::Kind { wanted: "SERSTATE" }));
    let short = snapshot.len() - 1;
    assert_eq!(listener.snapshot(&mut snapshot[..short]), Err(SnapshotError::Length { got: short, wanted: short + 1 }));
}

#[test]
fn a_listeners_snapshot_of_other_parameters_is_refused() {
    let bytes = small_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let (mut memory, mut other_memory) = (dirty_memory(model.state_words()), dirty_memory(model.state_words()));
    let mut snapshot = vec![0; Listener::snapshot_len(&model)];
    Listener::new(&model, &mut memory, &config()).expect("memory enough").snapshot(&mut snapshot).expect("the length");
    let others = [
        EndpointerConfig { threshold_db: -49.0, ..config() },
        EndpointerConfig { onset_db: 9.5, ..config() },
        EndpointerConfig { keep_db: 6.5, ..config() },
        EndpointerConfig { rise_db_per_s: 4.0, ..config() },
        EndpointerConfig { fall_db_per_s: 31.0, ..config() },
        EndpointerConfig { hangover_ms: 40, ..config() },
        EndpointerConfig { min_speech_ms: 20, ..config() },
        EndpointerConfig { max_ms: 200, ..config() },
    ];
    for other in others {
        let mut listener = Listener::new(&model, &mut other_memory, &other).expect("memory enough");
        let error = listener.restore(&snapshot).expect_err("other parameters");
        assert!(matches!(error, SnapshotError::Parameters { .. }), "{other:?}: {error}");
        assert!(error.to_string().contains("other parameters"));
    }
    Listener::new(&model, &mut other_memory, &config()).expect("memory enough").restore(&snapshot).expect("the same");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// What was heard before a reset or a finish is gone: memory and snapshots are those of a new recognizer, and what
    /// is heard then gives the same snapshot too.
    #[test]
    fn what_was_forgotten_is_gone(seed: u64, finishes: bool, at in 0..6_000_usize) {
        let bytes = model_bytes(seed);
        let model = Model::parse(&bytes).expect("a valid file");
        let samples = signals::babble(seed, 6_000);
        let after = |heard: &[&[i16]], listens: bool| {
            let mut memory = dirty_memory(model.state_words());
            let mut snapshots = Vec::new();
            if listens {
                let mut listener = Listener::new(&model, &mut memory, &config()).expect("memory enough");
                for samples in heard {
                    if finishes { listener.finish(|_| ()) } else { listener.reset() }
                    listener.push(samples, |_| ());
                    snapshots = vec![0; Listener::snapshot_len(&model)];
                    listener.snapshot(&mut snapshots).expect("the length");
                }
                if finishes { listener.finish(|_| ()) } else { listener.reset() }
            } else {
                let mut recognizer = Recognizer::new(&model, &mut memory).expect("memory enough");
                for samples in heard {
                    if finishes { recognizer.finish(); } else { recognizer.reset() }
                    recognizer.push(samples);
                    snapshots = vec![0; model.snapshot_len()];
                    recognizer.snapshot(&mut snapshots).expect("the length");
                }
                if finishes { recognizer.finish(); } else { recognizer.reset() }
            }
            (memory, snapshots)
        };
        let (secret, heard) = samples.split_at(at);
        for listens in [false, true] {
            let (memory, snapshot) = after(&[secret, heard], listens);
            let (fresh_memory, fresh_snapshot) = after(&[heard], listens);
            prop_assert!(memory == fresh_memory && snapshot == fresh_snapshot, "listens: {}", listens);
            prop_assert!(memory == after(&[&[]], listens).0, "listens: {}", listens);
        }
    }
}

#[test]
fn a_refused_snapshot_leaves_a_recognizer_as_before_its_first_sample() {
    let bytes = small_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let samples = signals::noise(2, 20_000, 500);
    let mut snapshot = recognizer_snapshot(&model, &samples);
    // The framer's position follows the filter's three words.
    snapshot[SNAPSHOT_HEADER_LEN + 12..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    repair(&mut snapshot);
    let (mut memory, mut fresh_memory) = (dirty_memory(model.state_words()), dirty_memory(model.state_words()));
    let mut recognizer = Recognizer::new(&model, &mut memory).expect("memory enough");
    let mut fresh = Recognizer::new(&model, &mut fresh_memory).expect("memory enough");
    recognizer.push(&samples);
    assert!(matches!(
        recognizer.restore(&snapshot),
        Err(SnapshotError::Impossible { quantity: "framer's position", .. })
    ));
    assert_eq!(hear_with(&mut recognizer, &model, [&samples[..]]), hear_with(&mut fresh, &model, [&samples[..]]));
}

/// A stream that has lasted longer than any device will: its counters do not overflow.
#[test]
fn a_listener_hears_on_after_2_to_the_52_frames() {
    let bytes = small_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let mut memory = dirty_memory(model.state_words());
    let mut listener = Listener::new(&model, &mut memory, &EndpointerConfig::default()).expect("memory enough");
    // The start of the stream is over.
    listener.push(&signals::noise(2, 1, 5_000), |_| ());
    let mut snapshot = vec![0; Listener::snapshot_len(&model)];
    listener.snapshot(&mut snapshot).expect("the length wanted");
    for (frames, possible) in [(1_u64 << 52, true), ((1 << 52) + 1, false), (u64::MAX, false)] {
        // Parameters, floor and the frames of its start come first.
        snapshot[SNAPSHOT_HEADER_LEN + 12..][..8].copy_from_slice(&frames.to_le_bytes());
        repair(&mut snapshot);
        assert_eq!(listener.restore(&snapshot).is_ok(), possible, "{frames}");
        if possible {
            let mut starts = Vec::new();
            listener.push(&[signals::noise(1, 20_000, 2_000), vec![0; 2_000]].concat(), |event| {
                if let Event::Ended { start, .. } = event {
                    starts.push(start);
                }
            });
            assert!(starts.len() == 1 && starts[0] >= frames * 8, "{starts:?}");
        }
    }
}
