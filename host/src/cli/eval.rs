//! `host eval`: the float network of a run on a part of its split.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::corpus::Problem;
use crate::corpus::split::Part;
use crate::evaluation::evaluate::evaluate;
use crate::features::cache::FeatureCache;
use crate::training::run::RunFolder;
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
    /// Folder that keeps log-mel rows between runs.
    #[arg(long, value_name = "DIR", default_value = "runs/.features")]
    cache: PathBuf,
}

#[cfg(test)]
impl EvalArgs {
    /// Options for the test part of a run, with output as text.
    pub fn new(run: &std::path::Path, cache: &std::path::Path) -> Self {
        Self { run: run.to_owned(), part: Part::Test, json: false, cache: cache.to_owned() }
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
    let epochs = folder.metrics()?.len();
    if epochs < config.recipe.all_epochs() {
        eprintln!("the run is unfinished: {epochs} of {} epochs", config.recipe.all_epochs());
    }
    let corpus = config.open_corpus()?;
    let utterances = split.part(&corpus, args.part)?;
    ensure!(
        !utterances.is_empty(),
        "the split of {} has no {} part",
        args.run.display(),
        format!("{:?}", args.part).to_lowercase()
    );
    let network = folder.network()?;
    let cache = FeatureCache::new(&network.network.front_end, Some(&args.cache))?;
    let classifier = Classifier::new(&network, &config)?;
    let mut skip = |problem: &Problem| eprintln!("skipped {problem}");
    let result = evaluate(&classifier, &cache, &utterances, &network.network.labels, &mut skip)?;
    ensure!(result.utterances > 0, "none of the {} utterances could be read", utterances.len());
    if args.json {
        println!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        println!("{}", result.confusion);
        if result.skipped > 0 {
            println!("{} utterances skipped", result.skipped);
        }
    }
    Ok(())
}
