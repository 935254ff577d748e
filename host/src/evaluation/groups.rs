//! Figures of the answers to one corpus, or to one speaker.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::evaluation::interval::{Answer, Interval, Intervals};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::predictions::Prediction;
use crate::model::logits::leading;

/// The figures of both models over the answers to one corpus or one speaker; shares are 0 to 1. The UAR is over the
/// classes that it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Name of the corpus or speaker.
    #[serde(alias = "speaker")]
    pub name: String,
    /// Number of answers: one for each utterance and seed.
    pub answers: u64,
    /// WAR of the core.
    pub int8_war: f64,
    /// WAR of the float model.
    pub float_war: f64,
    /// UAR of the core.
    #[serde(default)]
    pub int8_uar: f64,
    /// UAR of the float model.
    #[serde(default)]
    pub float_uar: f64,
    /// UAR of the core if its answer is the likeliest among the classes that the group has, as that of a network which
    /// was trained on one corpus alone.
    #[serde(default)]
    pub own_uar: f64,
    /// 95 % interval of the UAR of the core; None for a speaker, who is one unit.
    #[serde(default)]
    pub uar_interval: Interval,
}

/// The figures of each group, by name. An answer comes with the names of its group and of its unit.
pub fn groups<'a>(
    labels: &[String],
    answers: impl IntoIterator<Item = (&'a str, &'a str, &'a Prediction)>,
) -> Vec<GroupReport> {
    let mut groups: BTreeMap<&str, Vec<(&str, &Prediction)>> = BTreeMap::new();
    for (group, unit, prediction) in answers {
        groups.entry(group).or_default().push((unit, prediction));
    }
    let report = |(name, answers): (&str, Vec<(&'a str, &'a Prediction)>)| {
        let own: BTreeSet<usize> = answers.iter().map(|(_, prediction)| prediction.truth).collect();
        let among_own = answers.iter().map(|&(unit, prediction)| Answer {
            unit,
            truth: prediction.truth,
            label: prediction
                .int8
                .as_ref()
                .and_then(|values| own.iter().copied().max_by(|a, b| values[*a].total_cmp(&values[*b]))),
        });
        let among_own: Vec<Answer<'_>> = among_own.collect();
        let said = |of: fn(&Prediction) -> Option<&Vec<f32>>| -> Vec<Answer<'_>> {
            let answers = answers.iter().map(|&(unit, prediction)| Answer {
                unit,
                truth: prediction.truth,
                label: of(prediction).and_then(|values| leading(values)),
            });
            answers.collect()
        };
        let confusion = |answers: &[Answer<'_>]| {
            let mut confusion = Confusion::new(labels.iter().cloned());
            answers.iter().for_each(|answer| confusion.add(answer.truth, answer.label));
            confusion
        };
        let int8 = said(|prediction| prediction.int8.as_ref());
        let float = confusion(&said(|prediction| prediction.float.as_ref()));
        let (of_int8, Intervals { uar: uar_interval, .. }) = (confusion(&int8), Intervals::new(labels, int8));
        GroupReport {
            name: name.to_owned(),
            answers: of_int8.total(),
            int8_war: of_int8.war(),
            float_war: float.war(),
            int8_uar: of_int8.uar(),
            float_uar: float.uar(),
            own_uar: confusion(&among_own).uar(),
            uar_interval,
        }
    };
    groups.into_iter().map(report).collect()
}

/// The figures of each corpus; none if there is one alone.
pub fn corpora<'a>(
    labels: &[String],
    answers: impl IntoIterator<Item = (&'a str, &'a Prediction)>,
) -> Vec<GroupReport> {
    let of_corpora = groups(labels, answers.into_iter().map(|(unit, answer)| (answer.corpus.as_str(), unit, answer)));
    if of_corpora.len() > 1 { of_corpora } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the other classes, those with a higher index are likelier.
    fn answer(corpus: &str, truth: usize, int8: usize) -> Prediction {
        let says = |label: usize| {
            Some((0..3u8).map(|of| if usize::from(of) == label { -0.1 } else { f32::from(of) - 5.0 }).collect())
        };
        Prediction { corpus: corpus.to_owned(), truth, int8: says(int8), float: says(truth), ..Prediction::default() }
    }

    #[test]
    fn a_corpus_is_judged_by_the_classes_that_it_has() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        let mut answers: Vec<Prediction> = (0..9).map(|_| answer("two", 0, 0)).collect();
        answers.extend([answer("two", 1, 2), answer("three", 2, 2)]);
        let units: Vec<String> = (0..answers.len()).map(|unit| unit.to_string()).collect();
        let of = |answers: &[Prediction]| corpora(&labels, units.iter().map(String::as_str).zip(answers));
        let reports = of(&answers);
        let [three, two] = &reports[..] else { panic!("{reports:?}") };
        assert_eq!((three.name.as_str(), three.int8_uar, three.answers), ("three", 1.0, 1));
        assert_eq!((two.int8_war, two.int8_uar, two.float_uar), (0.9, 0.5, 1.0));
        // Class c is none of corpus two; without it the answer to b is b.
        assert!(two.uar_interval.is_some() && two.own_uar == 1.0 && three.own_uar == 1.0);
        assert!(of(&answers[..9]).is_empty());
    }
}
