//! The layers' arithmetic on plain slices: parameters in a small struct that is shared, state beside it.
//!
//! All products of weights and activations go through [`matrix`]: the seam where a kernel of the target plugs in.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx2;
mod conv2d;
mod dense;
#[cfg(arm_dsp)]
pub(crate) mod dsp;
mod flatten;
mod last_step;
mod lstm;
pub mod matrix;
mod max_pool;
mod time_mean;

pub use conv2d::{Conv2d, Conv2dState};
pub use dense::{Dense, LOGIT_FRACTION_BITS};
pub use flatten::{Flatten, FlattenState};
pub use last_step::{LastStep, LastStepState};
pub use lstm::{Lstm, LstmState};
pub use max_pool::{MaxPool, MaxPoolState};
pub use time_mean::{TimeMean, TimeMeanState};
