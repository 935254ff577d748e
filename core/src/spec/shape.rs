//! The shape of a row.

/// One row of activations: what a layer passes on at each of its time steps. Layout `[band][channel]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Positions along frequency.
    pub bands: usize,
    /// Values at each position.
    pub channels: usize,
}

impl Shape {
    /// Values in the row.
    pub const fn len(self) -> usize {
        self.bands * self.channels
    }

    /// Whether the row has no value at all.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}
