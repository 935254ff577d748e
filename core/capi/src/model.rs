//! Versions of the library, and the needs of a model.

use core::ffi::{CStr, c_char};

use ser_core::arch::{Kernels, kernels};
use ser_core::contract::CONTRACT_ID;
use ser_core::model::{FORMAT_VERSION, LABEL_LEN};
use ser_core::spec::MAX_LABELS;
use ser_core::{Listener, Model, Recognizer};

use crate::block::Block;
use crate::pointers::{array, put};
use crate::status::{ser_status_t, status};

/// Largest number of labels of a model.
pub const SER_MAX_LABELS: usize = MAX_LABELS;

/// Largest length of a label, bytes, with the zero at its end.
pub const SER_LABEL_BYTES: usize = LABEL_LEN + 1;

/// A label as a string of C: UTF-8, then zeros.
pub(crate) fn label(text: &str) -> [c_char; SER_LABEL_BYTES] {
    let mut label = [0; SER_LABEL_BYTES];
    label.iter_mut().zip(text.bytes().take(LABEL_LEN)).for_each(|(to, byte)| *to = byte as c_char);
    label
}

/// Version of this library, like "1.2.3"; a string that is never freed. SER_VERSION is that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn ser_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no zero in it"),
    };
    VERSION.as_ptr()
}

/// Number of the arithmetic of this library. The same number means the same bits. SER_CONTRACT_ID is that of the
/// header.
#[unsafe(no_mangle)]
pub extern "C" fn ser_contract_id() -> u32 {
    u32::from(CONTRACT_ID)
}

/// The kernels of this library: "portable", "arm-dsp" (assembly for a Cortex-M with the DSP extension) or "avx2"; a
/// string that is never freed. A firmware can check by it that it was linked for its processor.
#[unsafe(no_mangle)]
pub extern "C" fn ser_kernels() -> *const c_char {
    let name = match kernels() {
        Kernels::ArmDsp => c"arm-dsp",
        Kernels::Avx2 => c"avx2",
        _ => c"portable",
    };
    name.as_ptr()
}

/// Format of the model files that this library reads. SER_MODEL_FORMAT is that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn ser_model_format() -> u32 {
    u32::from(FORMAT_VERSION)
}

/// The properties and needs of a model file.
#[repr(C)]
pub struct ser_model_info_t {
    /// Sample rate of the audio, Hz.
    pub sample_rate_hz: u32,
    /// Number of emotions, 2 to SER_MAX_LABELS.
    pub label_count: u32,
    /// Names of the emotions, strings in UTF-8; unused ones are empty.
    pub labels: [[c_char; SER_LABEL_BYTES]; SER_MAX_LABELS],
    /// A prediction whose probability is below this is not confident, 0 to 1.
    pub confidence_threshold: f32,
    /// CRC-32 of the file. It tells models apart.
    pub checksum: u32,
    /// Memory for a recognizer, bytes.
    pub recognizer_bytes: usize,
    /// Memory for a listener, bytes.
    pub listener_bytes: usize,
    /// State of the model, bytes; both numbers above include it. See SER_RECOGNIZER_BYTES.
    pub state_bytes: usize,
    /// Length of a recognizer's snapshot, bytes.
    pub recognizer_snapshot_bytes: usize,
    /// Length of a listener's snapshot, bytes.
    pub listener_snapshot_bytes: usize,
}

/// Checks a model file of `model_bytes` bytes and writes its needs to `info`. The model may have any alignment, and is
/// fastest at a multiple of 16.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, or one of SER_ERROR_NOT_A_MODEL and SER_ERROR_MODEL_...: then `info` is
/// unchanged.
///
/// # Safety
/// `model` points to this number of bytes, `info` to memory for the answer.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_model_info(
    model: *const u8,
    model_bytes: usize,
    info: *mut ser_model_info_t,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    let answer = || unsafe {
        match &Model::parse(array(model, model_bytes)?) {
            Ok(model) if model.front_end().image.is_some() => Err(ser_status_t::SER_ERROR_MODEL_FOR_IMAGES),
            Ok(model) => put(info, of(model)),
            Err(error) => Err((*error).into()),
        }
    };
    status(answer())
}

fn of(model: &Model<'_>) -> ser_model_info_t {
    let mut labels = [[0; SER_LABEL_BYTES]; SER_MAX_LABELS];
    labels.iter_mut().zip(model.labels()).for_each(|(to, text)| *to = label(text));
    ser_model_info_t {
        sample_rate_hz: model.front_end().sample_rate_hz,
        label_count: model.labels().len() as u32,
        labels,
        confidence_threshold: model.confidence_threshold(),
        checksum: model.checksum(),
        recognizer_bytes: Block::<Recognizer<'static, 'static>>::bytes(model),
        listener_bytes: Block::<Listener<'static, 'static>>::bytes(model),
        state_bytes: size_of::<u32>() * model.state_words(),
        recognizer_snapshot_bytes: model.snapshot_len(),
        listener_snapshot_bytes: Listener::snapshot_len(model),
    }
}
