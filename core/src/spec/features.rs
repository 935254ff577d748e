//! The Cargo features that decide which models run.

/// Whether models for images run, and the layers for them.
pub(crate) const IMAGES: bool = cfg!(feature = "image");
/// Whether front ends that subtract noise run.
pub(crate) const DENOISE: bool = cfg!(feature = "denoise");
