//! `firmware-sim device`: runs the core in an emulated microcontroller and compares it with the core on this
//! workstation.

mod answers;
mod board;
mod kernels;
mod report;
mod snapshot;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use ser_core::Model;
use ser_core::recognizer::{Observation, Recognizer};
use ser_host::cli::data_options::{CorpusOption, tell};
use ser_host::corpus::Problem;
use ser_host::corpus::audio::read_audio;
use ser_host::corpus::choice::Classes;
use ser_host::files::{write_atomic, write_json};
use ser_host::interrupt::Stop;

use crate::models::{BuiltIn, File};
use crate::outcome::Outcome;
use answers::{Answer, Answers, Stage};
use board::Board;
use report::{Difference, Report};

/// Run the core in an emulated microcontroller and compare it, bit for bit, with the core on this workstation.
///
/// Builds an image of the core with the model in flash (or takes a built one) and lets QEMU run it over recordings: those
/// that are named, or some of a corpus. With the synthetic corpus come noise and square waves at full scale. Compares the output of every layer, and counts instructions, flash, RAM and stack. The exit code is 1 if anything
/// differs or a figure has grown beyond its snapshot, 2 for an error.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  firmware-sim device\n  firmware-sim device --board an505 --model edge.ser voice.wav\n  \
                        firmware-sim device --board riscv --corpus casia --utterances 48 --json device.json\n  \
                        firmware-sim device --board an505 --kernels"
)]
pub struct DeviceArgs {
    /// The emulated board.
    #[arg(long, value_enum, default_value_t = Board::An386)]
    board: Board,
    /// int8 model file [default: the built-in one, trained on CASIA].
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Run this image instead of building one; it must be built for the same model and board.
    #[arg(long, value_name = "ELF")]
    image: Option<PathBuf>,
    /// Folder to build images in.
    #[arg(long, value_name = "DIR", default_value = "target/device")]
    target_dir: PathBuf,
    #[command(flatten)]
    corpus: CorpusOption,
    /// Number of utterances to take from the corpus, spread evenly over it.
    #[arg(long, value_name = "N", default_value_t = 12, conflicts_with = "files")]
    utterances: usize,
    /// Instead of running recordings, compare the processor's kernels with the portable code on random and extreme
    /// data, and count their instructions.
    #[arg(long, conflicts_with_all = ["files", "corpus", "image", "json", "snapshot"])]
    kernels: bool,
    /// Write the figures to this JSON file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Compare the figures with those in this file; the exit code is 1 if a figure is more than 2 % larger.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Write the figures to the snapshot instead of comparing them.
    #[arg(long, requires = "snapshot")]
    update: bool,
    /// Recordings to run over instead of a corpus.
    #[arg(value_name = "FILE", conflicts_with = "corpus")]
    files: Vec<PathBuf>,
}

/// Runs the command. A recording that cannot be read is reported and counted, and the others still run.
pub fn run(args: &DeviceArgs, stop: &Stop) -> Result<Outcome> {
    let file = File::model(args.model.as_deref(), BuiltIn::Casia)?;
    let model = file.parse()?;
    file.ensure_stream(&model, "device")?;
    if args.kernels {
        return kernels::run(args.board, file.bytes(), &args.target_dir, stop);
    }
    let (audio, unreadable) = audio(args, model.front_end().sample_rate_hz)?;
    ensure!(!audio.is_empty(), "none of {unreadable} recordings could be read");

    // A program that ends at once leaves the folder behind.
    let _guard = stop.guard();
    let work = tempfile::tempdir().context("cannot make a folder for the emulator's files")?;
    let flash = work.path().join("model.ser");
    write_atomic(&flash, file.bytes())?;
    let image = match &args.image {
        Some(image) => image.clone(),
        None => args.board.build("ser-image", "3", &features(&model), &flash, &args.target_dir, stop)?,
    };
    let least = args.board.build("least", "s", &features(&model), &flash, &args.target_dir, stop)?;
    let pause = with_a_pause(&model, audio.values().max_by_key(|samples| samples.len()).map_or(&[], Vec::as_slice));
    let heard: Vec<(&str, &[i16])> = audio
        .iter()
        .map(|(name, samples)| (name.as_str(), samples.as_slice()))
        .chain([("an utterance, a pause, and again", pause.as_slice())])
        .collect();
    write_atomic(&work.path().join(answers::AUDIO), &answers::pack(heard.iter().map(|(_, samples)| *samples)))?;
    args.board.emulate(&image, work.path(), stop)?;
    let bytes = std::fs::read(work.path().join(answers::ANSWERS)).context("the image wrote no answers")?;
    let mut answers = Answers::parse(&bytes, 1 + model.layers().len(), heard.len())?;

    let mut differences = Vec::new();
    for ((name, samples), device) in heard.iter().zip(&answers.utterances) {
        stop.check()?;
        let workstation = on_workstation(&model, samples)?;
        differences.extend(Difference::between(name, &model, &workstation, device));
    }
    // The means are those of the utterances alone.
    answers.utterances.truncate(audio.len());
    let seconds =
        audio.values().map(|samples| samples.len() as f64).sum::<f64>() / f64::from(model.front_end().sample_rate_hz);
    let report = Report::new(args.board, &model, &std::fs::read(&least)?, &answers, seconds, unreadable, differences)?;
    print!("{report}");
    if let Some(path) = &args.json {
        write_json(path, &report)?;
    }
    ensure!(unreadable == 0 || args.corpus.is_given(), "{unreadable} of {} files could not be read", args.files.len());
    let grown = match &args.snapshot {
        Some(path) => compare(path, &report.figures(), args.update)?,
        None => false,
    };
    Ok(if report.differences.is_empty() && !grown { Outcome::Passed } else { Outcome::Failed })
}

/// An utterance, a pause that fills the silence gate, and the utterance again: behind the pause the most rows wait.
fn with_a_pause(model: &Model<'_>, utterance: &[i16]) -> Vec<i16> {
    let spec = model.front_end();
    let rows = spec.trim.map_or(0, |trim| trim.max_pause_rows);
    let pause = vec![0; spec.frame_len + rows * spec.hop_len];
    [utterance, &pause, utterance].concat()
}

/// Features of the core that a firmware for this model alone needs.
fn features(model: &Model<'_>) -> Vec<&'static str> {
    let denoise = model.front_end().denoise.map(|_| "denoise");
    let image = model.layers().iter().any(|layer| layer.spec().is_for_images()).then_some("image");
    denoise.into_iter().chain(image).collect()
}

/// Compares the figures with a snapshot, or writes it if `update`. Returns whether a figure has grown.
fn compare(path: &Path, figures: &snapshot::Figures, update: bool) -> Result<bool> {
    if update {
        snapshot::write(path, figures)?;
        println!("snapshot     written to {}", path.display());
        return Ok(false);
    }
    let kept = snapshot::read(path)?;
    let growth = snapshot::growth(&kept, figures);
    growth.iter().for_each(|line| println!("GROWN        {line}"));
    if growth.is_empty() {
        println!("snapshot     nothing is more than 2 % larger than in {}", path.display());
    }
    if snapshot::has_fallen(&kept, figures) {
        println!("snapshot     something is more than 2 % smaller: --update writes the smaller figures");
    }
    Ok(!growth.is_empty())
}

/// The samples to run over at the model's rate, by name, and how many recordings could not be read.
fn audio(args: &DeviceArgs, rate_hz: u32) -> Result<(BTreeMap<String, Vec<i16>>, usize)> {
    let mut read: Vec<(String, Result<Vec<i16>>)> = Vec::new();
    let mut unreadable = 0;
    if args.files.is_empty() {
        let corpus = args.corpus.open(Classes::All)?;
        unreadable += corpus.problems.len();
        if !args.corpus.is_given() {
            audio_at_full_scale().for_each(|(name, samples)| read.push((name.to_owned(), Ok(samples))));
        }
        let (all, wanted) = (corpus.utterances.len(), args.utterances.min(corpus.utterances.len()));
        let chosen = (0..wanted).filter_map(|n| corpus.utterances.get(n * all / wanted));
        read.extend(chosen.map(|utterance| (utterance.id.clone(), utterance.samples(rate_hz))));
    }
    read.extend(args.files.iter().map(|path| (path.display().to_string(), read_audio(path, rate_hz))));
    let mut audio = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, samples) in read {
        match samples {
            Ok(samples) => {
                audio.insert(name, samples);
            }
            Err(error) => problems.push(Problem { path: name, reason: format!("{error:#}") }),
        }
    }
    unreadable += problems.len();
    tell(&problems);
    Ok((audio, unreadable))
}

/// Sounds that drive the front end to its limits, half a second each at 16 kHz.
fn audio_at_full_scale() -> impl Iterator<Item = (&'static str, Vec<i16>)> {
    let mut state = 0x5EED_u32;
    let noise = std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16
    });
    let square = |half_period: usize| {
        (0..).map(move |n: usize| if (n / half_period).is_multiple_of(2) { i16::MAX } else { i16::MIN })
    };
    const SAMPLES: usize = 8000;
    [
        ("white noise at full scale", noise.take(SAMPLES).collect()),
        ("square wave at half the sample rate", square(1).take(SAMPLES).collect()),
        ("square wave at 20 Hz", square(400).take(SAMPLES).collect()),
    ]
    .into_iter()
}

/// The answer of the core on this workstation.
fn on_workstation(model: &Model<'_>, samples: &[i16]) -> Result<Answer> {
    let mut memory = vec![0; model.state_words()];
    let mut recognizer = Recognizer::new(model, &mut memory)?;
    let mut stages = vec![Stage::default(); 1 + model.layers().len()];
    let mut digests: Vec<_> = stages.iter().map(|_| answers::CRC.digest()).collect();
    let mut note = |observation: Observation<'_>| {
        let (stage, row) = match observation {
            Observation::Input(codes) => (0, ser_core::engine::Row::Codes(codes)),
            Observation::Layer(layer, row) => (1 + layer, row),
        };
        if let (Some(stage), Some(digest)) = (stages.get_mut(stage), digests.get_mut(stage)) {
            stage.rows += 1;
            answers::digest(digest, row);
        }
    };
    recognizer.push_observed(samples, &mut note);
    recognizer.catch_up_observed(&mut note);
    stages.iter_mut().zip(digests).for_each(|(stage, digest)| stage.crc = digest.finalize());
    let logits = recognizer.finish().map(|prediction| prediction.logits);
    Ok(Answer { stages, logits, instructions: Vec::new(), worst_hop: 0 })
}
