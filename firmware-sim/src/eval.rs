//! `firmware-sim eval`: runs the core over a corpus and compares it with the float model.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use rayon::prelude::*;
use ser_core::Model;
use ser_host::cli::data_options::{CorpusOption, count, tell, tell_unheard};
use ser_host::corpus::audio::SAMPLE_RATE_HZ;
use ser_host::corpus::labels::{Labels, canonical};
use ser_host::corpus::split::{Part, Protocol, Split};
use ser_host::corpus::trained::TrainedOn;
use ser_host::corpus::{Problem, Utterance};
use ser_host::evaluation::breakdown::Breakdown;
use ser_host::evaluation::compare::{FloatTwin, Heard, Noise, Reference, hear};
use ser_host::evaluation::interval::{Answer, Intervals, Unit};
use ser_host::evaluation::metrics::Confusion;
use ser_host::features::rows::{Extractor, Unheard};
use ser_host::files::write_json;
use ser_host::model::inspect::state_bytes;

use crate::models::{BuiltIn, File};
use crate::outcome::Outcome;
use crate::report::{Comparison, Report};
use crate::selection::Selection;
use crate::sweep::sweep;
use crate::tally::Tally;

/// Recognise the test recordings with the int8 core and with the float model, and compare.
///
/// Without arguments, the built-in model runs over the test part of the synthetic corpus, which is made on the fly. The
/// exit code is 1 if the two models agree on too few utterances, 2 for an error.
#[derive(Args, Debug)]
#[command(mut_arg("corpus", |corpus| corpus.requires("model")),
          mut_arg("labels", |labels| labels.help("Only the recordings with these labels [default: those of the model]")),
          after_help = "Examples:\n  firmware-sim eval\n  \
                        firmware-sim eval --model edge.ser --float edge.onnx --corpus casia --split split.json --json report.json\n  \
                        firmware-sim eval --sweep")]
pub struct EvalArgs {
    /// int8 model file [default: the built-in one, trained on the synthetic corpus].
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The float network as ONNX. With --model and without --float, only the int8 core is evaluated.
    #[arg(long, value_name = "FILE.onnx")]
    float: Option<PathBuf>,
    #[command(flatten)]
    corpus: CorpusOption,
    /// The file that assigns utterances to parts, as `host train` writes it [default: fold 0 of protocol speaker where
    /// at least 3 are known, else of sentence or random; of sentence for the built-in model].
    #[arg(long, value_name = "FILE")]
    split: Option<PathBuf>,
    /// Part of the split to evaluate.
    #[arg(long, value_enum, default_value_t = Part::Test)]
    part: Part,
    /// Evaluate the whole corpus, including utterances that the model was trained on.
    #[arg(long, conflicts_with_all = ["split", "part"])]
    all: bool,
    /// Number of samples to hand to the core at a time, as a DMA would.
    #[arg(long, value_name = "SAMPLES", default_value = "256", value_parser = count)]
    chunk: NonZeroUsize,
    /// Least share of utterances on which int8 and float must agree, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    min_agreement: f64,
    /// Also disturb the recordings (gain, noise, sample rate, clipping, silence), play sounds that are not speech, and
    /// report how the int8 core answers.
    #[arg(long)]
    sweep: bool,
    /// Write the figures of the sweep to a JSON file; `host report RUN` reads RUN/sweep.json.
    #[arg(long, value_name = "FILE", requires = "sweep")]
    sweep_out: Option<PathBuf>,
    /// Write the figures to a JSON file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Number of threads [default: one for each core].
    #[arg(long, value_name = "N", value_parser = count)]
    threads: Option<NonZeroUsize>,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("wanted a number from 0 to 1".to_owned()),
    }
}

/// One utterance that could be read.
struct Evaluated<'m> {
    utterance: &'m Utterance,
    /// What the interval counts it to.
    unit: String,
    /// Whether the model was trained on it; None if nothing tells.
    known: Option<bool>,
    /// Why there is no answer, if the front end hears nothing.
    unheard: Option<Unheard>,
    /// Index of the true label in the model.
    truth: usize,
    samples: usize,
    int8: Heard<'m>,
    float: Option<Reference>,
}

/// Runs the command.
pub fn run(args: &EvalArgs) -> Result<Outcome> {
    let file = File::model(args.model.as_deref(), BuiltIn::Synthetic)?;
    let model = file.parse()?;
    let model_labels = labels_of(&file.name, &model)?;
    let float_file = File::float(args.float.as_deref(), args.model.as_deref())?;
    let float = float_file.as_ref().map(|file| file.parse_float(&model)).transpose()?;
    let twin = float.as_ref().map(|float| FloatTwin::new(&model, float)).transpose()?;

    let split = args.split.as_deref().map(Split::load).transpose()?;
    let map = split.as_ref().map(|split| split.map.clone()).unwrap_or_default();
    let corpus = args.corpus.open_for(&model_labels, &map, &file.name)?;
    let trained_on = match file.trained_on()? {
        None => float_file.as_ref().map(File::float_trained_on).transpose()?.flatten(),
        known => known,
    };
    // The built-in model was trained on a split by sentence.
    let usual = args.model.is_none().then_some(Protocol::Sentence);
    let Selection { utterances, name: selection, unit } =
        if args.all { Selection::all(&corpus) } else { Selection::part(&corpus, split, usual, args.part)? };
    let truths = utterances
        .iter()
        .map(|utterance| {
            let truth = model_labels.index_of(utterance.emotion_name());
            truth.with_context(|| {
                format!("{}: {} has no label for {}", utterance.id, file.name, utterance.emotion_name())
            })
        })
        .collect::<Result<Vec<usize>>>()?;

    let extractor = Extractor::new(model.front_end())?;
    let evaluate = |index: usize| -> Result<Result<Evaluated<'_>>> {
        let (utterance, truth): (&Utterance, usize) = (utterances[index], truths[index]);
        let samples = match utterance.samples(model.front_end().sample_rate_hz) {
            Ok(samples) => samples,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let int8 = hear(&model, &samples, args.chunk.get())?;
        let float = twin.as_ref().map(|twin| twin.hear(&samples)).transpose()?;
        let known = |trained_on: &TrainedOn| -> Result<bool> {
            if model.front_end().sample_rate_hz == SAMPLE_RATE_HZ {
                return Ok(trained_on.has(&samples));
            }
            Ok(trained_on.has(&utterance.samples(SAMPLE_RATE_HZ)?))
        };
        let known = trained_on.as_ref().map(known).transpose()?;
        let unheard = (int8.rows == 0).then(|| extractor.unheard(&samples)).transpose()?;
        Ok(Ok(Evaluated {
            utterance,
            unit: unit.name(&utterance.id, &utterance.speaker, &utterance.sentence).to_owned(),
            known,
            unheard,
            truth,
            samples: samples.len(),
            int8,
            float,
        }))
    };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, NonZeroUsize::get)).build()?;
    let results =
        threads.install(|| (0..utterances.len()).into_par_iter().map(evaluate).collect::<Result<Vec<_>>>())?;

    let mut evaluated = Vec::new();
    let mut problems = Vec::new();
    let mut without_answer = Vec::new();
    for (result, utterance) in results.into_iter().zip(&utterances) {
        match result {
            Ok(heard) => {
                let reason = |reason: &Unheard| Problem { path: utterance.id.clone(), reason: reason.to_string() };
                without_answer.extend(heard.unheard.iter().map(reason));
                evaluated.push(heard);
            }
            Err(error) => problems.push(Problem { path: utterance.id.clone(), reason: format!("{error:#}") }),
        }
    }
    tell(&problems);
    tell_unheard(&without_answer);
    let skipped = corpus.problems.len() + utterances.len() - evaluated.len();
    ensure!(!evaluated.is_empty(), "none of the {} utterances could be read: {selection}", utterances.len());

    let sweep =
        args.sweep.then(|| threads.install(|| sweep(&model, &utterances, &truths, args.chunk.get()))).transpose()?;
    if let (Some(sweep), Some(path)) = (&sweep, &args.sweep_out) {
        sweep.save(path)?;
    }
    let report = Report { sweep, ..summarise(&model, &evaluated, skipped, unit) };
    match report.trained_on {
        Some(0) => {}
        Some(known) => {
            eprintln!("warning: NO TEST: the model was trained on {known} of these {} recordings", evaluated.len());
        }
        None => eprintln!(
            "warning: PERHAPS NO TEST: nothing beside {} tells what the model was trained on; `host export` writes \
             MODEL.trained.json there",
            file.name
        ),
    }
    let float_name = float_file.as_ref().map_or("none", |file| &file.name);
    writeln!(
        std::io::stdout(),
        "int8 model   {}\nfloat model  {float_name}\nutterances   {selection}\n{report}",
        file.name
    )?;
    if let Some(path) = &args.json {
        write_json(path, &report)?;
    }
    match &report.comparison {
        Some(comparison) if comparison.agreement < args.min_agreement => {
            eprintln!(
                "int8 and float agree on {:.4} of the utterances, wanted at least {}",
                comparison.agreement, args.min_agreement
            );
            Ok(Outcome::Failed)
        }
        _ => Ok(Outcome::Passed),
    }
}

/// The model's labels, of which no two mean the same emotion.
fn labels_of(name: &str, model: &Model<'_>) -> Result<Labels> {
    let labels = Labels::new(model.labels().iter().copied());
    for (index, label) in model.labels().iter().enumerate() {
        ensure!(
            labels.index_of(label) == Some(index),
            "{name}: two of the model's labels, {labels}, mean {}",
            canonical(label)
        );
    }
    Ok(labels)
}

fn summarise(model: &Model<'_>, evaluated: &[Evaluated<'_>], skipped: usize, unit: Unit) -> Report {
    let (mut audio_s, mut core_s, mut macs) = (0.0, 0.0, 0);
    for utterance in evaluated {
        audio_s += utterance.samples as f64 / f64::from(model.front_end().sample_rate_hz);
        core_s += utterance.int8.time.as_secs_f64();
        macs += utterance.int8.macs;
    }
    Report {
        int8: Tally::new(model, evaluated.iter().map(|utterance| (utterance.truth, utterance.int8.prediction))),
        int8_intervals: Intervals::new(&labels_in(model), evaluated.iter().map(|answer| answer.to(int8_label))),
        breakdown: Breakdown::new(
            &labels_in(model),
            evaluated.iter().map(|answer| (answer.utterance, answer.to(int8_label))),
        ),
        comparison: compare(model, evaluated),
        unit,
        trained_on: evaluated.iter().map(|utterance| utterance.known.map(usize::from)).sum(),
        skipped,
        model_bytes: model.file_len(),
        state_bytes: state_bytes(model),
        audio_s,
        core_s,
        macs,
        sweep: None,
    }
}

impl Evaluated<'_> {
    /// The answer of one of the two models.
    fn to(&self, label: fn(&Self) -> Option<usize>) -> Answer<'_> {
        Answer { unit: &self.unit, truth: self.truth, label: label(self) }
    }
}

fn int8_label(answer: &Evaluated<'_>) -> Option<usize> {
    answer.int8.prediction.map(|said| said.index)
}

fn float_label(answer: &Evaluated<'_>) -> Option<usize> {
    Some(answer.float.as_ref()?.prediction.as_ref()?.0)
}

fn labels_in(model: &Model<'_>) -> Vec<String> {
    model.labels().iter().map(|label| (*label).to_owned()).collect()
}

/// None if the float model was not run.
fn compare(model: &Model<'_>, evaluated: &[Evaluated<'_>]) -> Option<Comparison> {
    let mut float = Confusion::new(model.labels().iter().copied());
    let mut agreeing = 0;
    let mut noise = Vec::<Noise>::new();
    let (mut max_difference, mut sum_of_differences, mut compared) = (0.0f64, 0.0, 0);
    for utterance in evaluated {
        let reference = utterance.float.as_ref()?;
        let prediction = reference.prediction.as_ref();
        let index = prediction.map(|(index, _)| *index);
        float.add(utterance.truth, index);
        agreeing += usize::from(index == utterance.int8.prediction.map(|prediction| prediction.index));
        if let (Some((_, float)), Some(int8)) = (prediction, utterance.int8.prediction) {
            for (float, int8) in float.iter().zip(&int8.probabilities) {
                let difference = f64::from((float - int8).abs());
                max_difference = max_difference.max(difference);
                sum_of_differences += difference;
                compared += 1;
            }
        }
        noise.resize(noise.len().max(reference.noise.len()), Noise::default());
        noise.iter_mut().zip(&reference.noise).for_each(|(sum, noise)| sum.add(*noise));
    }
    let layers = std::iter::once("input").chain(model.layers().iter().map(|layer| layer.spec().name()));
    Some(Comparison {
        float,
        float_intervals: Intervals::new(&labels_in(model), evaluated.iter().map(|answer| answer.to(float_label))),
        agreement: agreeing as f64 / evaluated.len() as f64,
        max_probability_difference: max_difference,
        mean_probability_difference: if compared > 0 { sum_of_differences / compared as f64 } else { 0.0 },
        snr_db: layers.zip(noise).map(|(layer, noise)| (layer, noise.snr_db())).collect(),
    })
}
