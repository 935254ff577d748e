//! Bytes that nobody vouches for: a file from elsewhere, a stream that broke, text with a slip in it.
//!
//! Each part has a function `check`, which passes any bytes to the program and panics where the program panics or
//! contradicts itself, and `seeds`, valid inputs to start from. `fuzz/` and a test with proptest call both.

pub mod model;
pub mod recording;
pub mod snapshot;
pub mod text;

use ser_core::EndpointerConfig;

/// An endpointer for utterances of a few frames.
fn config() -> EndpointerConfig {
    EndpointerConfig { hangover_ms: 20, min_speech_ms: 10, max_ms: 150, ..EndpointerConfig::default() }
}
