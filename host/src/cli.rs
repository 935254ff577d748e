//! The commands of the binary `host`, one module for each, and the options that several commands share.

#[cfg(feature = "baseline")]
pub mod baseline;
pub mod corpus;
#[cfg(feature = "train")]
pub mod crossval;
pub mod data_options;
pub mod embed;
#[cfg(feature = "train")]
pub mod eval;
pub mod export;
#[cfg(feature = "train")]
pub mod front_end_options;
pub mod inspect;
#[cfg(feature = "train")]
pub mod options;
#[cfg(all(feature = "train", feature = "baseline", feature = "report"))]
pub mod paper;
#[cfg(feature = "train")]
pub mod predict;
#[cfg(any(feature = "train", feature = "baseline"))]
mod protocol;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "report")]
pub mod spectrogram;
#[cfg(all(test, feature = "train"))]
mod tones;
#[cfg(feature = "train")]
pub mod train;
