//! A run: one training, in a folder that holds all that decides its result and all that came out of it.
//!
//! | file | what it holds |
//! |---|---|
//! | `config.json` | [`Config`]: corpus, network, seed, backend, recipe |
//! | `split.json` | every utterance and its part: [`Split`] |
//! | `metrics.csv` | one line for each epoch: [`EpochMetrics`] |
//! | `checkpoint.bin` | weights, optimiser and progress, to resume from |
//! | `network.bin` | the network so far, as plain numbers: [`FloatNetwork`] |
//! | `model.ser`, `model.onnx` | what `host export` and `host crossval` make of it |
//! | `predictions.json` | what both say to the test part, by `host crossval`: [`Predictions`](crate::predictions::Predictions) |
//!
//! Every file is written aside and then renamed, so that a reader never sees half of one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use ser_core::spec::{self, Layer, MAX_LAYERS, Network};
use serde::{Deserialize, Serialize};

use crate::augment::Augmentation;
use crate::corpus::Corpus;
use crate::files::write_atomic;
use crate::float_network::FloatNetwork;
use crate::split::Split;

/// What computes the training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// burn-flex, Burn's CPU backend.
    Flex,
    #[value(name = "ndarray")]
    /// burn-ndarray, its predecessor; only in builds with the Cargo feature `ndarray`.
    NdArray,
}

/// What turns gradients into new weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// AdamW (Loshchilov & Hutter 2019): the decay acts on all weights, not by way of the gradient.
    #[default]
    #[serde(rename = "adamw")]
    AdamW,
    /// Stochastic gradient descent with momentum, `v' = momentum · v - rate · g` and `w' = w + v'`, as MATLAB's `sgdm`. The decay is that of
    /// L2 regularisation: `decay · w` is added to the gradient of weights, not of biases, before the gradient is scaled down.
    Sgd {
        /// In 0..1.
        momentum: f64,
    },
}

/// Over what the norm of a gradient is taken when it is scaled down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormOver {
    /// All weights together.
    #[default]
    All,
    /// Each matrix, kernel or vector of weights by itself.
    Each,
}

/// When the order of the utterances is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shuffle {
    /// For each epoch anew, similar lengths together.
    #[default]
    EachEpoch,
    /// Once for all epochs; utterances at its end that don't fill a batch are left out of all of them.
    Once,
}

/// How weights are drawn before the first step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialWeights {
    /// Convolutions by their inputs (He et al. 2015), LSTMs uniform.
    #[default]
    He,
    /// Uniform by inputs and outputs (Glorot & Bengio 2010); recurrent weights orthogonal.
    Glorot,
}

/// How a network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Passes over the training part.
    pub epochs: usize,
    /// Utterances in a step.
    pub batch: usize,
    /// When their order is drawn.
    #[serde(default)]
    pub shuffle: Shuffle,
    /// How weights are drawn.
    #[serde(default)]
    pub initial_weights: InitialWeights,
    /// Whether there is batch norm behind each convolution.
    #[serde(default = "yes")]
    pub batch_norm: bool,
    /// What turns gradients into new weights.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// Largest learning rate.
    pub learning_rate: f64,
    /// Epochs over which the learning rate rises from 0; it then falls by half a cosine.
    pub warmup_epochs: f64,
    /// Learning rate at the end, as a share of the largest.
    pub final_learning_rate: f64,
    /// Decay of weights; see [`Optimizer`] for what it acts on.
    pub weight_decay: f64,
    /// Gradients are scaled down to this norm.
    pub gradient_norm: f64,
    /// Over what that norm is taken.
    #[serde(default)]
    pub norm_over: NormOver,
    /// Each step moves the averaged weights, which are the result, by `1 - this` towards the trained ones; 0 switches averaging off.
    pub average_decay: f64,
    /// How far each step moves the running statistics of batch norm.
    pub norm_momentum: f64,
    /// Share of a target that is spread over all classes.
    pub label_smoothing: f64,
    /// Share of utterances that are mixed with others of any class, features and targets alike (Zhang et al. 2018), 0..=1.
    #[serde(default)]
    pub mixup: f64,
    /// How much of what a sentence alone would say of the emotion, by the training recordings of it, is made up for in the loss, 0..=1.
    #[serde(default)]
    pub sentence_prior: f64,
    /// What heads beside the dense layer are to tell, in training only.
    #[serde(default)]
    pub auxiliary: Vec<Auxiliary>,
    /// Teachers that are trained first, on the same training part, and whose answers then are a part of the targets.
    #[serde(default)]
    pub distillation: Option<Distillation>,
    /// Whether utterances are heard from their end. Such a network can teach; it cannot be exported, for no device hears so.
    #[serde(default)]
    pub backwards: bool,
    /// Share of values zeroed before each LSTM and the dense layer.
    pub dropout: f64,
    /// Longer utterances are cut to this many rows, at a random place.
    pub max_rows: usize,
    /// What is done to the utterances.
    pub augmentation: Augmentation,
    /// Passes over the training part behind the others, with the int8 core's arithmetic.
    #[serde(default)]
    pub qat_epochs: usize,
    /// Learning rate at the start of these; it falls to 0 by half a cosine.
    #[serde(default = "default_qat_learning_rate")]
    pub qat_learning_rate: f64,
}

/// A head that training puts beside the dense layer, and export leaves out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auxiliary {
    /// What it is to tell.
    pub target: AuxiliaryTarget,
    /// What its cross-entropy weighs beside that of the emotion.
    pub weight: f64,
    /// Whether the layers before it are to unlearn what it tells.
    #[serde(default)]
    pub adversarial: bool,
}

/// What an auxiliary head is to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuxiliaryTarget {
    /// Who speaks.
    Speaker,
    /// What is said.
    Sentence,
    /// The group, the sex for instance, that each of these speakers belongs to.
    Group(BTreeMap<String, String>),
}

/// Distillation from teachers (Hinton et al. 2015). Those that hear forwards and those that hear backwards are together one that
/// is not causal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distillation {
    /// How many.
    pub teachers: usize,
    /// How many of them hear the utterances backwards.
    pub backwards: usize,
    /// Their layers; those of the network itself if there are none given.
    #[serde(default)]
    pub layers: Option<heapless::Vec<Layer, MAX_LAYERS>>,
    /// Passes over the training part, for each.
    pub epochs: usize,
    /// Share of the targets that are the mean of the teachers' answers to the same augmented utterance.
    pub weight: f64,
}

/// Four small recurrent networks, the layers of [`rnn`](spec::rnn), two of which hear backwards.
impl Default for Distillation {
    fn default() -> Self {
        Self { teachers: 4, backwards: 2, layers: Some(spec::rnn().layers), epochs: 150, weight: 0.7 }
    }
}

fn default_qat_learning_rate() -> f64 {
    1e-4
}

fn yes() -> bool {
    true
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: 300,
            batch: 16,
            shuffle: Shuffle::EachEpoch,
            initial_weights: InitialWeights::He,
            batch_norm: true,
            optimizer: Optimizer::AdamW,
            learning_rate: 3e-3,
            warmup_epochs: 5.0,
            final_learning_rate: 0.01,
            weight_decay: 0.02,
            gradient_norm: 2.0,
            norm_over: NormOver::All,
            average_decay: 0.998,
            norm_momentum: 0.05,
            label_smoothing: 0.1,
            mixup: 0.0,
            sentence_prior: 1.0,
            auxiliary: Vec::new(),
            distillation: None,
            backwards: false,
            dropout: 0.0,
            max_rows: 320,
            augmentation: Augmentation {
                speeds: vec![0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06],
                splice_probability: 1.0,
                splice_pieces: 8,
                crop: 0.3,
                tempo: 0.08,
                vtlp: 0.0,
                gain_db: 3.0,
                tilt_db: 3.0,
                noise_probability: 0.3,
                snr_db_min: 20.0,
                snr_db_max: 40.0,
                time_masks: 2,
                time_mask_rows: 8,
                band_masks: 2,
                band_mask_bands: 5,
            },
            qat_epochs: 0,
            qat_learning_rate: default_qat_learning_rate(),
        }
    }
}

impl Recipe {
    /// That of the program which Zheng et al. published, MATLAB's `trainNetwork` with its defaults: 30 epochs of batches of 10.
    pub fn paper() -> Self {
        Self {
            epochs: 30,
            batch: 10,
            shuffle: Shuffle::Once,
            initial_weights: InitialWeights::Glorot,
            batch_norm: false,
            optimizer: Optimizer::Sgd { momentum: 0.9 },
            learning_rate: 1e-3,
            warmup_epochs: 0.0,
            final_learning_rate: 1.0,
            weight_decay: 1e-4,
            gradient_norm: 1.0,
            norm_over: NormOver::Each,
            average_decay: 0.0,
            label_smoothing: 0.0,
            sentence_prior: 0.0,
            augmentation: Augmentation::none(),
            ..Self::default()
        }
    }

    /// The recipe of a network unless another is wanted: the paper's for images, the default for streams; the layers of
    /// [`edge`](spec::edge) have teachers as well.
    pub fn of(network: &Network) -> Self {
        if network.front_end.image.is_some() {
            return Self::paper();
        }
        let taught = network.layers == spec::edge().layers;
        Self { distillation: taught.then(Distillation::default), ..Self::default() }
    }

    /// Changes the number of epochs, and that of the teachers in proportion.
    pub fn set_epochs(&mut self, epochs: usize) {
        if let Some(distillation) = &mut self.distillation {
            let share = distillation.epochs as f64 / self.epochs.max(1) as f64;
            distillation.epochs = ((epochs as f64 * share).round() as usize).max(1);
        }
        self.epochs = epochs;
    }

    /// Changes the number of teachers, half of which hear backwards; 0 is none. Where there were none they get half as many epochs.
    pub fn set_teachers(&mut self, teachers: usize) {
        let none_yet = || Distillation { epochs: (self.epochs / 2).max(1), ..Distillation::default() };
        let distillation = self.distillation.take().unwrap_or_else(none_yet);
        self.distillation = (teachers > 0).then_some(Distillation { teachers, backwards: teachers / 2, ..distillation });
    }

    /// Passes over the training part, the quantisation-aware ones included.
    pub fn all_epochs(&self) -> usize {
        self.epochs + self.qat_epochs
    }

    /// Checks every value against its range.
    pub fn check(&self) -> Result<()> {
        ensure!((1..=100_000).contains(&self.epochs), "epochs is {}, wanted 1..=100000", self.epochs);
        ensure!((1..=4096).contains(&self.batch), "batch is {}, wanted 1..=4096", self.batch);
        ensure!((1..=100_000).contains(&self.max_rows), "max_rows is {}, wanted 1..=100000", self.max_rows);
        ensure!(self.qat_epochs <= 100_000, "qat_epochs is {}, wanted 0..=100000", self.qat_epochs);
        let positive =
            [("learning_rate", self.learning_rate), ("gradient_norm", self.gradient_norm), ("qat_learning_rate", self.qat_learning_rate)];
        for (name, value) in positive {
            ensure!(value > 0.0 && value.is_finite(), "{name} is {value}, wanted more than 0");
        }
        for (name, value) in [("warmup_epochs", self.warmup_epochs), ("weight_decay", self.weight_decay)] {
            ensure!(value >= 0.0 && value.is_finite(), "{name} is {value}, wanted 0 or more");
        }
        let shares = [
            ("final_learning_rate", self.final_learning_rate),
            ("norm_momentum", self.norm_momentum),
            ("label_smoothing", self.label_smoothing),
            ("mixup", self.mixup),
            ("sentence_prior", self.sentence_prior),
        ];
        for (name, value) in shares {
            ensure!((0.0..=1.0).contains(&value), "{name} is {value}, wanted 0..=1");
        }
        for (name, value) in [("average_decay", self.average_decay), ("dropout", self.dropout)] {
            ensure!((0.0..1.0).contains(&value), "{name} is {value}, wanted 0..1");
        }
        for Auxiliary { weight, .. } in &self.auxiliary {
            ensure!(*weight > 0.0 && weight.is_finite(), "the weight of an auxiliary head is {weight}, wanted more than 0");
        }
        if let Optimizer::Sgd { momentum } = self.optimizer {
            ensure!((0.0..1.0).contains(&momentum), "momentum is {momentum}, wanted 0..1");
        }
        if let Some(Distillation { teachers, backwards, epochs, weight, .. }) = &self.distillation {
            ensure!((1..=16).contains(teachers), "distillation.teachers is {teachers}, wanted 1..=16");
            ensure!(backwards <= teachers, "distillation.backwards is {backwards}, wanted 0..={teachers}, the number of teachers");
            ensure!((1..=100_000).contains(epochs), "distillation.epochs is {epochs}, wanted 1..=100000");
            ensure!((0.0..=1.0).contains(weight), "distillation.weight is {weight}, wanted 0..=1");
        }
        self.augmentation.check()
    }
}

/// Everything that, with the split, decides the result of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Name of the corpus.
    pub corpus: String,
    /// Folder or manifest of the corpus; None for the synthetic one.
    pub corpus_path: Option<PathBuf>,
    /// Name of the network.
    pub preset: String,
    /// Random numbers follow from it: weights, order, augmentation.
    pub seed: u64,
    /// What computes.
    pub backend: Backend,
    /// How it is trained.
    pub recipe: Recipe,
    /// What is trained.
    pub network: Network,
}

impl Config {
    /// The corpus of the run.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn open_corpus(&self) -> Result<Corpus> {
        match &self.corpus_path {
            Some(path) => Corpus::open(path),
            None => Ok(Corpus::synthetic(crate::synth::DEFAULT_SEED)),
        }
    }
}

impl Config {
    /// The configuration of the run that trains a teacher for this one, by its index.
    pub fn teacher(&self, distillation: &Distillation, index: usize) -> Self {
        let Distillation { teachers, backwards, layers, epochs, .. } = distillation;
        let recipe =
            Recipe { epochs: *epochs, distillation: None, qat_epochs: 0, backwards: index + backwards >= *teachers, ..self.recipe.clone() };
        let layers = layers.as_ref().unwrap_or(&self.network.layers).clone();
        // Seeds of a crossval's runs are small numbers, counted up.
        let seed = self.seed + (index as u64 + 1) * 1_000_003;
        Self {
            preset: format!("{} teacher", self.preset),
            seed,
            recipe,
            network: Network { layers, ..self.network.clone() },
            ..self.clone()
        }
    }
}

/// One epoch in `metrics.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// From 1.
    pub epoch: usize,
    /// At the last step.
    pub learning_rate: f64,
    /// Mean cross-entropy over the augmented training utterances.
    pub train_loss: f64,
    /// Share of augmented training utterances recognised.
    pub train_accuracy: f64,
    /// Recall of the averaged network on the validation part, weighted by class sizes; None without one.
    pub validation_war: Option<f64>,
    /// The same, all classes weighing alike.
    pub validation_uar: Option<f64>,
    /// Wall time.
    pub seconds: f64,
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes a folder for a new run and writes its configuration and split. A folder that holds a run already is an error, unless
    /// its run has not finished an epoch or `force` is given; what it held is then removed.
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
        for file in outcomes.into_iter().chain([folder.model_path(), folder.onnx_path(), folder.predictions_path()]) {
            if file.exists() {
                std::fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
            }
        }
        let mut json = serde_json::to_vec_pretty(config)?;
        json.push(b'\n');
        write_atomic(&folder.path.join("config.json"), &json)?;
        split.save(&folder.split_path())?;
        Ok(folder)
    }

    /// The folder of a run that was started before.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self { path: path.to_owned() };
        ensure!(folder.path.join("config.json").is_file(), "{} holds no run: wanted a folder made by `host train`", path.display());
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration.
    pub fn config(&self) -> Result<Config> {
        let path = self.path.join("config.json");
        let bytes = read(&path)?;
        let config: Config = serde_json::from_slice(&bytes).with_context(|| format!("{} is no configuration of a run", path.display()))?;
        config.network.check().with_context(|| format!("the network in {} is unusable", path.display()))?;
        config.recipe.check().with_context(|| format!("the recipe in {} is unusable", path.display()))?;
        Ok(config)
    }

    /// The split.
    pub fn split(&self) -> Result<Split> {
        Split::load(&self.split_path())
    }

    /// Whether the run is one of this configuration and split.
    ///
    /// # Errors
    ///
    /// If the folder's own cannot be read.
    pub fn is_of(&self, config: &Config, split: &Split) -> Result<bool> {
        // By way of JSON, as the folder's own came, so that a float that loses its last bit there loses it here.
        let config: Config = serde_json::from_slice(&serde_json::to_vec(config)?)?;
        Ok(self.config()? == config && self.split()? == *split)
    }

    /// The network so far: that of the last finished epoch.
    pub fn network(&self) -> Result<FloatNetwork> {
        let path = self.network_path();
        if !path.exists() {
            bail!("{} has no trained network yet: no epoch has finished", self.path.display());
        }
        let network: FloatNetwork =
            postcard::from_bytes(&read(&path)?).with_context(|| format!("{} is damaged or of another version", path.display()))?;
        network.layers().with_context(|| format!("{} is damaged", path.display()))?;
        Ok(network)
    }

    /// Writes the network so far.
    pub fn save_network(&self, network: &FloatNetwork) -> Result<()> {
        write_atomic(&self.network_path(), &postcard::to_stdvec(network)?)
    }

    /// The bytes of the checkpoint; None when there is none.
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

    /// Wall time of all epochs so far, those of the teachers included, seconds.
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
            std::fs::create_dir_all(&target).with_context(|| format!("cannot make the run folder {}", target.display()))?;
            for file in files {
                let file = file.with_context(|| format!("cannot read {}", source.display()))?;
                write_atomic(&target.join(file.file_name()), &read(&file.path())?)?;
            }
        }
        Ok(())
    }

    /// The run folder of a teacher, by its index.
    pub fn teacher_path(&self, index: usize) -> PathBuf {
        self.path.join("teachers").join(index.to_string())
    }

    /// The int8 model, if it was exported here.
    pub fn model_path(&self) -> PathBuf {
        self.path.join("model.ser")
    }

    /// The float network as ONNX, if it was exported here.
    pub fn onnx_path(&self) -> PathBuf {
        self.path.join("model.onnx")
    }

    /// What both models say to the test part, if they were asked.
    pub fn predictions_path(&self) -> PathBuf {
        self.path.join("predictions.json")
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

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
