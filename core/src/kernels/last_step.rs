//! Keeps the last row.

/// Parameters of a last step: only its size.
#[derive(Clone, Copy, Debug)]
pub struct LastStep {
    /// Values of a row.
    pub(crate) len: usize,
}

/// State of a last step.
#[derive(Debug)]
pub struct LastStepState<'s> {
    /// The last row, `[len]`.
    pub row: &'s mut [i16],
    /// 1 once there was a row, else 0.
    pub seen: &'s mut u32,
}

impl LastStep {
    /// A last step of rows of this many values.
    pub const fn new(len: usize) -> Self {
        Self { len }
    }

    /// Sets the state to that before the first row.
    pub fn reset(&self, state: &mut LastStepState<'_>) {
        *state.seen = 0;
    }

    /// Whether some sequence of rows leads to this state.
    pub fn is_possible(&self, state: &LastStepState<'_>) -> bool {
        *state.seen <= 1
    }

    /// Takes one row, `[len]`.
    pub fn push(&self, state: &mut LastStepState<'_>, row: &[i16]) {
        *state.seen = 1;
        state.row.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
    }
}
