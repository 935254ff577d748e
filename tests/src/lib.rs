//! An independent proof of the `no_std` core.
//!
//! The reference was written from `docs/model-format.md` alone, in plain loops over whole arrays: no streaming, no
//! rings, no code in common with the core. The tests compare the reference with the core.
//!
//! - [`mod@reference`]: reader of a model file, the integer network in `i64`/`i128`, the front end bit for bit in
//!   `i128` and exactly in `f64` with a naive DFT
//! - [`random_model`]: valid models of any shape with random and extreme numbers, and a writer of their files
//! - [`random_network`]: float networks with random weights, for the bound of int8 against float
//! - [`containers`]: recordings in WAV files of all kinds, and in FLAC
//! - [`signals`]: signals like those of microphones and faulty wires
//! - [`under_test`]: the core, run in dirty memory with all of its rows recorded
//! - [`tolerance`]: how far floating-point quantities may be apart, and why
//! - [`untrusted`]: any bytes, passed to all that reads bytes

pub mod containers;
pub mod random_model;
pub mod random_network;
pub mod reference;
pub mod signals;
pub mod tolerance;
pub mod under_test;
pub mod untrusted;
