//! Temperatures of the int8 model, fitted on out-of-fold answers.
//!
//! The test part of a fold is out-of-fold: its model was not trained on it. The temperature of a fold is fitted to the
//! answers to the test parts of the other folds, so that no answer influences the temperature at which its own
//! confidence is judged.

use crate::evaluation::predictions::Predictions;
use crate::evaluation::reliability::{Answer, expected_calibration_error, fit_temperature, reliability};

/// Expected calibration error, 0 to 1, before and after a temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The temperature.
    pub temperature: f64,
    /// Error at temperature 1.
    pub error_before: f64,
    /// Error at [`Calibration::temperature`].
    pub error_after: f64,
}

/// Fits one temperature to all answers of the int8 models; None without an answer.
pub fn calibrate<'a>(folds: impl IntoIterator<Item = &'a Predictions>) -> Option<Calibration> {
    let answers: Vec<Answer<'_>> = folds.into_iter().flat_map(int8_answers).collect();
    let temperature = (!answers.is_empty()).then(|| fit_temperature(&answers))?;
    let error = |temperature| expected_calibration_error(&reliability(&answers, temperature));
    Some(Calibration { temperature, error_before: error(1.0), error_after: error(temperature) })
}

/// The temperature of each fold of one seed and condition, fitted to the answers of the other folds; None if these have
/// no answer.
pub fn fold_temperatures(folds: &[&Predictions]) -> Vec<Option<f64>> {
    let of_others = |fold: usize| {
        let others = folds.iter().enumerate().filter(move |(other, _)| *other != fold);
        let answers: Vec<Answer<'_>> = others.flat_map(|(_, predictions)| int8_answers(predictions)).collect();
        (!answers.is_empty()).then(|| fit_temperature(&answers))
    };
    (0..folds.len()).map(of_others).collect()
}

/// Calibration error of the int8 models' answers, each fold at its own temperature.
pub(super) fn pooled_error(folds: &[(&Predictions, f64)]) -> f64 {
    let scaled: Vec<(Vec<f32>, usize)> = folds
        .iter()
        .flat_map(|(predictions, temperature)| {
            let scale =
                move |values: &[f32]| values.iter().map(|value| (f64::from(*value) / temperature) as f32).collect();
            int8_answers(predictions).map(move |(values, truth)| (scale(values), truth))
        })
        .collect();
    let answers: Vec<Answer<'_>> = scaled.iter().map(|(values, truth)| (values.as_slice(), *truth)).collect();
    expected_calibration_error(&reliability(&answers, 1.0))
}

fn int8_answers(predictions: &Predictions) -> impl Iterator<Item = Answer<'_>> {
    predictions.utterances.iter().filter_map(|utterance| Some((utterance.int8.as_deref()?, utterance.truth)))
}
