//! Utterances in the form that the graph takes: padded to one length.

use crate::features::rows::Rows;

/// Utterances of equal padded length, ready for the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Normalised features, `[utterance][rows][band][channel]`.
    pub values: Vec<f32>,
    /// Rows of every utterance, including padding.
    pub rows: usize,
    /// The number of rows of each utterance that count, at most `rows`.
    pub valid_rows: Vec<usize>,
}

impl Batch {
    /// Pads utterances, none of them empty, to a common length: the longest, rounded up to whole steps behind the
    /// convolutions. An utterance is padded with its own rows from the start, so batch norm's statistics are statistics
    /// of speech.
    pub fn new(utterances: &[Rows], step_rows: StepRows) -> Self {
        let longest = utterances.iter().map(Rows::len).max().unwrap_or(0);
        let rows = step_rows.round_up(longest);
        let values = utterances.iter().flat_map(|u| u.values.iter().copied().cycle().take(rows * u.bands)).collect();
        Self { values, rows, valid_rows: utterances.iter().map(Rows::len).collect() }
    }

    /// The utterances with their rows in reverse order, padded from their new start.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let bands = self.values.len() / (self.rows * self.valid_rows.len()).max(1);
        let of_utterance = self.values.chunks_exact((self.rows * bands).max(1)).zip(&self.valid_rows);
        let reversed = of_utterance.flat_map(|(values, valid)| {
            let backwards = values.chunks_exact(bands.max(1)).take(*valid).rev().cycle();
            backwards.take(self.rows).flatten().copied().collect::<Vec<f32>>()
        });
        Self { values: reversed.collect(), rows: self.rows, valid_rows: self.valid_rows.clone() }
    }
}

/// How many rows make steps behind the convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRows {
    /// Rows that make the first step; for images all rows.
    pub first: usize,
    /// Rows that make each further step.
    pub further: usize,
}

impl StepRows {
    /// The least number of rows that is at least `rows` and makes whole steps, at least one.
    pub fn round_up(self, rows: usize) -> usize {
        self.first + rows.saturating_sub(self.first).next_multiple_of(self.further.max(1))
    }
}
