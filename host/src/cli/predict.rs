//! `host predict`: what the float network of a run says of recordings.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::cli::data_options::{tell, tell_unheard};
use crate::corpus::Problem;
use crate::corpus::audio::read_audio;
use crate::features::kept::Kept;
use crate::features::rows::Extractor;
use crate::model::logits::{leading, softmax};
use crate::shares::percent;
use crate::training::run::RunFolder;
use crate::training::train::Classifier;

/// Recognise recordings with the float network of a run. `firmware-sim run` does the same with a model file.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: host predict runs/casia-edge-sentence-0 a.wav b.flac")]
pub struct PredictArgs {
    /// Folder of a run.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// WAV, FLAC, Ogg Vorbis or MP3 files, any rate.
    #[arg(value_name = "FILE", required = true)]
    recordings: Vec<PathBuf>,
    /// Print one line of JSON for each recording.
    #[arg(long)]
    json: bool,
}

/// An answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    file: &'a str,
    /// Null without an answer.
    label: Option<&'a str>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// One for each label, in the order of the labels; they sum to 1. Empty without an answer.
    probabilities: Vec<LabelProbability<'a>>,
}

#[derive(Serialize)]
struct LabelProbability<'a> {
    label: &'a str,
    probability: f64,
}

impl PredictArgs {
    /// The line of JSON of a recording without an answer.
    fn tell_nothing(&self, problem: &Problem) -> Result<()> {
        if self.json {
            let Problem { path, .. } = problem;
            let answer = Answer { file: path, label: None, reason: Some(problem.cause()), probabilities: Vec::new() };
            println!("{}", serde_json::to_string(&answer)?);
        }
        Ok(())
    }
}

/// Runs the command. A recording that cannot be read, or of which nothing is heard, is told and skipped.
///
/// # Errors
///
/// If the folder holds no trained run, or no recording has an answer.
pub fn run(args: &PredictArgs) -> Result<()> {
    let folder = RunFolder::open(&args.run)?;
    let (config, network) = (folder.config()?, folder.network()?);
    let epochs = folder.epochs()?;
    if !epochs.are_done() {
        eprintln!("the run is unfinished: this is its network after {epochs}");
    }
    let extractor = Extractor::new(&network.network.front_end)?;
    let classifier = Classifier::new(&network, &config)?;
    let labels: Vec<&str> = network.network.labels.iter().map(|label| label.as_str()).collect();
    let (mut unreadable, mut unheard, mut answered) = (Vec::new(), Vec::new(), 0);
    for recording in &args.recordings {
        let path = recording.display().to_string();
        let samples = match read_audio(recording, extractor.front_end().sample_rate_hz) {
            Ok(samples) => samples,
            Err(error) => {
                let problem = Problem { path, reason: format!("{error:#}") };
                args.tell_nothing(&problem)?;
                unreadable.push(problem);
                continue;
            }
        };
        let rows = Kept::from(extractor.log_mel(&samples)?);
        let Some(logits) = classifier.logits(&[&rows])?.into_iter().flatten().next() else {
            let problem = Problem { path, reason: extractor.unheard(&samples)?.to_string() };
            args.tell_nothing(&problem)?;
            unheard.push(problem);
            continue;
        };
        answered += 1;
        let probabilities = softmax(&logits, 1.0);
        let said = leading(&logits).unwrap_or_default();
        if args.json {
            let each = labels.iter().zip(probabilities);
            let probabilities = each.map(|(label, probability)| LabelProbability { label, probability }).collect();
            let answer = Answer { file: &path, label: Some(labels[said]), reason: None, probabilities };
            println!("{}", serde_json::to_string(&answer)?);
        } else {
            let mut order: Vec<(&str, f64)> = labels.iter().copied().zip(probabilities).collect();
            order.sort_by(|a, b| b.1.total_cmp(&a.1));
            let shown: Vec<String> =
                order.iter().take(3).map(|(label, probability)| format!("{label} {}", percent(*probability))).collect();
            println!("{path}: {}", shown.join(", "));
        }
    }
    tell(&unreadable);
    tell_unheard(&unheard);
    ensure!(answered > 0, "none of the {} recordings has an answer", args.recordings.len());
    ensure!(unreadable.is_empty(), "{} of {} recordings could not be read", unreadable.len(), args.recordings.len());
    Ok(())
}
