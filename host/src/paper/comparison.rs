//! The table of comparison, from what stands in the folder.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::plan::{Kind, PROTOCOLS, Splits, System, systems};
use crate::crossval::{self, ConditionReport, CrossvalReport, FoldId, FoldReport, Gathered, ModelReport};
use crate::files::write_atomic;
use crate::metrics::Confusion;
use crate::split::Protocol;
use crate::statistics::{Spread, spread};

/// Figures of all systems that are finished, protocol by protocol; shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// One entry for each system under each protocol.
    pub rows: Vec<Row>,
    /// Systems that are not finished, with the protocol.
    pub missing: Vec<String>,
}

/// A system under a protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What training and test do not share.
    pub protocol: Protocol,
    /// Which system.
    pub system: System,
    /// The float network, or a baseline.
    pub float: Accuracy,
    /// The int8 core; None for a baseline.
    pub int8: Option<Accuracy>,
    /// Share of the answers in which float and int8 agree; None for a baseline.
    pub agreement: Option<f64>,
    /// Length of the int8 model file, bytes; None for a baseline.
    pub model_bytes: Option<u64>,
    /// Wall time of the training of a split, mean, seconds; None for a baseline.
    pub training_seconds: Option<f64>,
    /// Utterances that could not be read.
    pub skipped: usize,
}

/// How right a system is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Recall weighted by class sizes, which is the accuracy, over the splits.
    pub war: Spread,
    /// Recall, all classes weighing alike, over the splits.
    pub uar: Spread,
    /// Mean F1 of the classes, over the splits.
    pub macro_f1: Spread,
    /// That of each split, in their order.
    pub each: Vec<f64>,
    /// All answers together.
    pub confusion: Confusion,
}

impl Accuracy {
    /// From the answers to each split; None of none.
    fn of(splits: &[Confusion]) -> Option<Self> {
        let over = |figure: fn(&Confusion) -> f64| spread(&splits.iter().map(figure).collect::<Vec<_>>());
        let mut together = Confusion::new(splits.first()?.labels.iter().cloned());
        for split in splits {
            for (to, from) in together.counts.iter_mut().zip(&split.counts) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
            together.unanswered.iter_mut().zip(&split.unanswered).for_each(|(to, from)| *to += from);
        }
        Some(Self {
            war: over(Confusion::war)?,
            uar: over(Confusion::uar)?,
            macro_f1: over(Confusion::macro_f1)?,
            each: splits.iter().map(Confusion::war).collect(),
            confusion: together,
        })
    }
}

impl Comparison {
    /// The line of a system under a protocol, if it is finished.
    pub fn row(&self, protocol: Protocol, system: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.protocol == protocol && row.system.name == system)
    }
}

/// As a table for people.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |spread: Spread| match spread.sd {
            Some(sd) => format!("{:.1} \u{b1} {:.1}", 100.0 * spread.mean, 100.0 * sd),
            None => format!("{:.1}", 100.0 * spread.mean),
        };
        for splits in PROTOCOLS {
            writeln!(
                f,
                "{}\n{:<20} {:<14} {:>14} {:>14} {:>12}",
                splits.name(),
                "system",
                "recordings",
                "WAR float, %",
                "WAR int8, %",
                "int8, bytes"
            )?;
            for row in self.rows.iter().filter(|row| row.protocol == splits.protocol) {
                let int8 = row.int8.as_ref().map_or_else(String::new, |int8| percent(int8.war));
                let bytes = row.model_bytes.map_or_else(String::new, |bytes| bytes.to_string());
                let System { name, condition, .. } = &row.system;
                writeln!(f, "{name:<20} {condition:<14} {:>14} {int8:>14} {bytes:>12}", percent(row.float.war))?;
            }
            writeln!(f)?;
        }
        if !self.missing.is_empty() {
            writeln!(f, "not finished: {}\n", self.missing.join("; "))?;
        }
        Ok(())
    }
}

/// A baseline's answers to one split, as the file of a split holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// Which class was taken for which.
    pub confusion: Confusion,
    /// Utterances that could not be read.
    pub skipped: usize,
}

impl Answers {
    /// Writes them to a file, whose folder is made if need be.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        write_atomic(path, &json)
    }
}

/// Reads what is finished below `root`.
///
/// # Errors
///
/// If a file is unreadable.
pub fn gather(root: &Path) -> Result<Comparison> {
    let mut comparison = Comparison { rows: Vec::new(), missing: Vec::new() };
    for splits in PROTOCOLS {
        for system in systems() {
            let row = match system.kind {
                Kind::Network => network(root, &splits, &system),
                Kind::Baseline => baseline(root, &splits, &system),
            };
            match row.with_context(|| format!("{system}, {}", splits.name()))? {
                Some(row) => comparison.rows.push(row),
                None => comparison.missing.push(format!("{system}, {}", splits.name())),
            }
        }
    }
    Ok(comparison)
}

/// None unless all splits are finished.
fn network(root: &Path, splits: &Splits, system: &System) -> Result<Option<Row>> {
    let folder = splits.folder(root, system);
    let folds = splits.each().map(|(seed, fold)| FoldId { condition: system.condition, seed, fold });
    let wanted: BTreeSet<FoldId> = folds.collect();
    if !wanted.iter().all(|id| crossval::is_finished(&folder, *id)) {
        return Ok(None);
    }
    let Gathered { mut runs, ambiguous, .. } = crossval::gather(&folder)?;
    runs.retain(|run| wanted.contains(&run.id));
    let skipped = runs.iter().map(|run| run.predictions.skipped).sum();
    let report = CrossvalReport::new(&Gathered { runs, missing: Vec::new(), ambiguous })?;
    let ConditionReport { int8, float, folds, agreement, model_bytes, training_seconds, .. } =
        report.conditions.first().context("no condition in the report")?;
    let accuracy = |model: &ModelReport, of_fold: fn(&FoldReport) -> f64| Accuracy {
        war: model.war,
        uar: model.uar,
        macro_f1: model.macro_f1,
        each: folds.iter().map(of_fold).collect(),
        confusion: model.confusion.clone(),
    };
    Ok(Some(Row {
        protocol: splits.protocol,
        system: system.clone(),
        float: accuracy(float, |fold| fold.float.war),
        int8: Some(accuracy(int8, |fold| fold.int8.war)),
        agreement: Some(*agreement),
        model_bytes: Some(*model_bytes),
        training_seconds: Some(training_seconds / folds.len() as f64),
        skipped,
    }))
}

/// None unless all splits are finished.
fn baseline(root: &Path, splits: &Splits, system: &System) -> Result<Option<Row>> {
    let folder = splits.folder(root, system);
    let mut answers: Vec<Answers> = Vec::new();
    for (seed, fold) in splits.each() {
        let path = system.answers(&folder, seed, fold);
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        answers.push(serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?);
    }
    let confusions: Vec<Confusion> = answers.iter().map(|answers| answers.confusion.clone()).collect();
    Ok(Accuracy::of(&confusions).map(|float| Row {
        protocol: splits.protocol,
        system: system.clone(),
        float,
        int8: None,
        agreement: None,
        model_bytes: None,
        training_seconds: None,
        skipped: answers.iter().map(|answers| answers.skipped).sum(),
    }))
}
