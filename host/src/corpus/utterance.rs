//! An utterance, and what was skipped in a corpus.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::corpus::audio::read_wav;
use crate::corpus::labels::EMOTIONS;
use crate::corpus::synth;

/// One recording of one sentence.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// Unique in the corpus: the path relative to its root, with `/` between the parts on every system.
    pub id: String,
    /// Who speaks; empty if the layout does not say.
    pub speaker: String,
    /// Index in [`EMOTIONS`].
    pub emotion: usize,
    /// What is said; where the layout does not say, the name of the file without extension.
    pub sentence: String,
    pub(super) source: Source,
}

/// Where the samples come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    File(PathBuf),
    Synthetic { seed: u64, voice: usize, sentence: usize },
}

impl Utterance {
    /// The recording, 16 kHz mono. Each call reads or synthesises it again.
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
    /// Why it was skipped; for a folder, also how many files were skipped.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// The reason for skipping an emotion that is none of the six.
pub(super) fn unknown_emotion(name: &str) -> String {
    format!("unknown emotion '{name}', wanted one of {}", EMOTIONS.join(", "))
}
