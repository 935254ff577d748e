//! `firmware-sim run`: recognises single files.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use ser_core::Model;
use ser_host::corpus::audio::{ACCEPTED_RATES_HZ, read_audio};
use ser_host::evaluation::compare::hear;
use ser_host::features::rows::Extractor;
use serde::Serialize;

use crate::answer::{LabelProbability, print_answer};
use crate::models::{BuiltIn, File};
use crate::outcome::Outcome;
use crate::stream;

/// Recognise recordings (WAV, FLAC, Ogg Vorbis, MP3) of any sample rate with the int8 core.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  firmware-sim run voice.wav\n  firmware-sim run --model edge.ser --stream day.wav\n  arecord -f S16_LE -r 16000 | firmware-sim run --stream -"
)]
pub struct RunArgs {
    /// int8 model file [default: the built-in one, trained on CASIA: acted Mandarin].
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Listen as to a microphone: report where each utterance starts and ends, and recognise each. The file `-` is
    /// standard input, of any length: WAV is heard while it comes, another recording when it is complete, and anything
    /// else is raw 16-bit little-endian mono PCM.
    #[arg(long)]
    stream: bool,
    /// Sample rate of raw PCM on standard input [default: that of the model].
    #[arg(long, value_name = "HZ", requires = "stream", value_parser = rate)]
    rate: Option<u32>,
    /// Print one JSON object per file, or per event with --stream.
    #[arg(long)]
    json: bool,
    /// Recordings to recognise.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn rate(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(rate) if ACCEPTED_RATES_HZ.contains(&rate) => Ok(rate),
        _ => Err(format!("wanted {} to {}", ACCEPTED_RATES_HZ.start(), ACCEPTED_RATES_HZ.end())),
    }
}

/// The result for one file.
#[derive(Serialize)]
struct FileResult<'a> {
    file: String,
    /// Null if there was too little speech.
    label: Option<&'a str>,
    /// Why there is no label; null if there is one.
    reason: Option<String>,
    /// Whether the model's confidence reaches its threshold.
    confident: bool,
    /// One for each label of the model; empty if there was too little speech.
    probabilities: Vec<LabelProbability<'a>>,
}

/// Runs the command. A file that cannot be read is reported, and the others are still recognised; the command then ends
/// with an error.
pub fn run(args: &RunArgs) -> Result<Outcome> {
    let file = File::model(args.model.as_deref(), BuiltIn::Casia)?;
    let model = file.parse()?;
    if args.stream {
        file.ensure_stream(&model, "--stream")?;
        return stream::run(&model, &args.files, args.rate, args.json);
    }
    ensure!(
        args.files.iter().all(|path| path != Path::new("-")),
        "standard input (-) is heard as a stream: it needs --stream"
    );
    let mut unreadable = 0;
    let mut output = std::io::stdout().lock();
    for path in &args.files {
        match read_audio(path, model.front_end().sample_rate_hz).and_then(|samples| recognise(&model, path, &samples)) {
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
    let reason = match (prediction, heard.rows) {
        (Some(_), _) => None,
        (None, 0) => Some(Extractor::new(model.front_end())?.unheard(samples)?.to_string()),
        (None, rows) => Some(format!("only {rows} rows of it are speech")),
    };
    Ok(FileResult {
        file: path.display().to_string(),
        label: prediction.map(|prediction| prediction.label),
        reason,
        confident: prediction.is_some_and(|prediction| prediction.confident),
        probabilities: prediction.map_or(Vec::new(), |prediction| LabelProbability::all(model, &prediction)),
    })
}

fn print(output: &mut impl Write, result: &FileResult<'_>) -> Result<()> {
    match result.label {
        None => {
            write!(output, "{}: too little speech", result.file)?;
            result.reason.iter().try_for_each(|reason| write!(output, " ({reason})"))?;
        }
        Some(label) => {
            write!(output, "{}: ", result.file)?;
            print_answer(output, label, result.confident, &result.probabilities)?;
        }
    }
    writeln!(output)?;
    Ok(())
}
