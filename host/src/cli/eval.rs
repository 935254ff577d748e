//! `host eval`: the float network of a run on a part of its split.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::cli::data_options::{CacheOption, tell, tell_unheard};
use crate::corpus::Problem;
use crate::corpus::split::Part;
use crate::evaluation::evaluate::{Evaluation, evaluate};
use crate::evaluation::interval::{Unit, shown};
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

#[cfg(test)]
impl EvalArgs {
    /// Options for the test part of a run, with output as text.
    pub fn new(run: &std::path::Path, cache: &std::path::Path) -> Self {
        Self { run: run.to_owned(), part: Part::Test, json: false, cache: CacheOption { folder: cache.to_owned() } }
    }
}

/// The figures as JSON.
#[derive(Serialize)]
struct Report {
    /// Epochs after which the network is evaluated.
    epochs: Epochs,
    #[serde(flatten)]
    evaluation: Evaluation,
    /// Utterances that could not be read.
    skipped: usize,
    /// Utterances of which the front end hears nothing, and why. They count as not recognised.
    unheard: Vec<Problem>,
    /// Utterances that the network was trained on.
    trained_on: usize,
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
    let heard = cache.readable(&corpus, &utterances, &mut |problem| skipped.push(problem))?;
    tell(&skipped);
    ensure!(!heard.is_empty(), "none of the {} utterances could be read", utterances.len());
    let unheard = heard.iter().filter(|(_, rows)| rows.is_empty()).map(|(utterance, _)| {
        Ok(Problem { path: utterance.id.clone(), reason: cache.unheard(utterance, 1.0)?.to_string() })
    });
    let unheard = unheard.collect::<Result<Vec<_>>>()?;
    tell_unheard(&unheard);
    let unit = Unit::of(split.protocol);
    let evaluation = evaluate(&classifier, &heard, &network.network.labels, unit)?;
    let result = Report {
        epochs,
        skipped: utterances.len() - heard.len(),
        unheard,
        // Where the part is not the training part, the split keeps the two apart.
        trained_on: if args.part == Part::Train { heard.len() } else { 0 },
        evaluation,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&result)?);
        return Ok(());
    }
    let Evaluation { confusion, war_interval, units, .. } = &result.evaluation;
    println!("{confusion}\n95 % interval of the WAR, over {}: {}", unit.count(*units), shown(*war_interval));
    if result.skipped > 0 {
        println!("{} utterances skipped", result.skipped);
    }
    if result.trained_on > 0 {
        println!("NO TEST: the network was trained on these very utterances");
    }
    Ok(())
}
