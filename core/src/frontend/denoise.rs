//! Spectral subtraction in each mel band, with a tracked noise floor.
//!
//! The power `P` of a band becomes `max(P - α N, β P)` (Berouti, Schwartz and Makhoul 1979). The noise power `N`
//! follows the smoothed power `S += (P - S) / 2^(k-3)` by an asymmetric filter, as in power-normalised cepstral
//! coefficients (Kim and Stern 2016):
//!
//! - It rises by `min(S - N, N/2) / 2^k`, so slowly that speech does not lift it. The limit `N/2` keeps loud sounds
//!   from lifting it faster (after Hirsch and Ehrlicher 1995).
//! - It falls by `(N - S) / 2^(k-2)`, so fast that the pauses of speech bring it down.
//!
//! In steady noise this floor lies a little below the mean of the noise. [`BIAS`] corrects that.

use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::{self, DENOISE};

/// `2^k` frames last between half of this and all of it, ms. So the floor rises by at most 3.4 to 6.8 dB/s.
const RISE_MS: u32 = 640;

/// Mean power of steady noise over the tracked floor, in 64ths: measured, and checked in
/// `tests/tests/preprocessing.rs`.
const BIAS: u64 = 71;

/// `10^(-1/10)`, Q0.32.
const DECIBEL_DOWN: u64 = 3_411_613_790;

/// No band's sum of powers is larger.
const MAX_POWER: u64 = 1 << 63;

/// State of one band: lower and upper word of the smoothed power `S`, then of the noise floor `N`. All are 0 before the
/// first frame.
type Band = [u32; 4];

/// The noise floor of each mel band, and the subtraction. Without bands all powers pass unchanged.
#[derive(Debug)]
pub(super) struct Denoiser<'s> {
    bands: &'s mut [Band],
    subtraction: Subtraction,
}

/// The subtraction in each band.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subtraction {
    /// `k`, at least 3.
    slowness: u32,
    /// The least noise floor. From less the floor could not rise, and so little power is invisible below the front
    /// end's own floor.
    least: u64,
    /// `α` times [`BIAS`], in 64ths.
    factor: u64,
    /// `β`, Q0.30.
    share: u64,
}

impl Subtraction {
    /// The subtraction of a description; without denoising one that subtracts nothing. `floor` is the power that the
    /// front end adds to each band.
    fn new(spec: &spec::FrontEnd, floor: u64) -> Self {
        let denoise = spec.denoise.unwrap_or(spec::Denoise { subtraction_tenths: 0, depth_db: 0 });
        let frames = (u64::from(spec.sample_rate_hz) * u64::from(RISE_MS) / 1000)
            .checked_div(spec.hop_len as u64)
            .unwrap_or_default();
        Self {
            slowness: frames.checked_ilog2().unwrap_or_default().clamp(3, 24),
            least: (floor >> 4).max(1 << 26),
            factor: (u64::from(denoise.subtraction_tenths) * BIAS + 5) / 10,
            share: (0..denoise.depth_db).fold(1 << 30, |share, _| (share * DECIBEL_DOWN + (1 << 31)) >> 32),
        }
    }

    /// Takes the power of a band, at most [`MAX_POWER`], tracks the noise, and returns the power without it.
    pub(super) fn apply(&self, band: &mut Band, power: u64) -> u64 {
        let [smoothed, noise] =
            [[band[0], band[1]], [band[2], band[3]]].map(|[lower, upper]| u64::from(lower) | u64::from(upper) << 32);
        let (smoothed, noise) = if noise == 0 { (power, power) } else { self.follow(smoothed, noise, power) };
        let noise = noise.max(self.least);
        *band = [smoothed as u32, (smoothed >> 32) as u32, noise as u32, (noise >> 32) as u32];
        let left = power.saturating_sub((noise >> 6).saturating_mul(self.factor));
        let (lower, upper) = (power & u64::from(u32::MAX), power >> 32);
        left.max(((upper * self.share) << 2) + ((lower * self.share) >> 30))
    }

    fn follow(&self, smoothed: u64, noise: u64, power: u64) -> (u64, u64) {
        let quick = self.slowness.saturating_sub(3);
        let smoothed = if power > smoothed {
            smoothed + ((power - smoothed) >> quick)
        } else {
            smoothed - ((smoothed - power) >> quick)
        };
        let noise = if smoothed > noise {
            noise + ((smoothed - noise).min(noise >> 1) >> self.slowness)
        } else {
            noise - ((noise - smoothed) >> (quick + 1))
        };
        (smoothed, noise)
    }
}

impl<'s> Denoiser<'s> {
    /// Words of memory of a denoiser.
    pub(super) const fn work_len(spec: &spec::FrontEnd) -> usize {
        match spec.denoise {
            Some(_) if DENOISE => spec.mel_bands * size_of::<Band>() / size_of::<u32>(),
            _ => 0,
        }
    }

    /// A denoiser before the first frame. `memory` must have length [`Denoiser::work_len`]. `floor` is the power that
    /// the front end adds to each band.
    pub(super) fn new(spec: &spec::FrontEnd, floor: u64, memory: &'s mut [u32]) -> Self {
        memory.fill(0);
        Self { bands: memory.as_chunks_mut().0, subtraction: Subtraction::new(spec, floor) }
    }

    /// Zeroes the state.
    pub(super) fn reset(&mut self) {
        self.bands.as_flattened_mut().fill(0);
    }

    /// The subtraction, and the bands that it applies to, in order; none without denoising.
    pub(super) fn bands(&mut self) -> (Subtraction, core::slice::IterMut<'_, Band>) {
        (self.subtraction, self.bands.iter_mut())
    }

    /// Bytes that [`Denoiser::save`] writes.
    pub(super) const fn saved_len(spec: &spec::FrontEnd) -> usize {
        4 * Self::work_len(spec)
    }

    pub(super) fn save(&self, to: &mut Writer<'_>) {
        self.bands.as_flattened().iter().for_each(|word| to.u32(*word));
    }

    pub(super) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.bands.as_flattened_mut().iter_mut().for_each(|word| *word = from.u32());
        let largest = (MAX_POWER >> 32) as u32;
        let possible = self.bands.iter().all(|[_, smoothed, _, noise]| *smoothed <= largest && *noise <= largest);
        check(possible, "noise floor", "powers of at most 2^63")
    }
}
