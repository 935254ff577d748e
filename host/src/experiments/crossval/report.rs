//! The figures of a cross-validation, as `crossval.json` holds them. Shares are 0 to 1.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::corpus::split::Protocol;
use crate::evaluation::groups::GroupReport;
use crate::evaluation::interval::Interval;
use crate::evaluation::metrics::Confusion;
use crate::evaluation::statistics::{McNemar, Spread};
use crate::experiments::crossval::FoldId;
use crate::features::condition::Condition;

/// All figures of a cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossvalReport {
    /// Name of the corpus.
    pub corpus: String,
    /// Utterances in the corpus.
    pub utterances: usize,
    /// The protocol, which says what training and test do not share.
    pub protocol: Protocol,
    /// Number of folds.
    pub folds: usize,
    /// Seeds of the trainings, and of the splits too where these have no seed of their own.
    pub seeds: Vec<u64>,
    /// The seed of all splits; None if each split has the seed of its training.
    #[serde(default)]
    pub split_seed: Option<u64>,
    /// Name of the network.
    pub preset: String,
    /// Number of passes over the training part.
    pub epochs: usize,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Ids of utterances that are in the corpus under two labels; None if nobody looked for copies.
    #[serde(default)]
    pub ambiguous: Option<BTreeSet<String>>,
    /// Figures of each condition.
    pub conditions: Vec<ConditionReport>,
    /// Folds that are not finished; the figures do not include them.
    pub missing: Vec<FoldId>,
}

/// The figures under one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionReport {
    /// Whether the recordings' cues are removed or left in.
    pub condition: Condition,
    /// Figures of the core.
    pub int8: ModelReport,
    /// Figures of the float network.
    pub float: ModelReport,
    /// Test of the answers that only the float model has right (first) against those that only the core has right
    /// (second). Each seed's answer to an utterance counts.
    pub mcnemar: McNemar,
    /// Share of the answers in which both models have the same leading label, or neither has one.
    pub agreement: f64,
    /// Largest difference of a probability between the models, at temperature 1.
    pub max_probability_difference: f64,
    /// Expected calibration error of the core at temperature 1.
    pub calibration_error: f64,
    /// The same error at the temperatures of the folds; None if a fold has none.
    pub calibration_error_at_temperature: Option<f64>,
    /// Length of the largest int8 model file, bytes.
    pub model_bytes: u64,
    /// Wall time of all trainings, s.
    pub training_seconds: f64,
    /// Ids of utterances that could not be read.
    pub skipped: Vec<String>,
    /// Figures of each corpus; empty if there is one alone.
    #[serde(default)]
    pub corpora: Vec<GroupReport>,
    /// Figures of each speaker under the protocols that hold out speakers; empty under others.
    pub speakers: Vec<GroupReport>,
    /// Figures of each fold and seed.
    pub folds: Vec<FoldReport>,
}

/// The figures of one of the two models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// WAR over folds and seeds: recall weighted by class sizes, which is the accuracy.
    pub war: Spread,
    /// UAR over folds and seeds: mean recall of the classes.
    pub uar: Spread,
    /// Macro-F1 over folds and seeds: the mean F1 of the classes.
    pub macro_f1: Spread,
    /// WAR over all answers together.
    pub pooled_war: f64,
    /// 95 % interval of [`ModelReport::pooled_war`].
    pub war_interval: Interval,
    /// UAR over all answers together.
    #[serde(default)]
    pub pooled_uar: f64,
    /// 95 % interval of [`ModelReport::pooled_uar`].
    #[serde(default)]
    pub uar_interval: Interval,
    /// Number of units of the interval: what the protocol keeps apart.
    #[serde(default)]
    pub units: usize,
    /// Recall of each class over all answers; None for a class without utterances.
    pub recalls: Vec<Option<f64>>,
    /// How often each class was taken for each, over all answers.
    pub confusion: Confusion,
    /// Figures without [`CrossvalReport::ambiguous`]; None if none of these utterances was answered.
    #[serde(default)]
    pub unambiguous: Option<Unambiguous>,
}

/// Figures over the utterances that have one label in the corpus. Of an utterance with two labels, no classifier can
/// have both right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unambiguous {
    /// Number of distinct utterances that are left out.
    pub without: usize,
    /// WAR over folds and seeds.
    pub war: Spread,
    /// UAR over folds and seeds: mean recall of the classes.
    pub uar: Spread,
}

/// One fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldReport {
    /// Which fold.
    pub id: FoldId,
    /// The speaker, or else the corpus, that its test part is all of; None if it has several.
    #[serde(default)]
    pub tested: Option<String>,
    /// Utterances of its test part that could be read.
    pub utterances: usize,
    /// Utterances of its test part that could not be read.
    pub skipped: usize,
    /// Figures of the core.
    pub int8: Figures,
    /// Figures of the float model.
    pub float: Figures,
    /// Share of the utterances for which both models have the same leading label, or neither has one.
    pub agreement: f64,
    /// Temperature fitted to the answers to the other folds' test parts; None if there are none.
    pub temperature: Option<f64>,
    /// Length of the int8 model file, bytes.
    pub model_bytes: u64,
    /// Wall time of the training, s.
    pub training_seconds: f64,
}

/// The figures of one model on one test part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// WAR: recall weighted by class sizes, which is the accuracy.
    pub war: f64,
    /// UAR: mean recall of the classes.
    pub uar: f64,
    /// Macro-F1: mean F1 of the classes.
    pub macro_f1: f64,
}
