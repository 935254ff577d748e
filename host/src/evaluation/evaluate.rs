//! Evaluates a float network in batches, to show how a training is going.

use anyhow::{Context, Result};
use ser_core::spec;
use serde::Serialize;

use crate::corpus::Utterance;
use crate::evaluation::breakdown::Breakdown;
use crate::evaluation::interval::{Answer, Interval, Intervals, Unit};
use crate::evaluation::metrics::Confusion;
use crate::features::kept::Kept;
use crate::model::logits::leading;
use crate::training::session::Recall;
use crate::training::train::Classifier;

/// Figures of a network over a list of utterances.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Utterances that were recognised, rightly, wrongly or not at all.
    pub utterances: u64,
    /// Recall weighted by class sizes, which is the accuracy.
    pub war: f64,
    /// Mean recall of the classes, each with the same weight.
    pub uar: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// 95 % interval of `war`; None if it cannot be known.
    pub war_interval: Interval,
    /// What the interval counts as one.
    pub unit: Unit,
    /// Number of these units.
    pub units: usize,
    /// 95 % interval of `uar`.
    pub uar_interval: Interval,
    /// How often each class was taken for each.
    pub confusion: Confusion,
    /// Figures of each corpus and speaker.
    #[serde(flatten)]
    pub breakdown: Breakdown,
}

/// The two recalls over utterances, as [`Training::score`](crate::training::session::Training::score) wants them.
///
/// # Errors
///
/// If the rows of an utterance cannot be read.
pub fn recall(classifier: &Classifier, heard: &[(&Utterance, Kept)], labels: &[spec::Label]) -> Result<Recall> {
    let mut confusion = Confusion::new(labels.iter().map(ToString::to_string));
    for ((utterance, _), label) in heard.iter().zip(answers(classifier, heard)?) {
        confusion.add(utterance.emotion, label);
    }
    Ok(Recall { war: confusion.war(), uar: confusion.uar() })
}

/// Recognises utterances and counts the results; those of which nothing is heard count as not recognised.
///
/// # Errors
///
/// If the rows of an utterance cannot be read, or it has a label that is not among `labels`.
pub fn evaluate(
    classifier: &Classifier,
    heard: &[(&Utterance, Kept)],
    labels: &[spec::Label],
    unit: Unit,
) -> Result<Evaluation> {
    let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
    let truth = |utterance: &Utterance| {
        let name = utterance.emotion_name();
        let truth = labels.iter().position(|label| label == name);
        truth
            .with_context(|| format!("{}: the network has no label {name}, it has {}", utterance.id, labels.join(", ")))
    };
    let answers = heard.iter().zip(answers(classifier, heard)?).map(|((utterance, _), label)| {
        let unit = unit.name(&utterance.id, &utterance.speaker, &utterance.sentence);
        Ok(Answer { unit, truth: truth(utterance)?, label })
    });
    let answers: Vec<Answer<'_>> = answers.collect::<Result<_>>()?;
    let mut confusion = Confusion::new(labels.clone());
    answers.iter().for_each(|answer| confusion.add(answer.truth, answer.label));
    let heard = heard.iter().map(|(utterance, _)| *utterance);
    let breakdown = Breakdown::new(&labels, heard.zip(answers.iter().copied()));
    let Intervals { units, war: war_interval, uar: uar_interval, .. } = Intervals::new(&labels, answers);
    Ok(Evaluation {
        uar_interval,
        breakdown,
        utterances: confusion.total(),
        war: confusion.war(),
        uar: confusion.uar(),
        macro_f1: confusion.macro_f1(),
        war_interval,
        unit,
        units,
        confusion,
    })
}

/// The label of each utterance; None for one of which nothing is heard.
fn answers(classifier: &Classifier, heard: &[(&Utterance, Kept)]) -> Result<Vec<Option<usize>>> {
    let logits = classifier.logits(&heard.iter().map(|(_, rows)| rows).collect::<Vec<_>>())?;
    Ok(logits.into_iter().map(|logits| logits.and_then(|logits| leading(&logits))).collect())
}
