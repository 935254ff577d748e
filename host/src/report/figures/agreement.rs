//! How near the int8 core is to the float model, answer by answer.

use serde::Serialize;

use super::gather::Run;
use crate::model::logits::{leading, softmax};

/// How near the int8 core is to the float model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Number of utterances compared.
    pub answers: usize,
    /// Share of utterances where both models say the same label or both say none, 0 to 1.
    pub share: f64,
    /// Largest difference of a probability over all labels, at the temperature of the model file.
    pub largest_difference: f64,
}

impl Agreement {
    /// Compares the answers of all runs.
    pub fn of(runs: &[Run]) -> Self {
        let (mut answers, mut agreeing, mut largest) = (0, 0, 0.0_f64);
        for run in runs {
            for prediction in &run.predictions.utterances {
                answers += 1;
                let (int8, float) = (prediction.int8.as_deref(), prediction.float.as_deref());
                agreeing += usize::from(int8.and_then(leading) == float.and_then(leading));
                if let (Some(int8), Some(float)) = (int8, float) {
                    let (int8, float) = (softmax(int8, run.temperature()), softmax(float, run.temperature()));
                    largest = int8
                        .iter()
                        .zip(&float)
                        .fold(largest, |largest, (int8, float)| largest.max((int8 - float).abs()));
                }
            }
        }
        Self { answers, share: agreeing as f64 / answers.max(1) as f64, largest_difference: largest }
    }
}
