//! Fourier transforms of real numbers, and the resampler, without type parameters.
//!
//! rustfft is generic: a crate that names one of its planners compiles all of its butterflies. This package compiles
//! them once and at a low opt-level. Without it host's library and host's tests would each compile them at a high one.

use std::error::Error;
use std::sync::Arc;

use realfft::RealFftPlanner;
pub use realfft::num_complex::Complex;
pub use realfft::{ComplexToReal, RealToComplex};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

/// Makes transforms in single precision, and keeps what those of the same length share.
pub struct Planner(RealFftPlanner<f32>);

impl Planner {
    /// A planner that has made nothing yet.
    #[expect(clippy::new_without_default, reason = "a planner is made on purpose")]
    #[inline(never)]
    pub fn new() -> Self {
        Self(RealFftPlanner::new())
    }

    /// The transform of `len` real numbers to `len / 2 + 1` complex ones.
    #[inline(never)]
    pub fn forward(&mut self, len: usize) -> Arc<dyn RealToComplex<f32>> {
        self.0.plan_fft_forward(len)
    }

    /// The transform of `len / 2 + 1` complex numbers to `len` real ones, which are `len` times too large.
    #[inline(never)]
    pub fn inverse(&mut self, len: usize) -> Arc<dyn ComplexToReal<f32>> {
        self.0.plan_fft_inverse(len)
    }
}

/// The transform of `len` real numbers to `len / 2 + 1` complex ones, in double precision.
#[inline(never)]
pub fn forward_f64(len: usize) -> Arc<dyn RealToComplex<f64>> {
    RealFftPlanner::new().plan_fft_forward(len)
}

/// Band-limited resampling from one rate to another, with the filter's delay compensated; at least `block` samples, a
/// multiple of `from / gcd(from, to)`, are transformed at a time. The length is rounded up.
///
/// # Errors
///
/// If a rate or `block` is 0.
#[inline(never)]
pub fn resample(
    samples: &[f32],
    from: usize,
    to: usize,
    block: usize,
) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
    let input = InterleavedSlice::new(samples, 1, samples.len())?;
    let mut resampler = Fft::<f32>::new(from, to, block, 1, FixedSync::Both)?;
    Ok(resampler.process_all(&input, samples.len(), None)?.take_data())
}
