//! Options that `host train` and `host crossval` share.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use ser_core::spec::{self, Network};

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
    /// JSON file with a recipe, as `recipe` in the config.json of a run.
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// Passes over the training part [default: that of the recipe].
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Passes behind these that are quantisation-aware: they compute as the int8 core does [default: that of the recipe].
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
    /// The configuration of a run with these options, and its corpus; what is skipped of it is told.
    ///
    /// # Errors
    ///
    /// If preset, recipe or corpus are unusable.
    pub fn plan(&self, condition: Condition, seed: u64) -> Result<(Config, Corpus)> {
        let preset = self.preset.as_deref().unwrap_or("edge");
        let Some(network) = spec::preset(preset) else { bail!("unknown preset '{preset}', wanted edge") };
        let mut recipe = match &self.recipe {
            Some(path) => read_recipe(path)?,
            None => Recipe::default(),
        };
        recipe.epochs = self.epochs.unwrap_or(recipe.epochs);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        self.set_stage(&mut recipe);
        recipe.check()?;
        let mut config = Config {
            corpus: String::new(),
            corpus_path: match &self.corpus {
                Some(path) => Some(path.canonicalize().with_context(|| format!("cannot open corpus {}", path.display()))?),
                None => None,
            },
            preset: preset.to_owned(),
            seed,
            backend: self.backend.unwrap_or(Backend::Flex),
            recipe,
            network: Network { front_end: condition.front_end(network.front_end), ..network },
        };
        let corpus = config.open_corpus()?;
        config.corpus.clone_from(&corpus.name);
        for problem in &corpus.problems {
            eprintln!("skipped {problem}");
        }
        Ok((config, corpus))
    }

    /// Enters what is asked of the quantisation-aware stage into a recipe.
    pub fn set_stage(&self, recipe: &mut Recipe) {
        recipe.qat_epochs = self.qat.unwrap_or(recipe.qat_epochs);
        recipe.qat_learning_rate = self.qat_learning_rate.unwrap_or(recipe.qat_learning_rate);
    }
}

fn read_recipe(path: &Path) -> Result<Recipe> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the recipe {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no recipe", path.display()))
}
