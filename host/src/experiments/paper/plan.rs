//! The systems that are compared, and the splits.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use ser_core::spec;
use serde::{Deserialize, Serialize};

use crate::corpus::split::{DEFAULT_FOLDS, Protocol};
use crate::experiments::baseline::Baseline;
use crate::experiments::crossval::FoldId;
use crate::features::condition::Condition;

/// The protocols of the comparison.
pub const PROTOCOLS: [Splits; 2] = [
    // One fold of five is a stratified 80/20 split; each seed shuffles differently.
    Splits { name: "random", protocol: Protocol::Random, seeds: &[1, 2, 3], fold: Some(0) },
    Splits { name: "sentence", protocol: Protocol::Sentence, seeds: &[1], fold: None },
];

/// The split of the corpus of repeated recordings.
pub const REPEATED: Splits = Splits { name: "repeated", protocol: Protocol::Random, seeds: &[1], fold: Some(0) };

/// The tables of the comparison: each protocol under each condition.
pub fn tables() -> impl Iterator<Item = (Splits, Condition)> {
    PROTOCOLS.into_iter().flat_map(|splits| Condition::ALL.map(|condition| (splits, condition)))
}

/// The splits of a protocol that the comparison uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splits {
    /// Name in paths and tables.
    pub name: &'static str,
    /// The protocol, which says what training and test do not share.
    pub protocol: Protocol,
    /// Seeds of the splits and of the trainings.
    pub seeds: &'static [u64],
    /// The fold that is tested; None for each in turn.
    pub fold: Option<usize>,
}

impl Splits {
    /// The folder of a system, below `root`, the folder of the comparison.
    pub fn folder(&self, root: &Path, system: &System) -> PathBuf {
        root.join(self.name).join(&system.name)
    }

    /// Seed and fold of each split.
    pub fn each(&self) -> impl Iterator<Item = (u64, usize)> {
        let of_seed = match self.fold {
            Some(fold) => fold..fold + 1,
            None => 0..DEFAULT_FOLDS,
        };
        self.seeds.iter().flat_map(move |seed| of_seed.clone().map(move |fold| (*seed, fold)))
    }
}

/// Kind of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The preset of this name, trained, exported and run by the core.
    Network,
    /// The baseline of this name.
    Baseline,
}

/// A system of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Name of the preset or baseline.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Whether the recordings' cues are removed or left in.
    pub condition: Condition,
}

impl System {
    fn new(kind: Kind, name: &str, condition: Condition) -> Self {
        Self { name: name.to_owned(), kind, condition }
    }

    /// The paper's network.
    pub fn paper() -> Self {
        Self::new(Kind::Network, "paper", Condition::AsRecorded)
    }

    /// The run folder of a network's training on one split, below the folder of the system.
    pub fn run(&self, folder: &Path, seed: u64, fold: usize) -> PathBuf {
        FoldId { condition: self.condition, seed, fold }.folder(folder)
    }

    /// The file of a baseline's answers to one split, below the folder of the system.
    pub fn answers(&self, folder: &Path, seed: u64, fold: usize) -> PathBuf {
        self.run(folder, seed, fold).with_extension("json")
    }

    /// The baseline of this name.
    ///
    /// # Errors
    ///
    /// If there is no such baseline.
    pub fn baseline(&self) -> Result<Baseline> {
        Baseline::from_str(&self.name, false).map_err(|_| anyhow!("there is no baseline {}", self.name))
    }

    /// A description for a table; empty for an unknown name.
    pub fn describe(&self) -> &'static str {
        match self.name.as_str() {
            "edge" => "3 convolutions and 2 LSTMs over log-mel rows, with teachers (ours)",
            "rnn" => "2 LSTMs over log-mel rows, no convolution, no teachers",
            "paper" => "the paper's network: CNN over an image of the spectrogram, LSTMs of a single step",
            "paper-seq" => "the paper's network with LSTMs over 26 steps",
            "hmm" => "hidden Markov model of each emotion, Gaussian emissions, cepstra",
            "gmm" => "Gaussian mixture of each emotion",
            "knn" => "k nearest neighbours on utterance statistics",
            "svm" => "support vector machine on utterance statistics",
            "kernel-regression" => "Nadaraya-Watson kernel regression on utterance statistics",
            _ => "",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.condition)
    }
}

/// Names of the systems: baselines and presets, quick ones first.
pub const NAMES: [&str; 9] = ["knn", "svm", "kernel-regression", "gmm", "hmm", "rnn", "edge", "paper-seq", "paper"];

/// All systems, quick ones first. Systems on rows of our front end run under both conditions. The paper's networks run
/// only on recordings as they are, which is what their images show.
pub fn systems() -> Vec<System> {
    let of_name = |name| {
        let network = spec::preset(name);
        let kind = if network.is_some() { Kind::Network } else { Kind::Baseline };
        let conditions = match network {
            Some(network) if network.front_end.image.is_some() => &[Condition::AsRecorded][..],
            _ => &Condition::ALL[..],
        };
        conditions.iter().map(move |condition| System::new(kind, name, *condition))
    };
    NAMES.into_iter().flat_map(of_name).collect()
}
