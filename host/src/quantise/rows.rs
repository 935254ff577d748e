//! One row of a weight matrix to int8.

use anyhow::{Context, Result, ensure};
use ser_core::quant::Multiplier;

use super::{GATE_FRACTION_BITS, HIDDEN_STEPS, Input};

/// Least real multiplier used; what would need a smaller one is far below the output's resolution.
const LEAST_MULTIPLIER: f64 = 1.0 / (1u64 << 32) as f64;
/// Largest magnitude of a bias in an accumulator, so that there is room for the products.
const LARGEST_BIAS: f64 = (1u32 << 30) as f64;
/// How much coarser a row is made at a time when it doesn't fit an accumulator.
const COARSER: f64 = 1.05;

/// The multiplier nearest to a real factor.
///
/// # Errors
/// If there is none: the factor is to be in 2⁻³³..2⁻².
pub(crate) fn multiplier(real: f64) -> Result<Multiplier> {
    (1..=31u8)
        .map(|shift| (shift, (real * 2f64.powi(32 + i32::from(shift))).round()))
        .find(|(_, mantissa)| *mantissa >= 2f64.powi(30))
        .filter(|(_, mantissa)| *mantissa < 2f64.powi(31))
        .and_then(|(shift, mantissa)| Multiplier::new(mantissa as i32, shift))
        .with_context(|| format!("factor {real:e} from accumulator to output is outside of 2^-33..2^-2"))
}

fn codes(weights: &[f32], scale: f64) -> Vec<i8> {
    weights.iter().map(|w| (f64::from(*w) / scale).round().clamp(-127.0, 127.0) as i8).collect()
}

fn largest(weights: &[f32]) -> Result<f64> {
    ensure!(weights.iter().all(|w| w.is_finite()), "a weight is not a finite number");
    Ok(weights.iter().fold(0.0, |m, w| f64::from(w.abs()).max(m)))
}

fn magnitude_sum(weights: &[i8]) -> u64 {
    weights.iter().map(|w| u64::from(w.unsigned_abs())).sum()
}

fn sum(weights: &[i8]) -> i64 {
    weights.iter().map(|w| i64::from(*w)).sum()
}

/// A row of a convolution or a dense layer.
pub(super) struct AffineRow {
    pub(super) weights: Vec<i8>,
    pub(super) bias: i32,
    pub(super) multiplier: Multiplier,
}

impl AffineRow {
    pub(super) fn new(weights: &[f32], bias: f64, input: Input, output_scale: f64) -> Result<Self> {
        ensure!(bias.is_finite(), "the bias is not a finite number");
        let mut scale =
            (largest(weights)? / 127.0).max(bias.abs() / input.scale / LARGEST_BIAS).max(LEAST_MULTIPLIER * output_scale / input.scale);
        loop {
            let codes = codes(weights, scale);
            let folded = (bias / (scale * input.scale)).round() as i64 - i64::from(input.zero_point) * sum(&codes);
            if magnitude_sum(&codes) * input.magnitude + folded.unsigned_abs() < 1 << 31 {
                let multiplier = multiplier(scale * input.scale / output_scale)?;
                return Ok(Self { weights: codes, bias: folded as i32, multiplier });
            }
            scale *= COARSER;
        }
    }
}

/// A row of an LSTM: input and recurrent products in one accumulator whose step is that of the recurrent products.
pub(super) struct LstmRow {
    pub(super) input_weights: Vec<i8>,
    pub(super) recurrent_weights: Vec<i8>,
    pub(super) bias: i32,
    pub(super) multiplier: Multiplier,
    pub(super) input_shift: u8,
}

impl LstmRow {
    /// `energies` are `Σ E[x²]` over the inputs and `Σ E[h²]` over the hidden states.
    ///
    /// With the step `s` of the recurrent weights, a shift of `k` bits means a step `s · 2^(k-15) / input.scale` of the input
    /// weights: the shift decides which of the two is finer. The one with the least expected error is taken.
    pub(super) fn new(input_weights: &[f32], recurrent_weights: &[f32], bias: f64, input: Input, energies: (f64, f64)) -> Result<Self> {
        ensure!(bias.is_finite(), "the bias is not a finite number");
        let (from_input, from_hidden) = (largest(input_weights)? / 127.0, largest(recurrent_weights)? / 127.0);
        let ratio = |shift: u8| 2f64.powi(i32::from(shift)) / (HIDDEN_STEPS * input.scale);
        let step = |shift: u8| {
            from_hidden
                .max(from_input / ratio(shift))
                .max(bias.abs() * HIDDEN_STEPS / LARGEST_BIAS)
                .max(LEAST_MULTIPLIER * 2f64.powi(15 - GATE_FRACTION_BITS))
        };
        let error = |shift: u8| step(shift).powi(2) * (ratio(shift).powi(2) * energies.0 + energies.1);
        let input_shift = (0..=15).min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap_or(0);
        let mut scale = step(input_shift);
        loop {
            let input_codes = codes(input_weights, scale * ratio(input_shift));
            let recurrent_codes = codes(recurrent_weights, scale);
            let zero = (i64::from(input.zero_point) * sum(&input_codes)) << input_shift;
            let folded = (bias * HIDDEN_STEPS / scale).round() as i64 - zero;
            let products = ((magnitude_sum(&input_codes) * input.magnitude) << input_shift) + (magnitude_sum(&recurrent_codes) << 15);
            if products + folded.unsigned_abs() < 1 << 31 {
                let multiplier = multiplier(scale * 2f64.powi(GATE_FRACTION_BITS - 15))?;
                return Ok(Self {
                    input_weights: input_codes,
                    recurrent_weights: recurrent_codes,
                    bias: folded as i32,
                    multiplier,
                    input_shift,
                });
            }
            scale *= COARSER;
        }
    }
}
