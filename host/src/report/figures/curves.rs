//! The epochs of each run, as its `metrics.csv` has them.

use serde::Serialize;

use super::gather::Run;
use crate::training::run::EpochMetrics;

/// The epochs of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// Name of the run.
    pub run: String,
    /// Metrics of each epoch, in order.
    pub epochs: Vec<EpochMetrics>,
}

/// The curves of all runs that have at least one epoch.
pub fn curves(runs: &[Run]) -> Vec<Curve> {
    let runs = runs.iter().filter(|run| !run.epochs.is_empty());
    runs.map(|run| Curve { run: run.name.clone(), epochs: run.epochs.clone() }).collect()
}
