//! Computes the figures from the answers of all folds.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::calibration::{fold_temperatures, pooled_error};
use super::{ConditionReport, CrossvalReport, Figures, FoldReport, FoldRun, Gathered, ModelReport, Verdict};
use crate::corpus::split::Part;
use crate::evaluation::groups::{GroupReport, corpora, groups};
use crate::evaluation::interval::Unit;
use crate::evaluation::predictions::{Prediction, Predictions};
use crate::evaluation::statistics::mcnemar;
use crate::features::condition::Condition;
use crate::model::logits::{leading, softmax};

/// Which of the two models.
#[derive(Clone, Copy)]
enum Side {
    Int8,
    Float,
}

impl Side {
    /// Index of the label that the model gives an utterance; None without an answer.
    fn label(self, prediction: &Prediction) -> Option<usize> {
        let answer = match self {
            Self::Int8 => prediction.int8.as_deref(),
            Self::Float => prediction.float.as_deref(),
        };
        answer.and_then(leading)
    }

    fn is_right(self, prediction: &Prediction) -> bool {
        self.label(prediction) == Some(prediction.truth)
    }

    fn verdicts(self, run: &FoldRun) -> Vec<Verdict<'_>> {
        let units = Unit::names(&run.split);
        let answers = run.predictions.utterances.iter();
        let verdicts = answers.map(|answer| {
            let id = answer.id.as_str();
            Verdict { id, unit: units.get(id).copied().unwrap_or(id), truth: answer.truth, label: self.label(answer) }
        });
        verdicts.collect()
    }
}

impl FoldRun {
    /// The int8 core's answers to the test part.
    pub fn int8_verdicts(&self) -> Vec<Verdict<'_>> {
        Side::Int8.verdicts(self)
    }
}

impl CrossvalReport {
    /// The figures of all finished folds.
    ///
    /// # Errors
    ///
    /// If no utterance could be read.
    pub fn new(gathered: &Gathered) -> Result<Self> {
        let runs = &gathered.runs;
        let first = runs.first().context("no finished fold")?;
        let conditions = Condition::ALL
            .into_iter()
            .map(|condition| (condition, runs.iter().filter(|run| run.id.condition == condition).collect::<Vec<_>>()))
            .filter(|(_, runs)| !runs.is_empty())
            .map(|(condition, runs)| {
                condition_report(condition, &runs, &first.split.labels, gathered.ambiguous.as_ref())
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            corpus: first.config.corpus.clone(),
            utterances: first.split.utterances.len(),
            protocol: first.split.protocol,
            folds: first.split.folds,
            seeds: runs.iter().map(|run| run.id.seed).collect::<BTreeSet<_>>().into_iter().collect(),
            split_seed: Some(first.split.seed).filter(|_| runs.iter().any(|run| run.split.seed != run.id.seed)),
            preset: first.config.preset.clone(),
            epochs: first.config.recipe.epochs,
            labels: first.split.labels.clone(),
            ambiguous: gathered.ambiguous.clone(),
            conditions,
            missing: gathered.missing.clone(),
        })
    }
}

fn condition_report(
    condition: Condition,
    runs: &[&FoldRun],
    labels: &[String],
    ambiguous: Option<&BTreeSet<String>>,
) -> Result<ConditionReport> {
    let temperatures = temperatures(runs);
    let heard: Vec<&Prediction> = runs.iter().flat_map(|run| &run.predictions.utterances).collect();
    let only = |one: Side, other: Side| {
        heard.iter().filter(|answer| one.is_right(answer) && !other.is_right(answer)).count() as u64
    };
    let at = |temperature: &dyn Fn(usize) -> Option<f64>| -> Option<f64> {
        let folds = runs.iter().enumerate().map(|(index, run)| Some((&run.predictions, temperature(index)?)));
        folds.collect::<Option<Vec<_>>>().map(|folds| pooled_error(&folds))
    };
    let report = |side: Side| {
        let folds: Vec<Vec<Verdict<'_>>> = runs.iter().map(|run| side.verdicts(run)).collect();
        ModelReport::new(labels, &folds, ambiguous)
    };
    let nothing = || format!("no utterance could be read in the folds of {condition}");
    Ok(ConditionReport {
        condition,
        int8: report(Side::Int8).with_context(nothing)?,
        float: report(Side::Float).with_context(nothing)?,
        mcnemar: mcnemar(only(Side::Float, Side::Int8), only(Side::Int8, Side::Float)),
        agreement: agreement(heard.iter().copied()),
        max_probability_difference: heard.iter().map(|answer| probability_difference(answer)).fold(0.0, f64::max),
        calibration_error: at(&|_| Some(1.0)).unwrap_or(0.0),
        calibration_error_at_temperature: at(&|index| temperatures.get(index).copied().flatten()),
        model_bytes: runs.iter().map(|run| run.model_bytes).max().unwrap_or(0),
        training_seconds: runs.iter().map(|run| run.training_seconds).sum(),
        skipped: skipped(runs),
        corpora: corpora(labels, answers(runs)),
        speakers: speakers(runs, labels),
        folds: runs.iter().zip(&temperatures).map(|(run, temperature)| fold_report(run, *temperature)).collect(),
    })
}

/// The temperature of each run, fitted to the other folds of its seed.
fn temperatures(runs: &[&FoldRun]) -> Vec<Option<f64>> {
    let mut temperatures = vec![None; runs.len()];
    for seed in runs.iter().map(|run| run.id.seed).collect::<BTreeSet<_>>() {
        let places: Vec<usize> =
            (0..runs.len()).zip(runs).filter(|(_, run)| run.id.seed == seed).map(|(place, _)| place).collect();
        let folds: Vec<&Predictions> =
            runs.iter().filter(|run| run.id.seed == seed).map(|run| &run.predictions).collect();
        for (place, temperature) in places.into_iter().zip(fold_temperatures(&folds)) {
            if let Some(to) = temperatures.get_mut(place) {
                *to = temperature;
            }
        }
    }
    temperatures
}

fn fold_report(run: &FoldRun, temperature: Option<f64>) -> FoldReport {
    let figures = |side: Side| Figures::new(&Verdict::confusion(&run.predictions.labels, side.verdicts(run)));
    let only = |name: fn(&Prediction) -> &str| {
        let names: BTreeSet<&str> = run.predictions.utterances.iter().map(name).collect();
        names.first().filter(|name| names.len() == 1 && !name.is_empty()).map(|name| (*name).to_owned())
    };
    FoldReport {
        id: run.id,
        tested: only(|answer| &answer.speaker).or_else(|| only(|answer| &answer.corpus)),
        utterances: run.predictions.utterances.len(),
        skipped: run.predictions.skipped,
        int8: figures(Side::Int8),
        float: figures(Side::Float),
        agreement: agreement(&run.predictions.utterances),
        temperature,
        model_bytes: run.model_bytes,
        training_seconds: run.training_seconds,
    }
}

/// Share of the answers in which both models have the same label, or neither has one; 1 without an answer.
fn agreement<'a>(answers: impl IntoIterator<Item = &'a Prediction>) -> f64 {
    let (mut same, mut total) = (0u64, 0u64);
    for answer in answers {
        same += u64::from(Side::Int8.label(answer) == Side::Float.label(answer));
        total += 1;
    }
    if total == 0 { 1.0 } else { same as f64 / total as f64 }
}

/// Largest difference of a probability, at temperature 1; 0 if a model has no answer.
fn probability_difference(answer: &Prediction) -> f64 {
    let (Some(int8), Some(float)) = (&answer.int8, &answer.float) else { return 0.0 };
    let pairs = softmax(int8, 1.0).into_iter().zip(softmax(float, 1.0));
    pairs.map(|(int8, float)| (int8 - float).abs()).fold(0.0, f64::max)
}

/// Ids of utterances of the test parts that have no entry: they could not be read.
fn skipped(runs: &[&FoldRun]) -> Vec<String> {
    let mut skipped = BTreeSet::new();
    for run in runs {
        let read: BTreeSet<&str> = run.predictions.utterances.iter().map(|answer| answer.id.as_str()).collect();
        let tested = run.split.utterances.iter().filter(|entry| entry.part == Part::Test);
        skipped.extend(tested.filter(|entry| !read.contains(entry.id.as_str())).map(|entry| entry.id.clone()));
    }
    skipped.into_iter().collect()
}

/// Each answer with the unit that it belongs to.
fn answers<'r>(runs: &[&'r FoldRun]) -> impl Iterator<Item = (&'r str, &'r Prediction)> {
    let answers = runs.iter().map(|run| {
        let units = Unit::names(&run.split);
        let answers = run.predictions.utterances.iter();
        answers.map(|answer| (units.get(answer.id.as_str()).copied().unwrap_or(&answer.id), answer)).collect::<Vec<_>>()
    });
    answers.collect::<Vec<_>>().into_iter().flatten()
}

/// The figures of each speaker who is not in the training part.
fn speakers(runs: &[&FoldRun], labels: &[String]) -> Vec<GroupReport> {
    if !runs.iter().all(|run| Unit::of(run.split.protocol) == Unit::Speaker) {
        return Vec::new();
    }
    groups(labels, answers(runs).map(|(unit, answer)| (answer.speaker.as_str(), unit, answer)))
}
