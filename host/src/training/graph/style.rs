//! How a fresh graph is made.

use crate::training::recipe::InitialWeights;

/// How a fresh graph is made, beyond the description of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether batch norm follows convolutions.
    pub batch_norm: bool,
    /// How weights are drawn.
    pub initial_weights: InitialWeights,
}

impl Default for Style {
    fn default() -> Self {
        Self { batch_norm: true, initial_weights: InitialWeights::default() }
    }
}
