//! The snapshot of a recognizer or listener: restored, and gone on from if it is accepted.

use std::sync::OnceLock;

use ser_core::snapshot::{SNAPSHOT_HEADER_LEN, SnapshotError};
use ser_core::{Event, Listener, Model, Recognizer};

use crate::random_model::{Shape, small_model};
use crate::signals;
use crate::under_test::dirty_memory;
use crate::untrusted::config;

/// Models whose snapshots are made.
const MODELS: u8 = 4;
/// Samples that are heard behind a snapshot, some frames of each model.
const HEARD: usize = 900;
/// The bit of the first byte that stands for a listener.
const LISTENS: u8 = 0x80;

/// The first byte chooses model and kind; the others are written over the state of a snapshot with the right header.
/// Nothing panics. A state that is accepted can be saved again, and goes on as the saved one does.
pub fn check(bytes: &[u8]) {
    let Some((&choice, state)) = bytes.split_first() else { return };
    let model = Model::parse(&models()[usize::from(choice % MODELS)]).expect("a valid file");
    if choice & LISTENS == 0 { recognizer(&model, state) } else { listener(&model, state) }
}

fn recognizer(model: &Model<'_>, state: &[u8]) {
    let (mut memory, mut other_memory) = (dirty_memory(model.state_words()), vec![0; model.state_words()]);
    let mut one = Recognizer::new(model, &mut memory).expect("memory as large as the model says");
    let mut other = Recognizer::new(model, &mut other_memory).expect("memory as large as the model says");
    let saved = |recognizer: &Recognizer<'_, '_>| {
        let mut snapshot = vec![0; model.snapshot_len()];
        recognizer.snapshot(&mut snapshot).expect("the length wanted");
        snapshot
    };
    let mut snapshot = saved(&one);
    write_over(&mut snapshot, 0, state);
    if let Err(error) = one.restore(&snapshot) {
        return impossible(error);
    }
    other.restore(&saved(&one)).expect("a snapshot that was written");
    assert_eq!(saved(&other), saved(&one));
    for recognizer in [&mut one, &mut other] {
        recognizer.push(&signals::babble(1, HEARD));
    }
    assert_eq!(saved(&other), saved(&one));
    assert_eq!(other.finish(), one.finish());
}

fn listener(model: &Model<'_>, state: &[u8]) {
    let (mut memory, mut other_memory) = (dirty_memory(model.state_words()), vec![0; model.state_words()]);
    let mut one = Listener::new(model, &mut memory, &config()).expect("memory as large as the model says");
    let mut other = Listener::new(model, &mut other_memory, &config()).expect("memory as large as the model says");
    let saved = |listener: &Listener<'_, '_>| {
        let mut snapshot = vec![0; Listener::snapshot_len(model)];
        listener.snapshot(&mut snapshot).expect("the length wanted");
        snapshot
    };
    let mut snapshot = saved(&one);
    // The first word is the checksum of the parameters.
    write_over(&mut snapshot, 4, state);
    if let Err(error) = one.restore(&snapshot) {
        return impossible(error);
    }
    other.restore(&saved(&one)).expect("a snapshot that was written");
    assert_eq!(saved(&other), saved(&one));
    let [events, other_events] = [&mut one, &mut other].map(|listener| {
        let mut events = Vec::new();
        let mut note = |event: Event<'_>| events.push(format!("{event:?}"));
        listener.push(&signals::babble(1, HEARD), &mut note);
        listener.end_utterance(&mut note);
        listener.push(&signals::babble(2, HEARD), &mut note);
        events
    });
    assert_eq!(other_events, events);
    assert_eq!(saved(&other), saved(&one));
    one.finish(|_| ());
}

/// Header and checksum are right, so only the state can be refused.
fn impossible(error: SnapshotError) {
    assert!(matches!(error, SnapshotError::Impossible { .. }), "{error}");
}

fn write_over(snapshot: &mut [u8], at: usize, state: &[u8]) {
    snapshot[SNAPSHOT_HEADER_LEN + at..].iter_mut().zip(state).for_each(|(to, from)| *to = *from);
    let crc = ser_core::contract::CRC.checksum(&snapshot[SNAPSHOT_HEADER_LEN..]);
    snapshot[16..20].copy_from_slice(&crc.to_le_bytes());
}

/// The files of the models.
fn models() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let random = |seed| {
            let mut file = Shape::random(seed).fill(seed);
            file.front_end.hop_len = file.front_end.hop_len.clamp(1, 60);
            file
        };
        let files = (1..u64::from(MODELS)).map(random);
        std::iter::once(small_model()).chain(files).map(|file| file.to_bytes()).collect()
    })
}

/// States in speech, in silence and at the start.
pub fn seeds() -> Vec<Vec<u8>> {
    let states = |choice: u8| {
        [0, 500, 2_000, 6_000].map(|heard| {
            let model = Model::parse(&models()[usize::from(choice % MODELS)]).expect("a valid file");
            let samples = signals::babble(choice.into(), heard);
            let mut memory = vec![0; model.state_words()];
            let mut snapshot = vec![0; Listener::snapshot_len(&model).max(model.snapshot_len())];
            let state = if choice & LISTENS == 0 {
                let mut recognizer = Recognizer::new(&model, &mut memory).expect("memory as large as the model says");
                recognizer.push(&samples);
                snapshot.truncate(model.snapshot_len());
                recognizer.snapshot(&mut snapshot).expect("the length wanted");
                &snapshot[SNAPSHOT_HEADER_LEN..]
            } else {
                let mut listener =
                    Listener::new(&model, &mut memory, &config()).expect("memory as large as the model says");
                listener.push(&samples, |_| ());
                snapshot.truncate(Listener::snapshot_len(&model));
                listener.snapshot(&mut snapshot).expect("the length wanted");
                &snapshot[SNAPSHOT_HEADER_LEN + 4..]
            };
            [&[choice], state].concat()
        })
    };
    (0..MODELS).chain(LISTENS..LISTENS + MODELS).flat_map(states).collect()
}
