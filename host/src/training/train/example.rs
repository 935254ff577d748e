//! The input of a training.

use crate::features::kept::Kept;

/// One training utterance.
#[derive(Clone, Debug)]
pub struct Example {
    /// Log-mel rows (dBFS), one for each speed of the recipe. None may be empty.
    pub speeds: Vec<Kept>,
    /// Index of its class.
    pub class: usize,
    /// Who speaks; empty if unknown.
    pub speaker: String,
    /// What is said; empty if unknown.
    pub sentence: String,
}
