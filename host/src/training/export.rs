//! From the network of a run to the shipped files.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::corpus::split::{Part, Split};
use crate::corpus::trained::TrainedOn;
use crate::corpus::{Corpus, Problem};
use crate::features::cache::FeatureCache;
use crate::features::rows::Rows;
use crate::files::write_atomic;
use crate::model::export::{Exported, export};
use crate::model::model_file::Confidence;
use crate::model::onnx::trained::with_trained_on;
use crate::model::trained::write_beside;
use crate::training::run::RunFolder;

/// The shipped files of a run.
#[derive(Clone, Debug)]
pub struct ExportedRun {
    /// int8 model for the core.
    pub model: Vec<u8>,
    /// Float network, which says what it was trained on.
    pub onnx: Vec<u8>,
    /// The recordings of the training part.
    pub trained_on: TrainedOn,
    /// Utterances of the training part that could not be read.
    pub problems: Vec<Problem>,
}

impl ExportedRun {
    /// Writes the int8 model, and beside it the file that says what it was trained on.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save_model(&self, path: &Path) -> Result<()> {
        write_atomic(path, &self.model)?;
        write_beside(path, &self.model, &self.trained_on)
    }
}

/// Exports the network of a run, calibrated on its training part.
///
/// # Errors
///
/// If the folder has no network, or one that hears backwards; if the corpus lacks an utterance of the split; or if a
/// number cannot be quantised.
pub fn export_run(
    folder: &RunFolder,
    split: &Split,
    corpus: &Corpus,
    cache: &FeatureCache,
    confidence: Confidence,
) -> Result<ExportedRun> {
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
    for (_, rows) in cache.readable(corpus, &utterances, &mut |problem| problems.push(problem))? {
        training.push(float.normalization.apply(&*rows.rows()?));
    }
    let Exported { model, onnx } = export(&float, &training, confidence)?;
    let trained_on = TrainedOn::new(&corpus.name, &utterances);
    Ok(ExportedRun { model, onnx: with_trained_on(&onnx, &trained_on)?, trained_on, problems })
}
