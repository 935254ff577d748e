//! From the network of a run to the shipped files.

use anyhow::{Result, ensure};

use crate::corpus::split::{Part, Split};
use crate::corpus::{Corpus, Problem};
use crate::features::cache::FeatureCache;
use crate::features::rows::Rows;
use crate::model::export::{Exported, export};
use crate::model::model_file::Confidence;
use crate::training::run::RunFolder;

/// Exports the network of a run, calibrated on its training part. Also returns the utterances of that part that could
/// not be read.
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
