//! Status codes.

use core::ffi::{CStr, c_char};

use ser_core::listener::ListenerError;
use ser_core::model::{Feature, ParseError};
use ser_core::recognizer::RecognizerError;
use ser_core::snapshot::SnapshotError;

/// The result of a function. Less than 0 is an error: the function has done nothing.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ser_status_t {
    /// The function has done its work.
    SER_OK = 0,
    /// No error, but there was too little speech for a prediction yet.
    SER_TOO_LITTLE_SPEECH = 1,
    /// A pointer is null and must not be.
    SER_ERROR_NULL = -1,
    /// A pointer is not aligned for its type. Memory for a handle must be aligned to SER_ALIGN bytes.
    SER_ERROR_MISALIGNED = -2,
    /// A length is larger than any object of C; perhaps it was a negative number.
    SER_ERROR_LENGTH = -3,
    /// The memory is too short for this model. ser_model_info gives the number of bytes.
    SER_ERROR_MEMORY_TOO_SHORT = -4,
    /// The handle points to no recognizer or listener, or to one of the other kind.
    SER_ERROR_NOT_A_HANDLE = -5,
    /// Another call uses this handle now: this call came from the event function, or from an interrupt.
    SER_ERROR_BUSY = -6,
    /// The bytes are no model file.
    SER_ERROR_NOT_A_MODEL = -7,
    /// The model file has another format than this library reads (ser_model_format). Export it anew.
    SER_ERROR_MODEL_FORMAT = -8,
    /// The model file is for another arithmetic than that of this library (ser_contract_id). Export it anew.
    SER_ERROR_MODEL_CONTRACT = -9,
    /// The model file is too short or too long, or its checksum does not fit.
    SER_ERROR_MODEL_DAMAGED = -10,
    /// The model file is whole, but something in it is out of range.
    SER_ERROR_MODEL_INVALID = -11,
    /// A parameter of the listener is out of range.
    SER_ERROR_CONFIG = -12,
    /// The buffer does not have the length of a snapshot. ser_model_info gives the number of bytes.
    SER_ERROR_SNAPSHOT_LENGTH = -13,
    /// The snapshot is of the other kind of handle, of another model or arithmetic, or of another version of the
    /// library.
    SER_ERROR_SNAPSHOT_FOREIGN = -14,
    /// The snapshot is damaged.
    SER_ERROR_SNAPSHOT_DAMAGED = -15,
    /// The model is for images of whole utterances. A recognizer or listener needs a model for streams.
    SER_ERROR_MODEL_FOR_IMAGES = -16,
}

use ser_status_t::*;

impl ser_status_t {
    const ALL: [Self; 18] = [
        SER_OK,
        SER_TOO_LITTLE_SPEECH,
        SER_ERROR_NULL,
        SER_ERROR_MISALIGNED,
        SER_ERROR_LENGTH,
        SER_ERROR_MEMORY_TOO_SHORT,
        SER_ERROR_NOT_A_HANDLE,
        SER_ERROR_BUSY,
        SER_ERROR_NOT_A_MODEL,
        SER_ERROR_MODEL_FORMAT,
        SER_ERROR_MODEL_CONTRACT,
        SER_ERROR_MODEL_DAMAGED,
        SER_ERROR_MODEL_INVALID,
        SER_ERROR_CONFIG,
        SER_ERROR_SNAPSHOT_LENGTH,
        SER_ERROR_SNAPSHOT_FOREIGN,
        SER_ERROR_SNAPSHOT_DAMAGED,
        SER_ERROR_MODEL_FOR_IMAGES,
    ];

    const fn text(self) -> &'static CStr {
        match self {
            SER_OK => c"ok",
            SER_TOO_LITTLE_SPEECH => c"too little speech for a prediction",
            SER_ERROR_NULL => c"a pointer is null",
            SER_ERROR_MISALIGNED => c"a pointer is not aligned",
            SER_ERROR_LENGTH => c"a length is larger than any object",
            SER_ERROR_MEMORY_TOO_SHORT => c"the memory is too short for this model",
            SER_ERROR_NOT_A_HANDLE => c"the handle does not point to what a create function made",
            SER_ERROR_BUSY => c"another call with this handle is not over yet",
            SER_ERROR_NOT_A_MODEL => c"the bytes are no model file",
            SER_ERROR_MODEL_FORMAT => c"the model file has another format than this library reads",
            SER_ERROR_MODEL_CONTRACT => c"the model file is for another arithmetic than this library computes",
            SER_ERROR_MODEL_DAMAGED => c"the model file is damaged",
            SER_ERROR_MODEL_INVALID => c"something in the model file is out of range",
            SER_ERROR_CONFIG => c"a parameter of the listener is out of range",
            SER_ERROR_SNAPSHOT_LENGTH => c"the buffer has not the length of a snapshot",
            SER_ERROR_SNAPSHOT_FOREIGN => c"the snapshot is of something else",
            SER_ERROR_SNAPSHOT_DAMAGED => c"the snapshot is damaged",
            SER_ERROR_MODEL_FOR_IMAGES => c"the model is for images of whole utterances, not for streams",
        }
    }
}

/// A status in English, a string that is never freed. `status` may be any number.
#[unsafe(no_mangle)]
pub extern "C" fn ser_status_text(status: i32) -> *const c_char {
    let known = ser_status_t::ALL.into_iter().find(|known| *known as i32 == status);
    known.map_or(c"no such status", ser_status_t::text).as_ptr()
}

/// The status for a result.
pub(crate) fn status(done: Result<(), ser_status_t>) -> ser_status_t {
    match done {
        Ok(()) => SER_OK,
        Err(status) => status,
    }
}

impl From<ParseError> for ser_status_t {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::NotAModel => SER_ERROR_NOT_A_MODEL,
            ParseError::FormatVersion { .. } => SER_ERROR_MODEL_FORMAT,
            ParseError::Contract { .. } => SER_ERROR_MODEL_CONTRACT,
            ParseError::Length { .. } | ParseError::Checksum { .. } => SER_ERROR_MODEL_DAMAGED,
            ParseError::Feature(Feature::Image) => SER_ERROR_MODEL_FOR_IMAGES,
            ParseError::Feature(Feature::Denoise)
            | ParseError::Field { .. }
            | ParseError::Label { .. }
            | ParseError::Spec(_)
            | ParseError::Layer { .. } => SER_ERROR_MODEL_INVALID,
        }
    }
}

impl From<RecognizerError> for ser_status_t {
    fn from(error: RecognizerError) -> Self {
        match error {
            RecognizerError::Memory(_) => SER_ERROR_MEMORY_TOO_SHORT,
            RecognizerError::ForImages => SER_ERROR_MODEL_FOR_IMAGES,
        }
    }
}

impl From<ListenerError> for ser_status_t {
    fn from(error: ListenerError) -> Self {
        match error {
            ListenerError::Recognizer(error) => error.into(),
            ListenerError::Config(_) => SER_ERROR_CONFIG,
        }
    }
}

impl From<SnapshotError> for ser_status_t {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Length { .. } => SER_ERROR_SNAPSHOT_LENGTH,
            SnapshotError::Kind { .. }
            | SnapshotError::Version { .. }
            | SnapshotError::Contract { .. }
            | SnapshotError::Model { .. }
            | SnapshotError::Parameters { .. } => SER_ERROR_SNAPSHOT_FOREIGN,
            SnapshotError::Checksum { .. } | SnapshotError::Impossible { .. } => SER_ERROR_SNAPSHOT_DAMAGED,
        }
    }
}
