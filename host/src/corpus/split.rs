//! Which utterances train and which test.
//!
//! Four protocols cut a corpus into `k` folds. One fold is the test part; all the rest trains, until
//! [`Split::hold_out_validation`] takes a validation part out of it:
//!
//! - `random`: each speaker's utterances of each emotion are shuffled and dealt into the folds. Training and test share
//!   speakers and sentences: comparable with most papers, and optimistic.
//! - `sentence`: the sentences are shuffled and dealt, so no sentence is in two folds. The corpus must name them: see
//!   [`sentences`](crate::corpus::sentences).
//! - `speaker`: each speaker is a fold, in the order of their names. With fewer folds the speakers are shuffled and
//!   dealt. More than 10 speakers are dealt into 5 folds unless another number is asked for; 0 asks for each speaker.
//! - `corpus`: each of several corpora is a fold. Few corpora share recording rooms, languages or habits of acting, so
//!   this comes nearest to what a network meets in use.
//!
//! Sentences and speakers are dealt so that each fold gets its share of every class, of both sexes where the corpus
//! tells them, and of every corpus.
//!
//! A [published] fold comes from a file instead.
//!
//! ChaCha8 shuffles, from the seed: the same corpus, seed and protocol give the same split on every machine. A test
//! pins the order.

mod deal;
pub mod given;
pub mod published;
#[cfg(test)]
mod tests;
mod validation;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::corpus::labels::Labels;
use crate::corpus::sentences::doubt;
use crate::corpus::{Corpus, Utterance};
use crate::files::write_json;
use crate::json;
pub use deal::DEFAULT_FOLDS;
use deal::distinct;

/// [`Protocol::Speaker`] is the first choice from this many speakers on.
const MIN_SPEAKERS: usize = 3;

/// What an utterance is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Weights are fitted to these utterances.
    Train,
    /// Choices are made on these utterances.
    Validation,
    /// Only the final figures use these utterances.
    Test,
}

/// What training and test do not share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Utterances: stratified by speaker and emotion.
    Random,
    /// Sentences.
    Sentence,
    /// Speakers: leave one out, or a group of many.
    Speaker,
    /// Corpora: leave one out of several.
    Corpus,
    /// What the authors of a published fold have chosen.
    #[value(skip)]
    Published,
}

/// The name on the command line.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Random => "random",
            Self::Sentence => "sentence",
            Self::Speaker => "speaker",
            Self::Corpus => "corpus",
            Self::Published => "published",
        })
    }
}

impl Protocol {
    /// The protocol for a corpus if none is asked for: [`Protocol::Speaker`] where at least 3 speakers are known, since
    /// a network meets strangers; else [`Protocol::Sentence`]; and [`Protocol::Random`] where neither can be kept apart.
    /// Also why it is not the first. `folds` is the number of folds that is asked for.
    pub fn fitting(corpus: &Corpus, folds: Option<usize>) -> (Self, Option<String>) {
        let speakers = distinct(corpus, |utterance| &utterance.speaker);
        let no_speakers = if speakers.iter().any(|speaker| speaker.is_empty()) {
            "not every speaker is known".to_owned()
        } else if speakers.len() < MIN_SPEAKERS.max(folds.unwrap_or(0)) {
            match folds {
                Some(folds) if folds > MIN_SPEAKERS => {
                    format!("{folds} folds need as many speakers, {} are known", speakers.len())
                }
                _ => format!("the figures of {} would say little", counted(speakers.len(), "speaker")),
            }
        } else {
            return (Self::Speaker, None);
        };
        let sentences = distinct(corpus, |utterance| &utterance.sentence).len();
        let few = || {
            let folds = folds.unwrap_or(DEFAULT_FOLDS);
            (sentences < folds).then(|| format!("there are {sentences} sentences for {folds} folds"))
        };
        let (protocol, why) = match doubt(corpus).or_else(few) {
            None => (Self::Sentence, "training and test share speakers".to_owned()),
            Some(doubt) => (
                Self::Random,
                format!("{doubt}; training and test share speakers, and maybe sentences; the figures are optimistic"),
            ),
        };
        (protocol, Some(format!("protocol {protocol}, not speaker: {no_speakers}; {why}")))
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// One utterance of a [`Split`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitEntry {
    /// [`Utterance::id`].
    pub id: String,
    /// [`Utterance::speaker`].
    pub speaker: String,
    /// Name of the emotion.
    pub emotion: String,
    /// [`Utterance::sentence`].
    pub sentence: String,
    /// [`Utterance::corpus`], if the split is of several corpora.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub corpus: String,
    /// What the utterance is used for.
    pub part: Part,
}

/// Every utterance of a corpus and its part; saved as a file, it records what a figure was measured on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// [`Corpus::name`].
    pub corpus: String,
    /// What training and test do not share.
    pub protocol: Protocol,
    /// Number of folds.
    pub folds: usize,
    /// The fold that tests, from 0.
    pub fold: usize,
    /// The seed of the shuffling.
    pub seed: u64,
    /// Names of the emotions in the order of their indices.
    pub labels: Vec<String>,
    /// New names of labels with which the corpus was read, as in
    /// [`Choice::map`](crate::corpus::choice::Choice::map).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
    /// In the order of the corpus, sorted by id.
    pub utterances: Vec<SplitEntry>,
}

impl Split {
    /// Splits a corpus so that fold `fold` of `folds` tests and the others train.
    ///
    /// Without `folds` there are 5; with [`Protocol::Speaker`] one for each of up to 10 speakers, with
    /// [`Protocol::Corpus`] one for each corpus. 0 folds are one for each speaker or corpus, too.
    ///
    /// # Errors
    ///
    /// If there are fewer than two folds or `fold` is not one of them; if there are fewer utterances, sentences,
    /// speakers or corpora than folds; if the protocol needs a speaker or sentence that an utterance does not have, or
    /// sentences and most utterances have one of their own; or if a class has no utterance to train on.
    pub fn new(corpus: &Corpus, protocol: Protocol, folds: Option<usize>, fold: usize, seed: u64) -> Result<Self> {
        if let Some(fault) = corpus.labels.fault() {
            bail!("corpus {} cannot be split: {fault}", corpus.name);
        }
        let (folds, fold_of) = match protocol {
            Protocol::Random => deal::strata(corpus, folds.unwrap_or(DEFAULT_FOLDS), seed)?,
            Protocol::Sentence => deal::sentences(corpus, folds.unwrap_or(DEFAULT_FOLDS), seed)?,
            Protocol::Speaker => deal::speakers(corpus, folds, seed)?,
            Protocol::Corpus => deal::corpora(corpus, folds, seed)?,
            Protocol::Published => bail!("a published fold comes from a file: give it with --split"),
        };
        ensure!(fold < folds, "fold must be 0 to {}, got {fold}", folds - 1);
        let part = |of: usize| if of == fold { Part::Test } else { Part::Train };
        let split = Self {
            corpus: corpus.name.clone(),
            protocol,
            folds,
            fold,
            seed,
            labels: corpus.labels.names().to_vec(),
            map: corpus.map.clone(),
            utterances: corpus
                .utterances
                .iter()
                .zip(fold_of)
                .map(|(utterance, of)| entry(corpus, utterance, part(of)))
                .collect(),
        };
        split.check_training_classes()?;
        Ok(split)
    }

    /// Reads a split file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a split, has labels that no network can have, has an utterance of another
    /// label, or lists an utterance twice.
    pub fn load(path: &Path) -> Result<Self> {
        let json = json::read(path, "split")?;
        let read = || -> Result<Self> {
            let split: Self = json::strict(json)?;
            if let Some(fault) = Labels::new(split.labels.clone()).fault() {
                bail!(fault);
            }
            let mut ids = BTreeSet::new();
            for entry in &split.utterances {
                ensure!(ids.insert(&entry.id), "{} is listed twice", entry.id);
                ensure!(
                    split.labels.contains(&entry.emotion),
                    "{} is {}, which is none of the labels {}",
                    entry.id,
                    entry.emotion,
                    split.labels.join(", ")
                );
            }
            Ok(split)
        };
        read().with_context(|| format!("{} is no split", path.display()))
    }

    /// Writes the split as JSON, atomically.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_json(path, self)
    }

    /// The utterances of one part, found in `corpus` by their ids, in the order of the split.
    ///
    /// # Errors
    ///
    /// If the corpus is read with other labels; the error names both. Else it names an utterance that the corpus lacks,
    /// or that has another emotion in the corpus.
    pub fn part<'c>(&self, corpus: &'c Corpus, part: Part) -> Result<Vec<&'c Utterance>> {
        let labels = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        ensure!(
            labels(&self.labels) == labels(corpus.labels.names()),
            "the labels differ: the split has {}, corpus {} is read with {}; see --labels and --map",
            self.labels.join(", "),
            corpus.name,
            corpus.labels
        );
        let by_id = corpus.by_id();
        let entries = self.utterances.iter().filter(|entry| entry.part == part);
        entries
            .map(|entry| match by_id.get(entry.id.as_str()) {
                Some(utterance) if utterance.emotion_name() == entry.emotion => Ok(*utterance),
                Some(utterance) => {
                    bail!(
                        "{} is {} in the split and {} in corpus {}",
                        entry.id,
                        entry.emotion,
                        utterance.emotion_name(),
                        corpus.name
                    )
                }
                None => bail!("corpus {} has no utterance {}, which the split lists", corpus.name, entry.id),
            })
            .collect()
    }

    /// Whether the corpus has every utterance, as the split has it.
    ///
    /// # Errors
    ///
    /// Those of [`Split::part`].
    pub fn check(&self, corpus: &Corpus) -> Result<()> {
        [Part::Train, Part::Validation, Part::Test].into_iter().try_for_each(|part| self.part(corpus, part).map(drop))
    }

    /// How many utterances of each class are in a part.
    pub fn class_sizes(&self, part: Part) -> Vec<(&str, usize)> {
        let of = |label: &String| {
            self.utterances.iter().filter(|entry| entry.part == part && entry.emotion == *label).count()
        };
        self.labels.iter().map(|label| (label.as_str(), of(label))).collect()
    }

    /// Whether there is a test part.
    pub fn tests(&self) -> bool {
        self.utterances.iter().any(|entry| entry.part == Part::Test)
    }

    /// Moves the test part to the training part, so nothing is left to test on.
    pub fn train_on_all(&mut self) {
        for entry in self.utterances.iter_mut().filter(|entry| entry.part == Part::Test) {
            entry.part = Part::Train;
        }
    }

    /// Fails if a class has no training utterance, and names the class.
    fn check_training_classes(&self) -> Result<()> {
        for (label, count) in self.class_sizes(Part::Train) {
            ensure!(
                count > 0,
                "no utterance of class '{label}' in the training part of fold {} of corpus {}; --map {label}= leaves it out",
                self.fold,
                self.corpus
            );
        }
        Ok(())
    }
}

fn entry(corpus: &Corpus, utterance: &Utterance, part: Part) -> SplitEntry {
    let of_several = corpus.members.len() > 1;
    SplitEntry {
        corpus: if of_several { utterance.corpus.to_string() } else { String::new() },
        id: utterance.id.clone(),
        speaker: utterance.speaker.clone(),
        emotion: utterance.emotion_name().to_owned(),
        sentence: utterance.sentence.clone(),
        part,
    }
}
