//! `host eval`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use ser_core::spec;
use serde::Serialize;

use crate::cache::FeatureCache;
use crate::corpus::Utterance;
use crate::features::Rows;
use crate::metrics::Confusion;
use crate::run::RunFolder;
use crate::split::Part;
use crate::train::{Classifier, argmax};

/// Recognises the test part of a run with its float network.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: host eval runs/casia-edge-sentence-0")]
pub struct EvalArgs {
    /// The folder of a run.
    #[arg(default_value = "runs/synthetic-1-edge-sentence-0", value_name = "RUN")]
    run: PathBuf,
    /// Which part of its split.
    #[arg(long, value_enum, default_value = "test")]
    part: Part,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Where log-mel rows are kept between runs.
    #[arg(long, value_name = "DIR", default_value = "runs/.features")]
    cache: PathBuf,
}

#[cfg(test)]
impl EvalArgs {
    /// The test part of a run, as text.
    pub fn new(run: &std::path::Path, cache: &std::path::Path) -> Self {
        Self { run: run.to_owned(), part: Part::Test, json: false, cache: cache.to_owned() }
    }
}

/// What a network recognises in a list of utterances.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Utterances recognised, rightly or wrongly; what could not be read is not among them.
    pub utterances: u64,
    /// Utterances that could not be read.
    pub skipped: usize,
    /// Recall, weighted by class sizes; this is the accuracy.
    pub war: f64,
    /// Recall, all classes weighing alike.
    pub uar: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// 95 % interval of `war`.
    pub war_interval: (f64, f64),
    /// Which class was taken for which.
    pub confusion: Confusion,
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
    if epochs < config.recipe.epochs {
        eprintln!("the run is unfinished: {epochs} of {} epochs", config.recipe.epochs);
    }
    let corpus = config.open_corpus()?;
    let utterances = split.part(&corpus, args.part)?;
    ensure!(!utterances.is_empty(), "the split of {} has no {} part", args.run.display(), format!("{:?}", args.part).to_lowercase());
    let network = folder.network()?;
    let cache = FeatureCache::new(&network.network.front_end, Some(&args.cache))?;
    let result = evaluate(&Classifier::new(&network, config.backend)?, &cache, &utterances, &network.network.labels)?;
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

/// Recognises utterances; those that cannot be read are told, skipped and counted, and silence counts as not recognised.
///
/// # Errors
///
/// If the cache cannot be written.
pub fn evaluate(classifier: &Classifier, cache: &FeatureCache, utterances: &[&Utterance], labels: &[spec::Label]) -> Result<Evaluation> {
    let extracted = cache.log_mel(utterances, 1.0)?;
    let mut readable: Vec<(&Utterance, &Rows)> = Vec::with_capacity(utterances.len());
    for (utterance, rows) in utterances.iter().zip(&extracted) {
        match rows {
            Ok(rows) => readable.push((utterance, rows)),
            Err(reason) => eprintln!("skipped {}: {reason}", utterance.id),
        }
    }
    let rows: Vec<&Rows> = readable.iter().map(|(_, rows)| *rows).collect();
    let mut confusion = Confusion::new(labels.iter().map(ToString::to_string));
    for ((utterance, _), logits) in readable.iter().zip(classifier.logits(&rows)?) {
        confusion.add(utterance.emotion, logits.map(|logits| argmax(&logits)));
    }
    Ok(Evaluation {
        utterances: confusion.total(),
        skipped: utterances.len() - readable.len(),
        war: confusion.war(),
        uar: confusion.uar(),
        macro_f1: confusion.macro_f1(),
        war_interval: confusion.wilson_95(),
        confusion,
    })
}
