//! The figures of one model by corpus and by speaker.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::corpus::Utterance;
use crate::evaluation::interval::Answer;
use crate::evaluation::metrics::Confusion;
use crate::shares::points;

/// Figures of each corpus and of each speaker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Breakdown {
    /// By corpus; empty if there is one alone.
    pub corpora: Vec<OfGroup>,
    /// By speaker; empty if none is known or there is one alone.
    pub speakers: Vec<OfGroup>,
}

/// Figures over the utterances of a corpus or speaker; the UAR is over the classes that it has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfGroup {
    /// Name of the corpus or speaker.
    pub name: String,
    /// Utterances that were recognised, rightly, wrongly or not at all.
    pub utterances: u64,
    /// Share of right answers.
    pub war: f64,
    /// Mean recall of the classes.
    pub uar: f64,
}

impl Breakdown {
    /// The figures of a model with these labels over the answers to utterances.
    pub fn new<'a>(labels: &[String], answers: impl Iterator<Item = (&'a Utterance, Answer<'a>)> + Clone) -> Self {
        let by = |name: fn(&Utterance) -> &str| {
            of_groups(labels, answers.clone().map(|(utterance, answer)| (name(utterance), answer)))
        };
        Self { corpora: by(|utterance| &utterance.corpus), speakers: by(|utterance| &utterance.speaker) }
    }
}

/// The figures of each group that has a name, if there are more than one.
fn of_groups<'a>(labels: &[String], answers: impl Iterator<Item = (&'a str, Answer<'a>)>) -> Vec<OfGroup> {
    let mut groups: BTreeMap<&str, Confusion> = BTreeMap::new();
    for (group, answer) in answers.filter(|(group, _)| !group.is_empty()) {
        let confusion = groups.entry(group).or_insert_with(|| Confusion::new(labels.iter().cloned()));
        confusion.add(answer.truth, answer.label);
    }
    if groups.len() < 2 {
        return Vec::new();
    }
    let figures = |(name, confusion): (&str, Confusion)| OfGroup {
        name: name.to_owned(),
        utterances: confusion.total(),
        war: confusion.war(),
        uar: confusion.uar(),
    };
    groups.into_iter().map(figures).collect()
}

/// A table of the corpora and one of the speakers, each behind an empty line; nothing where there are none.
impl fmt::Display for Breakdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, groups) in [("corpus", &self.corpora), ("speaker", &self.speakers)] {
            let width = groups.iter().map(|group| group.name.chars().count()).max().unwrap_or(0).max(title.len());
            if !groups.is_empty() {
                writeln!(f, "\n{title:width$} {:>10} {:>7} {:>7}", "utterances", "UAR, %", "WAR, %")?;
            }
            for OfGroup { name, utterances, war, uar } in groups {
                writeln!(f, "{name:width$} {utterances:>10} {:>7} {:>7}", points(*uar), points(*war))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;
    use crate::corpus::synth::VOICES;

    #[test]
    fn each_speaker_is_judged_by_the_classes_that_it_has() {
        let corpus = Corpus::synthetic(1);
        let of = |speaker: usize| {
            let name = VOICES[speaker];
            corpus.utterances.iter().filter(move |utterance| utterance.speaker == name).take(3)
        };
        // The first speaker is always heard rightly, the second never.
        let answer = |utterance, label| (utterance, Answer { unit: "", truth: 2, label });
        let answers: Vec<_> =
            of(0).map(|utterance| answer(utterance, Some(2))).chain(of(1).map(|of| answer(of, None))).collect();
        let breakdown = Breakdown::new(corpus.labels.names(), answers.into_iter());
        assert!(breakdown.corpora.is_empty());
        let figures: Vec<_> = breakdown.speakers.iter().map(|of| (of.utterances, of.uar, of.war)).collect();
        assert_eq!(figures.len(), 2);
        assert!(figures.contains(&(3, 1.0, 1.0)) && figures.contains(&(3, 0.0, 0.0)), "{figures:?}");
        assert_eq!(breakdown.to_string().lines().count(), 4);
    }
}
