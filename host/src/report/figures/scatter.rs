//! The probability of the true label from both models, utterance by utterance.

use serde::Serialize;

use super::gather::Run;
use crate::evaluation::predictions::Prediction;
use crate::model::logits::{leading, softmax};

/// One utterance.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Id of the utterance.
    pub id: String,
    /// Probability that the float model gives to the true label, 0 to 1.
    pub float: f64,
    /// Probability that the int8 core gives to the true label, 0 to 1.
    pub int8: f64,
    /// Whether both models say the same label.
    pub agree: bool,
}

/// All utterances that both models answered, with probabilities at the temperature of the model file.
pub fn points(runs: &[Run]) -> Vec<Point> {
    let of_run = |run: &Run| -> Vec<Point> {
        let utterances = run.predictions.utterances.iter();
        let point = |utterance: &Prediction| {
            let (float, int8) = (utterance.float.as_deref()?, utterance.int8.as_deref()?);
            let of_truth = |values: &[f32]| softmax(values, run.temperature()).get(utterance.truth).copied();
            Some(Point {
                id: utterance.id.clone(),
                float: of_truth(float)?,
                int8: of_truth(int8)?,
                agree: leading(float) == leading(int8),
            })
        };
        utterances.filter_map(point).collect()
    };
    runs.iter().flat_map(of_run).collect()
}
