//! The one description of a front end and a network, read by training, export, simulator and device alike.
//!
//! Shapes follow from the description, so that buffers can be sized from it: [`Network::shapes`].

mod front_end;
mod network;
mod presets;

/// Whether models for images can be run, and the layers that are for these.
pub(crate) const IMAGES: bool = cfg!(feature = "image");
/// Whether front ends that denoise can be run.
pub(crate) const DENOISE: bool = cfg!(feature = "denoise");

pub use front_end::{Denoise, FrontEnd, IMAGE_CHANNELS, Image, Level, SpecError, Trim, Window};
pub use network::{Label, Layer, MAX_FLAT_ROWS, MAX_KERNEL_ROWS, MAX_LABELS, MAX_LAYERS, Network, Padding, Shape};
pub(crate) use network::{blocks, check_layers};
pub use presets::{PRESETS, edge, paper, paper_seq, preset, rnn};
