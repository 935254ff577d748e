//! What one model recognises: confusion matrix, WAR, UAR, macro-F1 and recalls, with 95 % intervals.
//!
//! With several seeds the same utterance has several answers, which are not independent evidence. So the width of
//! Wilson's interval follows from the number of distinct utterances, and the bootstrap draws utterances together with
//! all their answers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::evaluation::metrics::{Confusion, wilson_95};
use crate::evaluation::statistics::bootstrap_95_of;

/// A share with its 95 % interval, all in 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The share.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// What one model recognises.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFigures {
    /// Counts of answers by true class, over all runs.
    pub confusion: Confusion,
    /// Share of utterances that are recognised (weighted average recall), with Wilson's interval.
    pub war: Figure,
    /// Mean recall of the classes (unweighted average recall), with a bootstrap interval.
    pub uar: Figure,
    /// Mean F1 of the classes, with a bootstrap interval.
    pub macro_f1: Figure,
    /// Recall of each class with Wilson's interval; None for a class without utterances.
    pub recalls: Vec<Option<Figure>>,
}

/// One answer to one utterance.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Id of the utterance.
    pub id: &'a str,
    /// Index of the true label.
    pub truth: usize,
    /// Index of the label of the answer; None without an answer.
    pub said: Option<usize>,
}

impl ModelFigures {
    /// The figures of all answers of one model.
    pub fn new(labels: &[String], answers: &[Said<'_>]) -> Self {
        let confusion = count(labels, answers);
        let mut utterances: BTreeMap<&str, Vec<Said<'_>>> = BTreeMap::new();
        let mut of_class = vec![BTreeSet::new(); labels.len()];
        for answer in answers {
            utterances.entry(answer.id).or_default().push(*answer);
            if let Some(ids) = of_class.get_mut(answer.truth) {
                ids.insert(answer.id);
            }
        }
        let interval = |value: f64, utterances: usize| {
            let (low, high) = wilson_95(value, utterances as f64);
            Figure { value, low, high }
        };
        let recalls = confusion
            .recalls()
            .into_iter()
            .zip(&of_class)
            .map(|(recall, ids)| recall.map(|recall| interval(recall, ids.len())));
        let recalls = recalls.collect();
        let war = interval(confusion.war(), utterances.len());
        let utterances: Vec<Vec<Said<'_>>> = utterances.into_values().collect();
        let intervals = bootstrap_95_of(&utterances, |drawn| {
            let confusion = count(labels, drawn.iter().copied().flatten());
            Some([confusion.uar(), confusion.macro_f1()])
        });
        let [uar, macro_f1] = intervals.unwrap_or_default().map(|(low, high)| Figure { value: 0.0, low, high });
        Self {
            war,
            uar: Figure { value: confusion.uar(), ..uar },
            macro_f1: Figure { value: confusion.macro_f1(), ..macro_f1 },
            recalls,
            confusion,
        }
    }
}

fn count<'a>(labels: &[String], answers: impl IntoIterator<Item = &'a Said<'a>>) -> Confusion {
    let mut confusion = Confusion::new(labels.iter().cloned());
    for answer in answers {
        confusion.add(answer.truth, answer.said);
    }
    confusion
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(copies: usize) -> Vec<(String, usize, Option<usize>)> {
        let one = (0..40).map(|n| {
            (format!("u{n}"), n % 2, if n % 8 == 0 { None } else { Some(usize::from(n % 2 == 1 || n % 6 == 0)) })
        });
        let one: Vec<_> = one.collect();
        one.iter().cloned().cycle().take(copies * one.len()).collect()
    }

    fn figures(answers: &[(String, usize, Option<usize>)]) -> ModelFigures {
        let said: Vec<Said<'_>> =
            answers.iter().map(|(id, truth, said)| Said { id, truth: *truth, said: *said }).collect();
        ModelFigures::new(&["sad".to_owned(), "happy".to_owned()], &said)
    }

    #[test]
    fn intervals_hold_their_figures_and_are_the_same_each_time() {
        let once = figures(&answers(1));
        for figure in [once.war, once.uar, once.macro_f1].into_iter().chain(once.recalls.iter().copied().flatten()) {
            assert!(
                0.0 <= figure.low && figure.low <= figure.value && figure.value <= figure.high && figure.high <= 1.0,
                "{figure:?}"
            );
        }
        assert!(once.uar.high - once.uar.low > 0.05);
        assert_eq!(figures(&answers(1)).uar, once.uar);
    }

    #[test]
    fn answering_every_utterance_again_makes_no_figure_surer() {
        let (once, thrice) = (figures(&answers(1)), figures(&answers(3)));
        assert_eq!(thrice.confusion.total(), 3 * once.confusion.total());
        assert_eq!((thrice.war, thrice.uar, thrice.recalls), (once.war, once.uar, once.recalls));
    }
}
