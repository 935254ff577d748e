//! What the example firmware is compared with: `expected FOLDER [MODEL]` writes there `edge.h`, the model, `audio.bin`,
//! synthetic utterances, and
//! `expected.txt`, what the Rust core says to them on this workstation.

use std::env;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use ser_core::contract::CONTRACT_ID;
use ser_core::model::FORMAT_VERSION;
use ser_core::{EndpointerConfig, Event, Listener, Model, Prediction, Recognizer};
use ser_host::corpus::synth;
use ser_host::model::embed::c_header;

/// One utterance of each emotion, and silence, too short for a prediction.
fn utterances() -> Vec<Vec<i16>> {
    let mut utterances: Vec<_> =
        (0..6).map(|emotion| synth::render(synth::DEFAULT_SEED, emotion % 4, emotion, 11 + emotion)).collect();
    utterances.push(vec![0; 999]);
    utterances
}

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().context("usage: expected FOLDER [MODEL]")?;
    let path = arguments
        .next()
        .unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/synthetic/edge.ser").into());
    let file = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let model = Model::parse(&file).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    let utterances = utterances();

    let mut audio = Vec::new();
    for samples in &utterances {
        audio.extend((samples.len() as u32).to_le_bytes());
        audio.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    }
    let mut answers = format!("ser {} contract {CONTRACT_ID} format {FORMAT_VERSION}\n", env!("CARGO_PKG_VERSION"));
    answers.push_str("the model file is damaged; the memory is too short for this model\n");
    recognize(&model, &utterances, &mut answers)?;
    listen(&model, &utterances, &mut answers)?;

    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).with_context(|| format!("cannot write {name} to {}", folder.display()))
    };
    write("edge.h", c_header("edge", &model, &file)?.as_bytes())?;
    write("audio.bin", &audio)?;
    write("expected.txt", answers.as_bytes())
}

fn recognize(model: &Model<'_>, utterances: &[Vec<i16>], answers: &mut String) -> Result<()> {
    let mut memory = vec![0; model.state_words()];
    let mut recognizer = Recognizer::new(model, &mut memory)?;
    for samples in utterances {
        recognizer.push(samples);
        match recognizer.finish() {
            Some(prediction) => print(model, &prediction, answers)?,
            None => answers.push_str("too little speech for a prediction\n"),
        }
    }
    Ok(())
}

fn listen(model: &Model<'_>, utterances: &[Vec<i16>], answers: &mut String) -> Result<()> {
    let mut memory = vec![0; model.state_words()];
    let mut listener = Listener::new(model, &mut memory, &EndpointerConfig::default())?;
    let mut events = Vec::new();
    for samples in utterances {
        listener.push(samples, |event| events.push(event));
        listener.push(&vec![0; model.front_end().sample_rate_hz as usize], |event| events.push(event));
    }
    listener.finish(|event| events.push(event));
    for event in &events {
        match event {
            Event::Started { start } => writeln!(answers, "started {start}")?,
            Event::Ended { start, end, cut, prediction } => {
                write!(answers, "ended {start} to {end} cut {} ", u8::from(*cut))?;
                print(model, prediction.as_ref().context("an utterance without a prediction")?, answers)?;
            }
        }
    }
    writeln!(answers, "{} events", events.len())?;
    Ok(())
}

fn print(model: &Model<'_>, prediction: &Prediction<'_>, answers: &mut String) -> Result<()> {
    let labels = model.labels().len();
    write!(answers, "{} {} confident {} logits", prediction.label, prediction.index, u8::from(prediction.confident))?;
    prediction.logits.iter().take(labels).try_for_each(|logit| write!(answers, " {logit}"))?;
    answers.push_str(" probabilities");
    prediction
        .probabilities
        .iter()
        .take(labels)
        .try_for_each(|probability| write!(answers, " {:08x}", probability.to_bits()))?;
    answers.push('\n');
    Ok(())
}
