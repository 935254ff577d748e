//! The arithmetic in portable Rust: what a processor without kernels runs, and the twin that the kernels of `arm_dsp`
//! and `avx2` are compared with. Both use parts of it for what they have no kernel for.

#[cfg(not(arm_dsp))]
mod any;
#[cfg(not(arm_dsp))]
mod convolution;
mod fft;
#[cfg(not(arm_dsp))]
mod lstm;
mod maximum;
mod products;

pub use fft::power_spectrum;
pub use products::{four_rows, four_rows_of_pair};

#[cfg(not(arm_dsp))]
pub(super) use any::Portable;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(super) use convolution::{codes, widen};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(super) use lstm::lstm;
#[cfg(any(arm_dsp, all(feature = "std", target_arch = "x86_64")))]
pub(super) use maximum::raise;
