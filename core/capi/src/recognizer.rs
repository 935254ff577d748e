//! Recognises one utterance after the other.

use core::ffi::c_void;

use ser_core::{Prediction, Recognizer};

use crate::block::{Block, create, enter};
use crate::pointers::{array, array_mut, check, put};
use crate::prediction::ser_prediction_t;
use crate::status::ser_status_t::{self, *};
use crate::status::status;

/// Recognises utterances whose ends the caller knows. It lies in the memory given to ser_recognizer_create.
pub struct ser_recognizer_t {
    _block: Block<Recognizer<'static, 'static>>,
}

/// # Safety
/// As for [`enter`].
unsafe fn with<R>(
    recognizer: *mut ser_recognizer_t,
    work: impl FnOnce(&mut Recognizer<'static, 'static>) -> Result<R, ser_status_t>,
) -> Result<R, ser_status_t> {
    // SAFETY: a recognizer is its block and nothing else.
    unsafe { enter(recognizer.cast::<Block<Recognizer<'static, 'static>>>(), work) }
}

/// # Safety
/// `to` is null, misaligned or points to memory for a prediction.
unsafe fn answer(to: *mut ser_prediction_t, prediction: Option<Prediction<'_>>) -> Result<(), ser_status_t> {
    // SAFETY: by this function's contract.
    unsafe { put(to, ser_prediction_t::from(&prediction.ok_or(SER_TOO_LITTLE_SPEECH)?)) }
}

/// Makes a recognizer, before its first sample, in memory of the caller, and sets `recognizer` to it.
///
/// `memory` is aligned to SER_ALIGN and has at least SER_RECOGNIZER_BYTES or, less, ser_model_info's
/// `recognizer_bytes`. Nothing has to be freed: the memory is yours again when you no longer use the recognizer.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _MEMORY_TOO_SHORT, or one of SER_ERROR_NOT_A_MODEL and SER_ERROR_MODEL_...:
/// then `recognizer` is set to NULL, unless the error is in `recognizer` itself.
///
/// # Safety
/// `model` points to `model_bytes` bytes and `memory` to `memory_bytes` bytes. While the recognizer is in use, both
/// stay in place, the model does not change, and nobody else touches the memory. `recognizer` points to a pointer
/// outside of that memory.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_recognizer_create(
    model: *const u8,
    model_bytes: usize,
    memory: *mut c_void,
    memory_bytes: usize,
    recognizer: *mut *mut ser_recognizer_t,
) -> ser_status_t {
    let make = || {
        // SAFETY: by this function's contract.
        unsafe {
            put(recognizer, core::ptr::null_mut())?;
            let block =
                create(model, model_bytes, memory, memory_bytes, |model, state| Ok(Recognizer::new(model, state)?))?;
            put(recognizer, block.cast())
        }
    };
    status(make())
}

/// Takes any number of samples, `count`, at the model's rate. The result does not depend on the size of the chunks.
/// `samples` may be NULL if `count` is 0.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then no sample was taken.
///
/// # Safety
/// `recognizer` was made by ser_recognizer_create; `samples` points to this number of samples.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_recognizer_push(
    recognizer: *mut ser_recognizer_t,
    samples: *const i16,
    count: usize,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(recognizer, |recognizer| {
            recognizer.push(array(samples, count)?);
            Ok(())
        })
    })
}

/// The prediction for what the network has heard since the start of the utterance. It costs no row of the network; right
/// behind a pause, rows of it may still wait and are not in it yet. ser_recognizer_finish has them all.
///
/// SER_TOO_LITTLE_SPEECH while there is none; SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY. `prediction` changes
/// only with SER_OK.
///
/// # Safety
/// `recognizer` was made by ser_recognizer_create; `prediction` points to memory for the answer.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_recognizer_prediction(
    recognizer: *mut ser_recognizer_t,
    prediction: *mut ser_prediction_t,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(recognizer, |recognizer| {
            check(prediction)?;
            answer(prediction, recognizer.prediction())
        })
    })
}

/// Ends the utterance: writes its prediction, and resets the recognizer for the next. Silence at the end changes
/// nothing. Right behind a pause it costs the rows of the pause, at most 16 for `edge`.
///
/// SER_TOO_LITTLE_SPEECH if there is no prediction; the recognizer is reset too. SER_ERROR_NULL, _MISALIGNED,
/// _NOT_A_HANDLE, _BUSY: then the utterance goes on. `prediction` changes only with SER_OK.
///
/// # Safety
/// `recognizer` was made by ser_recognizer_create; `prediction` points to memory for the answer.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_recognizer_finish(
    recognizer: *mut ser_recognizer_t,
    prediction: *mut ser_prediction_t,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(recognizer, |recognizer| {
            check(prediction)?;
            answer(prediction, recognizer.finish())
        })
    })
}

/// Zeroes the state: the next sample starts a new utterance.
///
/// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
///
/// # Safety
/// `recognizer` was made by ser_recognizer_create.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_recognizer_reset(recognizer: *mut ser_recognizer_t) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(recognizer, |recognizer| {
            recognizer.reset();
            Ok(())
        })
    })
}

/// Writes the state to `snapshot`, whose length is ser_model_info's `recognizer_snapshot_bytes`.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY, _SNAPSHOT_LENGTH.
///
/// # Safety
/// `recognizer` was made by ser_recognizer_create; `snapshot` points to this number of bytes outside of its memory.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_recognizer_snapshot(
    recognizer: *mut ser_recognizer_t,
    snapshot: *mut u8,
    snapshot_bytes: usize,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe { with(recognizer, |recognizer| Ok(recognizer.snapshot(array_mut(snapshot, snapshot_bytes)?)?)) })
}

/// Continues from a snapshot of any recognizer with the same model. From there on the same bits come out.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then nothing has changed. SER_ERROR_SNAPSHOT_...: then
/// the recognizer is reset.
///
/// # Safety
/// `recognizer` was made by ser_recognizer_create; `snapshot` points to this number of bytes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_recognizer_restore(
    recognizer: *mut ser_recognizer_t,
    snapshot: *const u8,
    snapshot_bytes: usize,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe { with(recognizer, |recognizer| Ok(recognizer.restore(array(snapshot, snapshot_bytes)?)?)) })
}
