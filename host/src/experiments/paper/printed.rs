//! The figures that the paper prints.

use crate::evaluation::metrics::Confusion;

/// Figures that the paper reports; shares are 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Printed {
    /// Order of its classes.
    pub labels: [&'static str; 6],
    /// Test utterances of each output (row) and target (column).
    pub confusion: [[u64; 6]; 6],
    /// Accuracies, each with its place in the paper.
    pub accuracies: [(&'static str, f64); 3],
    /// Systems that the paper compares with, each with its accuracy.
    pub compared: [(&'static str, f64); 2],
    /// Parameters of its network, from its table of layers.
    pub parameters: usize,
}

/// The paper's figures.
pub const PRINTED: Printed = Printed {
    labels: ["angry", "fear", "happy", "neutral", "sad", "surprise"],
    confusion: [
        [40, 0, 0, 0, 0, 0],
        [0, 31, 7, 0, 0, 0],
        [0, 9, 25, 0, 6, 0],
        [0, 0, 0, 40, 0, 0],
        [0, 0, 1, 0, 11, 0],
        [0, 0, 7, 0, 23, 40],
    ],
    accuracies: [("confusion matrix", 0.779), ("table of comparison", 0.789), ("introduction", 0.79)],
    compared: [("HMM", 0.654), ("RNN", 0.659)],
    parameters: 4_540_642,
};

impl Printed {
    /// The printed matrix in our layout, where a row is a true class.
    pub fn confusion(&self) -> Confusion {
        let mut confusion = Confusion::new(self.labels);
        for (output, targets) in self.confusion.iter().enumerate() {
            for (target, count) in targets.iter().enumerate() {
                confusion.counts[target][output] = *count;
            }
        }
        confusion
    }

    /// The printed accuracy of the paper's network, from the table of comparison.
    pub fn accuracy(&self) -> f64 {
        let [_, (_, accuracy), _] = self.accuracies;
        accuracy
    }
}
