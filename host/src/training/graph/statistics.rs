//! Statistics of batch norm.

/// Added to a variance before its square root.
pub(super) const EPSILON: f64 = 1e-5;

/// Mean and biased variance of each channel over a batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statistics {
    pub(super) mean: Vec<f32>,
    pub(super) variance: Vec<f32>,
}

/// The mean and variance that batch norm uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Norming {
    /// Those of the batch.
    Batch,
    /// The running statistics.
    Running,
}
