//! What C gets is what Rust gets, bit for bit.
// Each test calls the library as a C program does.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;

use crate::common::{FILE, Memory, info, utterances};
use ser::ser_status_t::*;
use ser::*;
use ser_core::{EndpointerConfig, Event, Listener, Model, Prediction, Recognizer};

/// A string of C that ends within its array.
fn text(label: &[c_char]) -> &str {
    assert!(label.contains(&0));
    unsafe { CStr::from_ptr(label.as_ptr()) }.to_str().unwrap()
}

fn assert_same(c: &ser_prediction_t, rust: &Prediction<'_>) {
    assert_eq!(c.index as usize, rust.index);
    assert_eq!(c.confident, rust.confident);
    assert_eq!(text(&c.label), rust.label);
    assert_eq!(c.probabilities.map(f32::to_bits), rust.probabilities.map(f32::to_bits));
    assert_eq!(c.logits, rust.logits);
}

fn prediction(ask: impl FnOnce(*mut ser_prediction_t) -> ser_status_t) -> Option<ser_prediction_t> {
    let mut prediction = MaybeUninit::uninit();
    match ask(prediction.as_mut_ptr()) {
        SER_OK => Some(unsafe { prediction.assume_init() }),
        SER_TOO_LITTLE_SPEECH => None,
        status => panic!("{status:?}"),
    }
}

#[test]
fn a_model_says_to_c_what_it_says_to_rust() {
    let model = Model::parse(FILE).unwrap();
    let info = info(FILE).unwrap();
    assert_eq!(info.sample_rate_hz, model.front_end().sample_rate_hz);
    let labels: Vec<&str> = info.labels.iter().map(|label| text(label)).collect();
    assert_eq!(&labels[..info.label_count as usize], model.labels());
    assert!(labels[info.label_count as usize..].iter().all(|label| label.is_empty()));
    assert_eq!(info.confidence_threshold, model.confidence_threshold());
    assert_eq!(info.checksum, model.checksum());
    assert_eq!(info.state_bytes, 4 * model.state_words());
    assert_eq!(info.recognizer_snapshot_bytes, model.snapshot_len());
    assert_eq!(info.listener_snapshot_bytes, Listener::snapshot_len(&model));
    assert!(info.recognizer_bytes <= SER_RECOGNIZER_POINTERS * size_of::<usize>() + info.state_bytes);
    assert!(info.listener_bytes <= SER_LISTENER_POINTERS * size_of::<usize>() + info.state_bytes);
}

#[test]
fn a_recognizer_gives_the_bits_of_rusts() {
    let model = Model::parse(FILE).unwrap();
    let mut state = vec![0; model.state_words()];
    let mut rust = Recognizer::new(&model, &mut state).unwrap();
    let mut memory = Memory::new(info(FILE).unwrap().recognizer_bytes);
    let c = memory.recognizer();
    let (mut given, mut withheld) = (0, 0);
    for (n, samples) in utterances().iter().enumerate() {
        for chunk in samples.chunks(100 + 333 * n) {
            rust.push(chunk);
            assert_eq!(unsafe { ser_recognizer_push(c, chunk.as_ptr(), chunk.len()) }, SER_OK);
            match (prediction(|to| unsafe { ser_recognizer_prediction(c, to) }), rust.prediction()) {
                (Some(c), Some(rust)) => {
                    assert_same(&c, &rust);
                    given += 1;
                }
                (None, None) => withheld += 1,
                differ => panic!("{differ:?}"),
            }
        }
        let finished = prediction(|to| unsafe { ser_recognizer_finish(c, to) }).unwrap();
        assert_same(&finished, &rust.finish().unwrap());
    }
    assert!(given > 0 && withheld > 0, "{given} {withheld}");
}

#[test]
fn a_reset_forgets_what_was_heard() {
    let samples = &utterances()[0];
    let mut memory = Memory::new(info(FILE).unwrap().recognizer_bytes);
    let c = memory.recognizer();
    assert_eq!(unsafe { ser_recognizer_push(c, samples.as_ptr(), samples.len()) }, SER_OK);
    assert_eq!(unsafe { ser_recognizer_reset(c) }, SER_OK);
    assert_eq!(prediction(|to| unsafe { ser_recognizer_prediction(c, to) }), None);
}

#[test]
fn a_recognizers_snapshot_is_that_of_rust_and_goes_on_elsewhere() {
    let model = Model::parse(FILE).unwrap();
    let mut state = vec![0; model.state_words()];
    let mut rust = Recognizer::new(&model, &mut state).unwrap();
    let info = info(FILE).unwrap();
    let (mut memory, mut other) = (Memory::new(info.recognizer_bytes), Memory::new(info.recognizer_bytes));
    let (c, elsewhere) = (memory.recognizer(), other.recognizer());
    let samples = &utterances()[1];
    let (first, second) = samples.split_at(samples.len() / 2);
    rust.push(first);
    assert_eq!(unsafe { ser_recognizer_push(c, first.as_ptr(), first.len()) }, SER_OK);

    let (mut by_c, mut by_rust) = (vec![0; info.recognizer_snapshot_bytes], vec![0; info.recognizer_snapshot_bytes]);
    rust.snapshot(&mut by_rust).unwrap();
    assert_eq!(unsafe { ser_recognizer_snapshot(c, by_c.as_mut_ptr(), by_c.len()) }, SER_OK);
    assert_eq!(by_c, by_rust);

    rust.push(second);
    assert_eq!(unsafe { ser_recognizer_restore(elsewhere, by_c.as_ptr(), by_c.len()) }, SER_OK);
    assert_eq!(unsafe { ser_recognizer_push(elsewhere, second.as_ptr(), second.len()) }, SER_OK);
    assert_same(&prediction(|to| unsafe { ser_recognizer_finish(elsewhere, to) }).unwrap(), &rust.finish().unwrap());
}

/// Utterances with silence between them.
fn stream() -> Vec<i16> {
    utterances().into_iter().flat_map(|samples| samples.into_iter().chain([0; 16_000])).collect()
}

unsafe extern "C" fn note(event: *const ser_event_t, user: *mut c_void) {
    let events = unsafe { &mut *user.cast::<Vec<ser_event_t>>() };
    events.push(unsafe { *event });
}

fn assert_same_events(c: &[ser_event_t], rust: &[Event<'_>]) {
    assert_eq!(c.len(), rust.len());
    for (c, rust) in c.iter().zip(rust) {
        match *rust {
            Event::Started { start } => {
                assert_eq!((c.kind, c.start, c.end), (ser_event_kind_t::SER_EVENT_STARTED, start, 0));
                assert!(!c.cut && !c.has_prediction);
            }
            Event::Ended { start, end, cut, prediction } => {
                assert_eq!((c.kind, c.start, c.end, c.cut), (ser_event_kind_t::SER_EVENT_ENDED, start, end, cut));
                assert_eq!(c.has_prediction, prediction.is_some());
                prediction.iter().for_each(|prediction| assert_same(&c.prediction, prediction));
            }
        }
    }
}

#[test]
fn a_listener_gives_the_events_of_rusts() {
    let model = Model::parse(FILE).unwrap();
    let mut state = vec![0; model.state_words()];
    let mut rust = Listener::new(&model, &mut state, &EndpointerConfig::default()).unwrap();
    let mut memory = Memory::new(info(FILE).unwrap().listener_bytes);
    let c = memory.listener();
    let (mut by_c, mut by_rust) = (Vec::<ser_event_t>::new(), Vec::new());
    let user = (&raw mut by_c).cast();
    for chunk in stream().chunks(777) {
        rust.push(chunk, |event| by_rust.push(event));
        assert_eq!(unsafe { ser_listener_push(c, chunk.as_ptr(), chunk.len(), Some(note), user) }, SER_OK);
        let mut floor_db = 0.0;
        assert_eq!(unsafe { ser_listener_floor_db(c, &mut floor_db) }, SER_OK);
        assert_eq!(floor_db, rust.floor_db());
    }
    rust.finish(|event| by_rust.push(event));
    assert_eq!(unsafe { ser_listener_finish(c, Some(note), user) }, SER_OK);
    assert_same_events(&by_c, &by_rust);
    assert_eq!(by_rust.len(), 2 * utterances().len());
}

#[test]
fn a_listeners_snapshot_goes_on_and_a_reset_begins_anew() {
    let info = info(FILE).unwrap();
    let mut memory = Memory::new(info.listener_bytes);
    let c = memory.listener();
    let stream = stream();
    let mut events = Vec::<ser_event_t>::new();
    let user = (&raw mut events).cast();
    let (first, second) = stream.split_at(stream.len() / 3);
    let mut snapshot = vec![0; info.listener_snapshot_bytes];
    assert_eq!(unsafe { ser_listener_push(c, first.as_ptr(), first.len(), Some(note), user) }, SER_OK);
    assert_eq!(unsafe { ser_listener_snapshot(c, snapshot.as_mut_ptr(), snapshot.len()) }, SER_OK);
    assert_eq!(unsafe { ser_listener_reset(c) }, SER_OK);
    assert_eq!(unsafe { ser_listener_restore(c, snapshot.as_ptr(), snapshot.len()) }, SER_OK);
    assert_eq!(unsafe { ser_listener_push(c, second.as_ptr(), second.len(), Some(note), user) }, SER_OK);

    let mut whole = Vec::<ser_event_t>::new();
    assert_eq!(unsafe { ser_listener_reset(c) }, SER_OK);
    assert_eq!(
        unsafe { ser_listener_push(c, stream.as_ptr(), stream.len(), Some(note), (&raw mut whole).cast()) },
        SER_OK
    );
    assert_eq!(events, whole);
}

#[test]
fn parameters_reach_the_listener() {
    let mut config = MaybeUninit::uninit();
    assert_eq!(unsafe { ser_listener_default_config(config.as_mut_ptr()) }, SER_OK);
    let mut config: ser_listener_config_t = unsafe { config.assume_init() };
    assert_eq!(EndpointerConfig::from(config), EndpointerConfig::default());

    // Nothing is that loud.
    config.threshold_db = 0.0;
    let mut memory = Memory::new(info(FILE).unwrap().listener_bytes);
    let (pointer, bytes) = (memory.pointer(), 8 * memory.0.len());
    let mut c = std::ptr::null_mut();
    assert_eq!(unsafe { ser_listener_create(FILE.as_ptr(), FILE.len(), &config, pointer, bytes, &mut c) }, SER_OK);
    let stream = stream();
    let mut events = Vec::<ser_event_t>::new();
    assert_eq!(
        unsafe { ser_listener_push(c, stream.as_ptr(), stream.len(), Some(note), (&raw mut events).cast()) },
        SER_OK
    );
    assert!(events.is_empty());
}
