//! `firmware-sim run --stream`: listens to files as if they were microphones, and to standard input.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ser_core::{EndpointerConfig, Event, Listener, Model};
use ser_host::corpus::audio::{SAMPLE_RATE_HZ, read_wav};
use serde::Serialize;

use crate::answer::{LabelProbability, print_answer};
use crate::outcome::Outcome;

/// One event as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Told<'a> {
    Started {
        stream: &'a str,
        start_s: f64,
    },
    Ended {
        stream: &'a str,
        start_s: f64,
        end_s: f64,
        /// Whether the utterance was cut because it was too long.
        cut: bool,
        /// Null if there was too little speech.
        label: Option<&'a str>,
        confident: bool,
        /// One for each label of the model; empty if there was too little speech.
        probabilities: Vec<LabelProbability<'a>>,
    },
}

/// Listens to one stream after the other. A file that cannot be read is reported, and the others are still heard; the
/// command then ends with an error.
pub fn run(model: &Model<'_>, files: &[PathBuf], json: bool) -> Result<Outcome> {
    let mut memory = vec![0; model.state_words()];
    let mut listener = Listener::new(model, &mut memory, &EndpointerConfig::default())?;
    let mut output = std::io::stdout().lock();
    let mut unreadable = 0;
    for path in files {
        let name = path.display().to_string();
        let mut told = Ok(());
        let mut tell = |event: Event<'_>| {
            if told.is_ok() {
                told = print(&mut output, model, &name, event, json);
            }
        };
        let heard = if path == Path::new("-") {
            hear_stdin(&mut listener, &mut tell)
        } else {
            read_wav(path).map(|samples| listener.push(&samples, &mut tell))
        };
        listener.finish(&mut tell);
        told?;
        if let Err(error) = heard {
            unreadable += 1;
            eprintln!("skipped {error:#}");
        }
    }
    ensure!(unreadable == 0, "{unreadable} of {} streams could not be read to their end", files.len());
    Ok(Outcome::Passed)
}

fn hear_stdin<'m>(listener: &mut Listener<'m, '_>, mut tell: impl FnMut(Event<'m>)) -> Result<()> {
    let mut input = std::io::stdin().lock();
    let mut bytes = [0; 4096];
    let mut samples = Vec::with_capacity(bytes.len() / 2);
    // A read may end in the middle of a sample.
    let mut kept = 0;
    loop {
        let read = input.read(&mut bytes[kept..]).context("-: cannot read standard input")?;
        if read == 0 {
            break;
        }
        let len = kept + read;
        let (pairs, odd) = bytes[..len].as_chunks();
        samples.clear();
        samples.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
        listener.push(&samples, &mut tell);
        kept = odd.len();
        bytes.copy_within(len - kept..len, 0);
    }
    ensure!(kept == 0, "-: the stream ends in the middle of a sample; wanted raw 16-bit PCM");
    Ok(())
}

fn print(output: &mut impl Write, model: &Model<'_>, stream: &str, event: Event<'_>, json: bool) -> Result<()> {
    let seconds = |sample: u64| sample as f64 / f64::from(SAMPLE_RATE_HZ);
    let told = match event {
        Event::Started { start } => Told::Started { stream, start_s: seconds(start) },
        Event::Ended { start, end, cut, prediction } => Told::Ended {
            stream,
            start_s: seconds(start),
            end_s: seconds(end),
            cut,
            label: prediction.map(|prediction| prediction.label),
            confident: prediction.is_some_and(|prediction| prediction.confident),
            probabilities: prediction.map_or(Vec::new(), |prediction| LabelProbability::all(model, &prediction)),
        },
    };
    if json {
        writeln!(output, "{}", serde_json::to_string(&told)?)?;
    } else {
        match &told {
            Told::Started { start_s, .. } => write!(output, "{stream}: {start_s:9.2} s  speech")?,
            Told::Ended { start_s, end_s, cut, label, confident, probabilities, .. } => {
                write!(
                    output,
                    "{stream}: {end_s:9.2} s  {} after {:.2} s: ",
                    if *cut { "cut" } else { "end" },
                    end_s - start_s
                )?;
                match label {
                    None => write!(output, "too little speech")?,
                    Some(label) => print_answer(output, label, *confident, probabilities)?,
                }
            }
        }
        writeln!(output)?;
    }
    // A reader at the other end of a pipe wants each event at once.
    output.flush()?;
    Ok(())
}
