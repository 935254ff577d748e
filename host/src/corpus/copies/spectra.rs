//! Whether two recordings can be copies at all, from the spectra of whole recordings.
//!
//! With the spectra `X` and `Y` of two recordings, no peak of their normalised cross-correlation is higher than
//! `Σ |X| |Y| / sqrt(Σ |X|² Σ |Y|²)`, whatever the lag. By Cauchy and Schwarz it is not higher either when neighbouring
//! bins are put together: with the amplitude `A[b] = sqrt(Σ |X|²)` over the bins of band `b`, `Σ A² = 1`, no peak is
//! higher than `Σ A_x[b] A_y[b]`. The bands are so narrow that different recordings, even of one voice, rarely are that
//! alike. All pairs are compared, which takes about 0.1 µs for each: up to 20,000 recordings that is less than reading
//! them takes.

use anyhow::Result;
use rayon::prelude::*;
use ser_fourier::Planner;

use super::correlation::{LOWEST_HZ, RATE_HZ, Voice, spectrum};

/// Bands between [`LOWEST_HZ`] and half the sample rate, 1.8 Hz each.
const BANDS: usize = 512;
/// Shorter recordings are transformed with this length, samples: 16 bins in a band.
const LEAST_LEN: usize = 1 << 14;
/// Products that are summed apart, so that the processor makes several at a time.
const LANES: usize = 16;
/// Pairs whose bound is below this are no copies: these have 0.9. Transforms of different lengths divide the bins at
/// the edge of a band differently, which changes a bound by less than the rest.
const LEAST_BOUND: f32 = 0.88;

/// The amplitudes of recordings, `[recording][BANDS]`; zeros for a recording with nothing in the bands.
pub(super) struct Spectra(Vec<f32>);

impl Spectra {
    pub(super) fn new(voices: &[&Voice]) -> Result<Self> {
        let amplitudes = voices.par_iter().map_init(Planner::new, |planner, voice| amplitudes(planner, voice));
        Ok(Self(amplitudes.collect::<Result<Vec<_>>>()?.concat()))
    }

    /// Whether two recordings, by their places, may be copies.
    pub(super) fn may_be_copies(&self, first: usize, second: usize) -> bool {
        self.bound(first, second) >= LEAST_BOUND
    }

    /// No peak of the correlation of two recordings is higher than this.
    pub(super) fn bound(&self, first: usize, second: usize) -> f32 {
        let of =
            |place: usize| self.0.get(place * BANDS..(place + 1) * BANDS).unwrap_or_default().as_chunks::<LANES>().0;
        let mut sums = [0.0f32; LANES];
        for (first, second) in of(first).iter().zip(of(second)) {
            for ((sum, a), b) in sums.iter_mut().zip(first).zip(second) {
                *sum += a * b;
            }
        }
        sums.iter().sum()
    }
}

fn amplitudes(planner: &mut Planner, voice: &Voice) -> Result<Vec<f32>> {
    let len = (2 * voice.samples().len()).next_power_of_two().max(LEAST_LEN);
    let bins = spectrum(planner.forward(len).as_ref(), voice.samples())?;
    let lowest = len * LOWEST_HZ / RATE_HZ as usize;
    let width = (len / 2 - lowest) as f32 / BANDS as f32;
    let mut amplitudes = vec![0.0f32; BANDS];
    for (bin, value) in bins.iter().take(len / 2).skip(lowest).enumerate() {
        if let Some(energy) = amplitudes.get_mut((bin as f32 / width) as usize) {
            *energy += value.norm_sqr();
        }
    }
    let energy: f32 = amplitudes.iter().sum();
    if energy > 0.0 {
        amplitudes.iter_mut().for_each(|amplitude| *amplitude = (*amplitude / energy).sqrt());
    }
    Ok(amplitudes)
}
