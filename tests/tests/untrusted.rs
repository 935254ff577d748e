//! Whatever the bytes, the program reads them or says what is wrong. `fuzz/` looks further with the same checks.

use proptest::prelude::*;
use proptest::sample::Index;
use ser_tests::untrusted::{model, recording, snapshot, text};

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// Writes a number of four bytes.
    Number(Index, u32),
    /// Repeats a part.
    Repeat(Index, usize),
    Cut(Index),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let place = |index: &Index| index.index(len + 1);
        match self {
            Self::Set(index, value) => {
                if let Some(byte) = bytes.get_mut(place(index)) {
                    *byte = *value;
                }
            }
            Self::Insert(index, what) => _ = bytes.splice(place(index)..place(index), what.iter().copied()),
            Self::Remove(index, count) => _ = bytes.drain(place(index)..(place(index) + count).min(len)),
            Self::Number(index, value) => {
                bytes[place(index)..].iter_mut().zip(value.to_le_bytes()).for_each(|(to, from)| *to = from);
            }
            Self::Repeat(index, count) => {
                let part = bytes[place(index)..(place(index) + count).min(len)].to_vec();
                bytes.splice(place(index)..place(index), part);
            }
            Self::Cut(index) => bytes.truncate(place(index)),
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let value = prop_oneof![any::<u8>(), prop::sample::select(b"0\x01\x7f\x80\xff-.,:\"[]{} \n".to_vec())];
    let number = prop_oneof![any::<u32>(), prop::sample::select(vec![0, 1, 255, 65_536, 1 << 31, u32::MAX])];
    prop_oneof![
        6 => (any::<Index>(), value.clone()).prop_map(|(at, value)| Edit::Set(at, value)),
        2 => (any::<Index>(), prop::collection::vec(value, 1..9)).prop_map(|(at, what)| Edit::Insert(at, what)),
        2 => (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        3 => (any::<Index>(), number).prop_map(|(at, number)| Edit::Number(at, number)),
        1 => (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Edit::Repeat(at, count)),
        1 => any::<Index>().prop_map(Edit::Cut),
    ]
}

/// One of the seeds with some edits.
fn edited(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(seeds), prop::collection::vec(edit(), 0..8)).prop_map(|(mut bytes, edits)| {
        edits.iter().for_each(|edit| edit.apply(&mut bytes));
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_model_runs_or_is_refused(bytes in edited(model::seeds())) {
        model::check(&bytes);
    }

    #[test]
    fn a_snapshot_goes_on_or_is_refused(bytes in edited(snapshot::seeds())) {
        snapshot::check(&bytes);
    }

    #[test]
    fn a_recording_is_heard_or_refused(bytes in edited(recording::seeds())) {
        recording::check(&bytes);
    }

    #[test]
    fn a_text_is_read_or_refused(bytes in edited(text::seeds())) {
        text::check(&bytes);
    }
}

#[test]
fn the_seeds_themselves_are_accepted() {
    for seed in model::seeds() {
        assert!(ser_core::Model::parse(&seed).is_ok());
        model::check(&seed);
    }
    snapshot::seeds().iter().for_each(|seed| snapshot::check(seed));
    for seed in recording::seeds() {
        assert!(ser_host::corpus::audio::Recording::decode(&seed).is_ok());
        recording::check(&seed);
    }
    text::seeds().iter().for_each(|seed| text::check(seed));
}
