//! Recordings: utterances with their speaker, emotion and sentence, from a folder, a manifest or the synthesiser. Also
//! the check for what is wrong with them, and the split into parts.

pub mod audio;
pub mod check;
pub mod copies;
pub mod labels;
mod layout;
mod manifest;
mod measure;
pub mod sentences;
pub mod skipped;
pub mod split;
pub mod synth;
mod table;
#[cfg(test)]
mod tests;
pub mod trained;
mod utterance;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

use labels::EMOTIONS;
use utterance::Source;
pub use utterance::{Problem, Utterance};
pub use write::Written;

/// What [`Corpus::open`] accepts, for error messages.
const EXPECTED: &str = "expected a folder with speaker/emotion/name.wav or emotion/name.wav, or a CSV manifest with the header \
                        path,speaker,emotion,sentence";

/// A list of utterances, and what was skipped.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Name of the folder or manifest.
    pub name: String,
    /// Sorted by id.
    pub utterances: Vec<Utterance>,
    /// What was found and skipped.
    pub problems: Vec<Problem>,
}

impl Corpus {
    /// Finds the utterances of a folder or of a CSV manifest; no audio is read.
    ///
    /// A folder has the layout `speaker/emotion/name.wav`, or the layout `emotion/name.wav`, which says nothing about
    /// speakers; recordings end in [`audio::EXTENSIONS`]. The first layout holds if at least one of them lies in such a
    /// place. A manifest is a CSV file with the header `path,speaker,emotion,sentence` in any order; its paths are
    /// absolute or relative to the manifest.
    /// [`emotion_index`](crate::corpus::labels::emotion_index) reads the emotions. In a folder, names that start with a
    /// dot and other files are ignored.
    ///
    /// What does not fit (unknown emotion, wrong place, missing file) is skipped and listed in [`Corpus::problems`].
    ///
    /// # Errors
    ///
    /// If the folder or manifest cannot be read, or has no utterance at all.
    pub fn open(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot open corpus {}", path.display()))?;
        let (mut utterances, problems) = if metadata.is_dir() { layout::read(path) } else { manifest::read(path) }
            .with_context(|| format!("cannot open corpus {}", path.display()))?;
        if utterances.is_empty() {
            let first = match problems.first() {
                Some(problem) => format!("; {} skipped, first {problem}", problems.len()),
                None => String::new(),
            };
            bail!("no utterance in {}: {EXPECTED}{first}", path.display());
        }
        utterances.sort_by(|a, b| a.id.cmp(&b.id));
        // A path such as `.` has a name only when it is resolved.
        let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = if metadata.is_dir() { resolved.file_name() } else { resolved.file_stem() };
        let name = name.map_or_else(|| "corpus".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Self { name, utterances, problems })
    }

    /// The corpus at a path; without a path, the synthetic one.
    ///
    /// # Errors
    ///
    /// Those of [`Corpus::open`].
    pub fn open_or_synthetic(path: Option<&Path>) -> Result<Self> {
        path.map_or_else(|| Ok(Self::synthetic(synth::DEFAULT_SEED)), Self::open)
    }

    /// The synthetic corpus: every voice says every sentence in every emotion. Samples are rendered at each request.
    pub fn synthetic(seed: u64) -> Self {
        let mut utterances = Vec::with_capacity(synth::VOICES.len() * EMOTIONS.len() * synth::SENTENCES);
        for (voice, speaker) in synth::VOICES.iter().enumerate() {
            for (emotion, emotion_name) in EMOTIONS.iter().enumerate() {
                for sentence in 0..synth::SENTENCES {
                    let name = format!("{:03}", 201 + sentence);
                    utterances.push(Utterance {
                        id: format!("{speaker}/{emotion_name}/{name}.wav"),
                        speaker: (*speaker).to_owned(),
                        emotion,
                        sentence: name,
                        source: Source::Synthetic { seed, voice, sentence },
                    });
                }
            }
        }
        utterances.sort_by(|a, b| a.id.cmp(&b.id));
        Self { name: format!("synthetic-{seed}"), utterances, problems: Vec::new() }
    }

    /// The utterances by id.
    pub fn by_id(&self) -> BTreeMap<&str, &Utterance> {
        self.utterances.iter().map(|utterance| (utterance.id.as_str(), utterance)).collect()
    }
}
