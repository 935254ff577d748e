//! Trains the folds, several at a time, each on one thread.
//!
//! A training gains little from a second thread, but two trainings side by side use both threads fully. The result of a
//! fold does not depend on how many others are in progress.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};

use super::gather::{begun, difference, find};
use super::{FoldId, copies_path};
use crate::corpus::copies::{self, Copies};
use crate::corpus::split::{Part, Protocol, Split};
use crate::corpus::{Corpus, Problem};
use crate::evaluation::compare::predict;
use crate::evaluation::evaluate::recall;
use crate::evaluation::predictions::Predictions;
use crate::features::cache::FeatureCache;
use crate::features::condition::Condition;
use crate::files::write_atomic;
use crate::interrupt::Stop;
use crate::model::float_model::FloatModel;
use crate::model::inspect::parse_model;
use crate::model::model_file::Confidence;
use crate::training::export::export_run;
use crate::training::run::{Config, RunFolder};
use crate::training::session::{Outcome, Progress, Training};

/// Confidence of the exported models; temperatures are fitted later, when all folds are finished.
const CONFIDENCE: Confidence = Confidence { temperature: 1.0, threshold: 0.5 };

/// The options that all folds of a cross-validation share.
#[derive(Clone, Copy, Debug)]
pub struct Crossval<'a> {
    /// The folder of all folds.
    pub root: &'a Path,
    /// The configuration with the preset's own front end; its seed is not used.
    pub config: &'a Config,
    /// The corpus.
    pub corpus: &'a Corpus,
    /// Where the splits come from.
    pub splits: Splits<'a>,
    /// Share of each training part that is held out for validation; None for none.
    pub validation: Option<f64>,
    /// Folder of the cached rows.
    pub cache: &'a Path,
}

/// Where the splits of a cross-validation come from.
#[derive(Clone, Copy, Debug)]
pub enum Splits<'a> {
    /// The corpus is dealt into folds.
    Dealt {
        /// The protocol, which says what training and test do not share.
        protocol: Protocol,
        /// Number of folds; None for the protocol's own number.
        folds: Option<usize>,
        /// Seed of all splits; None if each has the seed of its training.
        seed: Option<u64>,
    },
    /// They were read from files.
    Given(&'a [Split]),
}

impl Splits<'_> {
    /// The protocol of the splits.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Dealt { protocol, .. } => protocol,
            Self::Given(splits) => splits.first().map_or(Protocol::Published, |split| split.protocol),
        }
    }

    /// All splits of a training with this seed, or the one that tests on `fold`.
    fn of(self, corpus: &Corpus, training_seed: u64, fold: Option<usize>) -> Result<Vec<Split>> {
        match self {
            Self::Dealt { protocol, folds, seed } => {
                let seed = seed.unwrap_or(training_seed);
                let split = |fold| Split::new(corpus, protocol, folds, fold, seed);
                let first = split(fold.unwrap_or(0))?;
                if fold.is_some() {
                    return Ok(vec![first]);
                }
                (0..first.folds).map(split).collect()
            }
            Self::Given(splits) => {
                let wanted: Vec<Split> =
                    splits.iter().filter(|split| fold.is_none_or(|fold| split.fold == fold)).cloned().collect();
                ensure!(
                    !wanted.is_empty(),
                    "the splits have no fold {}, they have {}",
                    fold.unwrap_or_default(),
                    splits.len()
                );
                Ok(wanted)
            }
        }
    }
}

/// A fold whose training has to start or go on.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Which fold.
    pub id: FoldId,
    /// Number of finished epochs.
    pub epochs_done: usize,
    folder: RunFolder,
    config: Config,
    split: Split,
}

impl Pending {
    /// Whether the fold has been trained and evaluated since.
    ///
    /// # Errors
    ///
    /// If its configuration or metrics cannot be read.
    pub fn is_finished(&self) -> Result<bool> {
        self.folder.is_evaluated()
    }
}

/// An event of a fold.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The fold trains.
    Training(Progress<'a>),
    /// The fold is finished.
    Finished(&'a Predictions),
    /// The fold failed; the others go on.
    Failed(&'a anyhow::Error),
}

impl Crossval<'_> {
    /// Returns the unfinished folds of these conditions and seeds, and makes their run folders. With `fold`, only that
    /// fold of each condition and seed.
    ///
    /// Writes nothing unless each folder is free or holds a run of these very options.
    ///
    /// # Errors
    ///
    /// If the corpus cannot be split in this way, a folder holds something else, or a folder cannot be written.
    pub fn prepare(&self, conditions: &[Condition], seeds: &[u64], fold: Option<usize>) -> Result<Vec<Pending>> {
        let (mut wanted, mut remarks) = (Vec::new(), BTreeSet::new());
        for &seed in seeds {
            let mut splits = self.splits.of(self.corpus, seed, fold)?;
            if let Some(share) = self.validation {
                for split in &mut splits {
                    remarks.extend(
                        split.hold_out_validation(share)?.map(|remark| format!("fold {}: {remark}", split.fold)),
                    );
                }
            }
            for &condition in conditions {
                for split in &splits {
                    let id = FoldId { condition, seed, fold: split.fold };
                    wanted.push((id, self.config_of(condition, seed), split.clone()));
                }
            }
        }
        remarks.iter().for_each(|remark| eprintln!("{remark}"));
        let Some((id, config, split)) = wanted.first() else { return Ok(Vec::new()) };
        for found in find(self.root)? {
            if let Some(what) =
                difference((id.condition, config, split), (found.id.condition, &found.config, &found.split))
            {
                return Err(other_options(&found.folder, &what.to_string()));
            }
        }
        for (id, config, split) in &wanted {
            if let Some(folder) = begun(&id.folder(self.root))
                && !folder.is_of(config, split)?
            {
                let (its_config, its_split) = (folder.config()?, folder.split()?);
                let what = difference((id.condition, config, split), (id.condition, &its_config, &its_split));
                let what = what.map_or_else(|| "configuration or split".to_owned(), |what| what.to_string());
                return Err(other_options(&folder, &what));
            }
        }
        let mut pending = Vec::new();
        for (id, config, split) in wanted {
            let path = id.folder(self.root);
            let folder = match begun(&path) {
                Some(folder) => folder,
                None => RunFolder::create(&path, &config, &split, false)?,
            };
            if !folder.is_evaluated()? {
                let epochs_done = folder.epochs()?.done;
                pending.push(Pending { id, epochs_done, folder, config, split });
            }
        }
        Ok(pending)
    }

    /// Looks for copies in the corpus and writes them to the folder of the cross-validation, unless the file is there
    /// already. Returns false if `stop` was set before the search was complete.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn find_copies(&self, stop: &Stop) -> Result<bool> {
        let path = copies_path(self.root);
        if path.is_file() {
            return Ok(true);
        }
        let _guard = stop.guard();
        let Some(copies) = Copies::find(self.corpus, stop)? else { return Ok(false) };
        copies::save(&copies, &path)?;
        Ok(true)
    }

    fn config_of(&self, condition: Condition, seed: u64) -> Config {
        let mut config = Config { seed, ..self.config.clone() };
        config.network.front_end = condition.front_end(config.network.front_end);
        config
    }

    /// Trains and evaluates the folds, `jobs` at a time, and reports each event to `tell`. Returns the failed folds
    /// with their errors; a failure does not stop the other folds. When `stop` is set, each training saves after its
    /// current step and ends.
    ///
    /// # Errors
    ///
    /// If the features can't be cached, or a thread can't be started.
    pub fn run(
        &self,
        pending: &[Pending],
        jobs: usize,
        stop: &Stop,
        tell: &(dyn Fn(FoldId, Event<'_>) + Sync),
    ) -> Result<Vec<(FoldId, anyhow::Error)>> {
        self.extract(pending, stop)?;
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(FoldId, anyhow::Error)>> {
            let thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().context("cannot start a thread")?;
            let mut failed = Vec::new();
            while !stop.is_asked() {
                let Some(fold) = pending.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                match thread.install(|| self.run_fold(fold, stop, tell)) {
                    Ok(Some(predictions)) => tell(fold.id, Event::Finished(&predictions)),
                    Ok(None) => {}
                    Err(error) => {
                        tell(fold.id, Event::Failed(&error));
                        failed.push((fold.id, error));
                    }
                }
            }
            Ok(failed)
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs.clamp(1, pending.len().max(1))).map(|_| scope.spawn(work)).collect();
            let mut failed = Vec::new();
            for worker in workers {
                failed.extend(worker.join().map_err(|_| anyhow!("a training thread panicked"))??);
            }
            Ok(failed)
        })
    }

    /// Extracts the features that the folds need, on all threads, so that each fold finds them in the cache.
    fn extract(&self, pending: &[Pending], stop: &Stop) -> Result<()> {
        for condition in Condition::ALL {
            let Some(fold) = pending.iter().find(|fold| fold.id.condition == condition) else { continue };
            let cache = self.cache(fold)?;
            for &speed in &fold.config.recipe.augmentation.speeds {
                if !cache.fill(self.corpus, speed, stop)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn cache(&self, fold: &Pending) -> Result<FeatureCache> {
        FeatureCache::new(&fold.config.network.front_end, self.cache)
    }

    /// None if `stop` was set.
    fn run_fold(
        &self,
        fold: &Pending,
        stop: &Stop,
        tell: &(dyn Fn(FoldId, Event<'_>) + Sync),
    ) -> Result<Option<Predictions>> {
        let cache = self.cache(fold)?;
        let Pending { id, folder, config, split, .. } = fold;
        folder.remove_predictions()?;
        let training = Training { folder, config, split, corpus: self.corpus, cache: &cache, score: recall };
        if training.run(stop, &mut |progress| tell(*id, Event::Training(progress)))? == Outcome::Stopped {
            return Ok(None);
        }
        let skipped = |problems: &[Problem]| {
            problems.iter().for_each(|problem| tell(*id, Event::Training(Progress::Skipped(problem))))
        };
        let exported = export_run(folder, split, self.corpus, &cache, CONFIDENCE)?;
        skipped(&exported.problems);
        exported.save_model(&folder.model_path())?;
        write_atomic(&folder.onnx_path(), &exported.onnx)?;
        let model = parse_model(&folder.model_path().display().to_string(), &exported.model)?;
        let test = split.part(self.corpus, Part::Test)?;
        let (predictions, problems) = predict(&model, &FloatModel::from_onnx(&exported.onnx)?, &test)?;
        skipped(&problems);
        predictions.save(&folder.predictions_path())?;
        Ok(Some(predictions))
    }
}

fn other_options(folder: &RunFolder, what: &str) -> anyhow::Error {
    anyhow!(
        "these options and those of the run in {} differ in the {what}: give the options that it was made with, or another \
         folder with --out",
        folder.path().display()
    )
}
