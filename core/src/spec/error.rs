//! The error of a check.

/// Why a description is unusable: the quantity, the value that came and the values that are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpecError {
    /// The quantity, `hop_len` for instance.
    pub quantity: &'static str,
    /// The value that came.
    pub got: f32,
    /// The allowed values.
    pub wanted: &'static str,
}

impl core::fmt::Display for SpecError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} is {}, wanted {}", self.quantity, self.got, self.wanted)
    }
}

impl core::error::Error for SpecError {}
