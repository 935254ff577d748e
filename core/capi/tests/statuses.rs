//! Whatever can be noticed is a status, and each status has its cause and its text.
// Each test calls the library as a C program does.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::collections::BTreeSet;
use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use crate::common::{FILE, Memory, info, utterances};
use ser::ser_status_t::*;
use ser::*;
use ser_core::contract::CRC;
use ser_core::model::HEADER_LEN;
use ser_tests::random_model::small_image_model;

fn status_text(status: i32) -> &'static str {
    unsafe { CStr::from_ptr(ser_status_text(status)) }.to_str().unwrap()
}

fn repaired(mut file: Vec<u8>) -> Vec<u8> {
    let checksum = CRC.checksum(&file[20..]);
    file[16..20].copy_from_slice(&checksum.to_le_bytes());
    file
}

fn changed(index: usize) -> Vec<u8> {
    let mut file = FILE.to_vec();
    file[index] ^= 1;
    file
}

/// What is wrong with a model.
fn models() -> Vec<(ser_status_t, Vec<u8>)> {
    vec![
        (SER_ERROR_NOT_A_MODEL, changed(0)),
        (SER_ERROR_MODEL_FORMAT, changed(8)),
        (SER_ERROR_MODEL_CONTRACT, changed(10)),
        (SER_ERROR_MODEL_DAMAGED, changed(FILE.len() - 1)),
        (SER_ERROR_MODEL_DAMAGED, FILE[..FILE.len() - 1].to_vec()),
        (SER_ERROR_MODEL_DAMAGED, FILE[..3].to_vec()),
        (SER_ERROR_MODEL_DAMAGED, Vec::new()),
        (SER_ERROR_MODEL_INVALID, {
            let mut file = FILE.to_vec();
            file[HEADER_LEN] = 0; // an empty label
            repaired(file)
        }),
    ]
}

/// Makes a recognizer and says what came of it.
fn create(file: &[u8], memory: *mut c_void, bytes: usize) -> ser_status_t {
    let mut handle = std::ptr::dangling_mut();
    let status = unsafe { ser_recognizer_create(file.as_ptr(), file.len(), memory, bytes, &mut handle) };
    assert_eq!(handle.is_null(), status != SER_OK);
    status
}

fn create_listener(file: &[u8], config: &ser_listener_config_t) -> ser_status_t {
    let mut memory = Memory::new(info(FILE).unwrap().listener_bytes);
    let (pointer, bytes) = (memory.pointer(), 8 * memory.0.len());
    let mut handle = std::ptr::dangling_mut();
    let status = unsafe { ser_listener_create(file.as_ptr(), file.len(), config, pointer, bytes, &mut handle) };
    assert_eq!(handle.is_null(), status != SER_OK);
    status
}

fn default_config() -> ser_listener_config_t {
    let mut config = MaybeUninit::uninit();
    assert_eq!(unsafe { ser_listener_default_config(config.as_mut_ptr()) }, SER_OK);
    unsafe { config.assume_init() }
}

/// Calls back with the listener that is at work; the status goes to `user`.
unsafe extern "C" fn again(_: *const ser_event_t, user: *mut c_void) {
    let (listener, status) = unsafe { &mut *user.cast::<(*mut ser_listener_t, ser_status_t)>() };
    *status = unsafe { ser_listener_reset(*listener) };
}

unsafe extern "C" fn ignore(_: *const ser_event_t, _: *mut c_void) {}

/// All that can be seen, by provoking it.
#[test]
fn every_status_has_a_cause_and_a_text() {
    let info = info(FILE).unwrap();
    let bytes = info.recognizer_bytes;
    let mut seen = BTreeSet::new();
    let mut see = |wanted: ser_status_t, got: ser_status_t| {
        assert_eq!(got, wanted, "{}", status_text(got as i32));
        seen.insert(got as i32);
    };
    for (wanted, file) in models() {
        see(wanted, crate::common::info(&file).err().unwrap());
        see(wanted, create(&file, Memory::new(bytes).pointer(), bytes));
    }

    let images = small_image_model().to_bytes();
    see(SER_ERROR_MODEL_FOR_IMAGES, crate::common::info(&images).err().unwrap());
    see(SER_ERROR_MODEL_FOR_IMAGES, create(&images, Memory::new(bytes).pointer(), bytes));
    see(SER_ERROR_MODEL_FOR_IMAGES, create_listener(&images, &default_config()));

    let mut memory = Memory::new(bytes + 8);
    let misaligned = unsafe { memory.pointer().byte_add(4) };
    see(SER_ERROR_MISALIGNED, create(FILE, misaligned, bytes));
    see(SER_ERROR_NULL, create(FILE, null_mut(), bytes));
    see(SER_ERROR_MEMORY_TOO_SHORT, create(FILE, memory.pointer(), bytes - 1));
    see(SER_ERROR_MEMORY_TOO_SHORT, create(FILE, memory.pointer(), 0));
    see(SER_OK, create(FILE, memory.pointer(), bytes));

    let recognizer = memory.recognizer();
    let mut prediction = MaybeUninit::uninit();
    see(SER_TOO_LITTLE_SPEECH, unsafe { ser_recognizer_prediction(recognizer, prediction.as_mut_ptr()) });
    see(SER_TOO_LITTLE_SPEECH, unsafe { ser_recognizer_finish(recognizer, prediction.as_mut_ptr()) });
    see(SER_OK, unsafe { ser_recognizer_push(recognizer, null(), 0) });
    let samples = [0i16; 4];
    see(SER_ERROR_LENGTH, unsafe { ser_recognizer_push(recognizer, samples.as_ptr(), -1isize as usize) });
    see(SER_ERROR_LENGTH, unsafe { ser_recognizer_push(recognizer, samples.as_ptr(), isize::MAX as usize) });
    see(SER_ERROR_MISALIGNED, unsafe { ser_recognizer_push(recognizer, samples.as_ptr().byte_add(1), 1) });

    let mut snapshot = vec![0; info.recognizer_snapshot_bytes];
    see(SER_ERROR_SNAPSHOT_LENGTH, unsafe {
        ser_recognizer_snapshot(recognizer, snapshot.as_mut_ptr(), snapshot.len() - 1)
    });
    see(SER_ERROR_SNAPSHOT_LENGTH, unsafe { ser_recognizer_snapshot(recognizer, null_mut(), 0) });
    see(SER_ERROR_SNAPSHOT_FOREIGN, unsafe { ser_recognizer_restore(recognizer, snapshot.as_ptr(), snapshot.len()) });
    see(SER_OK, unsafe { ser_recognizer_snapshot(recognizer, snapshot.as_mut_ptr(), snapshot.len()) });
    see(SER_ERROR_SNAPSHOT_LENGTH, unsafe {
        ser_recognizer_restore(recognizer, snapshot.as_ptr(), snapshot.len() - 1)
    });
    *snapshot.last_mut().unwrap() ^= 1;
    see(SER_ERROR_SNAPSHOT_DAMAGED, unsafe { ser_recognizer_restore(recognizer, snapshot.as_ptr(), snapshot.len()) });

    let mut nothing = Memory(vec![0; bytes.div_ceil(8)]);
    see(SER_ERROR_NOT_A_HANDLE, unsafe { ser_recognizer_reset(nothing.pointer().cast()) });
    see(SER_ERROR_NOT_A_HANDLE, unsafe { ser_listener_reset(recognizer.cast()) });

    see(SER_ERROR_CONFIG, create_listener(FILE, &ser_listener_config_t { onset_db: f32::NAN, ..default_config() }));
    see(SER_ERROR_CONFIG, create_listener(FILE, &ser_listener_config_t { max_ms: 0, ..default_config() }));
    see(SER_OK, create_listener(FILE, &default_config()));

    let mut memory = Memory::new(info.listener_bytes);
    let listener = memory.listener();
    let mut user = (listener, SER_OK);
    let samples = &utterances()[0];
    let pointer = (&raw mut user).cast();
    see(SER_OK, unsafe { ser_listener_push(listener, samples.as_ptr(), samples.len(), Some(again), pointer) });
    see(SER_ERROR_BUSY, user.1);
    see(SER_OK, unsafe { ser_listener_finish(listener, Some(ignore), null_mut()) });

    let known: BTreeSet<i32> = (-100..100).filter(|&status| status_text(status) != "no such status").collect();
    assert_eq!(seen, known);
    let texts: BTreeSet<&str> = known.iter().map(|&status| status_text(status)).collect();
    assert_eq!(texts.len(), known.len());
    assert_eq!(status_text(i32::MIN), "no such status");
}

#[test]
fn a_null_where_none_may_be_is_a_status() {
    let info = info(FILE).unwrap();
    let (mut memory, mut other) = (Memory::new(info.recognizer_bytes), Memory::new(info.listener_bytes));
    let (recognizer, listener) = (memory.recognizer(), other.listener());
    let (model, len) = (FILE.as_ptr(), FILE.len());
    let mut model_info = MaybeUninit::uninit();
    let samples = [0i16; 4];
    let mut prediction = MaybeUninit::uninit();
    let mut floor_db = 0.0;
    let bytes = [0u8; 4];
    let (mut memory, mut handle, mut listener_handle) = (Memory::new(info.listener_bytes), null_mut(), null_mut());
    let (pointer, size) = (memory.pointer(), info.listener_bytes);
    let none: *mut c_void = null_mut();
    let statuses = unsafe {
        [
            ser_model_info(null(), len, model_info.as_mut_ptr()),
            ser_model_info(model, len, null_mut()),
            ser_recognizer_create(null(), len, pointer, size, &mut handle),
            ser_recognizer_create(model, len, null_mut(), size, &mut handle),
            ser_recognizer_create(model, len, pointer, size, null_mut()),
            ser_recognizer_push(null_mut(), samples.as_ptr(), 4),
            ser_recognizer_push(recognizer, null(), 4),
            ser_recognizer_prediction(null_mut(), prediction.as_mut_ptr()),
            ser_recognizer_prediction(recognizer, null_mut()),
            ser_recognizer_finish(null_mut(), prediction.as_mut_ptr()),
            ser_recognizer_finish(recognizer, null_mut()),
            ser_recognizer_reset(null_mut()),
            ser_recognizer_snapshot(null_mut(), null_mut(), 0),
            ser_recognizer_snapshot(recognizer, null_mut(), info.recognizer_snapshot_bytes),
            ser_recognizer_restore(null_mut(), bytes.as_ptr(), 4),
            ser_recognizer_restore(recognizer, null(), info.recognizer_snapshot_bytes),
            ser_listener_default_config(null_mut()),
            ser_listener_create(null(), len, null(), pointer, size, &mut listener_handle),
            ser_listener_create(model, len, null(), null_mut(), size, &mut listener_handle),
            ser_listener_create(model, len, null(), pointer, size, null_mut()),
            ser_listener_push(null_mut(), samples.as_ptr(), 4, Some(ignore), none),
            ser_listener_push(listener, null(), 4, Some(ignore), none),
            ser_listener_push(listener, samples.as_ptr(), 4, None, none),
            ser_listener_finish(null_mut(), Some(ignore), none),
            ser_listener_finish(listener, None, none),
            ser_listener_reset(null_mut()),
            ser_listener_floor_db(null_mut(), &mut floor_db),
            ser_listener_floor_db(listener, null_mut()),
            ser_listener_snapshot(null_mut(), null_mut(), 0),
            ser_listener_snapshot(listener, null_mut(), info.listener_snapshot_bytes),
            ser_listener_restore(null_mut(), bytes.as_ptr(), 4),
            ser_listener_restore(listener, null(), info.listener_snapshot_bytes),
        ]
    };
    for (n, status) in statuses.into_iter().enumerate() {
        assert_eq!(status, SER_ERROR_NULL, "call {n}");
    }
}

#[test]
fn memory_of_any_start_is_taken_or_misaligned() {
    let bytes = info(FILE).unwrap().recognizer_bytes;
    let mut memory = Memory::new(bytes + SER_ALIGN);
    for offset in 0..SER_ALIGN {
        let pointer = unsafe { memory.pointer().byte_add(offset) };
        assert_eq!(create(FILE, pointer, bytes), if offset == 0 { SER_OK } else { SER_ERROR_MISALIGNED }, "{offset}");
    }
}

#[test]
fn nothing_is_written_behind_the_memory() {
    let bytes = info(FILE).unwrap().recognizer_bytes;
    let mut memory = Memory::new(bytes + 64);
    let whole = memory.0.clone();
    let pointer = memory.pointer();
    assert_eq!(create(FILE, pointer, bytes), SER_OK);
    let samples = &utterances()[0];
    assert_eq!(unsafe { ser_recognizer_push(pointer.cast(), samples.as_ptr(), samples.len()) }, SER_OK);
    assert_eq!(memory.0[bytes.div_ceil(8)..], whole[bytes.div_ceil(8)..]);
}

#[test]
fn versions_are_those_of_the_crates() {
    let version = unsafe { CStr::from_ptr(ser_version()) };
    assert_eq!(version.to_str().unwrap(), env!("CARGO_PKG_VERSION"));
    assert_eq!(ser_contract_id(), u32::from(ser_core::contract::CONTRACT_ID));
    assert_eq!(ser_model_format(), u32::from(ser_core::model::FORMAT_VERSION));
}
