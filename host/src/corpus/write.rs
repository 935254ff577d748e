//! Writes a corpus as a folder of WAV files, or as a manifest.

use std::path::{Component, Path};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;

use super::{Corpus, Utterance};
use crate::corpus::audio::{SAMPLE_RATE_HZ, read_audio, write_wav};
use crate::files::write_atomic;

/// What [`Corpus::write`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Number of files written.
    pub new: usize,
    /// Number of files that were there already, with the same samples.
    pub kept: usize,
}

impl Corpus {
    /// Writes each utterance to the file `dir/id` as 16 kHz mono, each file atomically, several at a time.
    ///
    /// A file that exists with the same samples is kept, so an interrupted run can continue; an unreadable file is
    /// replaced. `progress` receives, from any thread, the number of finished utterances.
    ///
    /// # Errors
    ///
    /// If a file exists with other samples, or an id leads out of `dir`: nothing is written then. Also if a file or
    /// folder cannot be written.
    pub fn write(&self, dir: &Path, progress: impl Fn(usize) + Sync) -> Result<Written> {
        let states: Vec<bool> =
            self.utterances.par_iter().map(|utterance| is_there(utterance, dir)).collect::<Result<_>>()?;
        let missing: Vec<&Utterance> =
            self.utterances.iter().zip(&states).filter(|(_, there)| !**there).map(|(u, _)| u).collect();
        let kept = self.utterances.len() - missing.len();
        let done = AtomicUsize::new(kept);
        missing.par_iter().try_for_each(|utterance| -> Result<()> {
            let path = dir.join(&utterance.id);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("cannot create folder {}", folder.display()))?;
            }
            write_wav(&path, &utterance.samples(SAMPLE_RATE_HZ)?)?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            Ok(())
        })?;
        Ok(Written { new: missing.len(), kept })
    }
}

impl Corpus {
    /// Writes the manifest of a folder, atomically. Paths are relative to the manifest where it lies in the folder, and
    /// else whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_manifest(&self, folder: &Path, manifest: &Path) -> Result<()> {
        let whole = |path: &Path| std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()));
        let beside = whole(manifest)?.parent() == Some(whole(&folder.join("."))?.as_path());
        let mut table = csv::Writer::from_writer(Vec::new());
        let sexes = self.utterances.iter().any(|utterance| !utterance.sex.is_empty());
        let columns = ["path", "speaker", "emotion", "sentence", "sex"];
        let columns = if sexes { &columns[..] } else { &columns[..4] };
        table.write_record(columns)?;
        for utterance in &self.utterances {
            let path =
                if beside { utterance.id.clone() } else { whole(&folder.join(&utterance.id))?.display().to_string() };
            let Utterance { speaker, sentence, sex, .. } = utterance;
            table.write_record(&[&path, speaker, utterance.emotion_name(), sentence, sex][..columns.len()])?;
        }
        write_atomic(manifest, &table.into_inner().context("cannot write the table")?)
    }
}

/// Whether the utterance's file exists with the same samples; another recording in its place is an error.
fn is_there(utterance: &Utterance, dir: &Path) -> Result<bool> {
    let below = Path::new(&utterance.id).components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(below, "{} lies outside of its corpus and cannot be written to {}", utterance.id, dir.display());
    let path = dir.join(&utterance.id);
    if !path.exists() {
        return Ok(false);
    }
    match read_audio(&path, SAMPLE_RATE_HZ) {
        Ok(samples) if samples == utterance.samples(SAMPLE_RATE_HZ)? => Ok(true),
        Ok(_) => bail!(
            "{} is there already and is another recording; it is not replaced: choose another folder",
            path.display()
        ),
        Err(_) => Ok(false),
    }
}
