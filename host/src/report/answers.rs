//! The test part of a run through the int8 core and the float model.

use anyhow::{Result, ensure};
use rayon::prelude::*;
use ser_core::Model;
use ser_core::frontend::LevelReference;
use ser_core::kernels::LOGIT_FRACTION_BITS;

use crate::compare::hear;
use crate::corpus::Utterance;
use crate::features::{Extractor, Rows};
use crate::float_model::FloatModel;
use crate::inspect::parse_model;
use crate::predictions::{Prediction, Predictions};
use crate::run::Config;
use crate::split::{Part, Split};

/// Samples that the core gets at a time; the answer does not depend on it.
const CHUNK: usize = 1600;

/// What both models of a run say to its test part. Utterances that can't be read are told, skipped and counted.
///
/// # Errors
///
/// If a model or the corpus is unusable, or nothing can be read.
pub fn predict(model: &[u8], onnx: &[u8], config: &Config, split: &Split) -> Result<Predictions> {
    let model = parse_model("model.ser", model)?;
    let float = FloatModel::from_onnx(onnx)?;
    let extractor = Extractor::new(model.front_end())?;
    let corpus = config.open_corpus()?;
    let utterances = split.part(&corpus, Part::Test)?;
    eprintln!("recognising {} utterances with both models", utterances.len());
    let heard: Vec<Result<Prediction>> = utterances.par_iter().map(|utterance| answer(&model, &float, &extractor, utterance)).collect();
    let mut answers = Vec::with_capacity(heard.len());
    for (utterance, heard) in utterances.iter().zip(heard) {
        match heard {
            Ok(heard) => answers.push(heard),
            Err(reason) => eprintln!("skipped {}: {reason:#}", utterance.id),
        }
    }
    ensure!(!answers.is_empty(), "none of the {} utterances could be read", utterances.len());
    let skipped = utterances.len() - answers.len();
    Ok(Predictions { labels: model.labels().iter().map(|label| (*label).to_owned()).collect(), utterances: answers, skipped })
}

fn answer(model: &Model<'_>, float: &FloatModel, extractor: &Extractor, utterance: &Utterance) -> Result<Prediction> {
    let samples = utterance.samples()?;
    let step = 1.0 / f64::from(1u32 << LOGIT_FRACTION_BITS);
    let int8 = hear(model, &samples, CHUNK)?.prediction.map(|prediction| {
        let logits: Vec<f64> = prediction.logits.iter().take(model.labels().len()).map(|&logit| f64::from(logit) * step).collect();
        log_softmax(&logits)
    });
    let normalizer = model.normalizer();
    let mut reference = LevelReference::new(model.front_end().level);
    let values = extractor.log_mel(&samples)?.iter().flat_map(|row| normalizer.normalize(row, reference.of_row(row))).collect();
    let features = Rows { bands: model.front_end().mel_bands, values };
    let float = float.run(&features)?.map(|output| {
        let logits: Vec<f64> = output.logits.iter().map(|&logit| f64::from(logit)).collect();
        log_softmax(&logits)
    });
    Ok(Prediction { id: utterance.id.clone(), speaker: utterance.speaker.clone(), truth: utterance.emotion, int8, float })
}

/// Logarithms of the softmax.
fn log_softmax(logits: &[f64]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    logits.iter().map(|logit| (logit - largest - sum.ln()) as f32).collect()
}
