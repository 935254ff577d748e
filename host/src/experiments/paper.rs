//! Repeats the experiments of the paper that `ser` starts from, Zheng et al., "Speech emotion recognition based on
//! CNN+LSTM Model": its network, its recipe and its comparison, measured on recordings and set beside the printed
//! figures.
//!
//! Everything is below one folder, so that a stopped run can go on. `PROTOCOL/SYSTEM` is the folder of a system. A
//! network's folder is a [cross-validation](crate::experiments::crossval); a baseline's folder holds
//! `CONDITION/seed-S/fold-K.json`. All systems are tested on the same splits. `repeated/paper` is the paper's network
//! on a [corpus like the paper's folder of images](repeated()); no other system runs on that corpus.

mod comparison;
mod plan;
mod printed;
mod repeated;
mod right;
#[cfg(test)]
mod tests;

pub use comparison::{Comparison, REFERENCE, Row, gather};
pub use plan::{Kind, NAMES, PROTOCOLS, REPEATED, Splits, System, systems, tables};
pub use printed::{PRINTED, Printed};
pub use repeated::{DISTINCT, repeated};
