//! The workstation side of `ser`: corpora, features, training, quantisation, export.
//!
//! Only `graph` and `train` (feature `train`) name Burn; the rest builds without it, for the simulator.
//! What drives a training (`training`, `evaluate`, `crossval::run`) stands behind the same feature. `baseline` (feature
//! of that name) alone names linfa.

pub mod audio;
pub mod augment;
#[cfg(feature = "baseline")]
pub mod baseline;
pub mod cache;
pub mod cli;
pub mod compare;
pub mod condition;
pub mod corpus;
pub mod crossval;
pub mod dequantise;
pub mod disturb;
pub mod embed;
pub mod emotion;
#[cfg(feature = "train")]
pub mod evaluate;
pub mod export;
pub mod features;
pub mod files;
pub mod float_model;
pub mod float_network;
#[cfg(feature = "train")]
pub mod graph;
pub mod inspect;
pub mod metrics;
pub mod model_file;
pub mod onnx;
#[cfg(feature = "baseline")]
pub mod paper;
pub mod predictions;
pub mod progress;
pub mod quantise;
pub mod reliability;
#[cfg(feature = "report")]
pub mod report;
pub mod run;
pub mod spectrum;
pub mod split;
pub mod statistics;
pub mod sweep;
pub mod synth;
pub mod tables;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
pub mod training;
