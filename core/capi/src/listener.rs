//! Hears an endless stream.

use core::ffi::{c_char, c_void};

use ser_core::{EndpointerConfig, Event, Listener};

use crate::block::{Block, create, enter};
use crate::model::{SER_LABEL_BYTES, SER_MAX_LABELS};
use crate::pointers::{array, array_mut, check, put};
use crate::prediction::ser_prediction_t;
use crate::status::ser_status_t::{self, *};
use crate::status::status;

/// Hears an endless stream, finds utterances and recognises each. It lies in the memory given to ser_listener_create.
pub struct ser_listener_t {
    _block: Block<Listener<'static, 'static>>,
}

/// Parameters of a listener. Levels are mean squares, full scale = 1, so a full-scale sine is at -3 dBFS.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ser_listener_config_t {
    /// A frame below this level, dBFS, is silence, however low the noise floor; -150 to 0.
    pub threshold_db: f32,
    /// A frame this far above the floor, dB, counts as speech; `keep_db` to 60.
    pub onset_db: f32,
    /// A frame this far above the floor, dB, begins a sound and keeps it going; 1 to 60.
    pub keep_db: f32,
    /// Fastest rise of the floor, dB/s; 0 to 100.
    pub rise_db_per_s: f32,
    /// Fastest fall of the floor, dB/s; more than 0, at most 1000.
    pub fall_db_per_s: f32,
    /// Silence that ends an utterance, ms; 1 to 60,000.
    pub hangover_ms: u32,
    /// Least speech of an utterance, ms; 1 to 60,000.
    pub min_speech_ms: u32,
    /// Longest utterance, ms; more than hangover and least speech, at most 600,000. A longer one is cut into several.
    pub max_ms: u32,
}

impl From<EndpointerConfig> for ser_listener_config_t {
    fn from(config: EndpointerConfig) -> Self {
        let EndpointerConfig {
            threshold_db,
            onset_db,
            keep_db,
            rise_db_per_s,
            fall_db_per_s,
            hangover_ms,
            min_speech_ms,
            max_ms,
        } = config;
        Self { threshold_db, onset_db, keep_db, rise_db_per_s, fall_db_per_s, hangover_ms, min_speech_ms, max_ms }
    }
}

impl From<ser_listener_config_t> for EndpointerConfig {
    fn from(config: ser_listener_config_t) -> Self {
        let ser_listener_config_t {
            threshold_db,
            onset_db,
            keep_db,
            rise_db_per_s,
            fall_db_per_s,
            hangover_ms,
            min_speech_ms,
            max_ms,
        } = config;
        Self { threshold_db, onset_db, keep_db, rise_db_per_s, fall_db_per_s, hangover_ms, min_speech_ms, max_ms }
    }
}

/// Kind of an event.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ser_event_kind_t {
    /// Somebody speaks. Reported once there was enough speech.
    SER_EVENT_STARTED = 0,
    /// The utterance is over. Reported `hangover_ms` after its end.
    SER_EVENT_ENDED = 1,
}

/// An event on a stream. Samples are counted from the start of the stream.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ser_event_t {
    /// First sample of the utterance.
    pub start: u64,
    /// SER_EVENT_ENDED: the sample behind the last; else 0.
    pub end: u64,
    /// Kind of the event.
    pub kind: ser_event_kind_t,
    /// SER_EVENT_ENDED: whether it was cut because it reached `max_ms`; another utterance follows.
    pub cut: bool,
    /// SER_EVENT_ENDED: whether there is a prediction. If not, too little of it passed the model's silence gate.
    pub has_prediction: bool,
    /// The prediction, if there is one; else zeros.
    pub prediction: ser_prediction_t,
}

impl From<&Event<'_>> for ser_event_t {
    fn from(event: &Event<'_>) -> Self {
        const NONE: ser_prediction_t = ser_prediction_t {
            index: 0,
            confident: false,
            label: [0 as c_char; SER_LABEL_BYTES],
            probabilities: [0.0; SER_MAX_LABELS],
            logits: [0; SER_MAX_LABELS],
        };
        match event {
            &Event::Started { start } => {
                let kind = ser_event_kind_t::SER_EVENT_STARTED;
                Self { start, end: 0, kind, cut: false, has_prediction: false, prediction: NONE }
            }
            Event::Ended { start, end, cut, prediction } => Self {
                start: *start,
                end: *end,
                kind: ser_event_kind_t::SER_EVENT_ENDED,
                cut: *cut,
                has_prediction: prediction.is_some(),
                prediction: prediction.as_ref().map_or(NONE, ser_prediction_t::from),
            },
        }
    }
}

/// Called with each event and with the pointer `user`. The event is valid only during the call. The function must
/// return, and must not call a function with the same listener: that gives SER_ERROR_BUSY.
pub type ser_event_fn = Option<unsafe extern "C" fn(event: *const ser_event_t, user: *mut c_void)>;

/// # Safety
/// As for [`enter`].
unsafe fn with<R>(
    listener: *mut ser_listener_t,
    work: impl FnOnce(&mut Listener<'static, 'static>) -> Result<R, ser_status_t>,
) -> Result<R, ser_status_t> {
    // SAFETY: a listener is its block and nothing else.
    unsafe { enter(listener.cast::<Block<Listener<'static, 'static>>>(), work) }
}

/// The parameters that suit the preset `edge`.
///
/// SER_ERROR_NULL, _MISALIGNED.
///
/// # Safety
/// `config` points to memory for the parameters.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_default_config(config: *mut ser_listener_config_t) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe { put(config, EndpointerConfig::default().into()) })
}

/// Makes a listener, before its first sample, in memory of the caller, and sets `listener` to it.
///
/// A `config` of NULL means ser_listener_default_config. `memory` is aligned to SER_ALIGN and has at least
/// SER_LISTENER_BYTES or, less, ser_model_info's `listener_bytes`. Nothing has to be freed: the memory is yours again
/// when you no longer use the listener.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _MEMORY_TOO_SHORT, _CONFIG, or one of SER_ERROR_NOT_A_MODEL and
/// SER_ERROR_MODEL_...: then `listener` is set to NULL, unless the error is in `listener` itself.
///
/// # Safety
/// `model` points to `model_bytes` bytes and `memory` to `memory_bytes` bytes. While the listener is in use, both
/// stay in place, the model does not change, and nobody else touches the memory. `listener` points to a pointer
/// outside of that memory.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_create(
    model: *const u8,
    model_bytes: usize,
    config: *const ser_listener_config_t,
    memory: *mut c_void,
    memory_bytes: usize,
    listener: *mut *mut ser_listener_t,
) -> ser_status_t {
    let make = || {
        // SAFETY: by this function's contract.
        unsafe {
            put(listener, core::ptr::null_mut())?;
            let config = if config.is_null() {
                EndpointerConfig::default()
            } else {
                check(config)?;
                config.read().into()
            };
            let block = create(model, model_bytes, memory, memory_bytes, |model, state| {
                Ok(Listener::new(model, state, &config)?)
            })?;
            put(listener, block.cast())
        }
    };
    status(make())
}

/// Takes any number of samples, `count`, at the model's rate, and calls `event` with `user` for each event. The events
/// do not depend on the size of the chunks. `samples` may be NULL if `count` is 0.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then no sample was taken.
///
/// # Safety
/// `listener` was made by ser_listener_create; `samples` points to this number of samples; `event` may be called with
/// `user`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_push(
    listener: *mut ser_listener_t,
    samples: *const i16,
    count: usize,
    event: ser_event_fn,
    user: *mut c_void,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(listener, |listener| {
            let event = event.ok_or(SER_ERROR_NULL)?;
            listener.push(array(samples, count)?, |what| event(&ser_event_t::from(&what), user));
            Ok(())
        })
    })
}

/// Ends an utterance that lasts, for instance when a button is released: then `event` is called with `user`. The stream
/// goes on, with its clock and its noise floor. Speech that follows is another utterance.
///
/// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY: then the utterance goes on.
///
/// # Safety
/// `listener` was made by ser_listener_create; `event` may be called with `user`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_end_utterance(
    listener: *mut ser_listener_t,
    event: ser_event_fn,
    user: *mut c_void,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(listener, |listener| {
            let event = event.ok_or(SER_ERROR_NULL)?;
            listener.end_utterance(|what| event(&ser_event_t::from(&what), user));
            Ok(())
        })
    })
}

/// Ends the stream, and with it an utterance that still lasts: then `event` is called with `user`. The next sample
/// starts another stream, whose noise is unknown: see ser_listener_set_floor_db. Nothing of the audio is left in memory.
///
/// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY: then the stream goes on.
///
/// # Safety
/// `listener` was made by ser_listener_create; `event` may be called with `user`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_finish(
    listener: *mut ser_listener_t,
    event: ser_event_fn,
    user: *mut c_void,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(listener, |listener| {
            let event = event.ok_or(SER_ERROR_NULL)?;
            listener.finish(|what| event(&ser_event_t::from(&what), user));
            Ok(())
        })
    })
}

/// Zeroes the state: the next sample starts another stream. Nothing of the audio is left in memory.
///
/// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
///
/// # Safety
/// `listener` was made by ser_listener_create.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_reset(listener: *mut ser_listener_t) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(listener, |listener| {
            listener.reset();
            Ok(())
        })
    })
}

/// The noise floor, dBFS.
///
/// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
///
/// # Safety
/// `listener` was made by ser_listener_create; `floor_db` points to memory for the answer.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_floor_db(listener: *mut ser_listener_t, floor_db: *mut f32) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe { with(listener, |listener| put(floor_db, listener.floor_db())) })
}

/// Sets the noise floor, dBFS, for instance to that of the last stream. At the start of a stream the floor comes up
/// quickly unless it was set. A value that no floor has counts as the nearest one, and NaN as the least.
///
/// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
///
/// # Safety
/// `listener` was made by ser_listener_create.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_set_floor_db(listener: *mut ser_listener_t, floor_db: f32) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe {
        with(listener, |listener| {
            listener.set_floor_db(floor_db);
            Ok(())
        })
    })
}

/// Writes the state to `snapshot`, whose length is ser_model_info's `listener_snapshot_bytes`.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY, _SNAPSHOT_LENGTH.
///
/// # Safety
/// `listener` was made by ser_listener_create; `snapshot` points to this number of bytes outside of its memory.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_snapshot(
    listener: *mut ser_listener_t,
    snapshot: *mut u8,
    snapshot_bytes: usize,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe { with(listener, |listener| Ok(listener.snapshot(array_mut(snapshot, snapshot_bytes)?)?)) })
}

/// Continues from a snapshot of any listener with the same model and parameters. From there on the same events come.
///
/// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then nothing has changed. SER_ERROR_SNAPSHOT_...: then
/// the listener is reset.
///
/// # Safety
/// `listener` was made by ser_listener_create; `snapshot` points to this number of bytes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ser_listener_restore(
    listener: *mut ser_listener_t,
    snapshot: *const u8,
    snapshot_bytes: usize,
) -> ser_status_t {
    // SAFETY: by this function's contract.
    status(unsafe { with(listener, |listener| Ok(listener.restore(array(snapshot, snapshot_bytes)?)?)) })
}
