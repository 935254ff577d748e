//! Headline figures with their intervals.
//!
//! With several seeds an utterance is answered several times. Its answers are no independent evidence: intervals are
//! those of the number of different utterances, and the bootstrap draws utterances with all their answers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::gather::Run;
use crate::metrics::{Confusion, wilson_95};
use crate::predictions::{leading, probabilities};
use crate::statistics::bootstrap_95_of;

/// A share with its 95 % interval, all in 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The share.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What one model recognises.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFigures {
    /// Which class was taken for which, over all runs.
    pub confusion: Confusion,
    /// Recall weighted by class sizes, with Wilson's interval.
    pub war: Figure,
    /// Recall, all classes weighing alike, with a bootstrap interval.
    pub uar: Figure,
    /// Mean F1 of the classes, with a bootstrap interval.
    pub macro_f1: Figure,
    /// Recall of each class with Wilson's interval; None of a class without utterances.
    pub recalls: Vec<Option<Figure>>,
}

/// One answer: the utterance, the true class and the one said.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The utterance.
    pub id: &'a str,
    /// Index of the true label.
    pub truth: usize,
    /// Index of the label said; None if nothing was heard.
    pub said: Option<usize>,
}

impl ModelFigures {
    /// Figures of answers.
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

/// How near the int8 core is to the float model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Answers compared.
    pub answers: usize,
    /// Share of them with the same label, or none from both.
    pub share: f64,
    /// Largest difference of a probability, at the device's temperature.
    pub largest_difference: f64,
}

impl Agreement {
    /// Compares the answers of runs.
    pub fn of(runs: &[Run]) -> Self {
        let (mut answers, mut agreeing, mut largest) = (0, 0, 0.0_f64);
        for run in runs {
            for prediction in &run.predictions.utterances {
                answers += 1;
                let (int8, float) = (prediction.int8.as_deref(), prediction.float.as_deref());
                agreeing += usize::from(int8.and_then(leading) == float.and_then(leading));
                if let (Some(int8), Some(float)) = (int8, float) {
                    let (int8, float) =
                        (probabilities(int8, run.temperature()), probabilities(float, run.temperature()));
                    largest = int8
                        .iter()
                        .zip(&float)
                        .fold(largest, |largest, (int8, float)| largest.max((int8 - float).abs()));
                }
            }
        }
        Self { answers, share: agreeing as f64 / answers.max(1) as f64, largest_difference: largest }
    }
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
