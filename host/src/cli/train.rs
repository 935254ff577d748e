//! `host train`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ser_core::spec;

use crate::cache::FeatureCache;
use crate::cli::eval::evaluate;
use crate::corpus::{Corpus, Utterance};
use crate::features::Rows;
use crate::run::{Backend, Config, EpochMetrics, Recipe, RunFolder};
use crate::split::{Part, Protocol, Split};
use crate::train::{Example, StepReport, Trainer};

/// Epochs shorter than this are not saved one by one.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// Seed of split and training unless told otherwise.
const DEFAULT_SEED: u64 = 1;

/// Trains a network.
///
/// Makes a run folder with all that decides the result and all that comes out of it. Ctrl-C stops after the step under way;
/// `--resume` goes on, with the very result of a training that was not stopped.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "Example: host train --corpus casia --protocol sentence --fold 0")]
pub struct TrainArgs {
    /// A folder with speaker/emotion/name.wav or emotion/name.wav, or a CSV manifest. Without it: the synthetic corpus.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Name of the network [default: edge].
    #[arg(long)]
    preset: Option<String>,
    /// What training and test do not share [default: sentence].
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// Number of folds [default: 5; one for each speaker].
    #[arg(long)]
    folds: Option<usize>,
    /// The fold that tests, from 0 [default: 0].
    #[arg(long)]
    fold: Option<usize>,
    /// A split file, in place of protocol and fold.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["protocol", "folds", "fold", "validation"])]
    split: Option<PathBuf>,
    /// Share of the training part to hold out for validation, told after each epoch.
    #[arg(long, value_name = "SHARE")]
    validation: Option<f64>,
    /// Passes over the training part [default: that of the recipe].
    #[arg(long)]
    epochs: Option<usize>,
    /// Utterances in a step [default: that of the recipe].
    #[arg(long)]
    batch: Option<usize>,
    /// Seed of split and training [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// What computes [default: flex].
    #[arg(long, value_enum)]
    backend: Option<Backend>,
    /// JSON file with a recipe, as `recipe` in the config.json of a run.
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// The run folder [default: runs/CORPUS-PRESET-PROTOCOL-FOLD].
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Go on where the run in the folder stopped.
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Overwrite the run in the folder.
    #[arg(long)]
    force: bool,
    /// Where log-mel rows are kept between runs.
    #[arg(long, value_name = "DIR", default_value = "runs/.features")]
    cache: PathBuf,
}

/// Runs the command.
///
/// # Errors
///
/// If corpus, split or recipe are unusable, the run folder is taken or cannot be written, or training diverges.
pub fn run(args: &TrainArgs) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
    train(args, &stop)
}

/// Trains until the end, or until asked to stop.
fn train(args: &TrainArgs, stop: &AtomicBool) -> Result<()> {
    let (config, split, corpus) = plan(args)?;
    let path = args.out.clone().unwrap_or_else(|| default_folder(&config, &split));
    let folder = if args.resume { resume(&path, &config, &split)? } else { RunFolder::create(&path, &config, &split, args.force)? };

    let cache = FeatureCache::new(&config.network.front_end, Some(&args.cache))?;
    let mut trainer = Trainer::new(config.clone(), examples(&cache, &config, &split.part(&corpus, Part::Train)?)?)?;
    let validation = split.part(&corpus, Part::Validation)?;
    if args.resume {
        match folder.checkpoint()? {
            Some(bytes) => trainer.restore(&bytes)?,
            None => eprintln!("{} has no checkpoint yet: starting from the first epoch", path.display()),
        }
    }

    let mut display = Display::new(&config, trainer.history().len());
    let mut saved = Instant::now();
    while !trainer.is_finished() {
        if stop.load(Ordering::Relaxed) {
            save(&folder, &trainer)?;
            display.close();
            println!("stopped; go on with: host train --resume --out {}", path.display());
            return Ok(());
        }
        let report = trainer.step()?;
        display.step(&report);
        if report.finished.is_none() {
            continue;
        }
        if !validation.is_empty() {
            let result = evaluate(&trainer.classifier()?, &cache, &validation, &config.network.labels)?;
            trainer.record_validation(result.war, result.uar);
        }
        if let Some(metrics) = trainer.history().last() {
            display.epoch(metrics);
        }
        if saved.elapsed() >= CHECKPOINT_INTERVAL || trainer.is_finished() {
            save(&folder, &trainer)?;
            saved = Instant::now();
        }
    }
    display.close();
    println!("trained {} epochs; see the test part with: host eval {}", config.recipe.epochs, path.display());
    Ok(())
}

/// Network and metrics first: a checkpoint never promises epochs that they lack.
fn save(folder: &RunFolder, trainer: &Trainer) -> Result<()> {
    if !trainer.history().is_empty() {
        folder.save_network(&trainer.network()?)?;
        folder.save_metrics(trainer.history())?;
    }
    folder.save_checkpoint(&trainer.checkpoint()?)
}

/// Configuration, split and corpus: those of the options, or of the run to be resumed.
fn plan(args: &TrainArgs) -> Result<(Config, Split, Corpus)> {
    if args.resume
        && let Some(path) = &args.out
        && *args == (TrainArgs { resume: true, out: args.out.clone(), cache: args.cache.clone(), ..TrainArgs::default() })
    {
        let folder = RunFolder::open(path)?;
        let (config, split) = (folder.config()?, folder.split()?);
        let corpus = config.open_corpus()?;
        return Ok((config, split, corpus));
    }
    let preset = args.preset.as_deref().unwrap_or("edge");
    let Some(network) = spec::preset(preset) else { bail!("unknown preset '{preset}', wanted edge") };
    let mut recipe = match &args.recipe {
        Some(path) => read_recipe(path)?,
        None => Recipe::default(),
    };
    recipe.epochs = args.epochs.unwrap_or(recipe.epochs);
    recipe.batch = args.batch.unwrap_or(recipe.batch);
    recipe.check()?;
    let seed = args.seed.unwrap_or(DEFAULT_SEED);
    let mut config = Config {
        corpus: String::new(),
        corpus_path: match &args.corpus {
            Some(path) => Some(path.canonicalize().with_context(|| format!("cannot open corpus {}", path.display()))?),
            None => None,
        },
        preset: preset.to_owned(),
        seed,
        backend: args.backend.unwrap_or(Backend::Flex),
        recipe,
        network,
    };
    let corpus = config.open_corpus()?;
    config.corpus.clone_from(&corpus.name);
    for problem in &corpus.problems {
        eprintln!("skipped {problem}");
    }
    let split = match &args.split {
        Some(path) => Split::load(path)?,
        None => {
            let protocol = args.protocol.unwrap_or(Protocol::Sentence);
            let mut split = Split::new(&corpus, protocol, args.folds, args.fold.unwrap_or(0), seed)?;
            if let Some(share) = args.validation {
                split.hold_out_validation(share)?;
            }
            split
        }
    };
    Ok((config, split, corpus))
}

fn read_recipe(path: &Path) -> Result<Recipe> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the recipe {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no recipe", path.display()))
}

fn default_folder(config: &Config, split: &Split) -> PathBuf {
    let protocol = format!("{:?}", split.protocol).to_lowercase();
    PathBuf::from("runs").join(format!("{}-{}-{protocol}-{}", config.corpus, config.preset, split.fold))
}

/// The folder of a run to be resumed, which must be the one that the options describe.
fn resume(path: &Path, config: &Config, split: &Split) -> Result<RunFolder> {
    let folder = RunFolder::open(path)?;
    ensure!(
        folder.config()? == *config && folder.split()? == *split,
        "{} holds a run with another configuration or split than these options; to resume it as it is: host train --resume --out {}",
        path.display(),
        path.display()
    );
    Ok(folder)
}

/// The usable training utterances at all speeds of the recipe; what is skipped is told.
fn examples(cache: &FeatureCache, config: &Config, utterances: &[&Utterance]) -> Result<Vec<Example>> {
    let mut examples: Vec<Example> =
        utterances.iter().map(|u| Example { speeds: Vec::new(), class: u.emotion, speaker: u.speaker.clone() }).collect();
    let speeds = &config.recipe.augmentation.speeds;
    let mut skipped = 0;
    for (index, &speed) in speeds.iter().enumerate() {
        for ((example, rows), utterance) in examples.iter_mut().zip(cache.log_mel(utterances, speed)?).zip(utterances) {
            let usable: Result<Rows, String> =
                rows.and_then(|rows| if rows.is_empty() { Err("nothing but silence".into()) } else { Ok(rows) });
            match usable {
                Ok(rows) => example.speeds.push(rows),
                Err(reason) if example.speeds.len() == index => {
                    eprintln!("skipped {}: {reason}", utterance.id);
                    skipped += 1;
                }
                Err(_) => {}
            }
        }
    }
    examples.retain(|example| example.speeds.len() == speeds.len());
    if skipped > 0 {
        eprintln!("{skipped} of {} training utterances skipped", utterances.len());
    }
    Ok(examples)
}

/// A progress bar on a terminal, plain lines elsewhere.
struct Display {
    bar: Option<ProgressBar>,
    epochs: usize,
}

impl Display {
    fn new(config: &Config, done: usize) -> Self {
        let epochs = config.recipe.epochs;
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(epochs as u64).with_position(done as u64);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} epoch {pos}/{len} {msg} (left {eta})") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, epochs }
    }

    fn step(&self, report: &StepReport) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!(
                "step {}/{}, loss {:.3}, accuracy {:.1} %",
                report.step,
                report.steps,
                report.loss,
                100.0 * report.accuracy
            ));
        }
    }

    fn epoch(&mut self, metrics: &EpochMetrics) {
        let validation = match metrics.validation_war {
            Some(war) => format!(", validation {:.1} %", 100.0 * war),
            None => String::new(),
        };
        match &self.bar {
            Some(bar) => bar.set_position(metrics.epoch as u64),
            None => println!(
                "epoch {}/{}: loss {:.4}, accuracy {:.1} %{validation}, {:.1} s",
                metrics.epoch,
                self.epochs,
                metrics.train_loss,
                100.0 * metrics.train_accuracy,
                metrics.seconds
            ),
        }
    }

    fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::write_wav;
    use crate::augment::Augmentation;
    use crate::cli::eval;
    use crate::emotion::EMOTIONS;

    /// Six emotions, each a tone of its own, four sentences; and a recipe of two short epochs.
    fn args(dir: &Path) -> TrainArgs {
        for (emotion, name) in EMOTIONS.iter().enumerate() {
            let folder = dir.join("corpus").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            for sentence in 1..=4 {
                let tone = |n: usize| (6000.0 * (n as f32 * 0.05 * (emotion + 1) as f32).sin()) as i16;
                write_wav(&folder.join(format!("{sentence}.wav")), &(0..6000 + 400 * sentence).map(tone).collect::<Vec<_>>()).unwrap();
            }
        }
        let augmentation = Augmentation { speeds: vec![1.0, 1.1], gain_db: 3.0, ..Augmentation::none() };
        let recipe = Recipe { epochs: 2, batch: 4, augmentation, ..Recipe::default() };
        std::fs::write(dir.join("recipe.json"), serde_json::to_vec(&recipe).unwrap()).unwrap();
        TrainArgs {
            corpus: Some(dir.join("corpus")),
            folds: Some(2),
            recipe: Some(dir.join("recipe.json")),
            out: Some(dir.join("run")),
            cache: dir.join("cache"),
            ..TrainArgs::default()
        }
    }

    fn go(args: &TrainArgs) -> Result<()> {
        train(args, &AtomicBool::new(false))
    }

    #[test]
    fn a_run_folder_holds_all_that_decides_the_result_and_all_that_came_out() {
        let dir = tempfile::tempdir().unwrap();
        let args = TrainArgs { validation: Some(0.5), ..args(dir.path()) };
        go(&args).unwrap();
        let folder = RunFolder::open(&dir.path().join("run")).unwrap();
        assert_eq!(folder.config().unwrap().recipe.epochs, 2);
        assert_eq!(folder.split().unwrap().utterances.len(), 24);
        assert!(folder.checkpoint().unwrap().is_some());
        let metrics = folder.metrics().unwrap();
        assert_eq!(metrics.len(), 2);
        assert!(metrics.iter().all(|epoch| epoch.validation_war.is_some()), "{metrics:?}");
        folder.network().unwrap();
        eval::run(&eval::EvalArgs::new(folder.path(), &args.cache)).unwrap();
    }

    #[test]
    fn a_run_that_is_stopped_and_resumed_is_a_run_that_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(dir.path());
        go(&args).unwrap();
        let other = TrainArgs { out: Some(dir.path().join("other")), ..args.clone() };
        train(&other, &AtomicBool::new(true)).unwrap();
        go(&TrainArgs { resume: true, out: other.out.clone(), cache: other.cache.clone(), ..TrainArgs::default() }).unwrap();
        let network = |run: &str| RunFolder::open(&dir.path().join(run)).unwrap().network().unwrap();
        assert_eq!(network("other"), network("run"));
    }

    #[test]
    fn a_folder_with_a_run_is_not_overwritten_unless_asked() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(dir.path());
        go(&args).unwrap();
        let error = go(&args).unwrap_err().to_string();
        assert!(error.contains("--resume") && error.contains("--force"), "{error}");
        go(&TrainArgs { force: true, ..args.clone() }).unwrap();
        let error = go(&TrainArgs { resume: true, seed: Some(9), ..args }).unwrap_err().to_string();
        assert!(error.contains("another configuration"), "{error}");
    }

    #[test]
    fn an_unreadable_utterance_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(dir.path());
        std::fs::write(dir.path().join("corpus/sad/1.wav"), b"RIFF").unwrap();
        std::fs::write(dir.path().join("corpus/sad/2.wav"), b"RIFF").unwrap();
        go(&args).unwrap();
        eval::run(&eval::EvalArgs::new(&dir.path().join("run"), &args.cache)).unwrap();
    }

    #[test]
    fn unusable_options_are_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(dir.path());
        let refused = |args: TrainArgs| format!("{:#}", go(&args).unwrap_err());
        assert!(refused(TrainArgs { preset: Some("huge".into()), ..args.clone() }).contains("'huge'"));
        assert!(refused(TrainArgs { epochs: Some(0), ..args.clone() }).contains("epochs is 0"));
        assert!(refused(TrainArgs { fold: Some(7), ..args.clone() }).contains("fold"));
        assert!(refused(TrainArgs { corpus: Some(dir.path().join("nowhere")), ..args.clone() }).contains("nowhere"));
        assert!(refused(TrainArgs { resume: true, ..args }).contains("holds no run"));
        assert!(!dir.path().join("run").exists());
    }
}
