//! How a network is trained.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use ser_core::spec::{self, Layer, MAX_LAYERS, Network};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::features::augment::Augmentation;
use crate::json;

/// How gradients become new weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// AdamW (Loshchilov & Hutter 2019): the decay acts on all weights directly, not through the gradient.
    #[default]
    #[serde(rename = "adamw")]
    AdamW,
    /// Stochastic gradient descent with momentum, `v' = momentum · v - rate · g` and `w' = w + v'`, as MATLAB's `sgdm`.
    /// The decay is that of L2 regularisation: `decay · w` is added to the gradients of weights, but not of biases,
    /// before gradients are scaled down.
    Sgd {
        /// In 0..1.
        momentum: f64,
    },
}

/// Which weights share a norm when gradients are scaled down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormOver {
    /// All weights together.
    #[default]
    All,
    /// Each matrix, kernel or vector of weights by itself.
    Each,
}

/// How often the order of the utterances is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shuffle {
    /// Once for each epoch, with similar lengths together.
    #[default]
    EachEpoch,
    /// Once for all epochs. Utterances at its end that do not fill a batch are left out of all epochs.
    Once,
}

/// What shares an epoch equally. Within it, speakers do; corpora share by their weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Nothing: each utterance comes once.
    #[default]
    None,
    /// Labels.
    Label,
    /// Corpora.
    Corpus,
    /// Corpora, and the labels of each.
    Both,
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
    /// Utterances in all passes together: a corpus that has more gets fewer passes, see [`Recipe::fit`]. 0 is no limit.
    #[serde(default)]
    pub budget: usize,
    /// Epochs without a higher UAR of the validation part after which a training stops; its result is the network of the
    /// best epoch. 0: it does not stop, and the last epoch counts.
    #[serde(default)]
    pub patience: usize,
    /// Utterances in a step.
    pub batch: usize,
    /// How often their order is drawn.
    #[serde(default)]
    pub shuffle: Shuffle,
    /// What shares an epoch equally.
    #[serde(default)]
    pub balance: Balance,
    /// Factors of the loss of utterances of a label; 1 for a label that is not named.
    #[serde(default)]
    pub class_weights: BTreeMap<String, f64>,
    /// Whether the loss of an utterance is over the labels that its corpus has in the training part. A label that a
    /// corpus does not have is then not taught to be absent there.
    #[serde(default = "yes")]
    pub own_labels: bool,
    /// How weights are drawn.
    #[serde(default)]
    pub initial_weights: InitialWeights,
    /// Whether batch norm follows each convolution.
    #[serde(default = "yes")]
    pub batch_norm: bool,
    /// How gradients become new weights.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// Largest learning rate.
    pub learning_rate: f64,
    /// Epochs over which the learning rate rises from 0; it then falls by half a cosine.
    pub warmup_epochs: f64,
    /// Learning rate at the end, as a share of the largest learning rate.
    pub final_learning_rate: f64,
    /// Decay of weights; [`Optimizer`] says what it acts on.
    pub weight_decay: f64,
    /// Gradients are scaled down to this norm.
    pub gradient_norm: f64,
    /// Which weights share that norm.
    #[serde(default)]
    pub norm_over: NormOver,
    /// Each step moves the averaged weights, which are the result, by `1 - average_decay` towards the trained ones. 0
    /// switches averaging off.
    pub average_decay: f64,
    /// How far each step moves the running statistics of batch norm.
    pub norm_momentum: f64,
    /// Share of each target that is spread over all classes.
    pub label_smoothing: f64,
    /// Share of utterances that are mixed with others of any class, both features and targets (Zhang et al. 2018),
    /// 0..=1.
    #[serde(default)]
    pub mixup: f64,
    /// Strength of the sentence prior in the loss, 0..=1. The prior of a sentence is the logarithm of the mean target
    /// of its training recordings.
    #[serde(default)]
    pub sentence_prior: f64,
    /// Heads beside the dense layer, in training only.
    #[serde(default)]
    pub auxiliary: Vec<Auxiliary>,
    /// Teachers, trained first on the same training part. Their answers become a part of the targets.
    #[serde(default)]
    pub distillation: Option<Distillation>,
    /// Whether the network hears utterances from their end. Such a network can teach; it cannot be exported, because no
    /// device hears backwards.
    #[serde(default)]
    pub backwards: bool,
    /// Share of values zeroed before each LSTM and the dense layer.
    pub dropout: f64,
    /// Longer utterances are cut to this many rows, at a random place.
    pub max_rows: usize,
    /// How training utterances are changed.
    pub augmentation: Augmentation,
    /// Further passes over the training part after the others, with the int8 core's arithmetic.
    #[serde(default)]
    pub qat_epochs: usize,
    /// Learning rate at the start of the further passes; it falls to 0 by half a cosine.
    #[serde(default = "default_qat_learning_rate")]
    pub qat_learning_rate: f64,
}

/// A head that training puts beside the dense layer and export leaves out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auxiliary {
    /// What the head tells.
    pub target: AuxiliaryTarget,
    /// Weight of its cross-entropy; that of the emotion has weight 1.
    pub weight: f64,
    /// Whether the layers before the head unlearn what it tells.
    #[serde(default)]
    pub adversarial: bool,
}

/// What an auxiliary head tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuxiliaryTarget {
    /// Who speaks.
    Speaker,
    /// What is said.
    Sentence,
    /// The group of each of these speakers, for instance their sex.
    Group(BTreeMap<String, String>),
}

/// Distillation from teachers (Hinton et al. 2015). Teachers that hear forwards and teachers that hear backwards
/// together make a teacher that is not causal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distillation {
    /// Number of teachers.
    pub teachers: usize,
    /// How many of them hear the utterances backwards.
    pub backwards: usize,
    /// The teachers' layers; None for the layers of the network itself.
    #[serde(default)]
    pub layers: Option<heapless::Vec<Layer, MAX_LAYERS>>,
    /// Passes over the training part for each teacher.
    pub epochs: usize,
    /// Share of the targets that comes from the teachers: the mean of their answers to the same augmented utterance.
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
            budget: 288_000,
            patience: 0,
            batch: 16,
            shuffle: Shuffle::EachEpoch,
            balance: Balance::None,
            class_weights: BTreeMap::new(),
            own_labels: true,
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
    /// The recipe of the program that Zheng et al. published, MATLAB's `trainNetwork` with its defaults: 30 epochs of
    /// batches of 10.
    pub fn paper() -> Self {
        Self {
            epochs: 30,
            budget: 0,
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

    /// For speakers that the training does not know: voices vary more, and pairs of utterances are mixed.
    pub fn strangers() -> Self {
        let default = Self::default();
        let speeds = vec![0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15];
        Self { mixup: 0.5, augmentation: Augmentation { speeds, vtlp: 0.1, ..default.augmentation }, ..default }
    }

    /// The default recipe of a network: the paper's for images, [`Recipe::strangers`] for the layers of
    /// [`cnn`](spec::cnn), otherwise [`Recipe::default`]; the layers of [`edge`](spec::edge) also get teachers.
    pub fn of(network: &Network) -> Self {
        if network.front_end.image.is_some() {
            return Self::paper();
        }
        if network.layers == spec::cnn().layers {
            return Self::strangers();
        }
        let taught = network.layers == spec::edge().layers;
        Self { distillation: taught.then(Distillation::default), ..Self::default() }
    }

    /// Changes the number of epochs; the teachers' epochs change in proportion.
    pub fn set_epochs(&mut self, epochs: usize) {
        if let Some(distillation) = &mut self.distillation {
            let share = distillation.epochs as f64 / self.epochs.max(1) as f64;
            distillation.epochs = ((epochs as f64 * share).round() as usize).max(1);
        }
        self.epochs = epochs;
    }

    /// Takes fewer epochs, if the budget is spent sooner on a corpus of so many utterances; at least one.
    pub fn fit(&mut self, utterances: usize) {
        if self.budget > 0 {
            self.set_epochs(self.epochs.min(self.budget.div_ceil(utterances.max(1))));
        }
    }

    /// This recipe with the entries that `changes`, a JSON object, names. The first entry of a `distillation` that this
    /// recipe lacks comes with teachers as [`Recipe::set_teachers`] makes them. A number of epochs that is named alone
    /// ends the budget.
    ///
    /// # Errors
    ///
    /// If an entry is unknown or has a wrong type; the error names it.
    pub fn with(&self, changes: Value) -> Result<Self> {
        let mut base = self.clone();
        if base.distillation.is_none() && changes.get("distillation").is_some_and(Value::is_object) {
            let epochs = changes.get("epochs").and_then(Value::as_u64).map_or(self.epochs, |epochs| epochs as usize);
            base.distillation = Some(Distillation { epochs: (epochs / 2).max(1), ..Distillation::default() });
        }
        if changes.get("epochs").is_some() && changes.get("budget").is_none() {
            base.budget = 0;
        }
        json::with(&base, changes)
    }

    /// Changes the number of teachers; half of them hear backwards. 0 means no teachers. If the recipe had no teachers,
    /// they get half as many epochs as the network.
    pub fn set_teachers(&mut self, teachers: usize) {
        let none_yet = || Distillation { epochs: (self.epochs / 2).max(1), ..Distillation::default() };
        let distillation = self.distillation.take().unwrap_or_else(none_yet);
        self.distillation =
            (teachers > 0).then_some(Distillation { teachers, backwards: teachers / 2, ..distillation });
    }

    /// Passes over the training part, including the quantisation-aware ones.
    pub fn all_epochs(&self) -> usize {
        self.epochs + self.qat_epochs
    }

    /// Checks every value against its range.
    pub fn check(&self) -> Result<()> {
        ensure!((1..=100_000).contains(&self.epochs), "epochs is {}, wanted 1..=100000", self.epochs);
        ensure!((1..=4096).contains(&self.batch), "batch is {}, wanted 1..=4096", self.batch);
        ensure!((1..=100_000).contains(&self.max_rows), "max_rows is {}, wanted 1..=100000", self.max_rows);
        ensure!(self.qat_epochs <= 100_000, "qat_epochs is {}, wanted 0..=100000", self.qat_epochs);
        ensure!(
            self.patience == 0 || self.qat_epochs == 0,
            "patience is {} with {} quantisation-aware epochs: wanted one of them",
            self.patience,
            self.qat_epochs
        );
        let positive = [
            ("learning_rate", self.learning_rate),
            ("gradient_norm", self.gradient_norm),
            ("qat_learning_rate", self.qat_learning_rate),
        ];
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
        for (label, weight) in &self.class_weights {
            ensure!(*weight > 0.0 && weight.is_finite(), "class_weights.{label} is {weight}, wanted more than 0");
        }
        for Auxiliary { weight, .. } in &self.auxiliary {
            ensure!(
                *weight > 0.0 && weight.is_finite(),
                "the weight of an auxiliary head is {weight}, wanted more than 0"
            );
        }
        if let Optimizer::Sgd { momentum } = self.optimizer {
            ensure!((0.0..1.0).contains(&momentum), "momentum is {momentum}, wanted 0..1");
        }
        if let Some(Distillation { teachers, backwards, epochs, weight, .. }) = &self.distillation {
            ensure!((1..=16).contains(teachers), "distillation.teachers is {teachers}, wanted 1..=16");
            ensure!(
                backwards <= teachers,
                "distillation.backwards is {backwards}, wanted 0..={teachers}, the number of teachers"
            );
            ensure!((1..=100_000).contains(epochs), "distillation.epochs is {epochs}, wanted 1..=100000");
            ensure!((0.0..=1.0).contains(weight), "distillation.weight is {weight}, wanted 0..=1");
        }
        self.augmentation.check()
    }
}
