//! Computes the figures of one classifier from its answers to the test parts of all folds.

use std::collections::BTreeSet;

use super::{Figures, ModelReport, Unambiguous};
use crate::evaluation::interval::{Answer, Intervals};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::statistics::{Spread, spread};

/// A classifier's answer to one utterance of a test part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The utterance, as the corpus names it.
    pub id: &'a str,
    /// What the interval counts as one: the utterance's [`Unit::name`](crate::evaluation::interval::Unit::name).
    pub unit: &'a str,
    /// Index of the true label.
    pub truth: usize,
    /// Index of the label of the answer; None if there was no answer, which counts as wrong.
    pub label: Option<usize>,
}

impl Verdict<'_> {
    /// The confusion matrix of these answers.
    pub fn confusion<'a>(labels: &[String], verdicts: impl IntoIterator<Item = Verdict<'a>>) -> Confusion {
        let mut confusion = Confusion::new(labels.iter().cloned());
        verdicts.into_iter().for_each(|verdict| confusion.add(verdict.truth, verdict.label));
        confusion
    }
}

impl Figures {
    /// The figures of a confusion matrix.
    pub fn new(confusion: &Confusion) -> Self {
        Self { war: confusion.war(), uar: confusion.uar(), macro_f1: confusion.macro_f1() }
    }
}

impl ModelReport {
    /// The figures from the verdicts of each fold and seed; with `ambiguous`, also figures without these utterances.
    /// None if there is no verdict.
    ///
    /// # Panics
    ///
    /// If an index in a verdict is not smaller than the number of labels.
    pub fn new(labels: &[String], folds: &[Vec<Verdict<'_>>], ambiguous: Option<&BTreeSet<String>>) -> Option<Self> {
        let figures = figures_of_folds(labels, folds, &|_| true);
        let answers = folds.iter().flatten();
        let answers = answers.map(|&Verdict { unit, truth, label, .. }| Answer { unit, truth, label });
        let Intervals { units, war: war_interval, uar: uar_interval, .. } = Intervals::new(labels, answers);
        let confusion = Verdict::confusion(labels, folds.iter().flatten().copied());
        Some(Self {
            war: over(&figures, |figures| figures.war)?,
            uar: over(&figures, |figures| figures.uar)?,
            macro_f1: over(&figures, |figures| figures.macro_f1)?,
            pooled_war: confusion.war(),
            war_interval,
            pooled_uar: confusion.uar(),
            uar_interval,
            units,
            recalls: confusion.recalls(),
            confusion,
            unambiguous: ambiguous.and_then(|ambiguous| unambiguous(labels, folds, ambiguous)),
        })
    }
}

/// None if there is nothing to leave out, or if nothing else remains.
fn unambiguous(labels: &[String], folds: &[Vec<Verdict<'_>>], ambiguous: &BTreeSet<String>) -> Option<Unambiguous> {
    let without: BTreeSet<&str> =
        folds.iter().flatten().map(|verdict| verdict.id).filter(|id| ambiguous.contains(*id)).collect();
    if without.is_empty() {
        return None;
    }
    let figures = figures_of_folds(labels, folds, &|id| !ambiguous.contains(id));
    Some(Unambiguous {
        without: without.len(),
        war: over(&figures, |figures| figures.war)?,
        uar: over(&figures, |figures| figures.uar)?,
    })
}

fn over(figures: &[Figures], figure: fn(&Figures) -> f64) -> Option<Spread> {
    spread(&figures.iter().map(figure).collect::<Vec<_>>())
}

/// The figures of each fold over the utterances that `counts` accepts; folds without such an utterance are left out.
fn figures_of_folds(labels: &[String], folds: &[Vec<Verdict<'_>>], counts: &dyn Fn(&str) -> bool) -> Vec<Figures> {
    let confusion =
        |fold: &Vec<Verdict<'_>>| Verdict::confusion(labels, fold.iter().copied().filter(|verdict| counts(verdict.id)));
    folds
        .iter()
        .map(confusion)
        .filter(|confusion| confusion.total() > 0)
        .map(|confusion| Figures::new(&confusion))
        .collect()
}
