//! The table of comparison, from the results in the folder.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::plan::{Kind, REPEATED, Splits, System, systems, tables};
use super::right::Right;
use crate::corpus::split::Protocol;
use crate::evaluation::statistics::McNemar;
use crate::experiments::baseline::Evaluation;
use crate::experiments::baseline::report::BaselineFigures;
use crate::experiments::crossval::table::spread;
use crate::experiments::crossval::{self, CrossvalReport, FoldId, Gathered, ModelReport};
use crate::features::condition::Condition;

/// Figures of all finished systems under each protocol; shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// One row for each finished system under each protocol.
    pub rows: Vec<Row>,
    /// The paper's network on [repeated recordings](super::repeated()), if it is finished.
    pub repeated: Option<Row>,
    /// What is not finished yet: systems with their protocol, and the repeated recordings.
    pub missing: Vec<String>,
}

/// The figures of a system under a protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The protocol, which says what training and test do not share.
    pub protocol: Protocol,
    /// Which system.
    pub system: System,
    /// Figures of the float network, or of a baseline.
    pub float: ModelReport,
    /// Figures of the int8 core; None for a baseline.
    pub int8: Option<ModelReport>,
    /// Share of the answers in which float and int8 agree; None for a baseline.
    pub agreement: Option<f64>,
    /// Length of the int8 model file, bytes; None for a baseline.
    pub model_bytes: Option<u64>,
    /// Mean wall time of a training, s; None for a baseline.
    pub training_seconds: Option<f64>,
    /// Utterances that could not be read.
    pub skipped: usize,
    /// McNemar's test of this system (first) against [`REFERENCE`] (second) on the test utterances of the same table,
    /// int8 where there is an int8 model. None for the reference itself, and as long as the reference is not finished.
    /// Each seed's answer to an utterance counts, though answers to one utterance are alike; p is then too small.
    pub against_reference: Option<McNemar>,
}

/// Name of the system that the others are tested against.
pub const REFERENCE: &str = "edge";

impl Comparison {
    /// The row of a system under a protocol and a condition, if it is finished.
    pub fn row(&self, protocol: Protocol, system: &str, condition: Condition) -> Option<&Row> {
        self.of(protocol, condition).find(|row| row.system.name == system)
    }

    /// All rows that may be compared with each other: the same test utterances under the same condition.
    pub fn of(&self, protocol: Protocol, condition: Condition) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.protocol == protocol && row.system.condition == condition)
    }
}

/// Shows the comparison as a table.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (splits, condition) in tables() {
            let title = format!("{}, {condition}", splits.name);
            let against = format!("p, {REFERENCE}");
            writeln!(f, "{title:<24} {:>14} {:>14} {:>12} {against:>8}", "WAR float, %", "WAR int8, %", "int8, bytes")?;
            for row in self.of(splits.protocol, condition) {
                let int8 = row.int8.as_ref().map_or_else(String::new, |int8| spread(int8.war));
                let bytes = row.model_bytes.map_or_else(String::new, |bytes| bytes.to_string());
                let p = row.against_reference.map_or_else(String::new, |test| test.p_rounded());
                let line =
                    format!("{:<24} {:>14} {int8:>14} {bytes:>12} {p:>8}", row.system.name, spread(row.float.war));
                writeln!(f, "{}", line.trim_end())?;
            }
            writeln!(f)?;
        }
        if let Some(row) = &self.repeated {
            writeln!(f, "paper on repeated recordings: WAR {} % float\n", spread(row.float.war))?;
        }
        if !self.missing.is_empty() {
            writeln!(f, "not finished: {}\n", self.missing.join("; "))?;
        }
        Ok(())
    }
}

/// Reads all finished results below `root`.
///
/// # Errors
///
/// If a file is unreadable.
pub fn gather(root: &Path) -> Result<Comparison> {
    let repeated = network(root, &REPEATED, &System::paper()).context(REPEATED.name)?.map(|(row, _)| row);
    let mut comparison = Comparison { rows: Vec::new(), repeated, missing: Vec::new() };
    for (splits, condition) in tables() {
        let mut finished = Vec::new();
        for system in systems().into_iter().filter(|system| system.condition == condition) {
            let row = match system.kind {
                Kind::Network => network(root, &splits, &system),
                Kind::Baseline => baseline(root, &splits, &system),
            };
            match row.with_context(|| format!("{system}, {}", splits.name))? {
                Some(row) => finished.push(row),
                None => comparison.missing.push(format!("{system}, {}", splits.name)),
            }
        }
        let reference = finished.iter().find(|(row, _)| row.system.name == REFERENCE).map(|(_, right)| right.clone());
        comparison.rows.extend(finished.into_iter().map(|(row, right)| {
            let other = reference.as_ref().filter(|_| row.system.name != REFERENCE);
            Row { against_reference: other.map(|other| right.against(other)), ..row }
        }));
    }
    if comparison.repeated.is_none() {
        comparison.missing.push(format!("{}, {} recordings", System::paper(), REPEATED.name));
    }
    Ok(comparison)
}

/// None unless all splits are finished.
fn network(root: &Path, splits: &Splits, system: &System) -> Result<Option<(Row, Right)>> {
    let folder = splits.folder(root, system);
    let folds = splits.each().map(|(seed, fold)| FoldId { condition: system.condition, seed, fold });
    let wanted: BTreeSet<FoldId> = folds.collect();
    for id in &wanted {
        if !crossval::is_finished(&folder, *id)? {
            return Ok(None);
        }
    }
    let Gathered { mut runs, ambiguous, .. } = crossval::gather(&folder)?;
    runs.retain(|run| wanted.contains(&run.id));
    let skipped = runs.iter().map(|run| run.predictions.skipped).sum();
    let mut right = Right::default();
    runs.iter().for_each(|run| right.add(run.id.seed, run.id.fold, run.int8_verdicts()));
    let report = CrossvalReport::new(&Gathered { runs, missing: Vec::new(), ambiguous })?;
    let condition = report.conditions.into_iter().next().context("no condition in the report")?;
    let row = Row {
        protocol: splits.protocol,
        system: system.clone(),
        float: condition.float,
        int8: Some(condition.int8),
        agreement: Some(condition.agreement),
        model_bytes: Some(condition.model_bytes),
        training_seconds: Some(condition.training_seconds / condition.folds.len() as f64),
        skipped,
        against_reference: None,
    };
    Ok(Some((row, right)))
}

/// None unless all splits are finished.
fn baseline(root: &Path, splits: &Splits, system: &System) -> Result<Option<(Row, Right)>> {
    let folder = splits.folder(root, system);
    let mut evaluations = Vec::new();
    let mut right = Right::default();
    for (seed, fold) in splits.each() {
        let Some(evaluation) = Evaluation::load(&system.answers(&folder, seed, fold))? else { return Ok(None) };
        right.add(seed, fold, evaluation.verdicts(splits.protocol));
        evaluations.push(evaluation);
    }
    let BaselineFigures { figures, skipped, .. } =
        BaselineFigures::new(system.baseline()?, splits.protocol, &evaluations, None)?;
    let row = Row {
        protocol: splits.protocol,
        system: system.clone(),
        float: figures,
        int8: None,
        agreement: None,
        model_bytes: None,
        training_seconds: None,
        skipped: skipped.len(),
        against_reference: None,
    };
    Ok(Some((row, right)))
}
