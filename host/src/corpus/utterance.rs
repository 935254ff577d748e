//! An utterance, and what was skipped in a corpus.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::corpus::audio::{SAMPLE_RATE_HZ, read_audio, to_rate};
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
    /// The recording, mono, at a rate in Hz. Each call reads or synthesises it again.
    ///
    /// # Errors
    ///
    /// Those of [`read_audio`].
    pub fn samples(&self, rate_hz: u32) -> Result<Vec<i16>> {
        match &self.source {
            Source::File(path) => read_audio(path, rate_hz),
            &Source::Synthetic { seed, voice, sentence } => {
                to_rate(&synth::render(seed, voice, self.emotion, sentence), SAMPLE_RATE_HZ, rate_hz)
            }
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

impl Problem {
    /// The reason without the name of the file, which a reason may begin with.
    pub fn cause(&self) -> &str {
        let named = format!("{}: ", self.path);
        self.reason.find(&named).and_then(|at| self.reason.get(at + named.len()..)).unwrap_or(&self.reason)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.cause())
    }
}

/// The reason for skipping an emotion that is none of the six.
pub(super) fn unknown_emotion(name: &str) -> String {
    format!("unknown emotion '{name}', wanted one of {}", EMOTIONS.join(", "))
}
