//! What a float network recognises, in batches: to see how a training is going.

use anyhow::Result;
use ser_core::spec;
use serde::Serialize;

use crate::cache::FeatureCache;
use crate::corpus::{Problem, Utterance};
use crate::features::Rows;
use crate::metrics::Confusion;
use crate::train::{Classifier, argmax};

/// What a network recognises in a list of utterances.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Utterances recognised, rightly or wrongly; what could not be read is not among them.
    pub utterances: u64,
    /// Utterances that could not be read.
    pub skipped: usize,
    /// Recall, weighted by class sizes; this is the accuracy.
    pub war: f64,
    /// Recall, all classes weighing alike.
    pub uar: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// 95 % interval of `war`.
    pub war_interval: (f64, f64),
    /// Which class was taken for which.
    pub confusion: Confusion,
}

/// Recognises utterances; those that cannot be read are told to `skip`, skipped and counted, and silence counts as not
/// recognised.
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
    let rows: Vec<&Rows> = readable.iter().map(|(_, rows)| *rows).collect();
    let mut confusion = Confusion::new(labels.iter().map(ToString::to_string));
    for ((utterance, _), logits) in readable.iter().zip(classifier.logits(&rows)?) {
        confusion.add(utterance.emotion, logits.map(|logits| argmax(&logits)));
    }
    Ok(Evaluation {
        utterances: confusion.total(),
        skipped: utterances.len() - readable.len(),
        war: confusion.war(),
        uar: confusion.uar(),
        macro_f1: confusion.macro_f1(),
        war_interval: confusion.wilson_95(),
        confusion,
    })
}
