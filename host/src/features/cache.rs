//! Rows of many utterances, computed once and kept on disk.
//!
//! A file holds the rows of a whole corpus at one speed, so all parts, folds, teachers and seeds share it. Its name has
//! two digests of everything that decides the rows. The first is of the front end's description, its output for a probe
//! signal, and the speed. The second is of the keys of the utterances: name, length and time of each file. So a stale file
//! is never read, and deleting the folder only costs time. The place of an utterance that could not be read is empty; each
//! call tries to read that utterance again.
//!
//! A new file takes the rows that another file with the same first digest has: of a corpus in which a recording changed,
//! that recording alone is computed, and of several corpora those that were not trained on before.
//!
//! Old files make room for new ones, see `LIMIT`.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;
use ser_core::spec::FrontEnd;

use crate::corpus::audio::{change_speed, to_rate};
use crate::corpus::{Corpus, Problem, Utterance};
use crate::features::kept::{Kept, RowFile, RowWriter, Value};
use crate::features::rows::{Extractor, Rows, Unheard};
use crate::files::write_atomic_by;
use crate::interrupt::Stop;
use crate::progress::Progress;

/// The rows of an utterance, or why it has none.
pub type Extracted = Result<Kept, String>;

/// Counts up when the form of a file changes.
const FORM: u32 = 3;
/// Utterances whose rows are in memory at a time while a file is made.
const AT_A_TIME: usize = 256;
/// If the files take more bytes than this when a new one is written, those are removed that no command has used for
/// [`UNUSED`], the oldest first.
const LIMIT: u64 = 8 << 30;
/// See [`LIMIT`].
const UNUSED: Duration = Duration::from_secs(24 * 3600);
/// How the names of files end.
const EXTENSION: &str = "rows";

/// Computes rows, and keeps them on disk.
#[derive(Clone, Debug)]
pub struct FeatureCache {
    folder: PathBuf,
    extractor: Extractor,
    digest: u64,
}

impl FeatureCache {
    /// A cache in `folder`, which is made at its first use.
    ///
    /// # Errors
    ///
    /// If the front end's description is unusable.
    pub fn new(front_end: &FrontEnd, folder: &Path) -> Result<Self> {
        let extractor = Extractor::new(front_end)?;
        let mut hasher = DefaultHasher::new();
        FORM.hash(&mut hasher);
        serde_json::to_string(front_end)?.hash(&mut hasher);
        // A ramp and a square wave: any changed step of the front end changes the rows.
        let probe: Vec<i16> = (0..8000i32)
            .map(|n| ((n * 37 % 4001) - 2000 + if n / 60 % 2 == 0 { 3000 } else { -3000 }) as i16)
            .collect();
        for value in extractor.log_mel(&probe)?.values {
            value.to_bits().hash(&mut hasher);
        }
        // So does a changed step of the resampler.
        let rate_hz = front_end.sample_rate_hz;
        to_rate(&probe, 3 * rate_hz, rate_hz)?.hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), extractor, digest: hasher.finish() })
    }

    /// The front end that makes the rows.
    pub fn front_end(&self) -> &FrontEnd {
        self.extractor.front_end()
    }

    /// Makes the file of a corpus, played `speed` times as fast, unless it is there. Returns false if `stop` was set
    /// before the file was complete; nothing is written then.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or the speed is not in `0.5..=2.0`.
    pub fn fill(&self, corpus: &Corpus, speed: f64, stop: &Stop) -> Result<bool> {
        Ok(self.file(corpus, speed, stop)?.is_some())
    }

    /// Log-mel rows (dBFS), or the image, of each utterance of a part of a corpus, played `speed` times as fast. An
    /// utterance that cannot be read does not fail the call: its place holds the reason.
    ///
    /// # Errors
    ///
    /// Those of [`FeatureCache::fill`]; or if the corpus lacks an utterance of the part.
    pub fn of_part(&self, corpus: &Corpus, part: &[&Utterance], speed: f64) -> Result<Vec<Extracted>> {
        let file = self.file(corpus, speed, &Stop::default())?.context("stopped")?;
        let file = Arc::new(file);
        let places: HashMap<&str, usize> =
            corpus.utterances.iter().enumerate().map(|(place, utterance)| (utterance.id.as_str(), place)).collect();
        part.iter()
            .map(|utterance| {
                let place = places.get(utterance.id.as_str()).copied();
                let place = place
                    .with_context(|| format!("the corpus {} lacks the utterance {}", corpus.name, utterance.id))?;
                Ok(if file.holds(place) {
                    Ok(Kept::File(Arc::clone(&file), place))
                } else {
                    self.extract(utterance, speed).map(Kept::from)
                })
            })
            .collect()
    }

    /// The utterances of a part that can be read, with their rows at the speed of the recording. The others go to
    /// `skip`.
    ///
    /// # Errors
    ///
    /// Those of [`FeatureCache::of_part`].
    pub fn readable<'c>(
        &self,
        corpus: &Corpus,
        part: &[&'c Utterance],
        skip: &mut dyn FnMut(Problem),
    ) -> Result<Vec<(&'c Utterance, Kept)>> {
        let mut readable = Vec::with_capacity(part.len());
        for (utterance, rows) in part.iter().zip(self.of_part(corpus, part, 1.0)?) {
            match rows {
                Ok(rows) => readable.push((*utterance, rows)),
                Err(reason) => skip(Problem { path: utterance.id.clone(), reason }),
            }
        }
        Ok(readable)
    }

    /// Why an utterance, played `speed` times as fast, has no rows though it can be read.
    ///
    /// # Errors
    ///
    /// If it cannot be read now, or the speed is not in `0.5..=2.0`.
    pub fn unheard(&self, utterance: &Utterance, speed: f64) -> Result<Unheard> {
        self.extractor.unheard(&change_speed(&self.samples(utterance)?, speed)?)
    }

    /// The recording at the front end's rate.
    fn samples(&self, utterance: &Utterance) -> Result<Vec<i16>> {
        utterance.samples(self.front_end().sample_rate_hz)
    }

    /// The file of a corpus, made unless it is there. None if `stop` was set before it was complete.
    fn file(&self, corpus: &Corpus, speed: f64, stop: &Stop) -> Result<Option<RowFile>> {
        change_speed(&[], speed)?;
        let keys = self.keys(corpus);
        let front = self.front(speed);
        let mut hasher = DefaultHasher::new();
        keys.hash(&mut hasher);
        let path = self.folder.join(format!("{front}{:016x}.{EXTENSION}", hasher.finish()));
        if let Some(file) = self.open(&path, corpus) {
            return Ok(Some(file));
        }
        let known = self.known(&front);
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot make the folder {}", self.folder.display()))?;
        // A signal that ended the program at once would leave the temporary file.
        let _guard = stop.guard();
        let progress = Progress::new("features", corpus.utterances.len());
        let written = write_atomic_by(&path, |file| {
            let mut writer = RowWriter::new(file, corpus.utterances.len(), self.value())?;
            for (utterances, keys) in corpus.utterances.chunks(AT_A_TIME).zip(keys.chunks(AT_A_TIME)) {
                ensure!(!stop.is_asked(), "stopped");
                let rows = utterances.par_iter().zip(keys).map(|(utterance, key)| {
                    let known = known.get(key).and_then(|kept| Some(kept.rows().ok()?.into_owned()));
                    let rows = known.or_else(|| self.extract(utterance, speed).ok());
                    progress.step();
                    rows
                });
                let rows: Vec<Option<Rows>> = rows.collect();
                writer.push(keys.iter().copied().zip(rows.iter().map(Option::as_ref)))?;
            }
            writer.finish()
        });
        if written.is_err() && stop.is_asked() {
            return Ok(None);
        }
        written?;
        make_room(&self.folder, &path, LIMIT, UNUSED);
        let file = self.open(&path, corpus);
        Ok(Some(file.with_context(|| format!("{} is gone or damaged as soon as it was written", path.display()))?))
    }

    fn extract(&self, utterance: &Utterance, speed: f64) -> Result<Rows, String> {
        let rows = || self.extractor.log_mel(&change_speed(&self.samples(utterance)?, speed)?);
        rows().map_err(|error| format!("{error:#}"))
    }

    fn value(&self) -> Value {
        if self.front_end().image.is_some() { Value::Pixel } else { Value::Level }
    }

    /// The file at `path`, marked as used; None if there is none or it is damaged.
    fn open(&self, path: &Path, corpus: &Corpus) -> Option<RowFile> {
        let file = RowFile::open(path, self.value()).filter(|file| file.len() == corpus.utterances.len())?;
        // Where this is not allowed, the file is computed anew earlier than need be.
        let _ = std::fs::File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(file)
    }

    /// What the names of all files of this front end and speed begin with.
    fn front(&self, speed: f64) -> String {
        let mut hasher = DefaultHasher::new();
        self.digest.hash(&mut hasher);
        speed.to_bits().hash(&mut hasher);
        format!("{:016x}-", hasher.finish())
    }

    /// A digest of each recording, without reading it.
    fn keys(&self, corpus: &Corpus) -> Vec<u64> {
        // The samples of one synthetic utterance stand for the synthesiser and its seed.
        let synthetic = corpus.utterances.iter().find(|utterance| utterance.file().is_none());
        let mut synthesised = DefaultHasher::new();
        synthetic.map(|first| self.samples(first).ok()).hash(&mut synthesised);
        let synthesised = synthesised.finish();
        let key = |utterance: &Utterance| {
            let mut hasher = DefaultHasher::new();
            match utterance.file() {
                Some(file) => {
                    file.hash(&mut hasher);
                    let metadata = std::fs::metadata(file).ok();
                    metadata.as_ref().map(std::fs::Metadata::len).hash(&mut hasher);
                    metadata.and_then(|metadata| metadata.modified().ok()).hash(&mut hasher);
                }
                None => {
                    utterance.id.hash(&mut hasher);
                    synthesised.hash(&mut hasher);
                }
            }
            hasher.finish()
        };
        corpus.utterances.iter().map(key).collect()
    }

    /// The rows in all files whose names begin like this, by the keys of the recordings.
    fn known(&self, front: &str) -> HashMap<u64, Kept> {
        let mut known = HashMap::new();
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return known };
        let of_front = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with(front) && path.extension().is_some_and(|end| end == EXTENSION)
        };
        for path in entries.flatten().map(|entry| entry.path()).filter(of_front) {
            let Some(file) = RowFile::open(&path, self.value()).map(Arc::new) else { continue };
            known.extend(file.keys().map(|(key, place)| (key, Kept::File(Arc::clone(&file), place))));
        }
        known
    }
}

/// Removes files that were not used for `unused`, the oldest first, while all of them have more than `limit` bytes
/// together; `new` stays. A file that cannot be removed stays too.
fn make_room(folder: &Path, new: &Path, limit: u64, unused: Duration) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let used = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let metadata = entry.metadata().ok().filter(|_| path.extension().is_some_and(|end| end == EXTENSION))?;
        Some((metadata.modified().ok()?, metadata.len(), path))
    };
    let mut files: Vec<(SystemTime, u64, PathBuf)> = entries.flatten().filter_map(used).collect();
    files.sort();
    let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    for (used, len, path) in files {
        let old = used.elapsed().is_ok_and(|elapsed| elapsed >= unused);
        if bytes > limit && old && path != new && std::fs::remove_file(&path).is_ok() {
            bytes -= len;
        }
    }
}
