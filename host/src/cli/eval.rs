//! `host eval`: the float network of a run on a part of its split.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::cli::data_options::{CacheOption, tell, tell_unheard};
use crate::corpus::Problem;
use crate::corpus::split::Part;
use crate::evaluation::evaluate::{Evaluation, evaluate};
use crate::training::run::{Epochs, RunFolder};
use crate::training::train::Classifier;

/// Recognise the test part of a run, or another part, with the float network of the run.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: host eval runs/casia-edge-sentence-0")]
pub struct EvalArgs {
    /// Folder of a run.
    #[arg(default_value = "runs/synthetic-1-edge-sentence-0", value_name = "RUN")]
    run: PathBuf,
    /// Part of the split to recognise.
    #[arg(long, value_enum, default_value = "test")]
    part: Part,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    cache: CacheOption,
}

/// The figures as JSON.
#[derive(Serialize)]
struct Report {
    /// Epochs after which the network is evaluated.
    epochs: Epochs,
    #[serde(flatten)]
    evaluation: Evaluation,
}

#[cfg(test)]
impl EvalArgs {
    /// Options for the test part of a run, with output as text.
    pub fn new(run: &std::path::Path, cache: &std::path::Path) -> Self {
        Self { run: run.to_owned(), part: Part::Test, json: false, cache: CacheOption { folder: cache.to_owned() } }
    }
}

/// Runs the command.
///
/// # Errors
///
/// If the folder holds no trained run, its corpus cannot be opened, or no utterance of the part can be read.
pub fn run(args: &EvalArgs) -> Result<()> {
    let folder = RunFolder::open(&args.run)?;
    let (config, split) = (folder.config()?, folder.split()?);
    let corpus = config.open_corpus()?;
    let utterances = split.part(&corpus, args.part)?;
    ensure!(
        !utterances.is_empty(),
        "the split of {} has no {} part{}",
        args.run.display(),
        format!("{:?}", args.part).to_lowercase(),
        if split.tests() { "" } else { ": the run was trained on all utterances, so `host crossval` has its figures" }
    );
    let network = folder.network()?;
    let epochs = folder.epochs()?;
    if !epochs.are_done() {
        eprintln!("the run is unfinished: this is its network after {epochs}");
    }
    let cache = args.cache.of(&network.network.front_end)?;
    let classifier = Classifier::new(&network, &config)?;
    let mut skipped = Vec::new();
    let mut skip = |problem: &Problem| skipped.push(problem.clone());
    let result = evaluate(&classifier, &cache, &utterances, &network.network.labels, &mut skip)?;
    tell(&skipped);
    ensure!(result.utterances > 0, "none of the {} utterances could be read", utterances.len());
    tell_unheard(&result.unheard);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&Report { epochs, evaluation: result })?);
    } else {
        println!("{}", result.confusion);
        if result.skipped > 0 {
            println!("{} utterances skipped", result.skipped);
        }
    }
    Ok(())
}
