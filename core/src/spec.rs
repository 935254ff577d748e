//! The one description of a front end and a network, read by training, export, simulator and device alike.
//!
//! Shapes follow from the description, so that buffers can be sized from it: [`Network::shapes`].

mod front_end;
mod network;
mod presets;

pub use front_end::{FrontEnd, Level, SpecError, Trim, Window};
pub(crate) use network::check_layers;
pub use network::{Label, Layer, MAX_KERNEL_ROWS, MAX_LABELS, MAX_LAYERS, Network, Shape};
pub use presets::{edge, preset};
