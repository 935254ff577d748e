//! Classical classifiers on the same log-mel rows and splits as the network, for comparison.
//!
//! | name | hears | classifier |
//! |---|---|---|
//! | `hmm` | 13 cepstra and their deltas, each hop | a left-to-right hidden Markov model for each emotion |
//! | `gmm` | the same | a mixture of Gaussians for each emotion |
//! | `knn` | 8 functionals of 20 cepstra | k nearest neighbours |
//! | `svm` | the same | support vector machines for each pair of emotions |
//! | `kernel-regression` | the same | Nadaraya and Watson's regression of the emotions |
//!
//! Cepstra and functionals are standardised with the mean and standard deviation of the training part. Number of
//! neighbours and bandwidth are chosen on the training part as well; the test part serves for answers alone.

mod cepstra;
mod functionals;
mod hmm;
mod kernel_regression;
mod knn;
mod mixture;
pub mod report;
mod saved;
mod standardizer;
mod svm;
#[cfg(test)]
mod tests;
mod vectors;

use std::fmt;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use ser_core::spec::LevelMode;
use serde::{Deserialize, Serialize};

use crate::corpus::split::{Part, Split};
use crate::corpus::{Corpus, Problem, Utterance};
use crate::evaluation::metrics::Confusion;
use crate::features::cache::FeatureCache;
use crate::features::rows::Rows;
use cepstra::{Sequence, cepstra, with_deltas};
use functionals::functionals;
use hmm::Shape;
use standardizer::Standardizer;
use vectors::Vectors;

/// Number of cepstra in a frame of `hmm` and `gmm`, without deltas.
const FRAME_CEPSTRA: usize = 13;
/// Number of cepstra whose functionals the other baselines hear.
const FUNCTIONAL_CEPSTRA: usize = 20;
/// Size of `hmm`'s model of an emotion.
const HMM: Shape = Shape { states: 3, components: 16 };
/// Size of `gmm`'s model of an emotion. It has one state, so the order of the frames does not matter.
const GMM: Shape = Shape { states: 1, components: 64 };

/// A classical classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// A left-to-right hidden Markov model for each emotion, over cepstra and their deltas.
    Hmm,
    /// A mixture of Gaussians for each emotion, over cepstra and their deltas.
    Gmm,
    /// k nearest neighbours, over statistics of an utterance's cepstra.
    Knn,
    /// Support vector machines for each pair of emotions, over the same statistics.
    Svm,
    /// Nadaraya and Watson's kernel regression, over the same statistics.
    KernelRegression,
}

impl Baseline {
    /// All baselines.
    pub const ALL: [Self; 5] = [Self::Hmm, Self::Gmm, Self::Knn, Self::Svm, Self::KernelRegression];
}

/// The name on the command line.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hmm => "hmm",
            Self::Gmm => "gmm",
            Self::Knn => "knn",
            Self::Svm => "svm",
            Self::KernelRegression => "kernel-regression",
        })
    }
}

/// A baseline's answer to an utterance of the test part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// [`Utterance::id`].
    pub id: String,
    /// [`Utterance::speaker`].
    pub speaker: String,
    /// [`Utterance::sentence`]; empty in files of older versions.
    #[serde(default)]
    pub sentence: String,
    /// Index of the true label.
    pub truth: usize,
    /// Index of the label that the baseline gives; None if nothing is heard of the utterance.
    pub label: Option<usize>,
}

/// A baseline's answers to a test part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How often each class was taken for each, with WAR, UAR and macro-F1.
    pub confusion: Confusion,
    /// One answer for each utterance that could be read, in the order of the split.
    pub answers: Vec<Answer>,
    /// Utterances of the training part that were left out, because they could not be read or nothing is heard of them.
    pub skipped_training: Vec<Problem>,
    /// Utterances of the test part that could not be read.
    pub skipped: Vec<Problem>,
}

/// Fits a baseline to the training part of a split and lets it answer the test part. All random draws follow from
/// [`Split::seed`]: the same rows and split give the same answers.
///
/// `cache` makes the rows; its front end decides whether levels are relative to the peak.
///
/// # Errors
///
/// If the corpus is not that of the split, the cache cannot be written, or a class has no usable utterance in the
/// training part.
pub fn evaluate(baseline: Baseline, corpus: &Corpus, cache: &FeatureCache, split: &Split) -> Result<Evaluation> {
    let (mut train, mut skipped_training) = heard(corpus, cache, &split.part(corpus, Part::Train)?)?;
    for (utterance, _) in train.iter().filter(|(_, rows)| rows.is_empty()) {
        let reason = cache.unheard(utterance, 1.0)?.to_string();
        skipped_training.push(Problem { path: utterance.id.clone(), reason });
    }
    train.retain(|(_, rows)| !rows.is_empty());
    for (class, label) in split.labels.iter().enumerate() {
        let usable = train.iter().any(|(utterance, _)| utterance.emotion == class);
        ensure!(usable, "no usable utterance of class '{label}' in the training part of corpus {}", corpus.name);
    }
    let (test, skipped) = heard(corpus, cache, &split.part(corpus, Part::Test)?)?;
    let level = cache.front_end().level;
    let audible: Vec<&Rows> = test.iter().map(|(_, rows)| rows).filter(|rows| !rows.is_empty()).collect();
    let labels = match baseline {
        Baseline::Hmm => by_frames(&train, &audible, level, HMM, split),
        Baseline::Gmm => by_frames(&train, &audible, level, GMM, split),
        Baseline::Knn => by_functionals(&train, &audible, level, split, knn::classify)?,
        Baseline::Svm => by_functionals(&train, &audible, level, split, svm::classify)?,
        Baseline::KernelRegression => {
            by_functionals(&train, &audible, level, split, |train, test| Ok(kernel_regression::classify(train, test)))?
        }
    };
    let mut labels = labels.into_iter();
    let mut confusion = Confusion::new(split.labels.iter().cloned());
    let answer = |(utterance, rows): &Heard<'_>| {
        let label = if rows.is_empty() { None } else { labels.next() };
        confusion.add(utterance.emotion, label);
        Answer {
            id: utterance.id.clone(),
            speaker: utterance.speaker.clone(),
            sentence: utterance.sentence.clone(),
            truth: utterance.emotion,
            label,
        }
    };
    let answers = test.iter().map(answer).collect();
    Ok(Evaluation { confusion, answers, skipped_training, skipped })
}

/// An utterance and its rows.
type Heard<'c> = (&'c Utterance, Rows);

/// Labels test utterances with models of the emotions' frames.
fn by_frames(train: &[Heard<'_>], test: &[&Rows], level: LevelMode, shape: Shape, split: &Split) -> Vec<usize> {
    let frames = |rows: &Rows| with_deltas(&cepstra(rows, level, FRAME_CEPSTRA));
    let train: Vec<(Sequence, usize)> =
        train.iter().map(|(utterance, rows)| (frames(rows), utterance.emotion)).collect();
    let standardizer = Standardizer::fit(train.iter().flat_map(|(sequence, _)| sequence));
    let standard =
        |sequence: &Sequence| -> Sequence { sequence.iter().map(|frame| standardizer.apply(frame)).collect() };
    let train: Vec<(Sequence, usize)> = train.iter().map(|(sequence, class)| (standard(sequence), *class)).collect();
    let test: Vec<Sequence> = test.iter().map(|rows| standard(&frames(rows))).collect();
    hmm::classify(&train, &test, split.labels.len(), shape, split.seed)
}

/// Labels test utterances with a classifier of functionals.
fn by_functionals(
    train: &[Heard<'_>],
    test: &[&Rows],
    level: LevelMode,
    split: &Split,
    classify: impl Fn(&Vectors, &[Vec<f64>]) -> Result<Vec<usize>>,
) -> Result<Vec<usize>> {
    let functionals = |rows: &Rows| functionals(&cepstra(rows, level, FUNCTIONAL_CEPSTRA));
    let vectors: Vec<Vec<f64>> = train.iter().map(|(_, rows)| functionals(rows)).collect();
    let standardizer = Standardizer::fit(&vectors);
    let train = Vectors {
        vectors: vectors.iter().map(|vector| standardizer.apply(vector)).collect(),
        classes: train.iter().map(|(utterance, _)| utterance.emotion).collect(),
        labels: split.labels.len(),
    };
    let test: Vec<Vec<f64>> = test.iter().map(|rows| standardizer.apply(&functionals(rows))).collect();
    classify(&train, &test)
}

/// The utterances of a part that can be read, with their rows, and problems for those that cannot.
fn heard<'c>(corpus: &Corpus, cache: &FeatureCache, part: &[&'c Utterance]) -> Result<(Vec<Heard<'c>>, Vec<Problem>)> {
    let mut skipped = Vec::new();
    let readable = cache.readable(corpus, part, &mut |problem| skipped.push(problem))?;
    let heard = readable.iter().map(|(utterance, rows)| Ok((*utterance, rows.rows()?.into_owned())));
    Ok((heard.collect::<Result<_>>()?, skipped))
}
