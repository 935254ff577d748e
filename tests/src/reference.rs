//! The model of `docs/model-format.md` in plain loops: slow, obvious, and independent of the core.

pub mod front_end;
pub mod integer_front_end;
pub mod model_file;
pub mod network;
pub mod nonlinearity;

pub use front_end::{Analysis, analyse};
pub use integer_front_end::{IntegerAnalysis, analyse_in_integers};
pub use model_file::{FrontEnd, Layer, ModelFile, Multiplier};
pub use network::{FeatureMap, Trace};
