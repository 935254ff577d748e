//! Log-mel rows, or columns of an image, to the network's input: normalised over the training set, as int8.

use super::decibel::{DECIBEL, Level};
use crate::quant::{Multiplier, Multipliers, requantize};
use crate::spec::{IMAGE_CHANNELS, SpecError};

/// Real value of one step of an int8 input. The zero point is 0.
pub const INPUT_SCALE: f32 = 1.0 / 32.0;
/// Normalised features are limited to this range, the range of their int8 codes.
pub const INPUT_LIMITS: (f32, f32) = (-128.0 * INPUT_SCALE, 127.0 * INPUT_SCALE);

/// Steps of a decibel, or of a pixel's value, in [`Normalizer::mean`].
pub const MEAN_DECIBEL: i32 = 1 << 16;

/// `code = clamp(requantize((log_mel - reference) · 512 - mean))` for each band. With the multiplier `32 / (65536 sd)`,
/// and `mean` and `sd` (dB) of the training set, a code counts 32nds of a standard deviation. For an image
/// `code = clamp(requantize(pixel · 65536 - mean))` for each colour.
#[derive(Clone, Copy, Debug)]
pub struct Normalizer<'m> {
    /// i32 little-endian in steps of [`MEAN_DECIBEL`], magnitudes of at most 2³⁰; `[mel_bands]`, for an image `[3]`.
    pub mean: &'m [[u8; 4]],
    /// One for each mean.
    pub multipliers: Multipliers<'m>,
}

/// Largest magnitude of a mean.
const MAX_MEAN: u32 = 1 << 30;

impl Normalizer<'_> {
    /// Checks means and multipliers against their ranges.
    pub(crate) const fn check(&self) -> Result<(), SpecError> {
        let mut numbers = self.mean;
        while let [mean, rest @ ..] = numbers {
            numbers = rest;
            let mean = i32::from_le_bytes(*mean);
            if mean.unsigned_abs() > MAX_MEAN {
                return Err(SpecError {
                    quantity: "normalisation mean",
                    got: mean as f32,
                    wanted: "a magnitude of at most 2^30",
                });
            }
        }
        numbers = self.multipliers.mantissa;
        while let [mantissa, rest @ ..] = numbers {
            numbers = rest;
            let mantissa = i32::from_le_bytes(*mantissa);
            if mantissa < 1 << 30 {
                return Err(SpecError {
                    quantity: "normalisation mantissa",
                    got: mantissa as f32,
                    wanted: "at least 2^30",
                });
            }
        }
        let mut shifts = self.multipliers.shift;
        while let [shift, rest @ ..] = shifts {
            shifts = rest;
            if *shift < 1 || *shift > 31 {
                return Err(SpecError { quantity: "normalisation shift", got: *shift as f32, wanted: "1..=31" });
            }
        }
        Ok(())
    }

    /// The int8 codes of a row, band by band, relative to the reference of the row (see [`super::LevelReference`]).
    pub fn codes(&self, log_mel: &[i16], reference: Level) -> impl Iterator<Item = i8> {
        log_mel.iter().zip(self.mean.iter().zip(self.multipliers.iter())).map(move |(level, (mean, multiplier))| {
            let relative = (i32::from(*level) - i32::from(reference.steps())) * (MEAN_DECIBEL / DECIBEL as i32);
            code(relative, *mean, multiplier)
        })
    }

    /// Replaces the pixels of a column, `[bands][3]`, by their int8 codes and returns these.
    pub fn pixel_codes<'p>(&self, pixels: &'p mut [u8]) -> &'p [i8] {
        for pixel in pixels.as_chunks_mut::<IMAGE_CHANNELS>().0 {
            for (value, (mean, multiplier)) in pixel.iter_mut().zip(self.mean.iter().zip(self.multipliers.iter())) {
                *value = code(i32::from(*value) * MEAN_DECIBEL, *mean, multiplier) as u8;
            }
        }
        bytemuck::cast_slice(pixels)
    }
}

/// The code of a value in the unit of the mean. Their difference is at most 2³¹ - 1.
fn code(value: i32, mean: [u8; 4], multiplier: Multiplier) -> i8 {
    requantize(value - i32::from_le_bytes(mean), multiplier).clamp(i32::from(i8::MIN), i32::from(i8::MAX)) as i8
}
