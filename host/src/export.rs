//! A trained network to the files that are shipped: the int8 model and the float ONNX that it is compared with.

use anyhow::{Result, ensure};

use crate::cache::FeatureCache;
use crate::corpus::{Corpus, Problem};
use crate::features::Rows;
use crate::float_model::FloatModel;
use crate::float_network::FloatNetwork;
use crate::model_file::{Confidence, write_model};
use crate::onnx::to_onnx;
use crate::quantise::{Calibration, quantise};
use crate::run::RunFolder;
use crate::split::{Part, Split};

/// The two files of one network.
#[derive(Clone, Debug)]
pub struct Exported {
    /// int8 model for the core.
    pub model: Vec<u8>,
    /// Float network for tract or onnxruntime.
    pub onnx: Vec<u8>,
}

/// Exports a network, calibrated on normalised features of training utterances.
pub fn export(float: &FloatNetwork, training: &[Rows], confidence: Confidence) -> Result<Exported> {
    let onnx = to_onnx(float)?;
    let calibration = Calibration::new(float, &FloatModel::from_onnx(&onnx)?, training)?;
    let layers = quantise(float, &calibration)?;
    let model = write_model(&float.network, &float.normalization, &layers, confidence)?;
    Ok(Exported { model, onnx })
}

/// Exports the network of a run, calibrated on its training part; and tells which of its utterances could not be read.
///
/// # Errors
///
/// If the folder has no network or one that hears backwards, the corpus lacks an utterance of the split, or a number
/// can't be quantised.
pub fn export_run(
    folder: &RunFolder,
    split: &Split,
    corpus: &Corpus,
    cache: &FeatureCache,
    confidence: Confidence,
) -> Result<(Exported, Vec<Problem>)> {
    let backwards = folder.config()?.recipe.backwards;
    ensure!(
        !backwards,
        "{} holds a teacher that hears utterances from their end: no device can run it",
        folder.path().display()
    );
    let float = folder.network()?;
    let utterances = split.part(corpus, Part::Train)?;
    let mut training: Vec<Rows> = Vec::with_capacity(utterances.len());
    let mut problems = Vec::new();
    for (utterance, rows) in utterances.iter().zip(cache.log_mel_of_part(corpus, &utterances, 1.0)?) {
        match rows {
            Ok(rows) => training.push(float.normalization.apply(&rows)),
            Err(reason) => problems.push(Problem { path: utterance.id.clone(), reason }),
        }
    }
    Ok((export(&float, &training, confidence)?, problems))
}
