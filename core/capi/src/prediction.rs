//! The answer of a model.

use core::ffi::c_char;

use ser_core::Prediction;

use crate::model::{SER_LABEL_BYTES, SER_MAX_LABELS, label};

/// The answer of a model.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ser_prediction_t {
    /// Index of the leading label, the one with the largest logit; the first of equals.
    pub index: u32,
    /// Whether the leading label's probability reaches the model's threshold.
    pub confident: bool,
    /// The leading label, a string in UTF-8.
    pub label: [c_char; SER_LABEL_BYTES],
    /// One for each label of the model, then zeros; they sum to 1.
    pub probabilities: [f32; SER_MAX_LABELS],
    /// The source of the probabilities, Q19.12.
    pub logits: [i32; SER_MAX_LABELS],
}

impl From<&Prediction<'_>> for ser_prediction_t {
    fn from(prediction: &Prediction<'_>) -> Self {
        Self {
            index: prediction.index as u32,
            confident: prediction.confident,
            label: label(prediction.label),
            probabilities: prediction.probabilities,
            logits: prediction.logits,
        }
    }
}
