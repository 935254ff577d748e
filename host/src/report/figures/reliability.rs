//! How far the confidences of the int8 core can be believed, before and after a temperature.
//!
//! Over several folds each fold's temperature is fitted to the answers of the other folds, so that no answer influences
//! its own temperature.

use serde::Serialize;

use super::gather::Run;
use crate::evaluation::predictions::Prediction;
use crate::evaluation::reliability::{Answer, Bin, expected_calibration_error, fit_temperature, reliability};

/// A reliability diagram.
#[derive(Clone, Debug, Serialize)]
pub struct Diagram {
    /// Bins of equal width over the confidences from 0 to 1.
    pub bins: Vec<Bin>,
    /// Expected calibration error, 0 to 1.
    pub calibration_error: f64,
}

/// Reliability before and after a temperature.
#[derive(Clone, Debug, Serialize)]
pub struct Reliability {
    /// At temperature 1.
    pub before: Diagram,
    /// At `temperatures`; None if all of them are 1.
    pub after: Option<Diagram>,
    /// The temperature of each run.
    pub temperatures: Vec<f64>,
    /// Whether the temperatures were fitted to other folds; otherwise they come from the model files.
    pub fitted: bool,
}

impl Reliability {
    /// Reliability over all runs. With several folds the temperatures are fitted across folds; otherwise they come from
    /// the model files.
    pub fn of(runs: &[Run]) -> Self {
        let before = diagram(runs, &vec![1.0; runs.len()]);
        let fold = |run: &Run| (run.split.fold, run.split.folds);
        let fitted = runs.iter().any(|run| runs.iter().any(|other| fold(other) != fold(run)));
        let temperatures: Vec<f64> = if fitted {
            let others = |run: &Run| -> Vec<Answer<'_>> {
                let others = runs.iter().filter(|other| fold(other) != fold(run));
                others.flat_map(|other| other.predictions.utterances.iter()).filter_map(answer).collect()
            };
            runs.iter().map(|run| fit_temperature(&others(run))).collect()
        } else {
            runs.iter().map(Run::temperature).collect()
        };
        let changed = temperatures.iter().any(|&temperature| temperature != 1.0);
        Self { before, after: changed.then(|| diagram(runs, &temperatures)), temperatures, fitted }
    }
}

fn answer(prediction: &Prediction) -> Option<Answer<'_>> {
    Some((prediction.int8.as_deref()?, prediction.truth))
}

/// The diagram of all runs together, each at its own temperature.
fn diagram(runs: &[Run], temperatures: &[f64]) -> Diagram {
    let scaled: Vec<(Vec<f32>, usize)> = runs
        .iter()
        .zip(temperatures)
        .flat_map(|(run, temperature)| {
            let answers = run.predictions.utterances.iter().filter_map(answer);
            answers.map(move |(values, truth)| {
                (values.iter().map(|value| (f64::from(*value) / temperature) as f32).collect(), truth)
            })
        })
        .collect();
    let answers: Vec<Answer<'_>> = scaled.iter().map(|(values, truth)| (values.as_slice(), *truth)).collect();
    let bins = reliability(&answers, 1.0);
    Diagram { calibration_error: expected_calibration_error(&bins), bins: bins.to_vec() }
}
