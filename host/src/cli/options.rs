//! The options of a training, which several commands share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use ser_core::spec::{self, Network};
use serde_json::Value;

use crate::cli::data_options::{CorpusOption, tell_corpus};
use crate::cli::front_end_options::FrontEndOptions;
use crate::corpus::Corpus;
use crate::corpus::choice::{Choice, Classes};
use crate::corpus::labels::canonical;
use crate::corpus::origin::Origin;
use crate::features::condition::Condition;
use crate::json;
use crate::training::graph::Compute;
use crate::training::recipe::{Balance, Recipe};
use crate::training::run::{Backend, Config};

/// Network, corpus and recipe of a training.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct TrainingOptions {
    /// The corpus.
    #[command(flatten)]
    pub corpus: CorpusOption,
    /// Built-in network [default: edge].
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(spec::PRESETS))]
    pub preset: Option<String>,
    /// JSON file with a network, instead of a preset. It has the form of `network` in the config.json of a run. What it
    /// does not name is that of the preset edge, or of paper if its front end makes an image. Its name is that of the
    /// file.
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub network: Option<PathBuf>,
    /// Changes of the network's front end.
    #[command(flatten)]
    pub front_end: FrontEndOptions,
    /// JSON file with a recipe, of the form of `recipe` in the config.json of a run. What it does not name is as in the
    /// network's own recipe.
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// Change one entry of the recipe, for instance learning_rate=0.001 or augmentation.speeds=[1.0]. The value is
    /// JSON, or text. May be given several times.
    #[arg(long, value_name = "ENTRY=VALUE", value_parser = json::entry)]
    pub set: Vec<Value>,
    /// Passes over the training part. Those of teachers change in proportion [default: as the recipe says].
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Number of teachers, 0 to 16. They are trained first, half of them on reversed utterances; the network then also
    /// learns from their answers [default: as the recipe says].
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(..=16))]
    pub teachers: Option<usize>,
    /// Quantisation-aware passes after the others. They compute as the int8 core does [default: as the recipe says].
    #[arg(long, value_name = "EPOCHS")]
    pub qat: Option<usize>,
    /// Learning rate at the start of the quantisation-aware passes [default: as the recipe says].
    #[arg(long, value_name = "RATE")]
    pub qat_learning_rate: Option<f64>,
    /// Number of utterances in a step [default: as the recipe says].
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// What shares each epoch equally: nothing, labels, corpora, or corpora and the labels of each. Speakers share what
    /// is left to them [default: as the recipe says].
    #[arg(long, value_enum, value_name = "WHAT")]
    pub balance: Option<Balance>,
    /// Factors of the loss of utterances of a label, for instance neutral=0.5,sad=2 [default: as the recipe says].
    #[arg(long, value_name = "LABEL=FACTOR,...", value_delimiter = ',', value_parser = weight)]
    pub class_weights: Vec<(String, f64)>,
    /// What computes the training [default: fast].
    #[arg(long, value_enum, value_name = "NAME")]
    pub backend: Option<Backend>,
}

impl TrainingOptions {
    /// The configuration of a run with these options, and its corpus. Without a `condition` it is that of the network.
    /// `given` are the labels of a split that is there already, unless the options name others.
    /// Problems of the corpus are reported on standard error.
    ///
    /// # Errors
    ///
    /// Those of [`TrainingOptions::configure`], or if the corpus is unusable.
    pub fn plan(&self, condition: Option<Condition>, seed: u64, given: Option<Choice>) -> Result<(Config, Corpus)> {
        let mut config = self.configure(condition, seed)?;
        if let Some(Choice { classes, map }) = given {
            config.choice.classes = if self.corpus.labels.labels.is_empty() { classes } else { config.choice.classes };
            config.choice.map = if self.corpus.labels.map.is_empty() { map } else { config.choice.map };
        }
        // By the path of the configuration: kept rows are found by the paths of the recordings.
        let corpus = config.open_corpus()?;
        tell_corpus(&corpus);
        config.corpus.clone_from(&corpus.name);
        config.recipe.fit(corpus.utterances.len());
        config.set_labels(&corpus.labels).with_context(|| format!("corpus {} cannot be trained on", corpus.name))?;
        Ok((config, corpus))
    }

    /// The configuration alone. The corpus is not opened, so its name stays empty.
    ///
    /// # Errors
    ///
    /// If the network or the recipe is unusable, the front end of the network can't meet the condition, or this build
    /// lacks the backend.
    pub fn configure(&self, condition: Option<Condition>, seed: u64) -> Result<Config> {
        let NamedNetwork { name: preset, network, names_labels } = self.network()?;
        let usual = if names_labels {
            Classes::These(network.labels.iter().map(ToString::to_string).collect())
        } else {
            Classes::Usual
        };
        let condition = condition.unwrap_or(Condition::of(&network.front_end));
        condition.check(&network.front_end)?;
        let recipe = self.recipe(&network)?;
        let backend = self.backend.unwrap_or(Backend::Fast);
        // Before a file is written: a run folder must not suffer from a backend that was not built.
        Compute::new(backend)?;
        let mut corpora = self.corpus.origins()?;
        for Origin { path, .. } in &mut corpora {
            *path = path.canonicalize().with_context(|| format!("cannot open corpus {}", path.display()))?;
        }
        Ok(Config {
            corpus: String::new(),
            corpora,
            choice: self.corpus.labels.choice(usual)?,
            preset,
            seed,
            backend,
            recipe,
            network: Network { front_end: condition.front_end(network.front_end), ..network },
        })
    }

    /// The network that the options choose.
    ///
    /// # Errors
    ///
    /// If there is no such network, or its file or front end is unusable.
    pub fn network(&self) -> Result<NamedNetwork> {
        let chosen = match &self.network {
            Some(path) => network_of(path)?,
            None => {
                let preset = self.preset.as_deref().unwrap_or("edge");
                let Some(network) = spec::preset(preset) else {
                    bail!("unknown preset '{preset}', wanted one of {}", spec::PRESETS.join(", "))
                };
                NamedNetwork { name: preset.to_owned(), network, names_labels: false }
            }
        };
        Ok(NamedNetwork { network: self.front_end.apply(chosen.network)?, ..chosen })
    }

    /// The recipe that the options make for a network.
    ///
    /// # Errors
    ///
    /// If an entry is unknown, has a wrong type or is out of range.
    pub fn recipe(&self, network: &Network) -> Result<Recipe> {
        let mut recipe = Recipe::of(network);
        if let Some(path) = &self.recipe {
            recipe =
                recipe.with(json::read(path, "recipe")?).with_context(|| format!("{} is no recipe", path.display()))?;
        }
        recipe = json::join(&self.set).and_then(|changes| recipe.with(changes)).context("--set")?;
        if let Some(teachers) = self.teachers {
            recipe.set_teachers(teachers);
        }
        if let Some(epochs) = self.epochs {
            recipe.set_epochs(epochs);
            recipe.budget = 0;
        }
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.balance = self.balance.unwrap_or(recipe.balance);
        let mut weights = BTreeMap::new();
        for (label, weight) in &self.class_weights {
            ensure!(weights.insert(label.clone(), *weight).is_none(), "--class-weights names {label} twice");
        }
        recipe.class_weights.extend(weights);
        self.set_stage(&mut recipe);
        recipe.check()?;
        ensure!(
            !recipe.backwards,
            "the recipe says that utterances are heard backwards: only teachers do, see distillation.backwards"
        );
        Ok(recipe)
    }

    /// Writes the options of the quantisation-aware stage into a recipe.
    pub fn set_stage(&self, recipe: &mut Recipe) {
        recipe.qat_epochs = self.qat.unwrap_or(recipe.qat_epochs);
        recipe.qat_learning_rate = self.qat_learning_rate.unwrap_or(recipe.qat_learning_rate);
    }
}

fn weight(text: &str) -> Result<(String, f64), String> {
    let pair = text.split_once('=').and_then(|(label, weight)| Some((canonical(label), weight.parse().ok()?)));
    pair.filter(|(label, _)| !label.is_empty()).ok_or_else(|| "wanted LABEL=FACTOR".to_owned())
}

/// A network, by the name under which runs know it.
#[derive(Clone, Debug)]
pub struct NamedNetwork {
    /// That of the preset, or of the file.
    pub name: String,
    /// Its description.
    pub network: Network,
    /// Whether its file names its labels.
    pub names_labels: bool,
}

/// The network in a JSON file.
fn network_of(path: &Path) -> Result<NamedNetwork> {
    let json = json::read(path, "network")?;
    let names_labels = json.get("labels").is_some();
    let makes_image = json.pointer("/front_end/image").is_some_and(Value::is_object);
    let base = if makes_image { spec::paper() } else { spec::edge() };
    let network = json::with(&base, json).with_context(|| format!("{} is no network", path.display()))?;
    network.check().with_context(|| format!("the network in {} is unusable", path.display()))?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(NamedNetwork { name, network, names_labels })
}

#[cfg(test)]
mod tests;
