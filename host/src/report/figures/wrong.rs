//! The surest mistakes of the int8 core, with the log-mel rows of these utterances.

use anyhow::{Context, Result};
use serde::Serialize;

use super::gather::Run;
use crate::features::rows::{Extractor, Rows};
use crate::model::logits::{leading, softmax};

/// Number of utterances shown.
const SHOWN: usize = 12;

/// A wrong answer.
#[derive(Clone, Debug, Serialize)]
pub struct Wrong {
    /// Id of the utterance.
    pub id: String,
    /// Name of the run that tested it.
    pub run: String,
    /// The true label.
    pub truth: String,
    /// The label of the answer.
    pub said: String,
    /// Probability of that label, at the temperature of the model file, 0 to 1.
    pub probability: f64,
    /// Probability of the true label, 0 to 1.
    pub probability_of_truth: f64,
    /// Log-mel rows, dBFS, or the reason why they could not be read; None before [`read`].
    #[serde(skip)]
    pub rows: Option<Result<Rows, String>>,
}

/// The wrong answers with the largest probabilities, largest first. Each utterance appears once.
pub fn most_wrong(runs: &[Run]) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = runs.iter().flat_map(wrong_of).collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.id.cmp(&b.id)));
    let mut shown: Vec<Wrong> = Vec::with_capacity(SHOWN);
    for answer in wrong {
        if shown.len() < SHOWN && shown.iter().all(|other| other.id != answer.id) {
            shown.push(answer);
        }
    }
    shown
}

fn wrong_of(run: &Run) -> Vec<Wrong> {
    let wrong = run.predictions.utterances.iter().filter_map(|utterance| {
        let values = utterance.int8.as_deref()?;
        let said = leading(values).filter(|said| *said != utterance.truth)?;
        let probabilities = softmax(values, run.temperature());
        Some(Wrong {
            id: utterance.id.clone(),
            run: run.name.clone(),
            truth: run.predictions.labels.get(utterance.truth)?.clone(),
            said: run.predictions.labels.get(said)?.clone(),
            probability: *probabilities.get(said)?,
            probability_of_truth: *probabilities.get(utterance.truth)?,
            rows: None,
        })
    });
    wrong.collect()
}

/// Reads the recordings of wrong answers. A recording that can't be read leaves its reason in `rows`.
pub fn read(wrong: &mut [Wrong], run: &Run) {
    let read = || -> Result<Vec<Result<Rows, String>>> {
        let corpus = run.config.open_corpus()?;
        let by_id = corpus.by_id();
        let extractor = Extractor::new(&run.config.network.front_end)?;
        let rows = |wrong: &Wrong| -> Result<Rows> {
            let missing = || format!("corpus {} has no such utterance", corpus.name);
            let utterance = by_id.get(wrong.id.as_str()).with_context(missing)?;
            extractor.log_mel(&utterance.samples(extractor.front_end().sample_rate_hz)?)
        };
        Ok(wrong.iter().map(|wrong| rows(wrong).map_err(|reason| format!("{reason:#}"))).collect())
    };
    match read() {
        Ok(rows) => wrong.iter_mut().zip(rows).for_each(|(wrong, rows)| wrong.rows = Some(rows)),
        Err(reason) => wrong.iter_mut().for_each(|wrong| wrong.rows = Some(Err(format!("{reason:#}")))),
    }
}
