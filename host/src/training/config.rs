//! What decides the result of a training, besides the split.

use std::fmt;

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum;
use ser_core::spec::{self, Layer, Network};
use serde::{Deserialize, Serialize};

use crate::corpus::Corpus;
use crate::corpus::choice::Choice;
use crate::corpus::labels::Labels;
use crate::corpus::origin::{Origin, origins};
use crate::training::recipe::{Distillation, Recipe};

/// The backend of a training: it computes every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Backend {
    /// Our own kernels for convolutions and LSTMs, burn-flex for the rest: the fastest on a CPU.
    Fast,
    /// burn-flex, Burn's CPU backend, for everything.
    Flex,
    /// burn-ndarray, the predecessor of burn-flex; in builds with the Cargo feature `ndarray`.
    #[cfg_attr(not(feature = "ndarray"), value(hide = true))]
    NdArray,
    /// burn-wgpu, for graphics processors; in builds with the Cargo feature `wgpu`.
    #[cfg_attr(not(feature = "wgpu"), value(hide = true))]
    Wgpu,
    /// burn-cuda, for graphics processors of NVIDIA; in builds with the Cargo feature `cuda`.
    #[cfg_attr(not(feature = "cuda"), value(hide = true))]
    Cuda,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast => "fast",
            Self::Flex => "flex",
            Self::NdArray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        })
    }
}

/// Everything that, together with the split, decides the result of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Name of the corpus.
    pub corpus: String,
    /// Where its recordings are; none for the synthetic corpus.
    #[serde(deserialize_with = "origins")]
    pub corpora: Vec<Origin>,
    /// Which of its labels are classes.
    #[serde(default)]
    pub choice: Choice,
    /// Name of the network.
    pub preset: String,
    /// Seed of all random numbers: weights, order, augmentation.
    pub seed: u64,
    /// The backend that computes every step.
    pub backend: Backend,
    /// How the network is trained.
    pub recipe: Recipe,
    /// The network.
    pub network: Network,
}

impl Config {
    /// The corpus of the run.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn open_corpus(&self) -> Result<Corpus> {
        Corpus::open_all(&self.corpora, &self.choice)
    }

    /// Gives network and teachers these classes.
    ///
    /// # Errors
    ///
    /// If no network can have them.
    pub fn set_labels(&mut self, labels: &Labels) -> Result<()> {
        if let Some(fault) = labels.fault() {
            bail!(fault);
        }
        let names = labels.names().iter().map(|name| spec::Label::try_from(name.as_str()));
        self.network.labels =
            names.collect::<Result<_, _>>().map_err(|_| anyhow!("the label of a class is too long"))?;
        let taught = self.recipe.distillation.as_mut().and_then(|distillation| distillation.layers.as_mut());
        for layers in [Some(&mut self.network.layers), taught].into_iter().flatten() {
            if let Some(Layer::Dense { units }) = layers.last_mut() {
                *units = labels.len();
            }
        }
        Ok(())
    }

    /// The configuration of the run that trains the teacher with this index for this run.
    pub fn teacher(&self, distillation: &Distillation, index: usize) -> Self {
        let Distillation { teachers, backwards, layers, epochs, .. } = distillation;
        let recipe = Recipe {
            epochs: *epochs,
            distillation: None,
            qat_epochs: 0,
            backwards: index + backwards >= *teachers,
            ..self.recipe.clone()
        };
        let layers = layers.as_ref().unwrap_or(&self.network.layers).clone();
        // The runs of a crossval have small seeds, counted up; this step keeps teachers' seeds apart from them.
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
