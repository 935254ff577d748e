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

/// The most utterances that calibrate a model: their rows are all in memory, and the float network hears each.
const CALIBRATION_UTTERANCES: usize = 4096;

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

/// Exports the network of a run, calibrated on its training part; of a large one on some thousand utterances, spread
/// over it.
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
    let mut problems = Vec::new();
    let readable = cache.readable(corpus, &utterances, &mut |problem| problems.push(problem))?;
    let calibrating = spread(&readable, CALIBRATION_UTTERANCES);
    let training: Vec<Rows> =
        calibrating.map(|(_, rows)| Ok(float.normalization.apply(&*rows.rows()?))).collect::<Result<_>>()?;
    let Exported { model, onnx } = export(&float, &training, confidence)?;
    let trained_on = TrainedOn::new(&corpus.name, &utterances);
    Ok(ExportedRun { model, onnx: with_trained_on(&onnx, &trained_on)?, trained_on, problems })
}

/// At most so many of the items, evenly spread; all if there are no more.
fn spread<T>(items: &[T], most: usize) -> impl Iterator<Item = &T> {
    items.iter().step_by(items.len().div_ceil(most).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_some_are_taken_from_the_whole() {
        let taken = |count: usize| spread(&(0..count).collect::<Vec<_>>(), 4).copied().collect::<Vec<_>>();
        assert_eq!(taken(0), [0; 0]);
        assert_eq!(taken(4), [0, 1, 2, 3]);
        assert_eq!(taken(5), [0, 2, 4]);
        assert_eq!(taken(16), [0, 4, 8, 12]);
    }
}
