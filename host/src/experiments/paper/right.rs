//! The right answers of a system, to test whether it differs from another by more than chance.

use std::collections::BTreeMap;

use crate::evaluation::statistics::{McNemar, mcnemar};
use crate::experiments::crossval::Verdict;

/// Whether the answer to each utterance of each split is right.
#[derive(Clone, Debug, Default)]
pub(super) struct Right(BTreeMap<(u64, usize, String), bool>);

impl Right {
    /// Adds a system's answers to a split.
    pub(super) fn add(&mut self, seed: u64, fold: usize, verdicts: Vec<Verdict<'_>>) {
        let right = |verdict: Verdict<'_>| ((seed, fold, verdict.id.to_owned()), verdict.label == Some(verdict.truth));
        self.0.extend(verdicts.into_iter().map(right));
    }

    /// McNemar's test of this system against another, over the utterances that both answered.
    pub(super) fn against(&self, other: &Self) -> McNemar {
        let both = || self.0.iter().filter_map(|(key, right)| Some((*right, *other.0.get(key)?)));
        let count = |wanted: (bool, bool)| both().filter(|pair| *pair == wanted).count() as u64;
        mcnemar(count((true, false)), count((false, true)))
    }
}
