//! Finds the folds of a cross-validation and reads their results.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};

use super::{FoldId, copies_path};
use crate::corpus::copies::{self, ambiguous};
use crate::corpus::split::Split;
use crate::evaluation::predictions::Predictions;
use crate::features::condition::Condition;
use crate::training::run::{Config, RunFolder};

/// A finished fold.
#[derive(Clone, Debug)]
pub struct FoldRun {
    /// Which fold.
    pub id: FoldId,
    /// Its configuration.
    pub config: Config,
    /// Its split.
    pub split: Split,
    /// Answers of both models to its test part.
    pub predictions: Predictions,
    /// Wall time of its training, s.
    pub training_seconds: f64,
    /// Length of its int8 model file, bytes.
    pub model_bytes: u64,
}

/// The folds of a cross-validation.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The finished folds, at least one, sorted by condition, seed and fold.
    pub runs: Vec<FoldRun>,
    /// The unfinished folds of the conditions and seeds that have a folder.
    pub missing: Vec<FoldId>,
    /// Ids of utterances that are in the corpus under two labels; None if nobody looked for copies.
    pub ambiguous: Option<BTreeSet<String>>,
}

/// Reads all folds below `root`.
///
/// # Errors
///
/// If no fold is finished, a file of a fold is unreadable, or the folds belong to different cross-validations.
pub fn gather(root: &Path) -> Result<Gathered> {
    let found = find(root)?;
    check_alike(&found)?;
    let mut missing: BTreeSet<FoldId> =
        found.iter().flat_map(|found| (0..found.split.folds).map(|fold| FoldId { fold, ..found.id })).collect();
    let mut runs = Vec::new();
    for Found { id, folder, config, split } in found {
        if !folder.is_evaluated()? {
            continue;
        }
        let predictions = Predictions::load(&folder.predictions_path())?;
        ensure!(
            predictions.labels == split.labels,
            "{} has the labels {}, wanted {}",
            folder.predictions_path().display(),
            predictions.labels.join(", "),
            split.labels.join(", ")
        );
        let model = folder.model_path();
        let model_bytes = std::fs::metadata(&model).with_context(|| format!("cannot read {}", model.display()))?.len();
        let training_seconds = folder.training_seconds()?;
        missing.remove(&id);
        runs.push(FoldRun { id, config, split, predictions, training_seconds, model_bytes });
    }
    ensure!(
        !runs.is_empty(),
        "no finished fold in {}: {}",
        root.display(),
        match missing.len() {
            0 => "wanted folders CONDITION/seed-S/fold-K, as `host crossval` makes them".to_owned(),
            unfinished => format!("{unfinished} are unfinished, the command that made them goes on with them"),
        }
    );
    let copies = copies_path(root);
    let ambiguous = if copies.is_file() { Some(ambiguous(&copies::load(&copies)?)) } else { None };
    Ok(Gathered { runs, missing: missing.into_iter().collect(), ambiguous })
}

/// A fold that was started.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) id: FoldId,
    pub(super) folder: RunFolder,
    pub(super) config: Config,
    pub(super) split: Split,
}

/// The folds below `root` that were started, in order; empty if there is no such folder.
pub(super) fn find(root: &Path) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for condition in Condition::ALL {
        let folder = root.join(condition.to_string());
        for seed in numbered::<u64>(&folder, "seed-")? {
            for fold in numbered::<usize>(&folder.join(format!("seed-{seed}")), "fold-")? {
                let id = FoldId { condition, seed, fold };
                let path = id.folder(root);
                let Some(folder) = begun(&path) else { continue };
                let (config, split) = (folder.config()?, folder.split()?);
                ensure!(
                    (config.seed, split.fold) == (seed, fold),
                    "{} holds the run of fold {} with seed {}: was it moved?",
                    path.display(),
                    split.fold,
                    config.seed
                );
                found.push(Found { id, folder, config, split });
            }
        }
    }
    found.sort_by_key(|found| found.id);
    Ok(found)
}

/// Whether a fold below `root` has been trained and evaluated.
///
/// # Errors
///
/// If the fold was begun and its configuration or metrics cannot be read.
pub fn is_finished(root: &Path, id: FoldId) -> Result<bool> {
    begun(&id.folder(root)).map_or(Ok(false), |folder| folder.is_evaluated())
}

/// The run folder at `path`; None if it does not exist or is incomplete.
pub(super) fn begun(path: &Path) -> Option<RunFolder> {
    RunFolder::open(path).ok().filter(|_| path.join("split.json").is_file())
}

/// The numbers `N` of a folder's entries named `prefix` + `N`.
fn numbered<N: FromStr + Ord>(folder: &Path, prefix: &str) -> Result<BTreeSet<N>> {
    if !folder.is_dir() {
        return Ok(BTreeSet::new());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut numbers = BTreeSet::new();
    for entry in entries {
        let name = entry.with_context(|| format!("cannot read {}", folder.display()))?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|number| number.parse().ok()));
    }
    Ok(numbers)
}

/// Fails unless all folds have the same options.
fn check_alike(found: &[Found]) -> Result<()> {
    // All pairs: splits may follow the seeds of their trainings or share a seed, but not some this way and some that.
    let pairs =
        found.iter().enumerate().flat_map(|(place, first)| found.iter().skip(place + 1).map(move |o| (first, o)));
    for (first, other) in pairs {
        let difference = difference(
            (first.id.condition, &first.config, &first.split),
            (other.id.condition, &other.config, &other.split),
        );
        if let Some(what) = difference {
            anyhow::bail!(
                "{} and {} are not of one cross-validation: they differ in the {what}",
                first.folder.path().display(),
                other.folder.path().display()
            );
        }
    }
    Ok(())
}

/// An option in which two folds differ, and what it is in both unless that is long: `number of folds: 5 and 6`.
#[derive(Debug)]
pub(super) struct Difference {
    what: &'static str,
    sides: Option<[String; 2]>,
}

impl Difference {
    fn new(what: &'static str, one: impl ToString, other: impl ToString) -> Self {
        Self { what, sides: Some([one.to_string(), other.to_string()]) }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sides {
            Some([one, other]) => write!(f, "{}: {one} and {other}", self.what),
            None => f.write_str(self.what),
        }
    }
}

/// The first option in which two folds differ, among those that all folds of a cross-validation share; None if they
/// differ in none.
pub(super) fn difference(
    (condition, config, split): (Condition, &Config, &Split),
    (other_condition, other_config, other_split): (Condition, &Config, &Split),
) -> Option<Difference> {
    let (recipe, other_recipe) = (&config.recipe, &other_config.recipe);
    // The conditions share the front end with the cues left in.
    let network = |config: &Config| {
        let mut network = config.network.clone();
        if condition != other_condition {
            network.front_end = Condition::AsRecorded.front_end(network.front_end);
        }
        network
    };
    let follow = config.seed == split.seed && other_config.seed == other_split.seed;
    let recordings =
        |config: &Config, split: &Split| format!("{} of {} recordings", config.corpus, split.utterances.len());
    let (one, other) = (recordings(config, split), recordings(other_config, other_split));
    let mut ids = split.utterances.iter().zip(&other_split.utterances).map(|(one, other)| (&one.id, &other.id));
    if one != other {
        return Some(Difference::new("corpus", one, other));
    }
    if let Some((one, other)) = ids.find(|(one, other)| one != other) {
        return Some(Difference::new("corpus", one, other));
    }
    if split.protocol != other_split.protocol {
        return Some(Difference::new("protocol", split.protocol, other_split.protocol));
    }
    if split.folds != other_split.folds {
        return Some(Difference::new("number of folds", split.folds, other_split.folds));
    }
    if split.seed != other_split.seed && !follow {
        return Some(Difference::new("seed of the split", split.seed, other_split.seed));
    }
    if config.preset != other_config.preset {
        return Some(Difference::new("preset", &config.preset, &other_config.preset));
    }
    if network(config) != network(other_config) {
        return Some(Difference { what: "network", sides: None });
    }
    if recipe.epochs != other_recipe.epochs {
        return Some(Difference::new("number of epochs", recipe.epochs, other_recipe.epochs));
    }
    if recipe != other_recipe {
        return Some(Difference { what: "recipe", sides: None });
    }
    let backends = || Difference::new("backend", config.backend, other_config.backend);
    (config.backend != other_config.backend).then(backends)
}
