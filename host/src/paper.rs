//! The paper that `ser` starts from, Zheng et al., "Speech emotion recognition based on CNN+LSTM Model": its network, its recipe and its
//! comparison on recordings, measured anew, beside what was printed.
//!
//! Everything stands below one folder, so that a run that was stopped goes on: `PROTOCOL/SYSTEM` is the folder of a
//! [cross-validation](crate::crossval) for a network of ours, and holds `CONDITION/seed-S/fold-K.json` for a baseline. All systems are tested
//! on the same splits.

mod comparison;
mod plan;
mod printed;
#[cfg(test)]
mod tests;

pub use comparison::{Accuracy, Answers, Comparison, Row, gather};
pub use plan::{Kind, PROTOCOLS, Splits, System, systems};
pub use printed::{PRINTED, Printed};
