//! From answers to figures: what a model says to each utterance, and what follows from that.

pub mod breakdown;
pub mod compare;
#[cfg(feature = "train")]
pub mod evaluate;
pub mod groups;
pub mod interval;
pub mod metrics;
pub mod predictions;
pub mod reliability;
pub mod statistics;
pub mod sweep;
