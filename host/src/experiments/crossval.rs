//! Cross-validation: every fold is a separate run, and a report puts together the answers to all test parts.
//!
//! A fold is the folder `CONDITION/seed-S/fold-K`, a [run folder](crate::training::run) with the exported models and
//! `predictions.json`; a fold with that file and all its epochs is finished. Folds are independent, so they can be
//! trained in any order, on any machine. [`gather`] reads the finished ones, [`CrossvalReport::new`] computes the figures.

mod calibration;
mod gather;
mod report;
#[cfg(feature = "train")]
pub mod run;
mod summary;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod verdict;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::features::condition::Condition;
pub use calibration::{Calibration, calibrate, fold_temperatures};
pub use gather::{FoldRun, Gathered, gather, is_finished};
pub use report::{ConditionReport, CrossvalReport, Figures, FoldReport, ModelReport, Unambiguous};
pub use verdict::Verdict;

/// One training of a cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoldId {
    /// Whether the recordings' cues are removed or left in.
    pub condition: Condition,
    /// Seed of the training, and of the split unless all splits have a seed of their own.
    pub seed: u64,
    /// Index of the fold that is tested, from 0.
    pub fold: usize,
}

impl FoldId {
    /// The run folder of the fold, below `root`, the folder of the cross-validation.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(self.condition.to_string()).join(format!("seed-{}", self.seed)).join(format!("fold-{}", self.fold))
    }
}

/// The file of the copies in the corpus, in the folder of a cross-validation.
fn copies_path(root: &Path) -> PathBuf {
    root.join("copies.json")
}

impl fmt::Display for FoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fold {} seed {} {}", self.fold, self.seed, self.condition)
    }
}
