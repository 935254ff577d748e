//! An independent proof of the `no_std` core.
//!
//! The reference was written from `docs/model-format.md` alone, in plain loops over whole arrays: no streaming, no
//! rings, no code shared with the core. The tests beside it compare the two.
//!
//! - [`mod@reference`]: reader of a model file, the integer network in `i64`/`i128`, the front end in `f64` with a
//!   naive DFT
//! - [`random_model`]: valid models of any shape with random and extreme numbers, and the writer of their files
//! - [`random_network`]: float networks with random weights, for the bound of int8 against float
//! - [`signals`]: what microphones and faulty wires deliver
//! - [`under_test`]: the core, run in dirty memory with all of its rows recorded
//! - [`tolerance`]: how far floating-point quantities may be apart, and why

pub mod random_model;
pub mod random_network;
pub mod reference;
pub mod signals;
pub mod tolerance;
pub mod under_test;
