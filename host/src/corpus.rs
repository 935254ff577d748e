//! A corpus: utterances with their speaker, emotion and sentence, from a folder, a manifest or the synthesiser.

pub mod check;
pub mod copies;
mod layout;
mod manifest;
mod measure;
mod table;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::audio::read_wav;
use crate::emotion::EMOTIONS;
use crate::synth;
pub use write::Written;

/// What [`Corpus::open`] accepts, for error messages.
const EXPECTED: &str = "expected a folder with speaker/emotion/name.wav or emotion/name.wav, or a CSV manifest with the header \
                        path,speaker,emotion,sentence";

/// One recording of one sentence.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// Unique in the corpus: the path relative to its root, with `/` between the parts on every system.
    pub id: String,
    /// Who speaks; empty if the layout does not say.
    pub speaker: String,
    /// Index in [`EMOTIONS`].
    pub emotion: usize,
    /// What is said; the name of the file without extension where the layout has nothing better.
    pub sentence: String,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    Synthetic { seed: u64, voice: usize, sentence: usize },
}

impl Utterance {
    /// The recording, 16 kHz mono: read, or synthesised, at each call.
    ///
    /// # Errors
    ///
    /// Those of [`read_wav`].
    pub fn samples(&self) -> Result<Vec<i16>> {
        match &self.source {
            Source::File(path) => read_wav(path),
            &Source::Synthetic { seed, voice, sentence } => Ok(synth::render(seed, voice, self.emotion, sentence)),
        }
    }

    /// The name of the emotion.
    pub fn emotion_name(&self) -> &'static str {
        EMOTIONS[self.emotion]
    }

    /// The file that holds the recording, if there is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Synthetic { .. } => None,
        }
    }
}

/// Something in the corpus that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// The file, folder or line of the manifest.
    pub path: String,
    /// Why it was skipped, and how many files with it if it is a folder.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// A list of utterances, with what had to be left out.
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
    /// A folder has the layout `speaker/emotion/name.wav`, or `emotion/name.wav`, which says nothing about speakers; it
    /// has the first if any WAV file in it lies in such a place. A manifest is a CSV file with the header
    /// `path,speaker,emotion,sentence` in any order, paths relative to the manifest. Emotions are matched by
    /// [`emotion_index`](crate::emotion::emotion_index). Names that start with a dot, and files that are not named
    /// `.wav`, are ignored.
    ///
    /// What does not fit (unknown emotion, wrong place, missing file) is skipped and told in [`Corpus::problems`].
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

    /// The synthetic corpus: every voice says every sentence in every emotion, rendered when asked for.
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

/// The reason given for an emotion that is none of the six.
fn unknown_emotion(name: &str) -> String {
    format!("unknown emotion '{name}', wanted one of {}", EMOTIONS.join(", "))
}
