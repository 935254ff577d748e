//! What the tests share: a model, memory as a C program has it, speech-like audio.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use ser::ser_status_t::{self, *};
use ser::{
    ser_listener_create, ser_listener_t, ser_model_info, ser_model_info_t, ser_recognizer_create, ser_recognizer_t,
};
use ser_host::corpus::synth;

/// A model file.
pub static FILE: &[u8] = include_bytes!("../../../../models/synthetic/edge.ser");

/// Memory aligned to SER_ALIGN.
pub struct Memory(pub Vec<u64>);

impl Memory {
    /// At least so many bytes, dirty.
    pub fn new(bytes: usize) -> Self {
        Self(vec![0x5555_5555_5555_5555; bytes.div_ceil(8)])
    }

    pub fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    pub fn recognizer(&mut self) -> *mut ser_recognizer_t {
        let mut handle = null_mut();
        let (memory, bytes) = (self.pointer(), 8 * self.0.len());
        // SAFETY: model and memory outlive the handle.
        assert_eq!(unsafe { ser_recognizer_create(FILE.as_ptr(), FILE.len(), memory, bytes, &mut handle) }, SER_OK);
        handle
    }

    pub fn listener(&mut self) -> *mut ser_listener_t {
        let mut handle = null_mut();
        let (memory, bytes) = (self.pointer(), 8 * self.0.len());
        let (file, config) = ((FILE.as_ptr(), FILE.len()), std::ptr::null());
        // SAFETY: model and memory outlive the handle.
        assert_eq!(unsafe { ser_listener_create(file.0, file.1, config, memory, bytes, &mut handle) }, SER_OK);
        handle
    }
}

/// What the library says of a model.
pub fn info(file: &[u8]) -> Result<ser_model_info_t, ser_status_t> {
    let mut info = MaybeUninit::uninit();
    // SAFETY: a slice, and memory for the answer.
    match unsafe { ser_model_info(file.as_ptr(), file.len(), info.as_mut_ptr()) } {
        // SAFETY: it was written.
        SER_OK => Ok(unsafe { info.assume_init() }),
        status => Err(status),
    }
}

/// One utterance of each emotion.
pub fn utterances() -> Vec<Vec<i16>> {
    (0..6).map(|emotion| synth::render(synth::DEFAULT_SEED, emotion % 4, emotion, 7 + emotion)).collect()
}
