//! Which answers of a system are right, to test whether it differs from another by more than chance.

use std::collections::BTreeMap;

use crate::baseline::Evaluation;
use crate::crossval::FoldRun;
use crate::predictions::leading;
use crate::statistics::{McNemar, mcnemar};

/// Whether the answer to each utterance of each split is right; the int8 core's, where there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Right(BTreeMap<(u64, usize, String), bool>);

impl Right {
    /// That of a network.
    pub(super) fn of_runs(runs: &[FoldRun]) -> Self {
        let answers = runs.iter().flat_map(|run| run.predictions.utterances.iter().map(move |answer| (run.id, answer)));
        let right = |answer: &Option<Vec<f32>>, truth| answer.as_deref().and_then(leading) == Some(truth);
        Self(answers.map(|(id, answer)| ((id.seed, id.fold, answer.id.clone()), right(&answer.int8, answer.truth))).collect())
    }

    /// Adds what a baseline said to a split.
    pub(super) fn add(&mut self, seed: u64, fold: usize, evaluation: &Evaluation) {
        let answers = evaluation.answers.iter();
        self.0.extend(answers.map(|answer| ((seed, fold, answer.id.clone()), answer.label == Some(answer.truth))));
    }

    /// McNemar's test of this system against another, over what both answered.
    pub(super) fn against(&self, other: &Self) -> McNemar {
        let both = || self.0.iter().filter_map(|(key, right)| Some((*right, *other.0.get(key)?)));
        let count = |wanted: (bool, bool)| both().filter(|pair| *pair == wanted).count() as u64;
        mcnemar(count((true, false)), count((false, true)))
    }
}
