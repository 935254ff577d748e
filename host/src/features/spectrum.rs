//! Spectra of 16 kHz speech on a linear frequency axis, as the paper's program makes them: MATLAB's `spectrogram` with
//! a symmetric Hann window of 256 samples, an overlap of 128 and an FFT of 512. The bins from 0 to 8 kHz are kept.
//!
//! With the window `w` and the FFT `X` of the windowed frame, a bin has `20 log10(√2 |X| / Σw + eps)` dBFS (mean
//! square), so a full-scale sine in the middle of a bin is at -3 dBFS. The paper's `20 log10(|X| + eps)` differs by a
//! constant.

use std::f64::consts::{SQRT_2, TAU};
use std::sync::Arc;

use anyhow::{Result, ensure};
use ser_fourier::{RealToComplex, forward_f64};

use crate::features::rows::Rows;

/// Frame length, samples.
pub const FRAME_LEN: usize = 256;
/// Distance between the starts of two frames, samples.
pub const HOP_LEN: usize = 128;
/// FFT length, samples: frames are padded with zeros.
pub const FFT_LEN: usize = 512;
/// Values in a row: DC first, half the sample rate last.
pub const BINS: usize = FFT_LEN / 2 + 1;

/// Full scale, in steps of 16-bit samples.
const FULL_SCALE: f64 = 32_768.0;

/// Power spectra of frames.
pub struct PowerSpectrum {
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
}

impl PowerSpectrum {
    /// For frames as long as `window`; `window` is at most `fft_len` long, and `fft_len` at least 1.
    pub fn new(window: Vec<f64>, fft_len: usize) -> Self {
        Self { window, fft: forward_f64(fft_len) }
    }

    /// `|X[k]|²` of the windowed frame, `[fft_len / 2 + 1]`.
    ///
    /// # Errors
    ///
    /// None; the planner's lengths fit each other.
    pub fn of(&self, frame: impl IntoIterator<Item = f64>) -> Result<Vec<f64>> {
        let mut windowed = self.fft.make_input_vec();
        for (to, (sample, weight)) in windowed.iter_mut().zip(frame.into_iter().zip(&self.window)) {
            *to = sample * weight;
        }
        let mut bins = self.fft.make_output_vec();
        self.fft.process(&mut windowed, &mut bins)?;
        Ok(bins.iter().map(|bin| bin.norm_sqr()).collect())
    }
}

/// MATLAB's `hann(len)`: `0.5 (1 - cos(2πn / (len - 1)))`, both ends 0.
fn symmetric_hann(len: usize) -> Vec<f64> {
    (0..len).map(|n| 0.5 - 0.5 * (TAU * n as f64 / (len - 1) as f64).cos()).collect()
}

/// Levels of 16 kHz samples in dBFS, a row of [`BINS`] for each frame; an incomplete frame at the end is left out.
///
/// # Errors
///
/// If there are fewer samples than [`FRAME_LEN`].
pub fn linear_spectrum(samples: &[i16]) -> Result<Rows> {
    ensure!(
        samples.len() >= FRAME_LEN,
        "too short: wanted at least {FRAME_LEN} samples at 16 kHz, got {}",
        samples.len()
    );
    let window = symmetric_hann(FRAME_LEN);
    let scale = SQRT_2 / window.iter().sum::<f64>();
    let spectrum = PowerSpectrum::new(window, FFT_LEN);
    let mut values = Vec::with_capacity(samples.len() / HOP_LEN * BINS);
    for frame in samples.windows(FRAME_LEN).step_by(HOP_LEN) {
        let power = spectrum.of(frame.iter().map(|sample| f64::from(*sample) / FULL_SCALE))?;
        values.extend(power.iter().map(|power| (20.0 * (scale * power.sqrt() + f64::EPSILON).log10()) as f32));
    }
    Ok(Rows { bands: BINS, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_is_that_of_a_naive_dft() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as u16 as i16
        };
        let samples: Vec<i16> = (0..2 * HOP_LEN + FRAME_LEN + 5).map(|_| noise()).collect();
        let rows = linear_spectrum(&samples).unwrap();
        assert_eq!((rows.bands, rows.len()), (257, 3));
        for (index, row) in rows.iter().enumerate() {
            for (bin, level) in row.iter().enumerate() {
                let (mut re, mut im, mut weights) = (0.0, 0.0, 0.0);
                for n in 0..256 {
                    let weight = (std::f64::consts::PI * n as f64 / 255.0).sin().powi(2);
                    let angle = TAU * (bin * n) as f64 / 512.0;
                    let value = weight * f64::from(samples[128 * index + n]) / 32_768.0;
                    (re, im, weights) = (re + value * angle.cos(), im - value * angle.sin(), weights + weight);
                }
                let wanted = 10.0 * (2.0 * (re * re + im * im) / (weights * weights)).log10();
                assert!((f64::from(*level) - wanted).abs() < 1e-3, "row {index}, bin {bin}: {level}, wanted {wanted}");
            }
        }
    }

    #[test]
    fn a_full_scale_sine_in_a_bin_is_at_minus_3_dbfs_and_silence_at_eps() {
        // 1 kHz is bin 32.
        let sine: Vec<i16> = (0..4000).map(|n| (32_767.0 * (TAU * f64::from(n) / 16.0).sin()) as i16).collect();
        for row in linear_spectrum(&sine).unwrap().iter() {
            let loudest = row.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            assert_eq!(loudest.0, 32);
            assert!((loudest.1 + 3.01).abs() < 0.01, "{}", loudest.1);
        }
        let silence = linear_spectrum(&[0; 256]).unwrap();
        assert!(silence.values.iter().all(|level| (level + 313.07).abs() < 0.01), "{:?}", silence.values.first());
    }

    #[test]
    fn less_than_a_frame_says_how_much_was_wanted() {
        let error = linear_spectrum(&[0; 255]).unwrap_err().to_string();
        assert!(error.contains("256") && error.contains("255"), "{error}");
        assert_eq!(linear_spectrum(&[0; 256]).unwrap().len(), 1);
    }
}
