//! The layers on plain slices: parameters in a small shared struct, state beside it.
//!
//! A layer knows its geometry. Products, pools and activations go through [`crate::arch`], where each processor has its
//! own code.

mod conv2d;
mod dense;
mod flatten;
mod last_step;
mod lstm;
mod matrix;
mod max_pool;
mod time_mean;

pub use conv2d::{Conv2d, Conv2dState};
pub use dense::{Dense, LOGIT_FRACTION_BITS};
pub use flatten::{Flatten, FlattenState};
pub use last_step::{LastStep, LastStepState};
pub use lstm::{Lstm, LstmState};
pub use matrix::matrix_vector;
pub use max_pool::{MaxPool, MaxPoolState};
pub use time_mean::{TimeMean, TimeMeanState};
