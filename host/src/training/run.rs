//! A run: one training, in a folder that holds everything that decides its result and everything that it produced.
//!
//! | file | what it holds |
//! |---|---|
//! | `config.json` | [`Config`]: corpus, network, seed, backend, recipe |
//! | `split.json` | every utterance and its part: [`Split`] |
//! | `metrics.csv` | one line for each epoch: [`EpochMetrics`] |
//! | `checkpoint.bin` | weights, optimiser and progress, to resume from |
//! | `network.bin` | the network so far, as plain numbers: [`FloatNetwork`] |
//! | `teachers/0`, `teachers/1`, … | run folders of the teachers |
//! | `model.ser`, `model.onnx` | the exported network, by `host export` and `host crossval` |
//! | `model.trained.json` | which recordings `model.ser` was trained on |
//! | `predictions.json` | the answers of both to the test part, by `host crossval` |
//!
//! Every file is written under a temporary name and then renamed, so a reader never sees half of one.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::corpus::split::Split;
use crate::files::{write_atomic, write_json};
use crate::json;
use crate::model::float_network::FloatNetwork;
use crate::model::trained::path_beside;
pub use crate::training::config::{Backend, Config};
use crate::training::recipe::Recipe;

/// One epoch in `metrics.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean cross-entropy over the augmented training utterances.
    pub train_loss: f64,
    /// Share of augmented training utterances that were recognised.
    pub train_accuracy: f64,
    /// Recall of the averaged network on the validation part, weighted by class sizes; None without a validation part.
    pub validation_war: Option<f64>,
    /// The same, with the same weight for all classes.
    pub validation_uar: Option<f64>,
    /// Wall time, s.
    pub seconds: f64,
}

/// Number of epochs of a training with these metrics so far: those of the recipe, or those after which it stopped early.
/// It stops when the UAR of the validation part was not higher than before for [`Recipe::patience`] epochs.
pub fn epochs_wanted(recipe: &Recipe, history: &[EpochMetrics]) -> usize {
    let mut best = (0.0, 0);
    for (done, epoch) in (1..).zip(history) {
        let uar = epoch.validation_uar.unwrap_or(0.0);
        if uar > best.0 {
            best = (uar, done);
        }
        if recipe.patience > 0 && done - best.1 >= recipe.patience {
            return done;
        }
    }
    recipe.all_epochs()
}

/// How far a training is. It reads as `3 of 300 epochs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Epochs {
    /// Epochs that are done.
    pub done: usize,
    /// Epochs of the recipe, the quantisation-aware ones included, or those after which the training stopped early.
    pub all: usize,
}

impl Epochs {
    /// Whether all epochs are done.
    pub fn are_done(self) -> bool {
        self.done >= self.all
    }
}

impl fmt::Display for Epochs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} epochs", self.done, self.all)
    }
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes a folder for a new run and writes its configuration and split. Fails if the folder holds a run that
    /// finished an epoch, unless `force` is given. Files of an earlier run are removed.
    pub fn create(path: &Path, config: &Config, split: &Split, force: bool) -> Result<Self> {
        let folder = Self { path: path.to_owned() };
        let taken = [folder.checkpoint_path(), folder.network_path()].into_iter().any(|file| file.exists());
        ensure!(
            force || !taken,
            "{} holds a run already: continue it with --resume, overwrite it with --force, or choose another folder with --out",
            path.display()
        );
        std::fs::create_dir_all(path).with_context(|| format!("cannot make the run folder {}", path.display()))?;
        let outcomes = [folder.checkpoint_path(), folder.network_path(), folder.metrics_path()];
        let shipped = [folder.model_path(), path_beside(&folder.model_path()), folder.onnx_path()];
        for file in outcomes.into_iter().chain(shipped).chain([folder.predictions_path()]) {
            remove(&file)?;
        }
        write_json(&folder.path.join("config.json"), config)?;
        split.save(&folder.split_path())?;
        Ok(folder)
    }

    /// The folder of a run that was started before.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self { path: path.to_owned() };
        ensure!(
            folder.path.join("config.json").is_file(),
            "{} holds no run: wanted a folder made by `host train`",
            path.display()
        );
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration.
    pub fn config(&self) -> Result<Config> {
        const WHAT: &str = "configuration of a run";
        let path = self.path.join("config.json");
        let mut json = json::read(&path, WHAT)?;
        // Runs that were made before there were several corpora have one path.
        if let Some(entries) = json.as_object_mut()
            && let Some(path) = entries.remove("corpus_path")
        {
            entries.insert("corpora".to_owned(), path);
        }
        ensure!(
            json.get("backend").is_some(),
            "{} is no {WHAT}: the entry `backend` is missing, wanted one of {}",
            path.display(),
            Backend::value_variants().iter().map(Backend::to_string).collect::<Vec<_>>().join(", ")
        );
        let config: Config = json::written(json).with_context(|| format!("{} is no {WHAT}", path.display()))?;
        config.network.check().with_context(|| format!("the network in {} is unusable", path.display()))?;
        config.recipe.check().with_context(|| format!("the recipe in {} is unusable", path.display()))?;
        Ok(config)
    }

    /// How far the training is.
    ///
    /// # Errors
    ///
    /// If the configuration or the metrics cannot be read.
    pub fn epochs(&self) -> Result<Epochs> {
        let metrics = self.metrics()?;
        Ok(Epochs { done: metrics.len(), all: epochs_wanted(&self.config()?.recipe, &metrics) })
    }

    /// Whether all epochs are done and the answers to the test part are there. Answers of a network that was exported
    /// before its last epoch do not count.
    ///
    /// # Errors
    ///
    /// As [`RunFolder::epochs`].
    pub fn is_evaluated(&self) -> Result<bool> {
        Ok(self.predictions_path().is_file() && self.epochs()?.are_done())
    }

    /// The split.
    pub fn split(&self) -> Result<Split> {
        Split::load(&self.split_path())
    }

    /// Whether the run has this configuration and split.
    ///
    /// # Errors
    ///
    /// If the configuration or split in the folder cannot be read.
    pub fn is_of(&self, config: &Config, split: &Split) -> Result<bool> {
        // A float may lose its last bit in JSON. The folder's configuration came from JSON, so this one goes through
        // JSON too.
        let config: Config = serde_json::from_slice(&serde_json::to_vec(config)?)?;
        Ok(self.config()? == config && self.split()? == *split)
    }

    /// The network of the last saved epoch.
    pub fn network(&self) -> Result<FloatNetwork> {
        let path = self.network_path();
        if !path.exists() {
            bail!("{} has no trained network yet: no epoch has finished", self.path.display());
        }
        let bytes = read(&path)?;
        let network = || -> Result<FloatNetwork> {
            let network: FloatNetwork =
                postcard::from_bytes(&bytes).with_context(|| format!("its {} bytes are no network", bytes.len()))?;
            network.check()?;
            Ok(network)
        };
        network().with_context(|| format!("{} is damaged or of another version of host", path.display()))
    }

    /// Writes the network so far.
    pub fn save_network(&self, network: &FloatNetwork) -> Result<()> {
        write_atomic(&self.network_path(), &postcard::to_stdvec(network)?)
    }

    /// The bytes of the checkpoint; None if there is no checkpoint.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>> {
        let path = self.checkpoint_path();
        if path.exists() { read(&path).map(Some) } else { Ok(None) }
    }

    /// Writes the checkpoint.
    pub fn save_checkpoint(&self, bytes: &[u8]) -> Result<()> {
        write_atomic(&self.checkpoint_path(), bytes)
    }

    /// Writes the metrics of all epochs so far.
    pub fn save_metrics(&self, epochs: &[EpochMetrics]) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for epoch in epochs {
            writer.serialize(epoch)?;
        }
        let bytes = writer.into_inner().map_err(|error| error.into_error())?;
        write_atomic(&self.metrics_path(), &bytes)
    }

    /// The metrics of all epochs so far.
    pub fn metrics(&self) -> Result<Vec<EpochMetrics>> {
        let path = self.metrics_path();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let rows = csv::Reader::from_reader(read(&path)?.as_slice()).into_deserialize().collect::<Result<_, _>>();
        rows.with_context(|| format!("{} is damaged", path.display()))
    }

    /// Wall time of all epochs so far, including those of the teachers, seconds.
    pub fn training_seconds(&self) -> Result<f64> {
        let teachers = self.config()?.recipe.distillation.map_or(0, |distillation| distillation.teachers);
        let folders = (0..teachers).filter_map(|index| Self::open(&self.teacher_path(index)).ok());
        let mut seconds: f64 = self.metrics()?.iter().map(|epoch| epoch.seconds).sum();
        for folder in folders {
            seconds += folder.metrics()?.iter().map(|epoch| epoch.seconds).sum::<f64>();
        }
        Ok(seconds)
    }

    /// Copies the teachers of another run.
    pub fn copy_teachers(&self, from: &Self) -> Result<()> {
        let teachers = from.config()?.recipe.distillation.map_or(0, |distillation| distillation.teachers);
        for index in 0..teachers {
            let (source, target) = (from.teacher_path(index), self.teacher_path(index));
            let Ok(files) = std::fs::read_dir(&source) else { continue };
            std::fs::create_dir_all(&target)
                .with_context(|| format!("cannot make the run folder {}", target.display()))?;
            for file in files {
                let file = file.with_context(|| format!("cannot read {}", source.display()))?;
                write_atomic(&target.join(file.file_name()), &read(&file.path())?)?;
            }
        }
        Ok(())
    }

    /// The run folder of the teacher with this index.
    pub fn teacher_path(&self, index: usize) -> PathBuf {
        self.path.join("teachers").join(index.to_string())
    }

    /// Path of the int8 model; the file exists after an export into this folder.
    pub fn model_path(&self) -> PathBuf {
        self.path.join("model.ser")
    }

    /// Path of the float network as ONNX; the file exists after an export into this folder.
    pub fn onnx_path(&self) -> PathBuf {
        self.path.join("model.onnx")
    }

    /// Path of the answers of both models to the test part; the file exists after `host crossval`.
    pub fn predictions_path(&self) -> PathBuf {
        self.path.join("predictions.json")
    }

    /// Removes the answers of an earlier network, if there are any.
    pub fn remove_predictions(&self) -> Result<()> {
        remove(&self.predictions_path())
    }

    fn split_path(&self) -> PathBuf {
        self.path.join("split.json")
    }

    fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.csv")
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.path.join("checkpoint.bin")
    }

    fn network_path(&self) -> PathBuf {
        self.path.join("network.bin")
    }
}

/// Removes a file, if there is one.
fn remove(path: &Path) -> Result<()> {
    if path.exists() {
        std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
