//! `firmware-sim run`: the core over single files.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use ser_core::{Model, Prediction};
use ser_host::audio::read_wav;
use ser_host::compare::hear;
use serde::Serialize;

use crate::models::{BuiltIn, File};
use crate::{Outcome, stream};

/// Recognise WAV files, of any rate, with the int8 core.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  firmware-sim run voice.wav\n  firmware-sim run --model edge.ser --stream day.wav\n  arecord -t raw -f S16_LE -r 16000 | firmware-sim run --stream -"
)]
pub struct RunArgs {
    /// int8 model file [default: the built-in one, trained on CASIA: acted Mandarin].
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Listen as to a microphone: tell where utterances start and end, recognise each for itself. `-` is standard
    /// input, raw 16-bit little-endian PCM at 16 kHz, without an end if need be.
    #[arg(long)]
    stream: bool,
    /// Print one JSON object for each file, with --stream for each event.
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
}

/// How probable a label is.
#[derive(Serialize)]
pub struct LabelProbability<'a> {
    label: &'a str,
    probability: f32,
}

impl<'m> LabelProbability<'m> {
    /// One for each label of the model.
    pub fn all(model: &Model<'m>, prediction: &Prediction<'m>) -> Vec<Self> {
        let pairs = model.labels().iter().zip(prediction.probabilities);
        pairs.map(|(label, probability)| Self { label, probability }).collect()
    }
}

/// Runs the command. A file that cannot be read is reported, the others are recognised all the same; in the end that is
/// an error.
pub fn run(args: &RunArgs) -> Result<Outcome> {
    let file = File::model(args.model.as_deref(), BuiltIn::Casia)?;
    let model = file.parse()?;
    if args.stream {
        file.ensure_stream(&model, "--stream")?;
        return stream::run(&model, &args.files, args.json);
    }
    ensure!(
        args.files.iter().all(|path| path != Path::new("-")),
        "standard input (-) has no end to wait for: it needs --stream"
    );
    let mut unreadable = 0;
    let mut output = std::io::stdout().lock();
    for path in &args.files {
        match read_wav(path).and_then(|samples| recognise(&model, path, &samples)) {
            Ok(result) => {
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

fn recognise<'m>(model: &'m Model<'m>, path: &Path, samples: &[i16]) -> Result<FileResult<'m>> {
    let heard = hear(model, samples, samples.len()).with_context(|| path.display().to_string())?;
    let prediction = heard.prediction;
    Ok(FileResult {
        file: path.display().to_string(),
        label: prediction.map(|prediction| prediction.label),
        confident: prediction.is_some_and(|prediction| prediction.confident),
        probabilities: prediction.map_or(Vec::new(), |prediction| LabelProbability::all(model, &prediction)),
    })
}

fn print(output: &mut impl Write, result: &FileResult<'_>) -> Result<()> {
    match result.label {
        None => write!(output, "{}: too little speech", result.file)?,
        Some(label) => {
            write!(output, "{}: ", result.file)?;
            print_answer(output, label, result.confident, &result.probabilities)?;
        }
    }
    writeln!(output)?;
    Ok(())
}

/// Label, whether it is sure, all probabilities.
pub fn print_answer(
    output: &mut impl Write,
    label: &str,
    confident: bool,
    probabilities: &[LabelProbability<'_>],
) -> Result<()> {
    write!(output, "{label}{}", if confident { "" } else { ", not sure" })?;
    let mut separator = " (";
    for LabelProbability { label, probability } in probabilities {
        write!(output, "{separator}{label} {probability:.2}")?;
        separator = ", ";
    }
    write!(output, ")")?;
    Ok(())
}
