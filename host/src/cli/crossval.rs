//! `host crossval`: every fold of a corpus, trained, exported and evaluated.

pub(super) mod display;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::cli::data_options::{CacheOption, count};
use crate::cli::options::TrainingOptions;
use crate::cli::protocol::{self, splits};
use crate::cli::train::DEFAULT_SEED;
use crate::corpus::check::{corpora_apart, imbalance};
use crate::corpus::split::Protocol;
use crate::corpus::split::given::Given;
use crate::experiments::crossval::run::{Crossval, Splits};
use crate::experiments::crossval::{CrossvalReport, gather};
use crate::features::condition::Condition;
use crate::files::{write_atomic, write_json};
use crate::interrupt::Stop;
use crate::training::session::Outcome;
use display::Display;

/// Train, export and evaluate every fold of a corpus, and print a table of the figures.
///
/// Every fold is a run folder below --out. Ctrl-C or SIGTERM stops after the current steps with exit code 130; a second
/// one stops at once. The same command then continues and gives the same result as without the stop; it does not train
/// finished folds again. --fold trains one fold alone, for instance on another machine.
/// --gather makes the table of all folds that are finished.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  host crossval --corpus casia --protocol speaker\n  \
                        host crossval --corpus casia --seeds 1,2,3 --condition both --out runs/casia-sentence\n  \
                        host crossval --corpus casia --fold 3 --out runs/casia-sentence\n  \
                        host crossval --gather runs/casia-sentence")]
pub struct CrossvalArgs {
    #[command(flatten)]
    training: TrainingOptions,
    /// Protocol of the split: what the training and test parts never share [default: speaker where at least 3 are
    /// known, else sentence or random].
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// Number of folds; 0 is one for each speaker or corpus [default: 5; up to 10 speakers: one for each].
    #[arg(long)]
    folds: Option<usize>,
    /// Splits from files in place of a protocol: a split file, or the folder of published folds in the form of EmoBox.
    #[arg(long, value_name = "FILE|DIR", conflicts_with_all = ["protocol", "folds", "split_seed"])]
    split: Option<PathBuf>,
    /// Share of each training part to hold out for validation after each epoch, between 0 and 1. It is not trained on.
    #[arg(long, value_name = "SHARE")]
    validation: Option<f64>,
    /// Seeds of split and training; every fold is trained with each seed [default: 1].
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    seeds: Vec<u64>,
    /// Seed of all splits: --seeds then changes the trainings alone [default: each training's seed].
    #[arg(long, value_name = "SEED")]
    split_seed: Option<u64>,
    /// What of the recordings the network hears [default: cues-removed; as-recorded for images].
    #[arg(long, value_enum)]
    condition: Option<Conditions>,
    /// Number of folds that train at the same time, each on one thread [default: number of cores].
    #[arg(long, value_name = "N", value_parser = count)]
    jobs: Option<NonZeroUsize>,
    /// Train only this fold, counted from 0, with all given seeds and conditions.
    #[arg(long, value_name = "K")]
    fold: Option<usize>,
    /// Folder of all folds [default: runs/crossval-CORPUS-PRESET-PROTOCOL].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Train nothing; print the table of the finished folds in this folder.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = [
            "corpus", "layout", "labels", "map", "preset", "network", "denoise", "window", "mel_bands", "pre_emphasis", "keep_silence", "recipe",
            "set", "epochs", "teachers", "qat", "qat_learning_rate", "batch", "balance", "class_weights", "backend", "protocol", "folds", "split", "validation", "seeds",
            "split_seed", "condition", "jobs", "fold", "out"
        ]
    )]
    gather: Option<PathBuf>,
    /// Also write the figures to this JSON file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    cache: CacheOption,
}

/// One condition, or both side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Conditions {
    /// Everything: no DC block, no trimming of silence, absolute levels.
    AsRecorded,
    /// Only the speech: offset blocked, silence trimmed and levels relative to the peak.
    CuesRemoved,
    /// Both, side by side.
    Both,
}

impl Conditions {
    fn list(self) -> &'static [Condition] {
        match self {
            Self::AsRecorded => &[Condition::AsRecorded],
            Self::CuesRemoved => &[Condition::CuesRemoved],
            Self::Both => &Condition::ALL,
        }
    }
}

/// Runs the command.
///
/// # Errors
///
/// If the corpus, the options or the recipe are unusable, a folder holds a run with other options or cannot be written,
/// or a fold fails.
pub fn run(args: &CrossvalArgs, stop: &Stop) -> Result<Outcome> {
    if let Some(folder) = &args.gather {
        tabulate(folder, args.json.as_deref())?;
        return Ok(Outcome::Finished);
    }
    crossval(args, stop)
}

/// Trains until all folds are finished or `stop` is set.
fn crossval(args: &CrossvalArgs, stop: &Stop) -> Result<Outcome> {
    let seeds = if args.seeds.is_empty() { vec![DEFAULT_SEED] } else { args.seeds.clone() };
    if let Some(repeated) =
        seeds.iter().enumerate().find(|(place, seed)| seeds.iter().take(*place).any(|other| other == *seed))
    {
        bail!("--seeds has {} twice", repeated.1);
    }
    let given = args.split.as_deref().map(Given::read).transpose()?;
    let (config, corpus) = args.training.plan(None, DEFAULT_SEED, given.as_ref().map(Given::choice))?;
    let conditions = args
        .condition
        .map_or_else(|| vec![Condition::of(&config.network.front_end)], |conditions| conditions.list().to_vec());
    conditions.iter().try_for_each(|condition| condition.check(&config.network.front_end))?;
    let given = given.map(|given| splits(given, &corpus)).transpose()?;
    let splits = match &given {
        Some(splits) => Splits::Given(splits),
        None => Splits::Dealt {
            protocol: args.protocol.unwrap_or_else(|| protocol::fitting(&corpus, args.folds)),
            folds: args.folds,
            seed: args.split_seed,
        },
    };
    let protocol = splits.protocol();
    let root = args.out.clone().unwrap_or_else(|| {
        PathBuf::from("runs").join(format!("crossval-{}-{}-{protocol}", config.corpus, config.preset))
    });
    let crossval = Crossval {
        root: &root,
        config: &config,
        corpus: &corpus,
        splits,
        validation: args.validation,
        cache: &args.cache.folder,
    };
    let pending = crossval.prepare(&conditions, &seeds, args.fold)?;
    if !pending.is_empty() {
        let sizes = corpus.labels.sizes(corpus.utterances.iter().map(|utterance| utterance.emotion));
        for warning in [imbalance(&sizes), corpora_apart(&corpus)].into_iter().flatten() {
            eprintln!("warning: {warning}");
        }
        let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        println!("{} folds to train in {}, {} at a time", pending.len(), root.display(), jobs.min(pending.len()));
        let display = Display::new(&pending, config.recipe.all_epochs());
        let failed = crossval.run(&pending, jobs, stop, &|fold, event| display.show(fold, event))?;
        display.close();
        let finished = pending.iter().map(|fold| Ok(usize::from(fold.is_finished()?))).sum::<Result<usize>>()?;
        if stop.is_asked() && finished < pending.len() {
            println!(
                "stopped with {finished} of {} folds finished; the same command goes on where it was",
                pending.len()
            );
            return Ok(Outcome::Stopped);
        }
        if !failed.is_empty() {
            let reasons: Vec<String> = failed.iter().map(|(fold, error)| format!("{fold}: {error:#}")).collect();
            bail!("{} of {} folds failed: {}", failed.len(), pending.len(), reasons.join("; "));
        }
    }
    if !crossval.find_copies(stop)? {
        println!("stopped while looking for copies; the same command goes on there");
        return Ok(Outcome::Stopped);
    }
    tabulate(&root, args.json.as_deref())?;
    Ok(Outcome::Finished)
}

/// Prints and writes the table of the finished folds.
fn tabulate(root: &Path, json: Option<&Path>) -> Result<()> {
    let report = CrossvalReport::new(&gather(root)?)?;
    write_json(&root.join("crossval.json"), &report)?;
    if let Some(path) = json {
        write_json(path, &report)?;
    }
    let text = report.to_string();
    write_atomic(&root.join("crossval.txt"), text.as_bytes())?;
    write_atomic(&root.join("crossval.csv"), &report.to_csv()?)?;
    print!("{text}");
    println!("\nwritten to {} as crossval.txt, crossval.json and crossval.csv", root.display());
    Ok(())
}
