//! `host train`.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cache::FeatureCache;
use crate::cli::options::TrainingOptions;
use crate::condition::Condition;
use crate::corpus::Corpus;
use crate::run::{Config, EpochMetrics, RunFolder};
use crate::split::{Protocol, Split};
use crate::train::StepReport;
use crate::training::{Outcome, Progress, Training};

/// Seed of split and training unless told otherwise.
pub const DEFAULT_SEED: u64 = 1;

/// Trains a network.
///
/// Makes a run folder with all that decides the result and all that comes out of it. Ctrl-C stops after the step under way;
/// `--resume` goes on, with the very result of a training that was not stopped.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "Example: host train --corpus casia --protocol sentence --fold 0")]
pub struct TrainArgs {
    #[command(flatten)]
    training: TrainingOptions,
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
    /// Seed of split and training [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// What of the recordings reaches the network [default: cues-removed].
    #[arg(long, value_enum)]
    condition: Option<Condition>,
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
    let stop = stop_at_ctrl_c()?;
    train(args, &stop)
}

/// Is set when Ctrl-C is pressed.
///
/// # Errors
///
/// If the operating system does not let the process listen for it, or it listens already.
pub fn stop_at_ctrl_c() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

/// Trains until the end, or until asked to stop.
fn train(args: &TrainArgs, stop: &AtomicBool) -> Result<()> {
    let (config, split, corpus) = plan(args)?;
    let path = args.out.clone().unwrap_or_else(|| default_folder(args, &config, &split));
    let folder = if args.resume { resume(&path, &config, &split)? } else { RunFolder::create(&path, &config, &split, args.force)? };
    if args.resume && folder.checkpoint()?.is_none() {
        eprintln!("{} has no checkpoint yet: starting from the first epoch", path.display());
    }

    let cache = FeatureCache::new(&config.network.front_end, Some(&args.cache))?;
    let training = Training { folder: &folder, config: &config, split: &split, corpus: &corpus, cache: &cache };
    let mut display = Display::new(&config);
    let outcome = training.run(stop, &mut |progress| display.show(progress))?;
    display.close();
    match outcome {
        Outcome::Stopped => println!("stopped; go on with: host train --resume --out {}", path.display()),
        Outcome::Finished => {
            println!("trained {} epochs; see the test part with: host eval {}", config.recipe.epochs, path.display());
        }
    }
    Ok(())
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
    let seed = args.seed.unwrap_or(DEFAULT_SEED);
    let (config, corpus) = args.training.plan(args.condition.unwrap_or(Condition::CuesRemoved), seed)?;
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

fn default_folder(args: &TrainArgs, config: &Config, split: &Split) -> PathBuf {
    let protocol = format!("{:?}", split.protocol).to_lowercase();
    let condition = args.condition.filter(|condition| *condition != Condition::CuesRemoved);
    let condition = condition.map(|condition| format!("-{condition}")).unwrap_or_default();
    PathBuf::from("runs").join(format!("{}-{}-{protocol}-{}{condition}", config.corpus, config.preset, split.fold))
}

/// The folder of a run to be resumed, which must be the one that the options describe.
fn resume(path: &Path, config: &Config, split: &Split) -> Result<RunFolder> {
    let folder = RunFolder::open(path)?;
    ensure!(
        folder.is_of(config, split)?,
        "{} holds a run with another configuration or split than these options; to resume it as it is: host train --resume --out {}",
        path.display(),
        path.display()
    );
    Ok(folder)
}

/// A progress bar on a terminal, plain lines elsewhere.
struct Display {
    bar: Option<ProgressBar>,
    epochs: usize,
    /// What was told as skipped.
    skipped: BTreeSet<String>,
}

impl Display {
    fn new(config: &Config) -> Self {
        let epochs = config.recipe.epochs;
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(epochs as u64);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} epoch {pos}/{len} {msg} (left {eta})") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, epochs, skipped: BTreeSet::new() }
    }

    fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Skipped(problem) => {
                if self.skipped.insert(problem.path.clone()) {
                    eprintln!("skipped {problem}");
                }
            }
            Progress::Started(epochs) => {
                if !self.skipped.is_empty() {
                    eprintln!("{} training utterances skipped", self.skipped.len());
                }
                if let Some(bar) = &self.bar {
                    bar.set_position(epochs as u64);
                    bar.reset_eta();
                }
            }
            Progress::Step(report) => self.step(report),
            Progress::Epoch(metrics) => self.epoch(metrics),
        }
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

    fn epoch(&self, metrics: &EpochMetrics) {
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
    use crate::run::Recipe;

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
            training: TrainingOptions {
                corpus: Some(dir.join("corpus")),
                recipe: Some(dir.join("recipe.json")),
                ..TrainingOptions::default()
            },
            folds: Some(2),
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
        let training = |change: TrainingOptions| TrainArgs { training: change, ..args.clone() };
        assert!(refused(training(TrainingOptions { preset: Some("huge".into()), ..args.training.clone() })).contains("'huge'"));
        assert!(refused(training(TrainingOptions { epochs: Some(0), ..args.training.clone() })).contains("epochs is 0"));
        let nowhere = Some(dir.path().join("nowhere"));
        assert!(refused(training(TrainingOptions { corpus: nowhere, ..args.training.clone() })).contains("nowhere"));
        assert!(refused(TrainArgs { fold: Some(7), ..args.clone() }).contains("fold"));
        assert!(refused(TrainArgs { resume: true, ..args }).contains("holds no run"));
        assert!(!dir.path().join("run").exists());
    }
}
