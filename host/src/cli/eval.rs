//! `host eval`: the float network of a run on a part of its split, or on another corpus.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::cli::data_options::{CacheOption, CorpusOption, LabelOptions, tell, tell_unheard};
use crate::corpus::audio::SAMPLE_RATE_HZ;
use crate::corpus::labels::Labels;
use crate::corpus::split::{Part, Split};
use crate::corpus::trained::TrainedOn;
use crate::corpus::{Problem, Utterance};
use crate::evaluation::evaluate::{Evaluation, evaluate};
use crate::evaluation::interval::{Unit, shown};
use crate::features::kept::Kept;
use crate::training::run::{Config, Epochs, RunFolder};
use crate::training::train::Classifier;

/// Recognise the test part of a run, or another part, or another corpus, with the float network of the run.
#[derive(Args, Clone, Debug)]
#[command(mut_arg("corpus", |corpus| corpus.help("Another corpus, all of it, in place of a part of the run's own")),
          mut_arg("labels", |labels| labels.help("Only the recordings with these labels [default: those of the run]")),
          after_help = "Examples:\n  host eval runs/casia-edge-sentence-0\n  host eval runs/casia-edge-sentence-0 \
                        --corpus downloads/RAVDESS --map calm=neutral")]
pub struct EvalArgs {
    /// Folder of a run.
    #[arg(default_value = "runs/synthetic-1-edge-speaker-0", value_name = "RUN")]
    run: PathBuf,
    /// Part of the split to recognise.
    #[arg(long, value_enum, default_value = "test", conflicts_with = "corpus")]
    part: Part,
    #[command(flatten)]
    corpus: CorpusOption,
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
        Self {
            run: run.to_owned(),
            part: Part::Test,
            corpus: CorpusOption::default(),
            json: false,
            cache: CacheOption { folder: cache.to_owned() },
        }
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
    /// Utterances that the network was trained on; None if nothing tells.
    trained_on: Option<usize>,
}

/// Runs the command.
///
/// # Errors
///
/// If the folder holds no trained run, its corpus cannot be opened, or no utterance of the part can be read.
pub fn run(args: &EvalArgs) -> Result<()> {
    ensure!(
        args.corpus.is_given() || args.corpus.labels == LabelOptions::default(),
        "--labels and --map are for another corpus: a run has labels of its own"
    );
    let folder = RunFolder::open(&args.run)?;
    let (config, split) = (folder.config()?, folder.split()?);
    let network = folder.network()?;
    let labels = Labels::new(network.network.labels.iter().map(ToString::to_string));
    let other = args.corpus.is_given();
    let corpus = if other {
        args.corpus.open_for(&labels, &BTreeMap::new(), &args.run.display().to_string())?
    } else {
        config.open_corpus()?
    };
    let utterances = if other { corpus.utterances.iter().collect() } else { split.part(&corpus, args.part)? };
    ensure!(
        !utterances.is_empty(),
        "the split of {} has no {} part{}",
        args.run.display(),
        format!("{:?}", args.part).to_lowercase(),
        if split.tests() { "" } else { ": the run was trained on all utterances, so `host crossval` has its figures" }
    );
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
    let known_speakers = utterances.iter().all(|utterance| !utterance.speaker.is_empty());
    let unit = match other {
        true if known_speakers => Unit::Speaker,
        true => Unit::Utterance,
        false => Unit::of(split.protocol),
    };
    let evaluation = evaluate(&classifier, &heard, &network.network.labels, unit)?;
    let result = Report {
        epochs,
        skipped: utterances.len() - heard.len(),
        unheard,
        // The split keeps ids apart, and not copies under two names.
        trained_on: match (other, args.part) {
            (false, Part::Train) => Some(heard.len()),
            _ => trained_on(&config, &split)?.map(|known| heard_before(&known, &heard)),
        },
        evaluation,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&result)?);
        return Ok(());
    }
    let Evaluation { confusion, war_interval, uar_interval, units, breakdown, .. } = &result.evaluation;
    println!(
        "{confusion}\n95 % intervals, over {}: UAR {}, WAR {}",
        unit.count(*units),
        shown(*uar_interval),
        shown(*war_interval)
    );
    print!("{breakdown}");
    if result.skipped > 0 {
        println!("{} utterances skipped", result.skipped);
    }
    match result.trained_on {
        Some(0) => {}
        Some(known) => println!("NO TEST: the network was trained on {known} of these utterances"),
        None => {
            println!("The run's own corpus is gone: nothing tells whether the network was trained on these utterances")
        }
    }
    Ok(())
}

/// The recordings that the run was trained on; None if its corpus is not there any more.
fn trained_on(config: &Config, split: &Split) -> Result<Option<TrainedOn>> {
    let Ok(corpus) = config.open_corpus() else { return Ok(None) };
    Ok(Some(TrainedOn::new(&corpus.name, &split.part(&corpus, Part::Train)?)))
}

/// How many of the utterances are among these recordings.
fn heard_before(known: &TrainedOn, heard: &[(&Utterance, Kept)]) -> usize {
    let is_known = |(utterance, _): &&(&Utterance, Kept)| {
        utterance.samples(SAMPLE_RATE_HZ).is_ok_and(|samples| known.has(&samples))
    };
    heard.iter().filter(is_known).count()
}
