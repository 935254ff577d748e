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
use rubato::{Fft, FixedSync, Resampler as _};

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

/// Band-limited resampling from one rate to another, of audio that comes in pieces.
///
/// The filter's delay is compensated, and `n` samples become `round(n * to / from)`, at least 1 if there is any. The
/// pieces may have any length: the same samples come out.
pub struct Resampler {
    fft: Fft<f32>,
    from: usize,
    to: usize,
    /// Samples that do not fill a block yet.
    waiting: Vec<f32>,
    /// Output that is still to be dropped: the filter's delay.
    delay: usize,
    taken: usize,
    given: usize,
}

/// Why audio cannot be resampled.
pub type ResamplerError = Box<dyn Error + Send + Sync>;

impl Resampler {
    /// A resampler before the first sample; at least `block` samples, a multiple of `from / gcd(from, to)`, are
    /// transformed at a time.
    ///
    /// # Errors
    ///
    /// If a rate or `block` is 0.
    #[inline(never)]
    pub fn new(from: usize, to: usize, block: usize) -> Result<Self, ResamplerError> {
        let fft = Fft::<f32>::new(from, to, block, 1, FixedSync::Both)?;
        let delay = fft.output_delay();
        Ok(Self { fft, from, to, waiting: Vec::new(), delay, taken: 0, given: 0 })
    }

    /// Takes the next samples and appends what is ready to `output`.
    ///
    /// # Errors
    ///
    /// None that audio can cause.
    #[inline(never)]
    pub fn push(&mut self, samples: &[f32], output: &mut Vec<f32>) -> Result<(), ResamplerError> {
        self.taken += samples.len();
        self.waiting.extend_from_slice(samples);
        self.blocks(output)
    }

    /// Appends what is left of the audio.
    ///
    /// # Errors
    ///
    /// None that audio can cause.
    #[inline(never)]
    pub fn finish(mut self, output: &mut Vec<f32>) -> Result<(), ResamplerError> {
        let wanted = (self.taken * self.to + self.from / 2) / self.from;
        let wanted = if self.taken > 0 { wanted.max(1) } else { 0 };
        while self.given < wanted {
            self.waiting.resize(self.fft.input_frames_next(), 0.0);
            self.blocks(output)?;
        }
        output.truncate(output.len() - (self.given - wanted));
        Ok(())
    }

    /// Transforms all whole blocks.
    fn blocks(&mut self, output: &mut Vec<f32>) -> Result<(), ResamplerError> {
        let len = self.fft.input_frames_next();
        let whole = self.waiting.len() - self.waiting.len() % len;
        for block in self.waiting[..whole].chunks_exact(len) {
            let made = self.fft.process(&InterleavedSlice::new(block, 1, len)?, None)?.take_data();
            let dropped = self.delay.min(made.len());
            self.delay -= dropped;
            self.given += made.len() - dropped;
            output.extend_from_slice(&made[dropped..]);
        }
        self.waiting.drain(..whole);
        Ok(())
    }
}
