//! Evaluates a float network in batches, to show how a training is going.

use anyhow::Result;
use ser_core::spec;
use serde::Serialize;

use crate::corpus::{Problem, Utterance};
use crate::evaluation::metrics::Confusion;
use crate::features::cache::FeatureCache;
use crate::features::rows::Rows;
use crate::model::logits::leading;
use crate::training::session::Recall;
use crate::training::train::Classifier;

/// Figures of a network over a list of utterances.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Utterances that could be read, whether recognised rightly, wrongly or not at all.
    pub utterances: u64,
    /// Utterances that could not be read.
    pub skipped: usize,
    /// Utterances of which the front end hears nothing, and why. They count as not recognised.
    pub unheard: Vec<Problem>,
    /// Recall weighted by class sizes, which is the accuracy.
    pub war: f64,
    /// Mean recall of the classes, each with the same weight.
    pub uar: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// 95 % interval of `war`.
    pub war_interval: (f64, f64),
    /// How often each class was taken for each.
    pub confusion: Confusion,
}

/// The two recalls of [`evaluate`], as [`Training::score`](crate::training::session::Training::score) wants them.
///
/// # Errors
///
/// Those of [`evaluate`].
pub fn recall(
    classifier: &Classifier,
    cache: &FeatureCache,
    utterances: &[&Utterance],
    labels: &[spec::Label],
    skip: &mut dyn FnMut(&Problem),
) -> Result<Recall> {
    let Evaluation { war, uar, .. } = evaluate(classifier, cache, utterances, labels, skip)?;
    Ok(Recall { war, uar })
}

/// Recognises utterances and counts the results. Utterances that cannot be read go to `skip` and are counted apart;
/// those of which nothing is heard count as not recognised.
///
/// # Errors
///
/// If the cache cannot be written.
pub fn evaluate(
    classifier: &Classifier,
    cache: &FeatureCache,
    utterances: &[&Utterance],
    labels: &[spec::Label],
    skip: &mut dyn FnMut(&Problem),
) -> Result<Evaluation> {
    let extracted = cache.log_mel(utterances, 1.0)?;
    let mut readable: Vec<(&Utterance, &Rows)> = Vec::with_capacity(utterances.len());
    for (utterance, rows) in utterances.iter().zip(&extracted) {
        match rows {
            Ok(rows) => readable.push((utterance, rows)),
            Err(reason) => skip(&Problem { path: utterance.id.clone(), reason: reason.clone() }),
        }
    }
    let unheard = readable.iter().filter(|(_, rows)| rows.is_empty()).map(|(utterance, _)| {
        Ok(Problem { path: utterance.id.clone(), reason: cache.unheard(utterance, 1.0)?.to_string() })
    });
    let unheard = unheard.collect::<Result<Vec<_>>>()?;
    let rows: Vec<&Rows> = readable.iter().map(|(_, rows)| *rows).collect();
    let mut confusion = Confusion::new(labels.iter().map(ToString::to_string));
    for ((utterance, _), logits) in readable.iter().zip(classifier.logits(&rows)?) {
        confusion.add(utterance.emotion, logits.and_then(|logits| leading(&logits)));
    }
    Ok(Evaluation {
        utterances: confusion.total(),
        skipped: utterances.len() - readable.len(),
        unheard,
        war: confusion.war(),
        uar: confusion.uar(),
        macro_f1: confusion.macro_f1(),
        war_interval: confusion.wilson_95(),
        confusion,
    })
}
