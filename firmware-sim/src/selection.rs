//! Which utterances of a corpus are evaluated.

use anyhow::{Context, Result, bail};
use ser_host::corpus::split::{Part, Protocol, Split};
use ser_host::corpus::synth;
use ser_host::corpus::{Corpus, Utterance};
use ser_host::evaluation::interval::Unit;

/// The utterances to evaluate.
#[derive(Debug)]
pub struct Selection<'c> {
    /// At least one, if the corpus has one.
    pub utterances: Vec<&'c Utterance>,
    /// A description.
    pub name: String,
    /// What an interval counts as one.
    pub unit: Unit,
}

impl<'c> Selection<'c> {
    /// The whole corpus.
    pub fn all(corpus: &'c Corpus) -> Self {
        let name = format!("all of {}", corpus.name);
        let known = corpus.utterances.iter().all(|utterance| !utterance.speaker.is_empty());
        let unit = if known { Unit::Speaker } else { Unit::Utterance };
        Self { utterances: corpus.utterances.iter().collect(), name, unit }
    }

    /// A part of a split; without one, of fold 0 of the protocol `usual`, or of the one that fits the corpus.
    ///
    /// # Errors
    ///
    /// If the split cannot be made, is of another corpus, or has no such part.
    pub fn part(corpus: &'c Corpus, split: Option<Split>, usual: Option<Protocol>, part: Part) -> Result<Self> {
        let split = match split {
            Some(split) => split,
            None => {
                let (protocol, reason) = usual.map_or_else(|| Protocol::fitting(corpus, None), |usual| (usual, None));
                reason.iter().for_each(|reason| eprintln!("{reason}"));
                Split::new(corpus, protocol, None, 0, synth::DEFAULT_SEED)
                    .context("cannot split the corpus: give --split FILE, or --all to evaluate all of it")?
            }
        };
        let utterances = split.part(corpus, part)?;
        let part = format!("{part:?}").to_lowercase();
        if utterances.is_empty() {
            bail!("the {part} part of the split has no utterance");
        }
        let name = format!(
            "{part} part of {}, protocol {}, fold {} of {}, seed {}",
            corpus.name, split.protocol, split.fold, split.folds, split.seed
        );
        Ok(Self { utterances, name, unit: Unit::of(split.protocol) })
    }
}
