//! The model file: read in place from flash, checked once.
//!
//! `docs/model-format.md` describes the bytes. [`Model::parse`] checks everything: lengths, checksum, ranges, chaining
//! of shapes, and that no accumulator can overflow. After it inference has no error to report.

mod aligned;
mod error;
mod format;
mod layers;
mod memory;
mod parse;
mod parsed;
mod reader;

pub use aligned::Aligned;
pub use error::{Feature, ParseError};
pub use format::{FORMAT_VERSION, HEADER_LEN, LABEL_LEN, LAYER_RECORD_LEN, MAGIC, SECTION_ALIGN, kind};
pub use layers::{LayerParams, SlowPath};
pub use parsed::Model;
