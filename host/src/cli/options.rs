//! Options that `host train` and `host crossval` share.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use ser_core::spec::{self, Network};
use serde::de::DeserializeOwned;

use crate::cli::front_end_options::FrontEndOptions;
use crate::condition::Condition;
use crate::corpus::Corpus;
use crate::run::{Backend, Config, Recipe};

/// What is trained, on which corpus, and how.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct TrainingOptions {
    /// A folder with speaker/emotion/name.wav or emotion/name.wav, or a CSV manifest. Without it: the synthetic corpus.
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
    /// Name of the network [default: edge].
    #[arg(long)]
    pub preset: Option<String>,
    /// JSON file with a network, as `network` in the config.json of a run, in place of a preset; it is called like the
    /// file.
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub network: Option<PathBuf>,
    /// What is changed of the network's front end.
    #[command(flatten)]
    pub front_end: FrontEndOptions,
    /// JSON file with a recipe, as `recipe` in the config.json of a run [default: that of the network].
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// Passes over the training part; those of teachers change in proportion [default: that of the recipe].
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Networks that are trained first, half of them hearing backwards, and whose answers then are a part of the
    /// targets; 0 for none [default: that of the recipe].
    #[arg(long, value_name = "N")]
    pub teachers: Option<usize>,
    /// Passes behind these that are quantisation-aware: they compute as the int8 core does [default: that of the
    /// recipe].
    #[arg(long, value_name = "EPOCHS")]
    pub qat: Option<usize>,
    /// Learning rate at the start of the quantisation-aware passes [default: that of the recipe].
    #[arg(long, value_name = "RATE")]
    pub qat_learning_rate: Option<f64>,
    /// Utterances in a step [default: that of the recipe].
    #[arg(long)]
    pub batch: Option<usize>,
    /// What computes [default: flex].
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
}

impl TrainingOptions {
    /// The configuration of a run with these options, under a condition or that of the network, and its corpus; what is
    /// skipped of it is told.
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

    /// The same before the corpus is opened, so without its name.
    ///
    /// # Errors
    ///
    /// If network or recipe are unusable, or the network's front end cannot meet the condition.
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
            backend: self.backend.unwrap_or(Backend::Flex),
            recipe,
            network: Network { front_end: condition.front_end(network.front_end), ..network },
        })
    }

    /// Name and description of the network.
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

    /// Enters what is asked of the quantisation-aware stage into a recipe.
    pub fn set_stage(&self, recipe: &mut Recipe) {
        recipe.qat_epochs = self.qat.unwrap_or(recipe.qat_epochs);
        recipe.qat_learning_rate = self.qat_learning_rate.unwrap_or(recipe.qat_learning_rate);
    }
}

/// Reads a part of a configuration.
fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the {what} {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no {what}", path.display()))
}
