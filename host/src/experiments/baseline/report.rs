//! The figures of baselines over all folds of a split, and a table of them.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{Answer, Baseline, Evaluation, evaluate};
use crate::corpus::Corpus;
use crate::corpus::split::{Protocol, Split};
use crate::evaluation::interval::{Unit, shown};
use crate::experiments::crossval::table::spread;
use crate::experiments::crossval::{ModelReport, Verdict};
use crate::features::cache::FeatureCache;
use crate::features::condition::Condition;

/// Width of the names of the baselines.
const NAME: usize = 18;
/// Width of a column of figures.
const COLUMN: usize = 16;

/// The figures of some baselines on the same folds. Shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineReport {
    /// Name of the corpus.
    pub corpus: String,
    /// Utterances in the corpus.
    pub utterances: usize,
    /// Whether the recordings' cues are removed or left in.
    pub condition: Condition,
    /// The protocol, which says what training and test do not share.
    pub protocol: Protocol,
    /// Number of folds.
    pub folds: usize,
    /// Seed of the splits and of all random draws.
    pub seed: u64,
    /// Figures of each baseline.
    pub baselines: Vec<BaselineFigures>,
}

/// The figures of one baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineFigures {
    /// Which one.
    pub baseline: Baseline,
    /// Figures over all folds.
    pub figures: ModelReport,
    /// Utterances of the test parts that could not be read, by their ids.
    pub skipped: Vec<String>,
}

impl BaselineFigures {
    /// The figures from a baseline's answers to the test part of each fold. With `ambiguous` (see
    /// [`copies::ambiguous`](crate::corpus::copies::ambiguous)) there are also figures without these utterances.
    ///
    /// # Errors
    ///
    /// If no utterance was answered.
    pub fn new(
        baseline: Baseline,
        protocol: Protocol,
        folds: &[Evaluation],
        ambiguous: Option<&BTreeSet<String>>,
    ) -> Result<Self> {
        let labels = folds.first().map_or(&[][..], |fold| &fold.confusion.labels);
        let verdicts: Vec<_> = folds.iter().map(|fold| fold.verdicts(protocol)).collect();
        let figures = ModelReport::new(labels, &verdicts, ambiguous)
            .with_context(|| format!("no utterance could be read in the test parts of {baseline}"))?;
        let skipped = folds.iter().flat_map(|fold| &fold.skipped).map(|problem| problem.path.clone()).collect();
        Ok(Self { baseline, figures, skipped })
    }
}

impl Evaluation {
    /// The answers as [`ModelReport::new`] takes them.
    pub fn verdicts(&self, protocol: Protocol) -> Vec<Verdict<'_>> {
        let unit = Unit::of(protocol);
        let verdicts = self.answers.iter().map(|Answer { id, speaker, sentence, truth, label }| Verdict {
            id,
            unit: unit.name(id, speaker, sentence),
            truth: *truth,
            label: *label,
        });
        verdicts.collect()
    }
}

/// The splits of all folds of a corpus; `folds` None stands for the protocol's own number.
///
/// # Errors
///
/// Those of [`Split::new`].
pub fn splits(corpus: &Corpus, protocol: Protocol, folds: Option<usize>, seed: u64) -> Result<Vec<Split>> {
    let first = Split::new(corpus, protocol, folds, 0, seed)?;
    (0..first.folds).map(|fold| Split::new(corpus, protocol, folds, fold, seed)).collect()
}

/// Fits a baseline to each split and lets it answer; `tell` is called after each fold.
///
/// # Errors
///
/// Those of [`evaluate`].
pub fn evaluate_all(
    baseline: Baseline,
    corpus: &Corpus,
    cache: &FeatureCache,
    splits: &[Split],
    tell: &mut dyn FnMut(&Split, &Evaluation),
) -> Result<Vec<Evaluation>> {
    let mut evaluations = Vec::with_capacity(splits.len());
    for split in splits {
        let evaluation =
            evaluate(baseline, corpus, cache, split).with_context(|| format!("{baseline}, fold {}", split.fold))?;
        tell(split, &evaluation);
        evaluations.push(evaluation);
    }
    Ok(evaluations)
}

/// Shows a line for each baseline, then the confusion matrix of each over all test parts.
impl fmt::Display for BaselineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} utterances; protocol {}, {} folds; seed {}; {}\n",
            self.corpus, self.utterances, self.protocol, self.folds, self.seed, self.condition
        )?;
        let titles =
            ["WAR, %", "UAR, %", "macro-F1, %", "95 % of WAR"].map(|title| format!("{title:>COLUMN$}")).concat();
        let units = self.baselines.iter().map(|baseline| baseline.figures.units).max().unwrap_or(0);
        writeln!(f, "{:NAME$}{titles} ({})", "", Unit::of(self.protocol).count(units))?;
        for BaselineFigures { baseline, figures, .. } in &self.baselines {
            let interval = shown(figures.war_interval);
            let cells = [spread(figures.war), spread(figures.uar), spread(figures.macro_f1), interval];
            writeln!(f, "{baseline:NAME$}{}", cells.map(|cell| format!("{cell:>COLUMN$}")).concat())?;
        }
        for BaselineFigures { baseline, figures, skipped } in &self.baselines {
            writeln!(f, "\n{baseline}, all test parts (rows: truth, columns: answer)\n{}", figures.confusion)?;
            if !skipped.is_empty() {
                writeln!(f, "utterances that could not be read: {}", skipped.len())?;
            }
        }
        Ok(())
    }
}
