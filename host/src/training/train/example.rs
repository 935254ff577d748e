//! The input of a training.

use crate::features::kept::Kept;

/// One training utterance.
#[derive(Clone, Debug, Default)]
pub struct Example {
    /// Log-mel rows (dBFS), one for each speed of the recipe. None may be empty.
    pub speeds: Vec<Kept>,
    /// Index of its class.
    pub class: usize,
    /// The corpus that it comes from.
    pub corpus: String,
    /// How often it is drawn beside examples of other corpora.
    pub weight: f64,
    /// Who speaks; empty if unknown.
    pub speaker: String,
    /// What is said; empty if unknown.
    pub sentence: String,
}
