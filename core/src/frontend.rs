//! PCM to log-mel rows, in f32.
//!
//! The same operations in the same order on every target, with no fused multiply-add and no library of the platform, so
//! that a workstation and a Cortex-M4F make the same bits. Training features come from here too.

mod filter;
mod framer;
mod gate;
mod level;
mod log_mel;
mod normalize;
mod spectrum;

pub use filter::InputFilter;
pub use framer::Framer;
pub(crate) use gate::power;
pub use gate::{Passage, RowGate};
pub use level::LevelReference;
pub use log_mel::{Features, Frame, FrontEnd, Tables};
pub use normalize::{INPUT_LIMITS, INPUT_SCALE, Normalizer, input_code};
