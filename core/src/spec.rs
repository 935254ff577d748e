//! The one description of a front end and a network. Training, export, simulator and device all read it.
//!
//! Shapes follow from the description, so buffers can be sized from it: [`Network::shapes`].

mod error;
mod features;
mod front_end;
mod network;
mod presets;
mod shape;

pub use error::SpecError;
pub use front_end::{Denoise, FrontEnd, IMAGE_CHANNELS, Image, LevelMode, Trim, Window};
pub use network::{Label, Layer, MAX_FLAT_ROWS, MAX_KERNEL_ROWS, MAX_LABELS, MAX_LAYERS, Network, Padding};
pub use presets::{PRESETS, cnn, edge, paper, paper_seq, preset, rnn};
pub use shape::Shape;

pub(crate) use features::{DENOISE, IMAGES};
pub(crate) use network::{blocks, check_layers};
