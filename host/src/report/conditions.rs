//! The conditions of runs: what a reader must know before a figure means anything.

use serde::Serialize;

use super::Group;
use super::gather::{ModelFile, Run};
use super::page::Table;
use super::text::{number, percent, thousands};
use crate::metrics::Confusion;
use crate::predictions::{Prediction, leading};
use crate::run::Config;
use crate::split::{Part, Protocol};

/// The conditions of a group.
#[derive(Clone, Debug, Serialize)]
pub struct Conditions {
    /// Name of the corpus.
    pub corpus: String,
    /// What training and test do not share.
    pub protocol: Protocol,
    /// Name of the network.
    pub preset: String,
    /// Each run.
    pub runs: Vec<RunConditions>,
}

/// What distinguishes a run in its group, and its own figures.
#[derive(Clone, Debug, Serialize)]
pub struct RunConditions {
    /// Name.
    pub name: String,
    /// The fold that tests, from 0.
    pub fold: usize,
    /// Number of folds.
    pub folds: usize,
    /// Seed of the training.
    pub seed: u64,
    /// Epochs finished.
    pub epochs: usize,
    /// Epochs wanted.
    pub epochs_wanted: usize,
    /// Utterances of the training part.
    pub train: usize,
    /// Utterances of the validation part.
    pub validation: usize,
    /// Utterances of the test part.
    pub test: usize,
    /// Utterances of the test part that could not be read.
    pub skipped: usize,
    /// The model file, if there is one.
    pub model: Option<ModelFile>,
    /// WAR of the int8 core, 0 to 1.
    pub int8_war: f64,
    /// WAR of the float model, 0 to 1.
    pub float_war: f64,
}

/// Whether two runs differ in nothing but fold and seed, and where their corpus lies.
pub fn same_training(a: &Run, b: &Run) -> bool {
    let of = |run: &Run| Config { seed: 0, corpus_path: None, ..run.config.clone() };
    a.condition == b.condition && a.split.protocol == b.split.protocol && of(a) == of(b)
}

/// What a group is called.
pub fn name(run: &Run) -> String {
    if run.condition.is_empty() {
        format!("{}, {}, {}", run.config.corpus, run.config.preset, protocol(run.split.protocol))
    } else {
        run.condition.clone()
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Random => "random",
        Protocol::Sentence => "sentence",
        Protocol::Speaker => "speaker",
    }
}

impl Conditions {
    /// Of runs that train the same.
    pub fn of(first: &Run, runs: &[Run]) -> Self {
        Self {
            corpus: first.config.corpus.clone(),
            protocol: first.split.protocol,
            preset: first.config.preset.clone(),
            runs: runs.iter().map(RunConditions::of).collect(),
        }
    }

    /// Mean and standard deviation of the WAR over the runs, int8 and float; None of a single run.
    pub fn spread(&self) -> Option<(String, String)> {
        let of = |war: fn(&RunConditions) -> f64| {
            let n = self.runs.len() as f64;
            let mean = self.runs.iter().map(war).sum::<f64>() / n;
            let variance = self.runs.iter().map(|run| (war(run) - mean).powi(2)).sum::<f64>() / (n - 1.0);
            format!("{} ± {:.1}", percent(mean), 100.0 * variance.sqrt())
        };
        (self.runs.len() > 1).then(|| (of(|run| run.int8_war), of(|run| run.float_war)))
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
            epochs_wanted: run.config.recipe.all_epochs(),
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

/// The conditions of all groups, side by side.
pub fn table(groups: &[Group]) -> Table {
    type Cell = fn(&Conditions) -> String;
    let rows: [(&str, Cell); 13] = [
        ("corpus", |c| c.corpus.clone()),
        ("protocol", |c| protocol(c.protocol).to_owned()),
        ("fold that tests", folds),
        ("seed", |c| list(c.runs.iter().map(|run| run.seed))),
        ("preset", |c| c.preset.clone()),
        ("epochs", epochs),
        ("utterances to train on", |c| span(c, |run| Some(run.train))),
        ("utterances to validate on", |c| span(c, |run| Some(run.validation))),
        ("utterances to test on", |c| span(c, |run| Some(run.test))),
        ("of these not readable", |c| c.runs.iter().map(|run| run.skipped).sum::<usize>().to_string()),
        ("model file, bytes", |c| span(c, |run| Some(run.model?.bytes))),
        ("state, bytes", |c| span(c, |run| Some(run.model?.state_bytes))),
        ("temperature, confidence threshold", confidence),
    ];
    Table {
        caption: "Conditions".to_owned(),
        head: std::iter::once(String::new()).chain(groups.iter().map(|group| group.name.clone())).collect(),
        rows: rows
            .iter()
            .map(|(name, cell)| {
                std::iter::once((*name).to_owned()).chain(groups.iter().map(|group| cell(&group.conditions))).collect()
            })
            .collect(),
    }
}

fn folds(conditions: &Conditions) -> String {
    let of = conditions.runs.iter().map(|run| run.folds).max().unwrap_or_default();
    format!("{} (of {of}, counted from 0)", list(conditions.runs.iter().map(|run| run.fold as u64)))
}

fn epochs(conditions: &Conditions) -> String {
    let unfinished = conditions.runs.iter().any(|run| run.epochs < run.epochs_wanted);
    let done = span(conditions, |run| Some(run.epochs));
    let wanted = span(conditions, |run| Some(run.epochs_wanted));
    if unfinished { format!("{done} of {wanted}: unfinished") } else { done }
}

fn confidence(conditions: &Conditions) -> String {
    let of = |value: fn(&ModelFile) -> f64| {
        let mut values: Vec<f64> = conditions.runs.iter().filter_map(|run| run.model.as_ref()).map(value).collect();
        values.sort_by(f64::total_cmp);
        match (values.first(), values.last()) {
            (Some(low), Some(high)) if low < high => format!("{} to {}", number(low), number(high)),
            (Some(value), _) => number(value),
            _ => "no model file".to_owned(),
        }
    };
    format!("{}, {}", of(|model| model.temperature), of(|model| model.confidence_threshold))
}

/// Different numbers in ascending order.
fn list(numbers: impl Iterator<Item = u64>) -> String {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// The smallest and the largest over the runs, or the only one.
fn span(conditions: &Conditions, value: fn(&RunConditions) -> Option<usize>) -> String {
    let values = || conditions.runs.iter().filter_map(value);
    match (values().min(), values().max()) {
        (Some(low), Some(high)) if low < high => format!("{} to {}", thousands(low), thousands(high)),
        (Some(value), _) => thousands(value),
        _ => "no model file".to_owned(),
    }
}
