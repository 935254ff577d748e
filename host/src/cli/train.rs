//! `host train`: one training, in a run folder.

mod display;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::cli::data_options::{CacheOption, LabelOptions};
use crate::cli::options::TrainingOptions;
use crate::cli::protocol::{self, splits};
use crate::corpus::Corpus;
use crate::corpus::check::{corpora_apart, imbalance};
use crate::corpus::split::given::Given;
use crate::corpus::split::{Part, Protocol, Split};
use crate::evaluation::evaluate::recall;
use crate::features::condition::Condition;
use crate::interrupt::Stop;
use crate::model::float_network::FloatNetwork;
use crate::training::recipe::Recipe;
use crate::training::run::{Config, EpochMetrics, RunFolder};
use crate::training::session::{Outcome, Training};
use display::Display;

/// Seed of split and training without `--seed`.
pub const DEFAULT_SEED: u64 = 1;

/// Train a network.
///
/// Makes a run folder that holds everything that decides the result, and the result. Ctrl-C or SIGTERM stops after the
/// current step with exit code 130; a second one stops at once. --resume continues and gives the same result as a
/// training without the stop.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "Examples:\n  host train --corpus casia --protocol sentence --fold 0\n  \
                        host train --preset rnn --set learning_rate=0.001 --set augmentation.speeds=[1.0] --print-recipe\n  \
                        host train --qat 10 --from runs/casia-edge-sentence-0 --out runs/casia-qat-0")]
pub struct TrainArgs {
    #[command(flatten)]
    training: TrainingOptions,
    /// Protocol of the split: what the training and test parts never share [default: speaker where at least 3 are
    /// known, else sentence or random].
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// Number of folds; 0 is one for each speaker or corpus [default: 5; up to 10 speakers: one for each].
    #[arg(long)]
    folds: Option<usize>,
    /// The fold to test on, counted from 0 [default: 0].
    #[arg(long)]
    fold: Option<usize>,
    /// Split from a file in place of a protocol: a split file, or the folder of published folds in the form of EmoBox,
    /// of which --fold chooses one. The corpus is read with its labels.
    #[arg(long, value_name = "FILE|DIR", conflicts_with_all = ["protocol", "folds"])]
    split: Option<PathBuf>,
    /// Train on every utterance and test on none, for a model to ship. Its figures come from a cross-validation.
    #[arg(long, conflicts_with_all = ["protocol", "folds", "fold", "split", "validation"])]
    all: bool,
    /// Share of the training part to hold out for validation after each epoch, between 0 and 1.
    #[arg(long, value_name = "SHARE")]
    validation: Option<f64>,
    /// Seed of split and training [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// Seed of the split [default: that of --seed].
    #[arg(long, value_name = "SEED", conflicts_with = "split")]
    split_seed: Option<u64>,
    /// What of the recordings the network hears [default: cues-removed; as-recorded for images].
    #[arg(long, value_enum)]
    condition: Option<Condition>,
    /// Run folder [default: runs/CORPUS-PRESET-PROTOCOL-FOLD].
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Finished run that gives configuration, split and network. Only its quantisation-aware passes are trained.
    #[arg(
        long,
        value_name = "RUN",
        requires_all = ["qat", "out"],
        conflicts_with_all = [
            "corpus", "layout", "labels", "map", "preset", "network", "denoise", "window", "mel_bands", "pre_emphasis", "keep_silence", "recipe",
            "set", "epochs", "teachers", "batch", "balance", "class_weights", "backend", "protocol", "folds", "fold", "split", "all", "validation",
            "seed", "split_seed", "condition", "resume"
        ]
    )]
    from: Option<PathBuf>,
    /// Continue the run in the folder where it stopped.
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Overwrite the run in the folder.
    #[arg(long)]
    force: bool,
    /// Print the recipe that would be used, as JSON, and train nothing.
    #[arg(long)]
    print_recipe: bool,
    #[command(flatten)]
    cache: CacheOption,
}

/// Runs the command.
///
/// # Errors
///
/// If the corpus, the split or the recipe are unusable, the run folder is taken or cannot be written, or the training
/// diverges.
pub fn run(args: &TrainArgs, stop: &Stop) -> Result<Outcome> {
    if args.print_recipe {
        println!("{}", serde_json::to_string_pretty(&recipe(args)?)?);
        return Ok(Outcome::Finished);
    }
    train(args, stop)
}

/// Trains until the last epoch or until `stop` is set.
fn train(args: &TrainArgs, stop: &Stop) -> Result<Outcome> {
    let (config, split, corpus) = plan(args)?;
    let finished = args.from.as_deref().map(|from| finished_run(from, &config)).transpose()?;
    let path = args.out.clone().unwrap_or_else(|| default_folder(args, &config, &split));
    let folder = if args.resume {
        resume(&path, &config, &split)?
    } else {
        RunFolder::create(&path, &config, &split, args.force)?
    };
    if args.resume && folder.checkpoint()?.is_none() && !folder.teacher_path(0).exists() {
        eprintln!("{} has no checkpoint yet: starting where it began", path.display());
    }
    if let Some((network, metrics)) = finished {
        folder.save_network(&network)?;
        folder.save_metrics(&metrics)?;
    }
    if let Some(from) = &args.from {
        folder.copy_teachers(&RunFolder::open(from)?)?;
    }

    let cache = args.cache.of(&config.network.front_end)?;
    let training =
        Training { folder: &folder, config: &config, split: &split, corpus: &corpus, cache: &cache, score: recall };
    let mut display = Display::new(&config);
    let outcome = training.run(stop, &mut |progress| display.show(progress));
    display.close();
    let outcome = outcome?;
    match outcome {
        Outcome::Stopped => {
            println!("stopped after {}; go on with: host train --resume --out {}", folder.epochs()?, path.display());
        }
        Outcome::Finished => {
            let next = if split.tests() { "see the test part with: host eval" } else { "export it with: host export" };
            println!("trained {} epochs; {next} {}", folder.epochs()?.done, path.display());
        }
    }
    Ok(outcome)
}

/// The recipe of the training that the options describe.
fn recipe(args: &TrainArgs) -> Result<Recipe> {
    if let Some(run) = args.from.as_deref().or(args.resumed()) {
        let mut recipe = RunFolder::open(run)?.config()?.recipe;
        args.training.set_stage(&mut recipe);
        return Ok(recipe);
    }
    let network = args.training.network()?.network;
    args.training.recipe(&network)
}

impl TrainArgs {
    /// The run to resume as it is: no option describes it.
    fn resumed(&self) -> Option<&Path> {
        let TrainArgs { out, cache, print_recipe, .. } = self.clone();
        let alone = TrainArgs { resume: true, out, cache, print_recipe, ..TrainArgs::default() };
        self.out.as_deref().filter(|_| *self == alone)
    }
}

/// Configuration, split and corpus: from the options, or from the run to resume or to start from.
fn plan(args: &TrainArgs) -> Result<(Config, Split, Corpus)> {
    if let Some(from) = &args.from {
        let folder = RunFolder::open(from)?;
        let mut config = folder.config()?;
        ensure!(config.recipe.qat_epochs == 0, "{} has quantisation-aware epochs already", from.display());
        args.training.set_stage(&mut config.recipe);
        config.recipe.check()?;
        ensure!(config.recipe.qat_epochs > 0, "--qat is 0, wanted at least 1 with --from");
        let corpus = config.open_corpus()?;
        return Ok((config, folder.split()?, corpus));
    }
    if let Some(path) = args.resumed() {
        let folder = RunFolder::open(path)?;
        let (config, split) = (folder.config()?, folder.split()?);
        let corpus = config.open_corpus()?;
        return Ok((config, split, corpus));
    }
    ensure!(
        !args.resume || args.training.corpus.is_given() || args.training.corpus.labels == LabelOptions::default(),
        "--labels and --map with --resume want the --corpus too; a run is resumed as it is with: host train --resume \
         --out RUN"
    );
    let seed = args.seed.unwrap_or(DEFAULT_SEED);
    let given = args.split.as_deref().map(Given::read).transpose()?;
    let (config, corpus) = args.training.plan(args.condition, seed, given.as_ref().map(Given::choice))?;
    let mut split = match given {
        Some(given) => {
            let mut splits = splits(given, &corpus)?;
            let fold = args.fold.unwrap_or(0);
            let place = splits.iter().position(|split| split.fold == fold || args.fold.is_none());
            let place = place.with_context(|| format!("there is no fold {fold}, there are {}", splits.len()))?;
            splits.swap_remove(place)
        }
        None => {
            // Every corpus has utterances to split at random; some layouts name no sentences.
            let protocol = match args.protocol {
                Some(protocol) => protocol,
                None if args.all => Protocol::Random,
                None => protocol::fitting(&corpus, args.folds),
            };
            let split_seed = args.split_seed.unwrap_or(seed);
            let mut split = Split::new(&corpus, protocol, args.folds, args.fold.unwrap_or(0), split_seed)?;
            if args.all {
                split.train_on_all();
            }
            split
        }
    };
    if let Some(share) = args.validation
        && let Some(remark) = split.hold_out_validation(share)?
    {
        eprintln!("{remark}");
    }
    for warning in [imbalance(&split.class_sizes(Part::Train)), corpora_apart(&corpus)].into_iter().flatten() {
        eprintln!("warning: {warning}");
    }
    Ok((config, split, corpus))
}

/// Network and metrics of a run that has finished all epochs before the quantisation-aware ones.
fn finished_run(path: &Path, config: &Config) -> Result<(FloatNetwork, Vec<EpochMetrics>)> {
    let folder = RunFolder::open(path)?;
    let metrics = folder.metrics()?;
    ensure!(
        metrics.len() == config.recipe.epochs,
        "{} has {} of {} epochs; finish it with: host train --resume --out {}",
        path.display(),
        metrics.len(),
        config.recipe.epochs,
        path.display()
    );
    Ok((folder.network()?, metrics))
}

fn default_folder(args: &TrainArgs, config: &Config, split: &Split) -> PathBuf {
    let condition = args.condition.filter(|condition| *condition != Condition::CuesRemoved);
    let condition = condition.map(|condition| format!("-{condition}")).unwrap_or_default();
    let part = if args.all { "all".to_owned() } else { format!("{}-{}", split.protocol, split.fold) };
    PathBuf::from("runs").join(format!("{}-{}-{part}{condition}", config.corpus, config.preset))
}

/// The folder of a run to resume. The run must be the one that the options describe.
fn resume(path: &Path, config: &Config, split: &Split) -> Result<RunFolder> {
    let folder = RunFolder::open(path)?;
    ensure!(
        folder.is_of(config, split)?,
        "{} holds a run with another configuration or split than these options; to resume it as it is: \
         host train --resume --out {}",
        path.display(),
        path.display()
    );
    Ok(folder)
}
