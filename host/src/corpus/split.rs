//! Which utterances train and which test.
//!
//! Three protocols cut a corpus into `k` folds. One fold is the test part; all the rest trains, until
//! [`Split::hold_out_validation`] takes a validation part out of it:
//!
//! - `random`: each speaker's utterances of each emotion are shuffled and dealt into the folds. Training and test share
//!   speakers and sentences: comparable with most papers, and optimistic.
//! - `sentence`: the names of the sentences are shuffled and dealt, so no sentence is in two folds.
//! - `speaker`: each speaker is a fold, in the order of their names.
//!
//! ChaCha8 shuffles, from the seed: the same corpus, seed and protocol give the same split on every machine. A test
//! pins the order.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::corpus::labels::EMOTIONS;
use crate::corpus::{Corpus, Utterance};
use crate::files::write_json;
use crate::json;

/// Number of folds of the protocols `random` and `sentence` where none is given.
pub const DEFAULT_FOLDS: usize = 5;
/// Whole speakers are held out for validation only if this many are left to train on.
const MIN_TRAINING_SPEAKERS: usize = 3;

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
    /// Speakers: leave one out.
    Speaker,
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
    /// In the order of the corpus, sorted by id.
    pub utterances: Vec<SplitEntry>,
}

impl Split {
    /// Splits a corpus so that fold `fold` of `folds` tests and the others train.
    ///
    /// Without `folds` there are 5. [`Protocol::Speaker`] has one fold for each speaker and takes no other number.
    ///
    /// # Errors
    ///
    /// If there are fewer than two folds or `fold` is not one of them; if there are fewer utterances, sentences or
    /// speakers than folds; if the protocol needs a speaker or sentence that an utterance does not have; or if a class
    /// has no utterance to train on.
    pub fn new(corpus: &Corpus, protocol: Protocol, folds: Option<usize>, fold: usize, seed: u64) -> Result<Self> {
        let (folds, fold_of) = match protocol {
            Protocol::Random => deal_strata(corpus, folds.unwrap_or(DEFAULT_FOLDS), seed)?,
            Protocol::Sentence => deal_sentences(corpus, folds.unwrap_or(DEFAULT_FOLDS), seed)?,
            Protocol::Speaker => deal_speakers(corpus, folds)?,
        };
        ensure!(fold < folds, "fold must be 0 to {}, got {fold}", folds - 1);
        let part = |of: usize| if of == fold { Part::Test } else { Part::Train };
        let split = Self {
            corpus: corpus.name.clone(),
            protocol,
            folds,
            fold,
            seed,
            labels: EMOTIONS.map(str::to_owned).to_vec(),
            utterances: corpus
                .utterances
                .iter()
                .zip(fold_of)
                .map(|(utterance, of)| entry(utterance, part(of)))
                .collect(),
        };
        split.check_training_classes()?;
        Ok(split)
    }

    /// Reads a split file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a split, has other labels than [`EMOTIONS`], or lists an utterance twice.
    pub fn load(path: &Path) -> Result<Self> {
        let json = json::read(path, "split")?;
        let read = || -> Result<Self> {
            let split: Self = json::strict(json)?;
            ensure!(
                split.labels == EMOTIONS,
                "labels must be {}, the split has {}",
                EMOTIONS.join(", "),
                split.labels.join(", ")
            );
            let mut ids = BTreeSet::new();
            for entry in &split.utterances {
                ensure!(ids.insert(&entry.id), "{} is listed twice", entry.id);
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
    /// The error names an utterance that the corpus lacks, or that has another emotion in the corpus.
    pub fn part<'c>(&self, corpus: &'c Corpus, part: Part) -> Result<Vec<&'c Utterance>> {
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

    /// Moves about `fraction` of the training part to the validation part. Validation and training then share what test
    /// and training share.
    ///
    /// [`Protocol::Random`] moves utterances of each speaker and emotion, [`Protocol::Sentence`] whole sentences.
    /// [`Protocol::Speaker`] moves whole speakers if at least 3 speakers are left to train on, and whole sentences
    /// otherwise. At least one utterance, sentence or speaker moves. The choice follows from the split's seed.
    ///
    /// # Errors
    ///
    /// If `fraction` is not between 0 and 1, if there is a validation part already, or if training would lose all
    /// sentences or all utterances of a class. The split then stays as it was.
    pub fn hold_out_validation(&mut self, fraction: f64) -> Result<()> {
        ensure!(fraction > 0.0 && fraction < 1.0, "validation fraction must be between 0 and 1, got {fraction}");
        ensure!(
            self.utterances.iter().all(|entry| entry.part != Part::Validation),
            "the split has a validation part already"
        );
        let held_out = match self.protocol {
            Protocol::Random => self.strata_to_hold_out(fraction),
            Protocol::Sentence | Protocol::Speaker => self.names_to_hold_out(fraction)?,
        };
        let mut split = self.clone();
        for index in held_out {
            split.utterances[index].part = Part::Validation;
        }
        split.check_training_classes()?;
        *self = split;
        Ok(())
    }

    /// About `fraction` of each speaker's training utterances of each emotion, in all at least one.
    fn strata_to_hold_out(&self, fraction: f64) -> Vec<usize> {
        let training = self.utterances.iter().enumerate().filter(|(_, entry)| entry.part == Part::Train);
        let mut strata: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (index, entry) in training {
            strata.entry((&entry.emotion, &entry.speaker)).or_default().push(index);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut dealt = Vec::new();
        for stratum in strata.values_mut() {
            stratum.shuffle(&mut rng);
            dealt.append(stratum);
        }
        // Every 1/fraction-th of the dealt utterances moves, so small strata give their share too.
        let held_out_before = |count: usize| (count as f64 * fraction).round() as usize;
        let moves = |place: usize| held_out_before(place + 1) > held_out_before(place);
        let held_out: Vec<usize> =
            dealt.iter().enumerate().filter(|(place, _)| moves(*place)).map(|(_, index)| *index).collect();
        if held_out.is_empty() { dealt.into_iter().take(1).collect() } else { held_out }
    }

    /// The training utterances of about `fraction` of the sentences, or of the speakers; at least one sentence or
    /// speaker.
    fn names_to_hold_out(&self, fraction: f64) -> Result<Vec<usize>> {
        let training = |name: fn(&SplitEntry) -> &String| -> Vec<String> {
            let entries = self.utterances.iter().filter(|entry| entry.part == Part::Train);
            entries.map(|entry| name(entry).clone()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let count = |names: &[String]| ((names.len() as f64 * fraction).round() as usize).max(1);

        let speakers = training(|entry| &entry.speaker);
        let by_speaker =
            self.protocol == Protocol::Speaker && speakers.len() >= MIN_TRAINING_SPEAKERS + count(&speakers);
        let name: fn(&SplitEntry) -> &String =
            if by_speaker { |entry| &entry.speaker } else { |entry| &entry.sentence };
        let mut names = if by_speaker { speakers } else { training(name) };
        let held_out = count(&names);
        ensure!(
            held_out < names.len(),
            "a validation part of {held_out} of {} sentences leaves nothing to train on",
            names.len()
        );
        names.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        names.truncate(held_out);
        let moves = |entry: &SplitEntry| entry.part == Part::Train && names.contains(name(entry));
        Ok(self.utterances.iter().enumerate().filter(|(_, entry)| moves(entry)).map(|(index, _)| index).collect())
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
        for label in &self.labels {
            let trains = |entry: &SplitEntry| entry.part == Part::Train && entry.emotion == *label;
            ensure!(
                self.utterances.iter().any(trains),
                "no utterance of class '{label}' in the training part of corpus {}",
                self.corpus
            );
        }
        Ok(())
    }
}

fn entry(utterance: &Utterance, part: Part) -> SplitEntry {
    SplitEntry {
        id: utterance.id.clone(),
        speaker: utterance.speaker.clone(),
        emotion: utterance.emotion_name().to_owned(),
        sentence: utterance.sentence.clone(),
        part,
    }
}

fn check_folds(folds: usize, count: usize, what: &str) -> Result<()> {
    ensure!(folds >= 2, "number of folds must be at least 2, got {folds}");
    ensure!(count >= folds, "{folds} folds need at least as many {what}, the corpus has {count}");
    Ok(())
}

/// Number of folds, and the fold of each utterance. Each speaker's utterances of each emotion are shuffled and dealt.
fn deal_strata(corpus: &Corpus, folds: usize, seed: u64) -> Result<(usize, Vec<usize>)> {
    check_folds(folds, corpus.utterances.len(), "utterances")?;
    let mut strata: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (index, utterance) in corpus.utterances.iter().enumerate() {
        strata.entry((utterance.emotion, &utterance.speaker)).or_default().push(index);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut fold_of = vec![0; corpus.utterances.len()];
    // Dealing continues where the previous stratum ended, so small strata do not all favour the first folds.
    let mut dealt = 0;
    for stratum in strata.values_mut() {
        stratum.shuffle(&mut rng);
        for &index in stratum.iter() {
            fold_of[index] = dealt % folds;
            dealt += 1;
        }
    }
    Ok((folds, fold_of))
}

/// Number of folds, and the fold of each utterance. The sentences are shuffled and dealt.
fn deal_sentences(corpus: &Corpus, folds: usize, seed: u64) -> Result<(usize, Vec<usize>)> {
    if let Some(utterance) = corpus.utterances.iter().find(|utterance| utterance.sentence.is_empty()) {
        bail!("protocol 'sentence' needs the sentence of every utterance, {} has none", utterance.id);
    }
    let mut names = distinct(corpus, |utterance| &utterance.sentence);
    check_folds(folds, names.len(), "sentences")?;
    names.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let fold_of: BTreeMap<&str, usize> =
        names.into_iter().enumerate().map(|(place, name)| (name, place % folds)).collect();
    Ok((folds, corpus.utterances.iter().map(|utterance| fold_of[utterance.sentence.as_str()]).collect()))
}

/// Number of folds, and the fold of each utterance: the place of its speaker among the sorted names.
fn deal_speakers(corpus: &Corpus, folds: Option<usize>) -> Result<(usize, Vec<usize>)> {
    if let Some(utterance) = corpus.utterances.iter().find(|utterance| utterance.speaker.is_empty()) {
        bail!(
            "protocol 'speaker' needs the speaker of every utterance, {} has none: use the layout speaker/emotion/name.wav or a manifest",
            utterance.id
        );
    }
    let names = distinct(corpus, |utterance| &utterance.speaker);
    let folds = folds.unwrap_or(names.len());
    check_folds(folds, names.len(), "speakers")?;
    ensure!(
        folds == names.len(),
        "protocol 'speaker' has one fold for each of the {} speakers, got {folds}",
        names.len()
    );
    let fold_of: BTreeMap<&str, usize> = names.into_iter().enumerate().map(|(place, name)| (name, place)).collect();
    Ok((folds, corpus.utterances.iter().map(|utterance| fold_of[utterance.speaker.as_str()]).collect()))
}

/// The different names in the corpus, sorted.
fn distinct(corpus: &Corpus, name: impl Fn(&Utterance) -> &String) -> Vec<&str> {
    corpus.utterances.iter().map(|utterance| name(utterance).as_str()).collect::<BTreeSet<_>>().into_iter().collect()
}
