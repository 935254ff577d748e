//! Many trainings or classifiers on the same splits, compared.

#[cfg(feature = "baseline")]
pub mod baseline;
pub mod crossval;
#[cfg(feature = "baseline")]
pub mod paper;
