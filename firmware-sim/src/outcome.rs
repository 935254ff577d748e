//! What a command gives besides an error.

/// The outcome of a command that met no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Passed,
    /// A check failed.
    Failed,
}
