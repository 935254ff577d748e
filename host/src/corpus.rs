//! Recordings: utterances with their speaker, emotion and sentence, from a folder, a manifest or the synthesiser. Also
//! the check for what is wrong with them, and the split into parts.

pub mod audio;
pub mod check;
pub mod choice;
pub mod copies;
pub mod known;
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

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};

use choice::{Choice, Chosen};
use known::Known;
use labels::{EMOTIONS, Labels};
use layout::Folder;
use utterance::{Entry, Source};
pub use utterance::{Problem, Utterance};
pub use write::Written;

/// What [`Corpus::open`] accepts, for error messages.
const EXPECTED: &str = "expected a known corpus as it is downloaded, a folder with speaker/emotion/name.wav or \
                        emotion/name.wav, or a CSV manifest with the header path,speaker,emotion,sentence";

/// A list of utterances, and what was skipped.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Name of the folder or manifest.
    pub name: String,
    /// The corpus that the folder was taken for, by the names in it.
    pub known: Option<&'static Known>,
    /// The classes.
    pub labels: Labels,
    /// Sorted by id.
    pub utterances: Vec<Utterance>,
    /// Labels that are no class, with the number of their utterances, which are left out.
    pub left_out: BTreeMap<String, usize>,
    /// What was found and skipped.
    pub problems: Vec<Problem>,
}

impl Corpus {
    /// Finds the utterances of a folder or of a CSV manifest; no audio is read.
    ///
    /// A folder is that of a [`Known`] corpus, as it is downloaded, or one in which recordings lie in folders that are
    /// named after emotions, at any depth: `speaker/emotion/name.wav`, or `emotion/name.wav`, which says nothing about
    /// speakers. Recordings end in [`audio::EXTENSIONS`]. A manifest is a CSV file with the columns `path` and
    /// `emotion`, and `speaker` and `sentence` where they are known, in any order; its paths are absolute or relative to
    /// the manifest. [`canonical`](labels::canonical) names the emotions, and `choice` says which of them are classes.
    /// In a folder, names that start with a dot and other files are ignored.
    ///
    /// What does not fit (wrong place, missing file) is skipped and listed in [`Corpus::problems`].
    ///
    /// # Errors
    ///
    /// If the folder or manifest cannot be read or has no utterance at all, or if the corpus lacks a label that
    /// `choice` names.
    pub fn open(path: &Path, choice: &Choice) -> Result<Self> {
        Self::open_as(path, None, choice)
    }

    /// [`Corpus::open`], and a folder is read as a corpus that is known.
    ///
    /// # Errors
    ///
    /// As [`Corpus::open`].
    pub fn open_as(path: &Path, known: Option<&'static Known>, choice: &Choice) -> Result<Self> {
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot open corpus {}", path.display()))?;
        let folder = if metadata.is_dir() {
            layout::read(path, known)
        } else {
            manifest::read(path).map(|(entries, problems)| Folder { entries, problems, known: None })
        };
        let folder = folder.with_context(|| format!("cannot open corpus {}", path.display()))?;
        let Folder { entries, problems, known } = folder;
        if entries.is_empty() {
            let first = match problems.first() {
                Some(problem) => format!("; {} skipped, first {problem}", problems.len()),
                None => String::new(),
            };
            bail!("no utterance in {}: {EXPECTED}{first}", path.display());
        }
        // A path such as `.` has a name only when it is resolved.
        let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = if metadata.is_dir() { resolved.file_name() } else { resolved.file_stem() };
        let name = name.map_or_else(|| "corpus".to_owned(), |name| name.to_string_lossy().into_owned());
        let corpus = Self::of(name, entries, problems, choice);
        let corpus = corpus.with_context(|| format!("cannot open corpus {}", path.display()))?;
        Ok(Self { known, ..corpus })
    }

    /// The corpus at a path; without a path, the synthetic one.
    ///
    /// # Errors
    ///
    /// Those of [`Corpus::open`].
    pub fn open_or_synthetic(path: Option<&Path>, choice: &Choice) -> Result<Self> {
        match path {
            Some(path) => Self::open(path, choice),
            None => Self::of_voices(synth::DEFAULT_SEED, choice),
        }
    }

    /// The synthetic corpus: every voice says every sentence in every emotion. Samples are rendered at each request.
    pub fn synthetic(seed: u64) -> Self {
        Self::of_voices(seed, &Choice::default()).expect("all that is chosen is there")
    }

    fn of_voices(seed: u64, choice: &Choice) -> Result<Self> {
        let mut entries = Vec::with_capacity(synth::VOICES.len() * EMOTIONS.len() * synth::SENTENCES);
        for (voice, speaker) in synth::VOICES.iter().enumerate() {
            for (emotion, label) in EMOTIONS.iter().enumerate() {
                for sentence in 0..synth::SENTENCES {
                    let name = format!("{:03}", 201 + sentence);
                    entries.push(Entry {
                        id: format!("{speaker}/{label}/{name}.wav"),
                        speaker: (*speaker).to_owned(),
                        label: (*label).to_owned(),
                        sentence: name,
                        source: Source::Synthetic { seed, voice, emotion, sentence },
                    });
                }
            }
        }
        Self::of(format!("synthetic-{seed}"), entries, Vec::new(), choice)
    }

    /// The labels that it has, classes or not, with commas between them.
    pub fn all_labels(&self) -> String {
        let classes = self.utterances.iter().map(Utterance::emotion_name);
        let all: BTreeSet<&str> = classes.chain(self.left_out.keys().map(String::as_str)).collect();
        all.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// What a choice is among the classes of this corpus.
    fn chosen(&self, choice: &Choice) -> Result<Chosen> {
        choice.among(&counts(self.utterances.iter().map(Utterance::emotion_name)))
    }

    /// The corpus of these recordings whose labels are chosen.
    fn of(name: String, entries: Vec<Entry>, problems: Vec<Problem>, choice: &Choice) -> Result<Self> {
        let chosen = choice.among(&counts(entries.iter().map(|entry| entry.label.as_str())))?;
        let utterance = |entry: Entry| {
            let Entry { id, speaker, label, sentence, source } = entry;
            let emotion = chosen.class(&label)?;
            Some(Utterance { id, speaker, emotion, labels: chosen.labels.clone(), sentence, source })
        };
        let mut utterances: Vec<Utterance> = entries.into_iter().filter_map(utterance).collect();
        utterances.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { name, known: None, labels: chosen.labels, utterances, left_out: chosen.left_out, problems })
    }

    /// The utterances by id.
    pub fn by_id(&self) -> BTreeMap<&str, &Utterance> {
        self.utterances.iter().map(|utterance| (utterance.id.as_str(), utterance)).collect()
    }
}

/// How often each label is there.
fn counts<'l>(labels: impl Iterator<Item = &'l str>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for label in labels {
        *counts.entry(label.to_owned()).or_default() += 1;
    }
    counts
}
