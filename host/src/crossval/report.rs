//! The figures of a cross-validation, as `crossval.json` holds them. Shares are 0 to 1.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::crossval::FoldId;
use crate::metrics::Confusion;
use crate::split::Protocol;
use crate::statistics::{McNemar, Spread};

/// All figures of a cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossvalReport {
    /// Name of the corpus.
    pub corpus: String,
    /// Utterances in the corpus.
    pub utterances: usize,
    /// What training and test do not share.
    pub protocol: Protocol,
    /// Number of folds.
    pub folds: usize,
    /// Seeds of splits and trainings.
    pub seeds: Vec<u64>,
    /// Name of the network.
    pub preset: String,
    /// Passes over the training part.
    pub epochs: usize,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Utterances that are in the corpus under two labels, by their ids; None if copies were not looked for.
    #[serde(default)]
    pub ambiguous: Option<BTreeSet<String>>,
    /// One for each condition.
    pub conditions: Vec<ConditionReport>,
    /// Folds that are not finished: the figures are without them.
    pub missing: Vec<FoldId>,
}

/// The figures under one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionReport {
    /// What of the recordings reaches the network.
    pub condition: Condition,
    /// The core.
    pub int8: ModelReport,
    /// The float network.
    pub float: ModelReport,
    /// Utterances that only the float model has right (first) and only the core (second); one of several seeds counts
    /// for each.
    pub mcnemar: McNemar,
    /// Share of the answers in which both models have the same leading label.
    pub agreement: f64,
    /// Largest difference of a probability between both models, at temperature 1.
    pub max_probability_difference: f64,
    /// Expected calibration error of the core at temperature 1.
    pub calibration_error: f64,
    /// The same at the temperatures of the folds; None if a fold has none.
    pub calibration_error_at_temperature: Option<f64>,
    /// Length of the largest int8 model file, bytes.
    pub model_bytes: u64,
    /// Wall time of all trainings.
    pub training_seconds: f64,
    /// Utterances that could not be read, by their ids.
    pub skipped: Vec<String>,
    /// By speaker, for the protocol that holds out speakers; empty for others.
    pub speakers: Vec<SpeakerReport>,
    /// One for each fold and seed.
    pub folds: Vec<FoldReport>,
}

/// The figures of one of the two models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// Recall weighted by class sizes, which is the accuracy, over folds and seeds.
    pub war: Spread,
    /// Recall, all classes weighing alike, over folds and seeds.
    pub uar: Spread,
    /// Mean F1 of the classes, over folds and seeds.
    pub macro_f1: Spread,
    /// WAR of all answers together.
    pub pooled_war: f64,
    /// 95 % interval of [`ModelReport::pooled_war`]: [`bootstrap_95`](crate::statistics::bootstrap_95).
    pub war_interval: (f64, f64),
    /// Recall of each class over all answers; None for a class without utterances.
    pub recalls: Vec<Option<f64>>,
    /// All answers: which class was taken for which.
    pub confusion: Confusion,
    /// Without [`CrossvalReport::ambiguous`]; None if none of them was answered.
    #[serde(default)]
    pub unambiguous: Option<Unambiguous>,
}

/// Figures over the utterances that are in the corpus under one label only: about the others no classifier can be
/// right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unambiguous {
    /// Number of different utterances that are left out.
    pub without: usize,
    /// Recall weighted by class sizes, over folds and seeds.
    pub war: Spread,
    /// Recall, all classes weighing alike, over folds and seeds.
    pub uar: Spread,
}

/// One held-out speaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpeakerReport {
    /// Who speaks.
    pub speaker: String,
    /// Answers: one for each utterance and seed.
    pub answers: u64,
    /// WAR of the core.
    pub int8_war: f64,
    /// WAR of the float model.
    pub float_war: f64,
}

/// One fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldReport {
    /// Which one.
    pub id: FoldId,
    /// Utterances of its test part that could be read.
    pub utterances: usize,
    /// Those that could not.
    pub skipped: usize,
    /// The core.
    pub int8: Figures,
    /// The float model.
    pub float: Figures,
    /// Share of the utterances in which both models have the same leading label.
    pub agreement: f64,
    /// Fitted to the answers to the other folds' test parts; None if there are none.
    pub temperature: Option<f64>,
    /// Length of the int8 model file, bytes.
    pub model_bytes: u64,
    /// Wall time of the training.
    pub training_seconds: f64,
}

/// The figures of one model on one test part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Recall weighted by class sizes, which is the accuracy.
    pub war: f64,
    /// Recall, all classes weighing alike.
    pub uar: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
}
