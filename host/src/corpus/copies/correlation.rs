//! How alike two recordings are: the peak of their normalised cross-correlation.
//!
//! Recordings are compared at a sample rate of 2 kHz, between 60 and 1000 Hz: voices have most of their energy there,
//! and a shift by a fraction of a sample changes little. With the spectra `X` and `Y` in that band, padded to hold
//! every lag,
//!
//! `c[l] = Σ_n x[n] y[n + l] / sqrt(Σ x² Σ y²)`, the inverse transform of `X* Y`, on the lags of 16 kHz.
//!
//! Silence has no energy, so cutting more or less of it changes nothing; speech that only one recording has lowers the
//! correlation. A gain of either sign changes nothing.
//!
//! A full correlation of every pair is too slow. The spectra of whole recordings rule out most pairs (see
//! [`spectra`](super::spectra)), then [`Fingerprints`] choose the pairs that are worth one. A
//! fingerprint holds the amplitudes `A[k, b]` of the frames and bands of a spectrogram, `Σ A² = 1`. By Cauchy and
//! Schwarz `Σ_n x[n] y[n + l] ≤ Σ_k,b A_x[k, b] A_y[k + l, b]`: recordings that are alike have fingerprints that are
//! alike. Frames of the two recordings may lie half a hop apart, which lowers the likeness; [`LEAST_LIKENESS`] leaves
//! room for that.

use std::sync::Arc;

use anyhow::Result;
use rayon::prelude::*;
use ser_fourier::{Complex, ComplexToReal, Planner, RealToComplex};

use crate::corpus::audio::{SAMPLE_RATE_HZ, resample};

/// Sample rate at which recordings are compared.
pub(super) const RATE_HZ: u32 = 2_000;
/// Lags at 16 kHz for each lag at [`RATE_HZ`].
const FINER: usize = (SAMPLE_RATE_HZ / RATE_HZ) as usize;
/// Below this there is hum and rumble.
pub(super) const LOWEST_HZ: usize = 60;
/// Shorter recordings than this, 0.3 s, have too few periods of a voice to tell copies from similar vowels.
const SHORTEST: usize = RATE_HZ as usize * 3 / 10;
/// At most the first 30 s of a recording are compared, which bounds memory and time.
const LONGEST: usize = RATE_HZ as usize * 30;

/// Length of a frame of a fingerprint, samples: 128 ms.
const FRAME_LEN: usize = 256;
/// Samples from frame to frame.
const HOP_LEN: usize = 64;
/// Bins of a frame's spectrum, 7.8 Hz each, in a band of a fingerprint.
const BAND_BINS: usize = 8;
/// Bands of a fingerprint, from 62.5 Hz to 1000 Hz.
const BANDS: usize = FRAME_LEN / 2 / BAND_BINS - 1;
/// Recordings whose fingerprints are less alike than this are no copies. Recordings with a correlation of 0.9 and
/// frames half a hop apart have fingerprints that are alike by 0.86. A test looks for copies that this limit loses.
pub(super) const LEAST_LIKENESS: f32 = 0.75;

/// A recording in the form in which it is compared.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    /// At [`RATE_HZ`], without offset.
    samples: Vec<f32>,
}

impl Voice {
    /// Prepares a recording at 16 kHz; None if it is too short to be compared, or silent.
    ///
    /// # Errors
    ///
    /// None that samples can cause.
    pub(crate) fn new(samples: &[i16]) -> Result<Option<Self>> {
        let mean = samples.iter().map(|&sample| f64::from(sample)).sum::<f64>() / samples.len().max(1) as f64;
        let samples: Vec<f32> = samples.iter().map(|&sample| (f64::from(sample) - mean) as f32).collect();
        if samples.iter().all(|&sample| sample == 0.0) {
            return Ok(None);
        }
        let mut samples = resample(&samples, SAMPLE_RATE_HZ, RATE_HZ)?;
        samples.truncate(LONGEST);
        // All recordings of a corpus are in memory at once.
        samples.shrink_to_fit();
        Ok((samples.len() >= SHORTEST).then_some(Self { samples }))
    }

    /// At [`RATE_HZ`].
    pub(super) fn samples(&self) -> &[f32] {
        &self.samples
    }
}

/// The peak of the cross-correlation of two recordings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    /// Its height without sign, 0 to 1.
    pub(super) correlation: f32,
    /// How much later the second recording says the same, s.
    pub(super) lag_s: f64,
}

/// Correlates recordings in full, with the transforms of every length that was needed so far.
pub(super) struct Correlator {
    planner: Planner,
}

impl Correlator {
    pub(super) fn new() -> Self {
        Self { planner: Planner::new() }
    }

    /// The peak over all lags; its height is 0 if one of the recordings has nothing in the band.
    pub(super) fn peak(&mut self, first: &Voice, second: &Voice) -> Result<Peak> {
        let len = (first.samples.len() + second.samples.len()).next_power_of_two();
        let lowest = len * LOWEST_HZ / RATE_HZ as usize;
        let forward = self.planner.forward(len);
        let inverse = self.planner.inverse(FINER * len);
        let (first, second) =
            (spectrum(forward.as_ref(), &first.samples)?, spectrum(forward.as_ref(), &second.samples)?);
        // The band leaves out the last bin, which holds nothing and, unlike the others, has no negative twin.
        let band = lowest..len / 2;
        let norm = |spectrum: &[Complex<f32>]| {
            spectrum.iter().take(band.end).skip(band.start).map(Complex::norm_sqr).sum::<f32>().sqrt()
        };
        let scale = 2.0 * norm(&first) * norm(&second);
        if scale <= 0.0 {
            return Ok(Peak { correlation: 0.0, lag_s: 0.0 });
        }
        let mut product = inverse.make_input_vec();
        for ((to, a), b) in product.iter_mut().zip(&first).zip(&second).take(band.end).skip(band.start) {
            *to = a.conj() * b;
        }
        let mut correlations = inverse.make_output_vec();
        inverse.process(&mut product, &mut correlations)?;
        let highest = correlations.iter().map(|value| value.abs()).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let (lag, height) = highest.unwrap_or((0, 0.0));
        let wrapped = if lag > correlations.len() / 2 { correlations.len() } else { 0 };
        let lag_s = (lag as f64 - wrapped as f64) / f64::from(SAMPLE_RATE_HZ);
        Ok(Peak { correlation: (height / scale).min(1.0), lag_s })
    }
}

/// The fingerprints of recordings, each transformed along time.
pub(super) struct Fingerprints {
    /// For each recording the spectra of its bands, one after another; empty if it has nothing in the bands.
    spectra: Vec<Vec<Complex<f32>>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

/// Memory for the likeness of two fingerprints.
pub(super) struct Scratch {
    product: Vec<Complex<f32>>,
    likeness: Vec<f32>,
    rest: Vec<Complex<f32>>,
}

impl Fingerprints {
    pub(super) fn new(voices: &[&Voice]) -> Result<Self> {
        let longest = voices.iter().map(|voice| frames(&voice.samples)).max().unwrap_or(0);
        let mut planner = Planner::new();
        let (frame, rows) = (planner.forward(FRAME_LEN), longest.next_power_of_two().max(2));
        // Lags wrap around. Amplitudes are not negative, so wrapping can only raise a likeness.
        let (forward, inverse) = (planner.forward(rows), planner.inverse(rows));
        let spectra = voices
            .par_iter()
            .map(|voice| fingerprint(&voice.samples, frame.as_ref(), forward.as_ref()))
            .collect::<Result<_>>()?;
        Ok(Self { spectra, inverse })
    }

    pub(super) fn scratch(&self) -> Scratch {
        Scratch {
            product: self.inverse.make_input_vec(),
            likeness: self.inverse.make_output_vec(),
            rest: self.inverse.make_scratch_vec(),
        }
    }

    /// The largest correlation of two fingerprints over all lags, 0 to about 1.
    pub(super) fn likeness(&self, first: usize, second: usize, scratch: &mut Scratch) -> Result<f32> {
        let (Some(first), Some(second)) = (self.spectra.get(first), self.spectra.get(second)) else { return Ok(0.0) };
        let Scratch { product, likeness, rest } = scratch;
        let bins = product.len();
        product.fill(Complex::ZERO);
        for (first, second) in first.chunks_exact(bins).zip(second.chunks_exact(bins)) {
            for ((to, a), b) in product.iter_mut().zip(first).zip(second) {
                *to += a.conj() * b;
            }
        }
        self.inverse.process_with_scratch(product, likeness, rest)?;
        Ok(likeness.iter().copied().fold(0.0, f32::max) / likeness.len() as f32)
    }
}

/// The number of frames. They begin before the first sample, so that every sample lies in equally many.
fn frames(samples: &[f32]) -> usize {
    (samples.len() + FRAME_LEN).div_ceil(HOP_LEN)
}

fn fingerprint(
    samples: &[f32],
    frame: &dyn RealToComplex<f32>,
    rows: &dyn RealToComplex<f32>,
) -> Result<Vec<Complex<f32>>> {
    let mut padded = vec![0.0; FRAME_LEN - HOP_LEN];
    padded.extend(samples);
    padded.resize(padded.len() + FRAME_LEN + HOP_LEN, 0.0);
    let window: Vec<f32> =
        (0..FRAME_LEN).map(|n| (std::f32::consts::PI * n as f32 / FRAME_LEN as f32).sin().powi(2)).collect();
    let mut amplitudes = vec![vec![0.0; rows.len()]; BANDS];
    for (row, samples) in padded.windows(FRAME_LEN).step_by(HOP_LEN).take(frames(samples)).enumerate() {
        let windowed: Vec<f32> = samples.iter().zip(&window).map(|(sample, weight)| sample * weight).collect();
        let spectrum = spectrum(frame, &windowed)?;
        for (band, bins) in amplitudes.iter_mut().zip(spectrum.chunks(BAND_BINS).skip(1)) {
            if let Some(amplitude) = band.get_mut(row) {
                *amplitude = bins.iter().map(Complex::norm_sqr).sum::<f32>().sqrt();
            }
        }
    }
    let energy: f32 = amplitudes.iter().flatten().map(|amplitude| amplitude * amplitude).sum();
    let mut print = Vec::new();
    if energy > 0.0 {
        for mut band in amplitudes {
            band.iter_mut().for_each(|amplitude| *amplitude /= energy.sqrt());
            print.extend(spectrum(rows, &band)?);
        }
    }
    Ok(print)
}

/// The spectrum of samples, padded with zeros at the end.
pub(super) fn spectrum(transform: &dyn RealToComplex<f32>, samples: &[f32]) -> Result<Vec<Complex<f32>>> {
    let mut input = samples.to_vec();
    input.resize(transform.len(), 0.0);
    let mut output = transform.make_output_vec();
    transform.process(&mut input, &mut output)?;
    Ok(output)
}
