//! Figures of merit of a classifier, from its confusion matrix.
//!
//! Let `n[t][p]` be the number of utterances of class `t` taken for class `p`; an utterance without an answer counts as
//! wrong. Then recall of `t` = `n[t][t] / Σ_p n[t][p]`, WAR = `Σ_t n[t][t] / Σ n` (accuracy), UAR = mean of the
//! recalls. The sums include the utterances without an answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::shares::percent;
/// A confusion matrix: how often each class was taken for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The names of the classes.
    pub labels: Vec<String>,
    /// Number of utterances; the row is the true class, the column the predicted one.
    pub counts: Vec<Vec<u64>>,
    /// Number of utterances of each true class that got no prediction. They count as wrong.
    pub unanswered: Vec<u64>,
}

impl Confusion {
    /// An empty matrix for the given classes.
    pub fn new<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        let labels: Vec<String> = labels.into_iter().map(Into::into).collect();
        let classes = labels.len();
        Self { labels, counts: vec![vec![0; classes]; classes], unanswered: vec![0; classes] }
    }

    /// Counts one utterance of class `truth` that was taken for class `prediction`; None means that it got no answer.
    ///
    /// # Panics
    ///
    /// If an index is not smaller than the number of labels.
    pub fn add(&mut self, truth: usize, prediction: Option<usize>) {
        self.add_many(truth, prediction, 1);
    }

    /// The same for `count` utterances.
    ///
    /// # Panics
    ///
    /// If an index is not smaller than the number of labels.
    pub fn add_many(&mut self, truth: usize, prediction: Option<usize>, count: u64) {
        match prediction {
            Some(prediction) => self.counts[truth][prediction] += count,
            None => self.unanswered[truth] += count,
        }
    }

    /// Forgets all utterances.
    pub fn clear(&mut self) {
        self.counts.iter_mut().flatten().chain(&mut self.unanswered).for_each(|count| *count = 0);
    }

    /// Number of utterances.
    pub fn total(&self) -> u64 {
        (0..self.labels.len()).map(|class| self.support(class)).sum()
    }

    /// Number of utterances with the right prediction.
    pub fn correct(&self) -> u64 {
        (0..self.labels.len()).map(|class| self.counts[class][class]).sum()
    }

    /// Weighted average recall, which is the accuracy, in 0 to 1; 0 if there is no utterance.
    pub fn war(&self) -> f64 {
        ratio(self.correct(), self.total()).unwrap_or(0.0)
    }

    /// Unweighted average recall, in 0 to 1: the mean over the classes that have an utterance; 0 if there is none.
    pub fn uar(&self) -> f64 {
        mean(self.recalls().into_iter().flatten())
    }

    /// Recall of each class, in 0 to 1; `None` for a class without utterances.
    pub fn recalls(&self) -> Vec<Option<f64>> {
        (0..self.labels.len()).map(|class| ratio(self.counts[class][class], self.support(class))).collect()
    }

    /// Precision of each class, in 0 to 1; `None` for a class that was never predicted.
    pub fn precisions(&self) -> Vec<Option<f64>> {
        (0..self.labels.len()).map(|class| ratio(self.counts[class][class], self.predicted(class))).collect()
    }

    /// Mean of F1 = `2 tp / (2 tp + fp + fn)` over the classes that have an utterance, in 0 to 1; 0 if there is no
    /// utterance.
    pub fn macro_f1(&self) -> f64 {
        let classes = (0..self.labels.len()).filter(|&class| self.support(class) > 0);
        mean(
            classes
                .filter_map(|class| ratio(2 * self.counts[class][class], self.support(class) + self.predicted(class))),
        )
    }

    /// Number of utterances whose true class is `class`.
    fn support(&self, class: usize) -> u64 {
        self.counts[class].iter().sum::<u64>() + self.unanswered[class]
    }

    /// Number of utterances taken for `class`.
    fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }
}

/// Shows the matrix with the recall of each class, and below it WAR, UAR and macro-F1.
impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(8);
        let unanswered = self.unanswered.iter().any(|&n| n > 0);
        write!(f, "{:>width$}", "true")?;
        for label in &self.labels {
            write!(f, " {label:>width$}")?;
        }
        if unanswered {
            write!(f, " {:>width$}", "none")?;
        }
        writeln!(f, " {:>width$}", "recall")?;
        for ((label, row), (&none, recall)) in
            self.labels.iter().zip(&self.counts).zip(self.unanswered.iter().zip(self.recalls()))
        {
            write!(f, "{label:>width$}")?;
            for count in row {
                write!(f, " {count:>width$}")?;
            }
            if unanswered {
                write!(f, " {none:>width$}")?;
            }
            match recall {
                Some(recall) => writeln!(f, " {:>width$}", percent(recall))?,
                None => writeln!(f, " {:>width$}", "-")?,
            }
        }
        write!(
            f,
            "UAR {}, WAR {}, macro-F1 {}, {} utterances",
            percent(self.uar()),
            percent(self.war()),
            percent(self.macro_f1()),
            self.total()
        )
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```text
    ///      a  b  c  none
    /// a    6  2  0   2
    /// b    1  3  0   0
    /// c    no utterance
    /// ```
    fn example() -> Confusion {
        let mut confusion = Confusion::new(["a", "b", "c"]);
        for (truth, prediction, count) in
            [(0, Some(0), 6), (0, Some(1), 2), (0, None, 2), (1, Some(0), 1), (1, Some(1), 3)]
        {
            (0..count).for_each(|_| confusion.add(truth, prediction));
        }
        confusion
    }

    fn assert_close(value: f64, wanted: f64) {
        assert!((value - wanted).abs() < 1e-4, "{value}, wanted {wanted}");
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let confusion = example();
        assert_eq!(confusion.total(), 14);
        assert_eq!(confusion.correct(), 9);
        assert_close(confusion.war(), 9.0 / 14.0);
        assert_eq!(confusion.recalls(), [Some(0.6), Some(0.75), None]);
        assert_close(confusion.uar(), 0.675);
        assert_eq!(confusion.precisions(), [Some(6.0 / 7.0), Some(0.6), None]);
        // F1 of a: 12 / (10 + 7), of b: 6 / (4 + 5).
        assert_close(confusion.macro_f1(), (12.0 / 17.0 + 6.0 / 9.0) / 2.0);
    }

    #[test]
    fn a_matrix_without_utterances_has_finite_figures() {
        let confusion = Confusion::new(["a", "b"]);
        assert_eq!((confusion.war(), confusion.uar(), confusion.macro_f1()), (0.0, 0.0, 0.0));
    }

    #[test]
    fn the_table_shows_every_class_with_its_recall() {
        let table = example().to_string();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5, "{table}");
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["a", "6", "2", "0", "2", "60.0", "%"]);
        assert_eq!(lines[3].split_whitespace().collect::<Vec<_>>(), ["c", "0", "0", "0", "0", "-"]);
        assert!(lines[4].contains("WAR 64.3 %") && lines[4].contains("UAR 67.5 %"), "{table}");
    }
}
