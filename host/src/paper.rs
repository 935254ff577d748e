//! The paper that `ser` starts from, Zheng et al., "Speech emotion recognition based on CNN+LSTM Model": its network,
//! its recipe and its comparison on recordings, measured anew, beside what was printed.
//!
//! Everything stands below one folder, so that a run that was stopped goes on: `PROTOCOL/SYSTEM` is the folder of a
//! [cross-validation](crate::crossval) for a network of ours, and holds `CONDITION/seed-S/fold-K.json` for a baseline.
//! All systems are tested on the same splits. `repeated/paper` is the paper's network on a [corpus like the images that
//! came with it](repeated()), which no other system hears.

mod comparison;
mod plan;
mod printed;
mod repeated;
mod right;
#[cfg(test)]
mod tests;

pub use comparison::{Comparison, REFERENCE, Row, gather};
pub use plan::{Kind, PROTOCOLS, REPEATED, Splits, System, systems, tables};
pub use printed::{PRINTED, Printed};
pub use repeated::{DISTINCT, repeated};
