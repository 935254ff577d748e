//! An utterance, and what was skipped in a corpus.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use crate::corpus::audio::{SAMPLE_RATE_HZ, read_audio, to_rate};
use crate::corpus::labels::{Labels, canonical, plain};
use crate::corpus::synth;

/// One recording of one sentence.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// Unique in the corpus: the path relative to its root, with `/` between the parts on every system.
    pub id: String,
    /// The corpus that it comes from, by its name among [`Corpus::members`](crate::corpus::Corpus::members).
    pub corpus: Arc<str>,
    /// Who speaks; empty if the layout does not say.
    pub speaker: String,
    /// The sex of who speaks, in the corpus' own words; empty if the layout does not say.
    pub sex: String,
    /// What the corpus calls the emotion, in lower case.
    pub called: String,
    /// Index in [`Utterance::labels`].
    pub emotion: usize,
    /// The classes of its corpus.
    pub labels: Labels,
    /// What is said; where the layout does not say, the name of the file without extension.
    pub sentence: String,
    pub(super) source: Source,
}

/// Where the samples come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    File(PathBuf),
    Synthetic { seed: u64, voice: usize, emotion: usize, sentence: usize },
}

/// A recording whose label is not a class yet.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub id: String,
    pub told: Told,
    pub source: Source,
}

/// What a name, a folder or a row of a manifest says about a recording. Empty is what it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub speaker: String,
    pub sex: String,
    /// By its [`canonical`](crate::corpus::labels::canonical) name.
    pub label: String,
    /// The label as it is written, in lower case.
    pub called: String,
    pub sentence: String,
}

impl Told {
    /// A speaker and an emotion, by any name.
    pub fn new(speaker: &str, emotion: &str, sentence: &str) -> Self {
        Self {
            speaker: speaker.to_owned(),
            label: canonical(emotion),
            called: plain(emotion),
            sentence: sentence.to_owned(),
            ..Self::default()
        }
    }
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
            &Source::Synthetic { seed, voice, emotion, sentence } => {
                to_rate(&synth::render(seed, voice, emotion, sentence), SAMPLE_RATE_HZ, rate_hz)
            }
        }
    }

    /// The name of the emotion.
    pub fn emotion_name(&self) -> &str {
        self.labels.name(self.emotion)
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
