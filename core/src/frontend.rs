//! PCM to log-mel rows, in integers; or a whole utterance to an image.
//!
//! The numbers are the same on every target, with or without an FPU, whatever the order of a processor's kernels.
//! Training uses this front end too.

mod decibel;
mod denoise;
mod filter;
mod framer;
mod gate;
#[cfg(feature = "image")]
pub mod image;
mod level;
mod log_mel;
mod normalize;

pub use decibel::{DECIBEL, Level};
pub use filter::InputFilter;
pub use framer::Framer;
pub use gate::{Backlog, Passage, ROWS_AT_A_TIME, RowGate};
#[cfg(feature = "image")]
pub use image::ImageFrontEnd;
pub use level::LevelReference;
pub use log_mel::{Features, Frame, FrontEnd, Tables};
pub use normalize::{INPUT_LIMITS, INPUT_SCALE, MEAN_DECIBEL, Normalizer};
