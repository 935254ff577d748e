//! Quantises one row of a weight matrix to int8.

use anyhow::{Context, Result, anyhow, ensure};
use ser_core::quant::Multiplier;

use super::grids::{GATE_FRACTION_BITS, HIDDEN_STEPS, Input};

/// Least real multiplier used; a smaller one would be far below the output's resolution.
const LEAST_MULTIPLIER: f64 = 1.0 / (1u64 << 32) as f64;
/// Largest magnitude of a bias in an accumulator, so that there is room for the products.
const LARGEST_BIAS: f64 = (1u32 << 30) as f64;
/// Factor by which a row gets coarser at each attempt to fit it into an accumulator.
const COARSER: f64 = 1.05;
/// Ratio of expected errors that differ by rounding alone.
const ALIKE: f64 = 1.0 + 1e-9;

/// The multiplier nearest to a real factor.
///
/// # Errors
/// If there is none: the factor must be in 2⁻³³..2⁻².
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
        let mut scale = (largest(weights)? / 127.0)
            .max(bias.abs() / input.scale / LARGEST_BIAS)
            .max(LEAST_MULTIPLIER * output_scale / input.scale);
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

/// A row of an LSTM: input and recurrent products share one accumulator, whose step is that of the recurrent products.
pub(super) struct LstmRow {
    pub(super) input_weights: Vec<i8>,
    pub(super) recurrent_weights: Vec<i8>,
    pub(super) bias: i32,
    pub(super) multiplier: Multiplier,
    pub(super) input_shift: u8,
}

impl LstmRow {
    /// `energies` are `Σ E[x²]` over the inputs and `Σ E[h²]` over the hidden states that enter.
    ///
    /// With the step `s` of the recurrent weights, a shift of `k` bits gives the input weights the step
    /// `s · 2^(k-15) / input.scale`: the shift decides which of the two is finer. The shift with the least expected
    /// error is taken. Several shifts may err alike, for instance where hidden states have no energy; the one with the
    /// least error after fitting the accumulator is taken then.
    pub(super) fn new(
        input_weights: &[f32],
        recurrent_weights: &[f32],
        bias: f64,
        input: Input,
        energies: (f64, f64),
    ) -> Result<Self> {
        ensure!(bias.is_finite(), "the bias is not a finite number");
        let (from_input, from_hidden) = (largest(input_weights)? / 127.0, largest(recurrent_weights)? / 127.0);
        let ratio = |shift: u8| 2f64.powi(i32::from(shift)) / (HIDDEN_STEPS * input.scale);
        let step = |shift: u8| {
            from_hidden
                .max(from_input / ratio(shift))
                .max(bias.abs() * HIDDEN_STEPS / LARGEST_BIAS)
                .max(LEAST_MULTIPLIER * 2f64.powi(15 - GATE_FRACTION_BITS))
        };
        let error = |shift: u8, step: f64| step.powi(2) * (ratio(shift).powi(2) * energies.0 + energies.1);
        // None if fitting makes the row so coarse that its error reaches the limit.
        let fitting = |input_shift: u8, limit: f64| {
            let mut scale = step(input_shift);
            while error(input_shift, scale) < limit {
                let input_codes = codes(input_weights, scale * ratio(input_shift));
                let recurrent_codes = codes(recurrent_weights, scale);
                let zero = (i64::from(input.zero_point) * sum(&input_codes)) << input_shift;
                let folded = (bias * HIDDEN_STEPS / scale).round() as i64 - zero;
                let products = ((magnitude_sum(&input_codes) * input.magnitude) << input_shift)
                    + (magnitude_sum(&recurrent_codes) << 15);
                if products + folded.unsigned_abs() < 1 << 31 {
                    let multiplier = multiplier(scale * 2f64.powi(GATE_FRACTION_BITS - 15))?;
                    let row = Self {
                        input_weights: input_codes,
                        recurrent_weights: recurrent_codes,
                        bias: folded as i32,
                        multiplier,
                        input_shift,
                    };
                    return Ok(Some((error(input_shift, scale), row)));
                }
                scale *= COARSER;
            }
            Ok(None)
        };
        let least_error = (0..=15).map(|shift| error(shift, step(shift))).fold(f64::INFINITY, f64::min);
        let mut best: Result<(f64, Self)> = Err(anyhow!("no step of its weights fits an accumulator"));
        for shift in (0..=15).filter(|shift| error(*shift, step(*shift)) <= ALIKE * least_error) {
            let limit = best.as_ref().map_or(f64::INFINITY, |(error, _)| *error);
            match fitting(shift, limit) {
                Ok(Some(row)) => best = Ok(row),
                Err(error) if best.is_err() => best = Err(error),
                Ok(None) | Err(_) => {}
            }
        }
        best.map(|(_, row)| row)
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// A row of the first LSTM of the network `paper`, after a convolution whose outputs reach up to 4.
    fn long_row(energies: (f64, f64)) -> (Vec<f32>, LstmRow) {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let mut uniform = |count: usize| -> Vec<f32> { (0..count).map(|_| rng.random_range(-0.03..0.03)).collect() };
        let (input_weights, recurrent_weights) = (uniform(5408), uniform(200));
        let input = Input { scale: 4.0 / 255.0, zero_point: -128, magnitude: 1 << 7 };
        let row = LstmRow::new(&input_weights, &recurrent_weights, 0.1, input, energies).unwrap();
        (input_weights, row)
    }

    #[test]
    fn a_row_of_thousands_of_inputs_fits_an_accumulator() {
        for energies in [(1000.0, 0.0), (1000.0, 50.0), (0.0, 50.0)] {
            let (_, row) = long_row(energies);
            let products = ((magnitude_sum(&row.input_weights) << 7) << row.input_shift)
                + (magnitude_sum(&row.recurrent_weights) << 15);
            assert!(products + u64::from(row.bias.unsigned_abs()) < 1 << 31, "{energies:?}");
        }
    }

    #[test]
    fn a_single_step_of_large_weights_and_inputs_can_be_quantised() {
        let (mut weights, _) = long_row((1.0, 0.0));
        weights.iter_mut().for_each(|w| *w *= 20.0);
        let input = Input { scale: 40.0 / 255.0, zero_point: -128, magnitude: 1 << 7 };
        let row = LstmRow::new(&weights, &[0.5; 200], 0.1, input, (1e5, 0.0)).unwrap();
        assert_eq!(row.input_weights.iter().map(|code| code.unsigned_abs()).max(), Some(127));
        assert!(row.input_shift > 0, "with no shift the factor to the gate would be 4 times too large");
    }

    #[test]
    fn the_inputs_of_a_single_step_have_all_codes_for_their_weights() {
        let (weights, row) = long_row((1000.0, 0.0));
        assert_eq!(row.input_weights.iter().map(|code| code.unsigned_abs()).max(), Some(127));
        let step = f64::from(weights.iter().fold(0.0, |largest: f32, w| largest.max(w.abs()))) / 127.0;
        for (weight, code) in weights.iter().zip(&row.input_weights) {
            assert!((f64::from(*weight) / step - f64::from(*code)).abs() < 0.5001);
        }
    }
}
