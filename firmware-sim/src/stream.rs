//! `firmware-sim run --stream`: listens to files as if they were microphones, and to standard input.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ser_core::{EndpointerConfig, Event, Listener, Model};
use ser_host::corpus::audio::{read_audio, stream};
use ser_host::features::rows::Extractor;
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
/// command then ends with an error. `raw_rate_hz` is the rate of raw PCM on standard input; None is the model's.
pub fn run(model: &Model<'_>, files: &[PathBuf], raw_rate_hz: Option<u32>, json: bool) -> Result<Outcome> {
    let rate_hz = model.front_end().sample_rate_hz;
    let extractor = Extractor::new(model.front_end())?;
    let mut memory = vec![0; model.state_words()];
    let mut listener = Listener::new(model, &mut memory, &EndpointerConfig::default())?;
    let mut output = std::io::stdout().lock();
    let mut unreadable = 0;
    for path in files {
        let name = path.display().to_string();
        let (mut told, mut events) = (Ok(()), 0);
        let mut tell = |event: Event<'_>| {
            events += 1;
            if told.is_ok() {
                told = print(&mut output, model, &name, event, json);
            }
        };
        let heard = if path == Path::new("-") {
            let input = std::io::stdin().lock();
            stream::hear(input, raw_rate_hz, rate_hz, |samples| listener.push(samples, &mut tell))
                .map(|()| None)
                .context("-")
        } else {
            read_audio(path, rate_hz).map(|samples| {
                listener.push(&samples, &mut tell);
                Some(samples)
            })
        };
        listener.finish(&mut tell);
        told?;
        match &heard {
            Ok(Some(samples)) if events == 0 && extractor.log_mel(samples)?.is_empty() => {
                eprintln!("{name}: no utterance; {}", extractor.unheard(samples)?);
            }
            Ok(_) if events == 0 => eprintln!("{name}: no utterance"),
            _ => {}
        }
        if let Err(error) = heard {
            unreadable += 1;
            eprintln!("skipped {error:#}");
        }
    }
    ensure!(unreadable == 0, "{unreadable} of {} streams could not be read to their end", files.len());
    Ok(Outcome::Passed)
}

fn print(output: &mut impl Write, model: &Model<'_>, stream: &str, event: Event<'_>, json: bool) -> Result<()> {
    let seconds = |sample: u64| sample as f64 / f64::from(model.front_end().sample_rate_hz);
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
