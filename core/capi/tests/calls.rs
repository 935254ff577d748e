//! Calls in any order, with any arguments. `fuzz/` calls [`check`] too.
// Each call is one that a C program may make.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::collections::VecDeque;
use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use ser::ser_status_t::*;
use ser::*;
use ser_tests::random_model::{Shape, small_image_model, small_model};
use ser_tests::signals;

/// The most calls of a sequence.
const MOST_CALLS: usize = 48;
/// Handles that a sequence has.
const SLOTS: usize = 2;
/// Bytes of memory that are enough for any of the models.
const ENOUGH: usize = 1 << 16;
/// Bytes of a snapshot's header, and where its checksum is.
const HEADER_LEN: usize = 20;

/// Makes the calls that the bytes describe. Each status is the one that `ser.h` promises, nothing panics, and no call
/// leaves its memory, which a sanitizer sees.
pub fn check(bytes: &[u8]) {
    let mut script = Script(bytes.iter().copied().collect());
    let mut program = Program { slots: [const { Slot::EMPTY }; SLOTS], snapshot: Vec::new() };
    for _ in 0..MOST_CALLS {
        let Some(call) = script.0.pop_front() else { break };
        let slot = script.next() as usize % SLOTS;
        match call % 12 {
            0 => program.make_recognizer(slot, &mut script),
            1 => program.make_listener(slot, &mut script),
            2 => program.push(slot, &mut script),
            3 => program.answer(slot, &mut script),
            4 => program.end(slot, &mut script),
            5 => program.reset(slot, &mut script),
            6 => program.floor(slot, &mut script),
            7 => program.snapshot(slot, &mut script),
            8 => program.restore(slot, &mut script),
            9 => program.damage(&mut script),
            10 => info(&mut script),
            _ => status_text(&mut script),
        }
    }
}

/// Sequences that come far.
pub fn seeds() -> Vec<Vec<u8>> {
    // Make it from the first model in memory that is long enough, push, ask, snapshot, push, restore, end, reset.
    let recognizer = [0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 255, 3, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 9, 8, 0, 0, 0, 4, 0, 0, 0];
    let listener = [1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 255, 6, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 9, 8, 0, 0, 0, 4, 0, 0, 0];
    vec![recognizer.to_vec(), listener.to_vec(), [recognizer, listener].concat(), vec![10, 0, 0, 0, 11, 0, 3]]
}

/// The bytes that are left. Behind the last come zeros.
struct Script(VecDeque<u8>);

impl Script {
    fn next(&mut self) -> u8 {
        self.0.pop_front().unwrap_or_default()
    }

    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes([0; 4].map(|_: u8| self.next()))
    }

    /// Whether something unusual happens: once in 8 times if the bytes are random.
    fn seldom(&mut self) -> bool {
        self.next() > 223
    }
}

/// What lies in the memory of a slot.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Nothing,
    Recognizer,
    Listener,
}

struct Slot {
    memory: Vec<u64>,
    kind: Kind,
    /// Number of its model.
    model: usize,
}

impl Slot {
    const EMPTY: Self = Self { memory: Vec::new(), kind: Kind::Nothing, model: 0 };
}

struct Program {
    slots: [Slot; SLOTS],
    snapshot: Vec<u8>,
}

impl Program {
    /// New memory for a handle. Now and then it is too short, misaligned or missing.
    fn memory(&mut self, slot: usize, bytes: usize, script: &mut Script) -> (*mut c_void, usize, Option<ser_status_t>) {
        let slot = &mut self.slots[slot];
        slot.kind = Kind::Nothing;
        slot.memory = vec![0x5555_5555_5555_5555; bytes.div_ceil(8)];
        let pointer = slot.memory.as_mut_ptr();
        if !script.seldom() {
            return (pointer.cast(), bytes, None);
        }
        match script.next() % 3 {
            0 => (null_mut(), bytes, Some(SER_ERROR_NULL)),
            1 => (pointer.cast::<u8>().wrapping_add(4).cast(), bytes, Some(SER_ERROR_MISALIGNED)),
            _ => (pointer.cast(), bytes - 1 - script.next() as usize % 64, Some(SER_ERROR_MEMORY_TOO_SHORT)),
        }
    }

    fn make_recognizer(&mut self, slot: usize, script: &mut Script) {
        let (model, file, refusal) = model(script);
        let bytes = needs(model).map_or(ENOUGH, |needs| needs.recognizer_bytes);
        let (memory, bytes, no_memory) = self.memory(slot, bytes, script);
        let mut handle = std::ptr::dangling_mut();
        let status = unsafe { ser_recognizer_create(file.as_ptr(), file.len(), memory, bytes, &mut handle) };
        self.made(slot, Kind::Recognizer, model, (status, handle.cast()), [no_memory, refusal, None]);
    }

    fn make_listener(&mut self, slot: usize, script: &mut Script) {
        let (model, file, refusal) = model(script);
        let bytes = needs(model).map_or(ENOUGH, |needs| needs.listener_bytes);
        let (memory, bytes, no_memory) = self.memory(slot, bytes, script);
        let config = script.seldom().then(|| config(script));
        let config_pointer = config.as_ref().map_or(null(), |config| &raw const *config);
        let mut handle = std::ptr::dangling_mut();
        let status =
            unsafe { ser_listener_create(file.as_ptr(), file.len(), config_pointer, memory, bytes, &mut handle) };
        let no_config = (config.is_some() && status == SER_ERROR_CONFIG).then_some(status);
        self.made(slot, Kind::Listener, model, (status, handle.cast()), [no_memory, refusal, no_config]);
    }

    /// What came of an attempt to make a handle. Of several reasons for an error any may be given.
    fn made(
        &mut self,
        slot: usize,
        kind: Kind,
        model: usize,
        (status, handle): (ser_status_t, *mut c_void),
        errors: [Option<ser_status_t>; 3],
    ) {
        let slot = &mut self.slots[slot];
        if errors == [None; 3] {
            assert_eq!(status, SER_OK);
            assert_eq!(handle, slot.memory.as_mut_ptr().cast());
            (slot.kind, slot.model) = (kind, model);
        } else {
            assert!(errors.contains(&Some(status)), "{status:?}, wanted one of {errors:?}");
            assert!(handle.is_null());
        }
    }

    /// A pointer to a handle of this kind, and the status that it deserves if it is none.
    fn handle<T>(&mut self, slot: usize, kind: Kind, script: &mut Script) -> (*mut T, Option<ser_status_t>) {
        let slot = &mut self.slots[slot];
        let pointer: *mut T = slot.memory.as_mut_ptr().cast();
        if slot.memory.is_empty() || script.seldom() {
            match script.next() % 2 {
                0 => (null_mut(), Some(SER_ERROR_NULL)),
                _ => (pointer.wrapping_byte_add(1), Some(SER_ERROR_MISALIGNED)),
            }
        } else {
            (pointer, (slot.kind != kind).then_some(SER_ERROR_NOT_A_HANDLE))
        }
    }

    fn push(&mut self, slot: usize, script: &mut Script) {
        let (seed, len) = (script.next(), 8 * script.next() as usize);
        let samples = signals::babble(seed.into(), len);
        let (pointer, count, refusal) = if script.seldom() {
            match script.next() % 4 {
                0 => (null(), 0, None),
                1 => (null(), len + 1, Some(SER_ERROR_NULL)),
                2 => (samples.as_ptr(), usize::MAX / 2, Some(SER_ERROR_LENGTH)),
                // The pointer of an empty array does not matter.
                _ => (samples.as_ptr().wrapping_byte_add(1), len, (len > 0).then_some(SER_ERROR_MISALIGNED)),
            }
        } else {
            (samples.as_ptr(), len, None)
        };
        if script.next().is_multiple_of(2) || self.slots[slot].kind == Kind::Recognizer {
            let (handle, no_handle) = self.handle(slot, Kind::Recognizer, script);
            let status = unsafe { ser_recognizer_push(handle, pointer, count) };
            assert_eq!(status, no_handle.or(refusal).unwrap_or(SER_OK));
        } else {
            let (handle, no_handle) = self.handle(slot, Kind::Listener, script);
            let (mut heard, event) = heard(handle, script);
            let status = unsafe { ser_listener_push(handle, pointer, count, event, (&raw mut heard).cast()) };
            let no_event = event.is_none().then_some(SER_ERROR_NULL);
            match (no_handle, no_event, refusal) {
                (Some(wanted), _, _) | (None, Some(wanted), None) | (None, None, Some(wanted)) => {
                    assert_eq!(status, wanted);
                }
                (None, Some(one), Some(other)) => assert!(status == one || status == other),
                (None, None, None) => assert_eq!(status, SER_OK),
            }
        }
    }

    /// Asks a recognizer.
    fn answer(&mut self, slot: usize, script: &mut Script) {
        let (handle, no_handle) = self.handle(slot, Kind::Recognizer, script);
        let mut prediction = MaybeUninit::<ser_prediction_t>::uninit();
        let to = if script.seldom() { null_mut() } else { prediction.as_mut_ptr() };
        let status = unsafe {
            match script.next() % 2 {
                0 => ser_recognizer_prediction(handle, to),
                _ => ser_recognizer_finish(handle, to),
            }
        };
        match no_handle.or(to.is_null().then_some(SER_ERROR_NULL)) {
            Some(wanted) => assert_eq!(status, wanted),
            None if status == SER_OK => sound(&unsafe { prediction.assume_init() }),
            None => assert_eq!(status, SER_TOO_LITTLE_SPEECH),
        }
    }

    /// Ends an utterance or a stream.
    fn end(&mut self, slot: usize, script: &mut Script) {
        let (handle, no_handle) = self.handle(slot, Kind::Listener, script);
        let (mut heard, event) = heard(handle, script);
        let user = (&raw mut heard).cast();
        let status = unsafe {
            match script.next() % 2 {
                0 => ser_listener_end_utterance(handle, event, user),
                _ => ser_listener_finish(handle, event, user),
            }
        };
        let no_event = event.is_none().then_some(SER_ERROR_NULL);
        assert_eq!(status, no_handle.or(no_event).unwrap_or(SER_OK));
    }

    fn reset(&mut self, slot: usize, script: &mut Script) {
        let (status, no_handle) = if script.next().is_multiple_of(2) {
            let (handle, no_handle) = self.handle(slot, Kind::Recognizer, script);
            (unsafe { ser_recognizer_reset(handle) }, no_handle)
        } else {
            let (handle, no_handle) = self.handle(slot, Kind::Listener, script);
            (unsafe { ser_listener_reset(handle) }, no_handle)
        };
        assert_eq!(status, no_handle.unwrap_or(SER_OK));
    }

    fn floor(&mut self, slot: usize, script: &mut Script) {
        let (handle, no_handle) = self.handle(slot, Kind::Listener, script);
        let status = unsafe { ser_listener_set_floor_db(handle, f32::from_bits(script.next_u32())) };
        assert_eq!(status, no_handle.unwrap_or(SER_OK));
        let mut floor_db = f32::NAN;
        let to = if script.seldom() { null_mut() } else { &raw mut floor_db };
        let status = unsafe { ser_listener_floor_db(handle, to) };
        assert_eq!(status, no_handle.or(to.is_null().then_some(SER_ERROR_NULL)).unwrap_or(SER_OK));
        assert!(status != SER_OK || (-200.0..=20.0).contains(&floor_db), "{floor_db}");
    }

    /// Takes a snapshot into memory of its length, or now and then of another.
    fn snapshot(&mut self, slot: usize, script: &mut Script) {
        let Slot { kind, model, .. } = self.slots[slot];
        let needs = needs(model).expect("a handle has a model");
        let listens = kind == Kind::Listener;
        let wanted = if listens { needs.listener_snapshot_bytes } else { needs.recognizer_snapshot_bytes };
        let len = if script.seldom() { script.next() as usize } else { wanted };
        let mut snapshot = vec![0xAA; len];
        let (status, no_handle) = if listens {
            let (handle, no_handle) = self.handle(slot, Kind::Listener, script);
            (unsafe { ser_listener_snapshot(handle, snapshot.as_mut_ptr(), len) }, no_handle)
        } else {
            let (handle, no_handle) = self.handle(slot, Kind::Recognizer, script);
            (unsafe { ser_recognizer_snapshot(handle, snapshot.as_mut_ptr(), len) }, no_handle)
        };
        let bad_len = (len != wanted).then_some(SER_ERROR_SNAPSHOT_LENGTH);
        assert_eq!(status, no_handle.or(bad_len).unwrap_or(SER_OK));
        if status == SER_OK {
            self.snapshot = snapshot;
        }
    }

    /// Restores the last snapshot, whosever it is.
    fn restore(&mut self, slot: usize, script: &mut Script) {
        let (snapshot, len) = (self.snapshot.as_ptr(), self.snapshot.len());
        let (status, no_handle) = if self.slots[slot].kind == Kind::Listener {
            let (handle, no_handle) = self.handle(slot, Kind::Listener, script);
            (unsafe { ser_listener_restore(handle, snapshot, len) }, no_handle)
        } else {
            let (handle, no_handle) = self.handle(slot, Kind::Recognizer, script);
            (unsafe { ser_recognizer_restore(handle, snapshot, len) }, no_handle)
        };
        match no_handle {
            Some(wanted) => assert_eq!(status, wanted),
            None => assert!(
                [SER_OK, SER_ERROR_SNAPSHOT_LENGTH, SER_ERROR_SNAPSHOT_FOREIGN, SER_ERROR_SNAPSHOT_DAMAGED]
                    .contains(&status),
                "{status:?}"
            ),
        }
    }

    /// Changes bytes of the snapshot, and repairs its checksum now and then.
    fn damage(&mut self, script: &mut Script) {
        for _ in 0..script.next() % 4 {
            let at = script.next_u32() as usize;
            let value = script.next();
            let len = self.snapshot.len().max(1);
            if let Some(byte) = self.snapshot.get_mut(at % len) {
                *byte = value;
            }
        }
        if !script.next().is_multiple_of(4) && self.snapshot.len() > HEADER_LEN {
            let checksum = ser_core::contract::CRC.checksum(&self.snapshot[HEADER_LEN..]);
            self.snapshot[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&checksum.to_le_bytes());
        }
    }
}

/// Model files, and what making a handle of them says.
fn models() -> &'static [(Vec<u8>, Option<ser_status_t>)] {
    static MODELS: OnceLock<Vec<(Vec<u8>, Option<ser_status_t>)>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let small = small_model().to_bytes();
        let mut random = Shape::random(5).fill(5);
        random.front_end.hop_len = random.front_end.hop_len.clamp(1, 60);
        let mut damaged = small.clone();
        *damaged.last_mut().expect("a file") ^= 1;
        vec![
            (small, None),
            (random.to_bytes(), None),
            (small_image_model().to_bytes(), Some(SER_ERROR_MODEL_FOR_IMAGES)),
            (damaged, Some(SER_ERROR_MODEL_DAMAGED)),
            (Vec::new(), Some(SER_ERROR_MODEL_DAMAGED)),
        ]
    })
}

fn model(script: &mut Script) -> (usize, &'static [u8], Option<ser_status_t>) {
    let number = if script.seldom() { script.next() as usize } else { script.next() as usize % 2 } % models().len();
    let (file, refusal) = &models()[number];
    (number, file, *refusal)
}

/// What a handle of this model needs; None if there can be none.
fn needs(model: usize) -> Option<ser_model_info_t> {
    let (file, refusal) = &models()[model];
    let mut info = MaybeUninit::uninit();
    let status = unsafe { ser_model_info(file.as_ptr(), file.len(), info.as_mut_ptr()) };
    assert_eq!(status, refusal.unwrap_or(SER_OK));
    refusal.is_none().then(|| unsafe { info.assume_init() })
}

/// Parameters of which some are any number.
fn config(script: &mut Script) -> ser_listener_config_t {
    let mut config = MaybeUninit::uninit();
    assert_eq!(unsafe { ser_listener_default_config(config.as_mut_ptr()) }, SER_OK);
    let mut config: ser_listener_config_t = unsafe { config.assume_init() };
    for _ in 0..script.next() % 4 {
        let number = script.next_u32();
        match script.next() % 8 {
            0 => config.threshold_db = f32::from_bits(number),
            1 => config.onset_db = f32::from_bits(number),
            2 => config.keep_db = f32::from_bits(number),
            3 => config.rise_db_per_s = f32::from_bits(number),
            4 => config.fall_db_per_s = f32::from_bits(number),
            5 => config.hangover_ms = number,
            6 => config.min_speech_ms = number,
            _ => config.max_ms = number,
        }
    }
    config
}

/// Asks for the needs of a model.
fn info(script: &mut Script) {
    let (_, file, refusal) = model(script);
    let mut info = MaybeUninit::uninit();
    let to = if script.seldom() { null_mut() } else { info.as_mut_ptr() };
    let status = unsafe { ser_model_info(file.as_ptr(), file.len(), to) };
    let no_place = to.is_null().then_some(SER_ERROR_NULL);
    if refusal.is_none() && no_place.is_none() {
        assert_eq!(status, SER_OK);
    } else {
        assert!([refusal, no_place].contains(&Some(status)), "{status:?}");
    }
}

/// Each number has a text.
fn status_text(script: &mut Script) {
    let text = unsafe { CStr::from_ptr(ser_status_text(script.next_u32() as i32)) };
    assert!(!text.to_str().expect("UTF-8").is_empty());
}

/// What the event function is given: the listener, so that it can call back, and its events so far.
struct Heard {
    listener: *mut ser_listener_t,
    end: u64,
}

/// An event function, or now and then none, and what it is given.
fn heard(listener: *mut ser_listener_t, script: &mut Script) -> (Heard, ser_event_fn) {
    (Heard { listener, end: 0 }, if script.seldom() { None } else { Some(note) })
}

unsafe extern "C" fn note(event: *const ser_event_t, user: *mut c_void) {
    let (event, heard) = unsafe { (&*event, &mut *user.cast::<Heard>()) };
    assert_eq!(unsafe { ser_listener_reset(heard.listener) }, SER_ERROR_BUSY);
    if event.kind == ser_event_kind_t::SER_EVENT_ENDED {
        assert!(event.start < event.end && heard.end <= event.start);
        heard.end = event.end;
        if event.has_prediction {
            sound(&event.prediction);
        }
    }
}

/// The prediction is whole.
fn sound(prediction: &ser_prediction_t) {
    assert!((prediction.index as usize) < SER_MAX_LABELS);
    let sum: f32 = prediction.probabilities.iter().sum();
    assert!((sum - 1.0).abs() < 1e-3, "{:?}", prediction.probabilities);
    assert!(prediction.label.contains(&0));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn calls_in_any_order_give_the_statuses_that_the_header_promises(
            start in prop::sample::select(seeds()),
            more in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            check(&[start, more].concat());
        }
    }
}
