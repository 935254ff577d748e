//! `firmware-sim run`: the core over single files.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use ser_core::{Model, Prediction, Recognizer};
use ser_host::audio::{SAMPLE_RATE_HZ, read_wav};
use serde::Serialize;

use crate::Outcome;
use crate::models::{BuiltIn, File};

/// Recognise WAV files, of any rate, with the int8 core.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  firmware-sim run voice.wav\n  firmware-sim run --model edge.ser --stream voice.wav")]
pub struct RunArgs {
    /// int8 model file [default: the built-in one, trained on CASIA: acted Mandarin].
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Tell each change of the leading label on the way, looked for after each hop.
    #[arg(long)]
    stream: bool,
    /// Print one JSON object for each file.
    #[arg(long)]
    json: bool,
    /// Recordings.
    #[arg(required = true, value_name = "WAV")]
    files: Vec<PathBuf>,
}

/// The result for one file.
#[derive(Serialize)]
struct FileResult<'a> {
    file: String,
    /// Null if there was too little speech.
    label: Option<&'a str>,
    /// Whether the model is sure enough to be believed.
    confident: bool,
    /// One for each label of the model; empty if there was too little speech.
    probabilities: Vec<LabelProbability<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change<'a>>>,
}

#[derive(Serialize)]
struct LabelProbability<'a> {
    label: &'a str,
    probability: f32,
}

/// A new leading label.
#[derive(Serialize)]
struct Change<'a> {
    seconds: f64,
    label: &'a str,
    probability: f32,
}

/// Runs the command. A file that cannot be read is reported, the others are recognised all the same; in the end that is an error.
pub fn run(args: &RunArgs) -> Result<Outcome> {
    let file = File::model(args.model.as_deref(), BuiltIn::Casia)?;
    let model = file.parse()?;
    let mut memory = vec![0; model.state_words()];
    let mut recognizer = Recognizer::new(&model, &mut memory)?;
    let mut unreadable = 0;
    let mut output = std::io::stdout().lock();
    for path in &args.files {
        match read_wav(path) {
            Ok(samples) => {
                let result = recognise(&model, &mut recognizer, path, &samples, args.stream);
                if args.json {
                    writeln!(output, "{}", serde_json::to_string(&result)?)?;
                } else {
                    print(&mut output, &result)?;
                }
            }
            Err(error) => {
                unreadable += 1;
                eprintln!("skipped {error:#}");
            }
        }
    }
    ensure!(unreadable == 0, "{unreadable} of {} files could not be read", args.files.len());
    Ok(Outcome::Passed)
}

fn recognise<'m>(model: &'m Model<'m>, recognizer: &mut Recognizer<'m, '_>, path: &Path, samples: &[i16], stream: bool) -> FileResult<'m> {
    let mut changes = Vec::new();
    if stream {
        let mut leading = None;
        let mut heard = 0;
        for hop in samples.chunks(model.front_end().hop_len) {
            recognizer.push(hop);
            heard += hop.len();
            let Some(prediction) = recognizer.prediction() else { continue };
            if leading != Some(prediction.index) {
                leading = Some(prediction.index);
                let seconds = heard as f64 / f64::from(SAMPLE_RATE_HZ);
                changes.push(Change { seconds, label: prediction.label, probability: leading_probability(&prediction) });
            }
        }
    } else {
        recognizer.push(samples);
    }
    let prediction = recognizer.finish();
    let probabilities = prediction.map_or(Vec::new(), |prediction| {
        let pairs = model.labels().iter().zip(prediction.probabilities);
        pairs.map(|(label, probability)| LabelProbability { label, probability }).collect()
    });
    FileResult {
        file: path.display().to_string(),
        label: prediction.map(|prediction| prediction.label),
        confident: prediction.is_some_and(|prediction| prediction.confident),
        probabilities,
        changes: stream.then_some(changes),
    }
}

fn leading_probability(prediction: &Prediction<'_>) -> f32 {
    prediction.probabilities.get(prediction.index).copied().unwrap_or_default()
}

fn print(output: &mut impl Write, result: &FileResult<'_>) -> Result<()> {
    for Change { seconds, label, probability } in result.changes.iter().flatten() {
        writeln!(output, "{}: {seconds:7.2} s  {label:<9} {probability:.2}", result.file)?;
    }
    match result.label {
        None => write!(output, "{}: too little speech", result.file)?,
        Some(label) => {
            write!(output, "{}: {label}{}", result.file, if result.confident { "" } else { ", not sure" })?;
            let mut separator = " (";
            for LabelProbability { label, probability } in &result.probabilities {
                write!(output, "{separator}{label} {probability:.2}")?;
                separator = ", ";
            }
            write!(output, ")")?;
        }
    }
    writeln!(output)?;
    Ok(())
}
