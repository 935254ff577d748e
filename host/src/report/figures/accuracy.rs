//! What one model recognises: confusion matrix, WAR, UAR, macro-F1 and recalls, with 95 % intervals.

use serde::Serialize;

use crate::evaluation::interval::{Answer, Interval, Intervals};
use crate::evaluation::metrics::Confusion;

/// A share, 0 to 1, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The share.
    pub value: f64,
    /// The interval; None if it cannot be known.
    pub interval: Interval,
}

/// What one model recognises.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFigures {
    /// Counts of answers by true class, over all runs.
    pub confusion: Confusion,
    /// Share of utterances that are recognised (weighted average recall).
    pub war: Figure,
    /// Mean recall of the classes (unweighted average recall).
    pub uar: Figure,
    /// Mean F1 of the classes.
    pub macro_f1: Figure,
    /// Recall of each class; None for a class without utterances.
    pub recalls: Vec<Option<Figure>>,
    /// Number of units of the intervals: what the protocol keeps apart.
    pub units: usize,
}

impl ModelFigures {
    /// The figures of all answers of one model.
    pub fn new(labels: &[String], answers: &[Answer<'_>]) -> Self {
        let mut confusion = Confusion::new(labels.iter().cloned());
        answers.iter().for_each(|answer| confusion.add(answer.truth, answer.label));
        let intervals = Intervals::new(labels, answers.iter().copied());
        let recalls = confusion.recalls().into_iter().zip(intervals.recalls);
        Self {
            war: Figure { value: confusion.war(), interval: intervals.war },
            uar: Figure { value: confusion.uar(), interval: intervals.uar },
            macro_f1: Figure { value: confusion.macro_f1(), interval: intervals.macro_f1 },
            recalls: recalls.map(|(value, interval)| Some(Figure { value: value?, interval })).collect(),
            units: intervals.units,
            confusion,
        }
    }
}
