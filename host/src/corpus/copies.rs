//! Recordings that are copies of each other: one performance, cut, scaled or sampled differently.
//!
//! A copy on the other side of a split makes a test easier than it should be. Copies under two labels make it harder:
//! no classifier can be right about both, unless it looks at how they were cut.

mod correlation;
mod spectra;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Corpus, Utterance};
use crate::corpus::audio::SAMPLE_RATE_HZ;
use crate::corpus::split::Protocol;
use crate::files::write_json;
use crate::interrupt::Stop;
use crate::progress::Progress;
pub(super) use correlation::Voice;
use correlation::{Correlator, Fingerprints, LEAST_LIKENESS};
use spectra::Spectra;

/// Recordings with a correlation of at least this are copies. In CASIA, different recordings correlate by at most 0.6
/// and copies by at least 0.99.
const LEAST_CORRELATION: f32 = 0.9;

/// Recordings that are copies of each other, directly or through another copy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Copies {
    /// Whether they have different labels.
    pub labels_differ: bool,
    /// At least two, sorted by id.
    pub recordings: Vec<Recording>,
    /// The pairs that were found to be copies.
    pub pairs: Vec<Pair>,
}

/// A recording that has a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// [`Utterance::id`].
    pub id: String,
    /// [`Utterance::corpus`]; empty in files that were written when there was one alone.
    #[serde(default)]
    pub corpus: String,
    /// Empty if the corpus does not say.
    pub speaker: String,
    /// Name of the emotion.
    pub emotion: String,
    /// What is said.
    pub sentence: String,
}

/// Two recordings that are copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Id of the one.
    pub first: String,
    /// Id of the other.
    pub second: String,
    /// Peak of their normalised cross-correlation between 60 and 1000 Hz, at least 0.9.
    pub correlation: f32,
    /// How much later the second says the same, ms.
    pub lag_ms: f32,
}

impl Copies {
    /// Finds the copies in a corpus; those with different labels come first. Every recording is compared with every
    /// other, across speakers too, over the first 30 s of each. Recordings that cannot be read, are silent or are
    /// shorter than 0.3 s are left out. None if `stop` was set before the end.
    ///
    /// # Errors
    ///
    /// None that recordings can cause.
    pub fn find(corpus: &Corpus, stop: &Stop) -> Result<Option<Vec<Self>>> {
        let progress = Progress::new("reading", corpus.utterances.len());
        let read = |utterance| -> Result<Option<(&Utterance, Voice)>> {
            if stop.is_asked() {
                return Ok(None);
            }
            let voice = Utterance::samples(utterance, SAMPLE_RATE_HZ)
                .ok()
                .map(|samples| Voice::new(&samples))
                .transpose()?
                .flatten();
            progress.step();
            Ok(voice.map(|voice| (utterance, voice)))
        };
        let read: Vec<_> = corpus.utterances.par_iter().map(read).collect::<Result<_>>()?;
        drop(progress);
        let voices: Vec<_> = read.iter().flatten().map(|(utterance, voice)| (*utterance, voice)).collect();
        Self::among(&voices, stop)
    }

    /// The copies among recordings; None if `stop` was set before the end.
    pub(super) fn among(recordings: &[(&Utterance, &Voice)], stop: &Stop) -> Result<Option<Vec<Self>>> {
        let mut groups = Groups::new(recordings.len());
        let pairs = pairs(&recordings.iter().map(|(_, voice)| *voice).collect::<Vec<_>>(), stop)?;
        if stop.is_asked() {
            return Ok(None);
        }
        pairs.iter().for_each(|pair| groups.join(pair.first, pair.second));
        let mut copies: BTreeMap<usize, Self> = BTreeMap::new();
        let id = |place: usize| recordings.get(place).map(|(utterance, _)| utterance.id.clone()).unwrap_or_default();
        for pair in &pairs {
            copies.entry(groups.of(pair.first)).or_default().pairs.push(Pair {
                first: id(pair.first),
                second: id(pair.second),
                correlation: pair.correlation,
                lag_ms: (1000.0 * pair.lag_s) as f32,
            });
        }
        for (place, (utterance, _)) in recordings.iter().enumerate() {
            let Some(copies) = copies.get_mut(&groups.of(place)) else { continue };
            copies.recordings.push(Recording {
                corpus: utterance.corpus.to_string(),
                id: utterance.id.clone(),
                speaker: utterance.speaker.clone(),
                emotion: utterance.emotion_name().to_owned(),
                sentence: utterance.sentence.clone(),
            });
        }
        let mut copies: Vec<Self> = copies.into_values().collect();
        for copies in &mut copies {
            copies.labels_differ = copies.differ(|recording| &recording.emotion);
        }
        copies.sort_by_key(|copies| !copies.labels_differ);
        Ok(Some(copies))
    }

    fn differ(&self, of: fn(&Recording) -> &String) -> bool {
        self.recordings.iter().map(of).collect::<BTreeSet<_>>().len() > 1
    }

    /// Whether a split by this protocol may have copies on both sides.
    pub fn may_be_divided(&self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Random | Protocol::Published => true,
            Protocol::Corpus => self.differ(|recording| &recording.corpus),
            Protocol::Sentence => self.differ(|recording| &recording.sentence),
            Protocol::Speaker => self.differ(|recording| &recording.speaker),
        }
    }
}

/// The recordings that the corpus has under two labels, by id.
pub fn ambiguous(copies: &[Copies]) -> BTreeSet<String> {
    let of_two_labels = copies.iter().filter(|copies| copies.labels_differ);
    of_two_labels.flat_map(|copies| &copies.recordings).map(|recording| recording.id.clone()).collect()
}

/// Sentences for people: which speakers have recordings under which two labels, and how many.
pub fn conflicts(copies: &[Copies]) -> Vec<String> {
    let mut conflicts: BTreeMap<(String, &str, &str), usize> = BTreeMap::new();
    for copies in copies.iter().filter(|copies| copies.labels_differ) {
        let speakers: BTreeSet<&str> = copies.recordings.iter().map(|recording| recording.speaker.as_str()).collect();
        let speakers: Vec<&str> = speakers.into_iter().filter(|speaker| !speaker.is_empty()).collect();
        let labels: BTreeSet<&str> = copies.recordings.iter().map(|recording| recording.emotion.as_str()).collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        for (place, one) in labels.iter().enumerate() {
            for other in labels.iter().skip(place + 1) {
                *conflicts.entry((speakers.join(" and "), one, other)).or_default() += 1;
            }
        }
    }
    let line = |((speakers, one, other), count): ((String, &str, &str), usize)| {
        let (what, verb) = if count == 1 { ("recording", "is") } else { ("recordings", "are") };
        let of = if speakers.is_empty() { String::new() } else { format!(" of {speakers}") };
        format!("{count} {what}{of} {verb} there both as {one} and as {other}: no classifier can be right about both")
    };
    conflicts.into_iter().map(line).collect()
}

/// Writes copies as JSON.
///
/// # Errors
///
/// If the file cannot be written.
pub fn save(copies: &[Copies], path: &Path) -> Result<()> {
    write_json(path, &copies)
}

/// Reads a file that [`save`] wrote.
///
/// # Errors
///
/// If the file cannot be read, or holds no copies.
pub fn load(path: &Path) -> Result<Vec<Copies>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} holds no copies", path.display()))
}

/// Two copies, by their places among the recordings.
struct Found {
    first: usize,
    second: usize,
    correlation: f32,
    lag_s: f64,
}

/// Recordings that are compared with all others at a time: their spectra stay near the processor.
const BLOCK: usize = 32;

/// Compares every recording with those after it, until `stop` is set.
fn pairs(voices: &[&Voice], stop: &Stop) -> Result<Vec<Found>> {
    let spectra = Spectra::new(voices)?;
    let fingerprints = Fingerprints::new(voices)?;
    let progress = Progress::new("looking for copies", voices.len());
    let memory = || (fingerprints.scratch(), Correlator::new());
    let compare = |(scratch, correlator): &mut (_, Correlator), (block, firsts): (usize, &[&Voice])| {
        let mut found = Vec::new();
        for (second, other) in voices.iter().enumerate().skip(block * BLOCK + 1) {
            if stop.is_asked() {
                break;
            }
            for (first, voice) in (block * BLOCK..second).zip(firsts) {
                if !spectra.may_be_copies(first, second)
                    || fingerprints.likeness(first, second, scratch)? < LEAST_LIKENESS
                {
                    continue;
                }
                let peak = correlator.peak(voice, other)?;
                if peak.correlation >= LEAST_CORRELATION {
                    found.push(Found { first, second, correlation: peak.correlation, lag_s: peak.lag_s });
                }
            }
        }
        firsts.iter().for_each(|_| progress.step());
        found.sort_by_key(|found: &Found| (found.first, found.second));
        Ok(found)
    };
    let found = voices.par_chunks(BLOCK).enumerate().map_init(memory, compare).collect::<Result<Vec<_>>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Which recordings belong together: each points to an earlier one of its group, or to itself.
struct Groups(Vec<usize>);

impl Groups {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    /// The first recording of the group that `place` is in.
    fn of(&self, mut place: usize) -> usize {
        while let Some(&before) = self.0.get(place).filter(|before| **before != place) {
            place = before;
        }
        place
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        if let Some(later) = self.0.get_mut(one.max(other)) {
            *later = one.min(other);
        }
    }
}
