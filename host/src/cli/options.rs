//! The options of a training, which several commands share.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use ser_core::spec::{self, Network};
use serde::de::DeserializeOwned;

use crate::cli::front_end_options::FrontEndOptions;
use crate::corpus::Corpus;
use crate::features::condition::Condition;
use crate::training::graph::Compute;
use crate::training::recipe::Recipe;
use crate::training::run::{Backend, Config};

/// Network, corpus and recipe of a training.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct TrainingOptions {
    /// Folder with speaker/emotion/name.wav or emotion/name.wav, or a CSV manifest [default: the synthetic corpus].
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
    /// Name of a built-in network: edge, rnn, paper or paper-seq [default: edge].
    #[arg(long)]
    pub preset: Option<String>,
    /// JSON file with a network, instead of a preset. It has the form of `network` in the config.json of a run, and its
    /// name is that of the file.
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub network: Option<PathBuf>,
    /// Changes of the network's front end.
    #[command(flatten)]
    pub front_end: FrontEndOptions,
    /// JSON file with a recipe, of the form of `recipe` in the config.json of a run [default: the network's recipe].
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// Passes over the training part. Those of teachers change in proportion [default: as the recipe says].
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Number of teachers, 0 to 16. They are trained first, half of them on reversed utterances; the network then also
    /// learns from their answers [default: as the recipe says].
    #[arg(long, value_name = "N")]
    pub teachers: Option<usize>,
    /// Quantisation-aware passes after the others. They compute as the int8 core does [default: as the recipe says].
    #[arg(long, value_name = "EPOCHS")]
    pub qat: Option<usize>,
    /// Learning rate at the start of the quantisation-aware passes [default: as the recipe says].
    #[arg(long, value_name = "RATE")]
    pub qat_learning_rate: Option<f64>,
    /// Number of utterances in a step [default: as the recipe says].
    #[arg(long)]
    pub batch: Option<usize>,
    /// What computes the training [default: fast].
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
}

impl TrainingOptions {
    /// The configuration of a run with these options, and its corpus. Without a `condition` it is that of the network.
    /// Problems of the corpus are reported on standard error.
    ///
    /// # Errors
    ///
    /// Those of [`TrainingOptions::configure`], or if the corpus is unusable.
    pub fn plan(&self, condition: Option<Condition>, seed: u64) -> Result<(Config, Corpus)> {
        let mut config = self.configure(condition, seed)?;
        let corpus = config.open_corpus()?;
        config.corpus.clone_from(&corpus.name);
        for problem in &corpus.problems {
            eprintln!("skipped {problem}");
        }
        Ok((config, corpus))
    }

    /// The configuration alone. The corpus is not opened, so its name stays empty.
    ///
    /// # Errors
    ///
    /// If the network or the recipe is unusable, the front end of the network can't meet the condition, or this build
    /// lacks the backend.
    pub fn configure(&self, condition: Option<Condition>, seed: u64) -> Result<Config> {
        let (preset, network) = self.network()?;
        let network = self.front_end.apply(network)?;
        let condition = condition.unwrap_or(Condition::of(&network.front_end));
        condition.check(&network.front_end)?;
        let mut recipe = match &self.recipe {
            Some(path) => read_json(path, "recipe")?,
            None => Recipe::of(&network),
        };
        if let Some(teachers) = self.teachers {
            recipe.set_teachers(teachers);
        }
        if let Some(epochs) = self.epochs {
            recipe.set_epochs(epochs);
        }
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        self.set_stage(&mut recipe);
        recipe.check()?;
        ensure!(
            !recipe.backwards,
            "the recipe says that utterances are heard backwards: only teachers do, see distillation.backwards"
        );
        let backend = self.backend.unwrap_or(Backend::Fast);
        // Before a file is written: a run folder must not suffer from a backend that was not built.
        Compute::new(backend)?;
        Ok(Config {
            corpus: String::new(),
            corpus_path: match &self.corpus {
                Some(path) => {
                    Some(path.canonicalize().with_context(|| format!("cannot open corpus {}", path.display()))?)
                }
                None => None,
            },
            preset,
            seed,
            backend,
            recipe,
            network: Network { front_end: condition.front_end(network.front_end), ..network },
        })
    }

    /// Name and description of the network that the options choose.
    fn network(&self) -> Result<(String, Network)> {
        if let Some(path) = &self.network {
            let network: Network = read_json(path, "network")?;
            network.check().with_context(|| format!("the network in {} is unusable", path.display()))?;
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            return Ok((name, network));
        }
        let preset = self.preset.as_deref().unwrap_or("edge");
        let Some(network) = spec::preset(preset) else {
            bail!("unknown preset '{preset}', wanted one of {}", spec::PRESETS.join(", "))
        };
        Ok((preset.to_owned(), network))
    }

    /// Writes the options of the quantisation-aware stage into a recipe.
    pub fn set_stage(&self, recipe: &mut Recipe) {
        recipe.qat_epochs = self.qat.unwrap_or(recipe.qat_epochs);
        recipe.qat_learning_rate = self.qat_learning_rate.unwrap_or(recipe.qat_learning_rate);
    }
}

/// Reads a part of a configuration from a JSON file. `what` names it in errors.
fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the {what} {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no {what}", path.display()))
}
