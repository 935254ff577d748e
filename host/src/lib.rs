//! The workstation side of `ser`: corpora, features, training, quantisation, export, figures, reports.
//!
//! The modules are layers. A layer may name those below it, never one above:
//!
//! | layer | what it is for |
//! |---|---|
//! | [`cli`] | the commands of the binary `host` |
//! | [`report`] | pictures and pages |
//! | [`experiments`] | comparisons of many trainings or classifiers: cross-validation, baselines, the paper |
//! | [`evaluation`] | figures from answers: metrics, intervals, reliability, the core beside the float model |
//! | [`training`] | one training: recipe, run folder, the network in Burn, the training loop |
//! | [`model`] | a trained network as plain numbers: ONNX, quantiser, model file |
//! | [`features`] | rows from recordings, by the core's own front end |
//! | [`corpus`] | recordings, labels and splits |
//!
//! [`files`], [`interrupt`], [`json`], [`progress`] and [`shares`] are the ground: any layer may name them.
//!
//! Cargo features: `train` adds Burn (the network, the training loop and what drives them), `baseline` adds linfa,
//! `report` adds plotters. The simulator needs none of the three.

pub mod cli;
pub mod corpus;
pub mod evaluation;
pub mod experiments;
pub mod features;
pub mod files;
pub mod interrupt;
pub mod json;
pub mod model;
pub mod progress;
#[cfg(feature = "report")]
pub mod report;
pub mod shares;
pub mod training;
