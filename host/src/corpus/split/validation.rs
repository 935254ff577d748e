//! Takes a validation part out of a training part.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::deal::stratified_part;
use super::{Part, Protocol, Split, SplitEntry};

/// Whole speakers or corpora are held out only if this many are left to train on.
const LEAST_LEFT: usize = 2;

/// What is held out as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Sentence,
    Speaker,
    Corpus,
}

impl Whole {
    /// Which one an utterance belongs to; empty if nothing tells.
    fn name(self, entry: &SplitEntry) -> &str {
        match self {
            Self::Sentence => &entry.sentence,
            Self::Speaker => &entry.speaker,
            Self::Corpus => &entry.corpus,
        }
    }

    fn many(self) -> &'static str {
        match self {
            Self::Sentence => "sentences",
            Self::Speaker => "speakers",
            Self::Corpus => "corpora",
        }
    }
}

impl Split {
    /// Moves about `fraction` of the training part to the validation part. Validation and training then share what test
    /// and training share: [`Protocol::Random`] moves utterances of each speaker and emotion, [`Protocol::Sentence`] whole
    /// sentences, [`Protocol::Speaker`] whole speakers, [`Protocol::Corpus`] whole corpora. Of a published fold whole
    /// speakers move if test and training share none.
    ///
    /// Where fewer than two corpora would be left to train on, speakers move; where fewer than two speakers would be
    /// left or not all are known, sentences; where not all sentences are known, utterances. Each class gives its share.
    /// At least one moves. The choice follows from the split's seed. If it is not what the protocol asks for, the text that
    /// is returned says so.
    ///
    /// # Errors
    ///
    /// If `fraction` is not between 0 and 1, if there is a validation part already, or if training would lose all
    /// sentences or all utterances of a class. The split then stays as it was.
    pub fn hold_out_validation(&mut self, fraction: f64) -> Result<Option<String>> {
        ensure!(fraction > 0.0 && fraction < 1.0, "validation fraction must be between 0 and 1, got {fraction}");
        ensure!(
            self.utterances.iter().all(|entry| entry.part != Part::Validation),
            "the split has a validation part already"
        );
        let wholes: &[Whole] = match self.protocol {
            Protocol::Random => &[],
            Protocol::Sentence => &[Whole::Sentence],
            Protocol::Published if self.shares_speakers() => &[],
            Protocol::Speaker | Protocol::Published => &[Whole::Speaker, Whole::Sentence],
            Protocol::Corpus => &[Whole::Corpus, Whole::Speaker, Whole::Sentence],
        };
        let mut held_out = None;
        for whole in wholes {
            if let Some(entries) = self.wholes_to_hold_out(*whole, fraction)? {
                held_out = Some((*whole, entries));
                break;
            }
        }
        let found = held_out.as_ref().map(|(whole, _)| *whole);
        let remark = wholes.first().filter(|wanted| found != Some(**wanted)).map(|wanted| {
            format!(
                "the training part has too few {}, or some are not known: {} are held out for validation",
                wanted.many(),
                found.map_or("recordings of its speakers", Whole::many)
            )
        });
        let held_out = held_out.map_or_else(|| self.strata_to_hold_out(fraction), |(_, entries)| entries);
        let mut split = self.clone();
        for index in held_out {
            split.utterances[index].part = Part::Validation;
        }
        split.check_training_classes()?;
        *self = split;
        Ok(remark)
    }

    /// Whether a speaker is in training and test, or some speaker is not known.
    fn shares_speakers(&self) -> bool {
        let of = |part| -> BTreeSet<&str> {
            let entries = self.utterances.iter().filter(|entry| entry.part == part);
            entries.map(|entry| entry.speaker.as_str()).collect()
        };
        let (training, test) = (of(Part::Train), of(Part::Test));
        training.contains("") || test.contains("") || !training.is_disjoint(&test)
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

    /// The training utterances of about `fraction` of the sentences, speakers or corpora, at least of one. None if an
    /// utterance does not tell, or fewer than two speakers or corpora would be left.
    fn wholes_to_hold_out(&self, whole: Whole, fraction: f64) -> Result<Option<Vec<usize>>> {
        let training = self.utterances.iter().filter(|entry| entry.part == Part::Train);
        let mut names: Vec<&str> =
            training.map(|entry| whole.name(entry)).collect::<BTreeSet<_>>().into_iter().collect();
        let held_out = ((names.len() as f64 * fraction).round() as usize).max(1);
        if names.contains(&"") || (whole != Whole::Sentence && names.len() < held_out + LEAST_LEFT) {
            return Ok(None);
        }
        ensure!(
            held_out < names.len(),
            "a validation part of {held_out} of {} sentences leaves nothing to train on",
            names.len()
        );
        names.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        let places: BTreeMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
        let place = |entry: &SplitEntry| places.get(whole.name(entry)).copied().filter(|_| entry.part == Part::Train);
        let mut groups = vec![vec![0; self.labels.len()]; names.len()];
        for entry in &self.utterances {
            if let (Some(place), Some(class)) = (place(entry), self.labels.iter().position(|l| *l == entry.emotion)) {
                groups[place][class] += 1;
            }
        }
        let held_out: BTreeSet<usize> = stratified_part(&groups, held_out).into_iter().collect();
        let moves = |entry: &SplitEntry| place(entry).is_some_and(|place| held_out.contains(&place));
        Ok(Some(self.utterances.iter().enumerate().filter(|(_, entry)| moves(entry)).map(|(index, _)| index).collect()))
    }
}
