//! The conditions of runs: what was trained on what. Without them no figure means anything.

use serde::Serialize;

use super::gather::{ModelFile, Run};
use crate::corpus::split::{Part, Protocol};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::predictions::Prediction;
use crate::evaluation::statistics::{Spread, spread};
use crate::model::logits::leading;
use crate::training::run::Config;

/// The conditions of a group.
#[derive(Clone, Debug, Serialize)]
pub struct Conditions {
    /// Name of the corpus.
    pub corpus: String,
    /// What training and test do not share.
    pub protocol: Protocol,
    /// Name of the network.
    pub preset: String,
    /// Conditions of each run.
    pub runs: Vec<RunConditions>,
}

/// What distinguishes a run in its group, with the figures of this run alone.
#[derive(Clone, Debug, Serialize)]
pub struct RunConditions {
    /// Name of the run.
    pub name: String,
    /// The fold that is tested on, counted from 0.
    pub fold: usize,
    /// Number of folds.
    pub folds: usize,
    /// Seed of the training.
    pub seed: u64,
    /// Number of epochs trained so far.
    pub epochs: usize,
    /// Number of epochs in the recipe.
    pub epochs_wanted: usize,
    /// Number of utterances in the training part.
    pub train: usize,
    /// Number of utterances in the validation part.
    pub validation: usize,
    /// Number of utterances in the test part.
    pub test: usize,
    /// Number of utterances in the test part that could not be read.
    pub skipped: usize,
    /// The model file, if there is one.
    pub model: Option<ModelFile>,
    /// WAR of the int8 core, 0 to 1.
    pub int8_war: f64,
    /// WAR of the float model, 0 to 1.
    pub float_war: f64,
}

/// Whether two runs differ at most in fold, seed and the path of their corpus.
pub fn same_training(a: &Run, b: &Run) -> bool {
    let of = |run: &Run| Config { seed: 0, corpora: Vec::new(), ..run.config.clone() };
    a.condition == b.condition && a.split.protocol == b.split.protocol && of(a) == of(b)
}

/// The name of a group: the condition of the run, or else corpus, preset and protocol.
pub fn name(run: &Run) -> String {
    if run.condition.is_empty() {
        format!("{}, {}, {}", run.config.corpus, run.config.preset, run.split.protocol)
    } else {
        run.condition.clone()
    }
}

impl Conditions {
    /// The conditions of runs that train the same.
    pub fn of(first: &Run, runs: &[Run]) -> Self {
        Self {
            corpus: first.config.corpus.clone(),
            protocol: first.split.protocol,
            preset: first.config.preset.clone(),
            runs: runs.iter().map(RunConditions::of).collect(),
        }
    }

    /// Mean and standard deviation of the WAR over the runs, int8 and float; None without a run.
    pub fn spread(&self) -> Option<(Spread, Spread)> {
        let of = |war: fn(&RunConditions) -> f64| spread(&self.runs.iter().map(war).collect::<Vec<_>>());
        Some((of(|run| run.int8_war)?, of(|run| run.float_war)?))
    }
}

impl RunConditions {
    fn of(run: &Run) -> Self {
        let size = |part: Part| run.split.utterances.iter().filter(|utterance| utterance.part == part).count();
        let war = |answer: fn(&Prediction) -> Option<&Vec<f32>>| {
            let mut confusion = Confusion::new(run.predictions.labels.iter().cloned());
            for utterance in &run.predictions.utterances {
                confusion.add(utterance.truth, answer(utterance).and_then(|values| leading(values)));
            }
            confusion.war()
        };
        Self {
            name: run.name.clone(),
            fold: run.split.fold,
            folds: run.split.folds,
            seed: run.config.seed,
            epochs: run.epochs.len(),
            epochs_wanted: run.progress().all,
            train: size(Part::Train),
            validation: size(Part::Validation),
            test: size(Part::Test),
            skipped: run.predictions.skipped,
            model: run.model,
            int8_war: war(|utterance| utterance.int8.as_ref()),
            float_war: war(|utterance| utterance.float.as_ref()),
        }
    }
}
