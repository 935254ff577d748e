//! `host baseline`: classical classifiers on the splits of a cross-validation.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use ser_core::spec::edge;

use crate::cli::data_options::{CacheOption, CorpusOption};
use crate::cli::protocol;
use crate::corpus::choice::Classes;
use crate::corpus::skipped::Skipped;
use crate::corpus::split::Protocol;
use crate::experiments::baseline::Baseline;
use crate::experiments::baseline::report::{BaselineFigures, BaselineReport, evaluate_all, splits};
use crate::features::condition::Condition;
use crate::files::write_json;
use crate::shares::percent;

/// Fit classical classifiers to every fold of a corpus and print a table of their figures.
///
/// The classifiers hear the log-mel rows of the network `edge`. With the same protocol, number of folds and seed they
/// are tested on the same utterances as the networks of `host crossval`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  host baseline svm --corpus casia\n  \
                        host baseline all --corpus casia --protocol random --condition as-recorded \
                        --out baselines.json")]
pub struct BaselineArgs {
    /// The classifier.
    #[arg(value_enum, value_name = "NAME")]
    name: Names,
    #[command(flatten)]
    corpus: CorpusOption,
    /// Protocol of the split: what the training and test parts never share [default: speaker where at least 3 are
    /// known, else sentence or random].
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// Number of folds; 0 is one for each speaker or corpus [default: 5; up to 10 speakers: one for each].
    #[arg(long)]
    folds: Option<usize>,
    /// Seed of the splits and of every random choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What of the recordings the classifiers hear.
    #[arg(long, value_enum, default_value_t = Condition::CuesRemoved)]
    condition: Condition,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Also write the figures to this JSON file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    cache: CacheOption,
}

/// One baseline, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    One(Baseline),
    All,
}

impl Names {
    fn list(self) -> Vec<Baseline> {
        match self {
            Self::One(baseline) => vec![baseline],
            Self::All => Baseline::ALL.to_vec(),
        }
    }
}

impl ValueEnum for Names {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::One(Baseline::Hmm),
            Self::One(Baseline::Gmm),
            Self::One(Baseline::Knn),
            Self::One(Baseline::Svm),
            Self::One(Baseline::KernelRegression),
            Self::All,
        ]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        match self {
            Self::One(baseline) => baseline.to_possible_value(),
            Self::All => Some(clap::builder::PossibleValue::new("all").help("All of these, one after the other")),
        }
    }
}

/// Runs the command.
///
/// # Errors
///
/// If the corpus cannot be opened or split like this, a training part lacks a class, or a file cannot be written.
pub fn run(args: &BaselineArgs) -> Result<()> {
    let report = report(args)?;
    if let Some(path) = &args.out {
        write_json(path, &report)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}

/// Fits and tests the classifiers. Progress goes to standard error.
fn report(args: &BaselineArgs) -> Result<BaselineReport> {
    let corpus = args.corpus.open(Classes::Usual)?;
    let mut skipped = Skipped::default();
    let cache = args.cache.of(&args.condition.front_end(edge().front_end))?;
    let protocol = args.protocol.unwrap_or_else(|| protocol::fitting(&corpus, args.folds));
    let splits = splits(&corpus, protocol, args.folds, args.seed)?;
    let mut baselines = Vec::new();
    for baseline in args.name.list() {
        let evaluations = evaluate_all(baseline, &corpus, &cache, &splits, &mut |split, evaluation| {
            evaluation.skipped_training.iter().chain(&evaluation.skipped).for_each(|problem| skipped.add(problem));
            skipped.lines().iter().for_each(|line| eprintln!("{line}"));
            let war = percent(evaluation.confusion.war());
            eprintln!("{baseline}: fold {} of {} has {war}", split.fold + 1, split.folds);
        })?;
        baselines.push(BaselineFigures::new(baseline, protocol, &evaluations, None)?);
    }
    let folds = splits.len();
    let BaselineArgs { condition, seed, .. } = *args;
    Ok(BaselineReport {
        corpus: corpus.name,
        utterances: corpus.utterances.len(),
        condition,
        protocol,
        folds,
        seed,
        baselines,
    })
}
