//! Takes a validation part out of a training part.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::deal::stratified_part;
use super::{MIN_TRAINING_SPEAKERS, Part, Protocol, Split, SplitEntry};

impl Split {
    /// Moves about `fraction` of the training part to the validation part. Validation and training then share what test
    /// and training share.
    ///
    /// [`Protocol::Random`] moves utterances of each speaker and emotion, [`Protocol::Sentence`] whole sentences.
    /// [`Protocol::Speaker`] moves whole speakers if at least 3 speakers are left to train on, and otherwise whole
    /// sentences, or utterances where no sentence is known. Each class gives its share. At least one utterance, sentence
    /// or speaker moves. The choice follows from the split's seed.
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
            Protocol::Sentence | Protocol::Speaker => match self.names_to_hold_out(fraction)? {
                Some(held_out) => held_out,
                None => self.strata_to_hold_out(fraction),
            },
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
    /// speaker. None if an utterance has no sentence.
    fn names_to_hold_out(&self, fraction: f64) -> Result<Option<Vec<usize>>> {
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
        if names.iter().any(String::is_empty) {
            return Ok(None);
        }
        let held_out = count(&names);
        ensure!(
            held_out < names.len(),
            "a validation part of {held_out} of {} sentences leaves nothing to train on",
            names.len()
        );
        names.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        let places: BTreeMap<&str, usize> =
            names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let place =
            |entry: &SplitEntry| places.get(name(entry).as_str()).copied().filter(|_| entry.part == Part::Train);
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
