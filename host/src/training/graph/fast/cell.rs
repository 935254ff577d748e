//! One step of an LSTM for each unit, forward and backward, for several utterances at a time.
//!
//! All slices are `[utterance][unit]`, gates `[utterance][gate][unit]` in the order of
//! [`crate::training::graph::lstm::Lstm::columns`]; units are padded to whole vectors.

use pulp::{Simd, WithSimd};

use super::vector::{select, vectors, vectors_mut};

/// One step forward.
pub(super) struct Advance<'a> {
    /// Units of an utterance, including padding.
    pub(super) units: usize,
    /// Sums of the gates; the step replaces them by the gates' activations.
    pub(super) gates: &'a mut [f32],
    /// Cell state before the step.
    pub(super) before: &'a [f32],
    /// Cell state after the step.
    pub(super) cell: &'a mut [f32],
    /// Hidden state after the step.
    pub(super) hidden: &'a mut [f32],
}

impl WithSimd for Advance<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let units = self.units / S::F32_LANES;
        let (gates, before) = (vectors_mut::<S>(self.gates), vectors::<S>(self.before));
        let (cell, hidden) = (vectors_mut::<S>(self.cell), vectors_mut::<S>(self.hidden));
        for at in 0..cell.len() {
            let gate = at / units * 4 * units + at % units;
            let input = sigmoid(simd, gates[gate]);
            let forget = sigmoid(simd, gates[gate + units]);
            let output = sigmoid(simd, gates[gate + 2 * units]);
            let candidate = tanh(simd, gates[gate + 3 * units]);
            let after = simd.mul_add_e_f32s(forget, before[at], simd.mul_f32s(input, candidate));
            cell[at] = after;
            hidden[at] = simd.mul_f32s(output, tanh(simd, after));
            gates[gate] = input;
            gates[gate + units] = forget;
            gates[gate + 2 * units] = output;
            gates[gate + 3 * units] = candidate;
        }
    }
}

/// One step back.
pub(super) struct Retreat<'a> {
    /// Units of an utterance, including padding.
    pub(super) units: usize,
    /// Activations of the gates.
    pub(super) gates: &'a [f32],
    /// Cell state before the step.
    pub(super) before: &'a [f32],
    /// Cell state after the step.
    pub(super) cell: &'a [f32],
    /// Gradient of the hidden state after the step.
    pub(super) of_hidden: &'a [f32],
    /// Gradient of the cell state after the step, as far as it comes from later steps. The step replaces it by the
    /// gradient of the state before.
    pub(super) of_cell: &'a mut [f32],
    /// Gradient of the gates' sums.
    pub(super) of_sums: &'a mut [f32],
}

impl WithSimd for Retreat<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let units = self.units / S::F32_LANES;
        let (gates, before, cell) = (vectors::<S>(self.gates), vectors::<S>(self.before), vectors::<S>(self.cell));
        let of_hidden = vectors::<S>(self.of_hidden);
        let (of_cell, of_sums) = (vectors_mut::<S>(self.of_cell), vectors_mut::<S>(self.of_sums));
        for at in 0..cell.len() {
            let gate = at / units * 4 * units + at % units;
            let (input, forget, output, candidate) =
                (gates[gate], gates[gate + units], gates[gate + 2 * units], gates[gate + 3 * units]);
            let squashed = tanh(simd, cell[at]);
            let of_squashed = simd.mul_f32s(of_hidden[at], output);
            let of_after = simd.mul_add_e_f32s(of_squashed, tanh_slope(simd, squashed), of_cell[at]);
            let of_output = simd.mul_f32s(of_hidden[at], squashed);
            of_sums[gate] = simd.mul_f32s(simd.mul_f32s(of_after, candidate), sigmoid_slope(simd, input));
            of_sums[gate + units] = simd.mul_f32s(simd.mul_f32s(of_after, before[at]), sigmoid_slope(simd, forget));
            of_sums[gate + 2 * units] = simd.mul_f32s(of_output, sigmoid_slope(simd, output));
            of_sums[gate + 3 * units] = simd.mul_f32s(simd.mul_f32s(of_after, input), tanh_slope(simd, candidate));
            of_cell[at] = simd.mul_f32s(of_after, forget);
        }
    }
}

/// tanh, with an error of at most 1.6e-7.
///
/// Lambert's continued fraction, cut at the seventh power, gives tanh of a quarter of the argument; then
/// `tanh 2y = 2 tanh y / (1 + tanh² y)` runs twice. Beyond ±9, tanh is ±1 in single precision.
#[inline(always)]
pub(super) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (lowest, highest, one) = (simd.splat_f32s(-9.0), simd.splat_f32s(9.0), simd.splat_f32s(1.0));
    // Comparisons keep a NaN; minimum and maximum may lose it.
    let x = select(simd, simd.greater_than_f32s(x, highest), highest, x);
    let x = select(simd, simd.less_than_f32s(x, lowest), lowest, x);
    let y = simd.mul_f32s(x, simd.splat_f32s(0.25));
    let square = simd.mul_f32s(y, y);
    let above = simd.add_f32s(square, simd.splat_f32s(378.0));
    let above = simd.mul_add_e_f32s(above, square, simd.splat_f32s(17_325.0));
    let above = simd.mul_add_e_f32s(above, square, simd.splat_f32s(135_135.0));
    let below = simd.mul_add_e_f32s(square, simd.splat_f32s(28.0), simd.splat_f32s(3_150.0));
    let below = simd.mul_add_e_f32s(below, square, simd.splat_f32s(62_370.0));
    let below = simd.mul_add_e_f32s(below, square, simd.splat_f32s(135_135.0));
    let mut tanh = simd.div_f32s(simd.mul_f32s(y, above), below);
    for _ in 0..2 {
        tanh = simd.div_f32s(simd.add_f32s(tanh, tanh), simd.mul_add_e_f32s(tanh, tanh, one));
    }
    tanh
}

/// `σ(x) = (1 + tanh(x / 2)) / 2`.
#[inline(always)]
fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_e_f32s(tanh(simd, simd.mul_f32s(x, half)), half, half)
}

/// Derivative of tanh at the argument where tanh is `value`.
#[inline(always)]
fn tanh_slope<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    simd.sub_f32s(simd.splat_f32s(1.0), simd.mul_f32s(value, value))
}

/// Derivative of the sigmoid at the argument where the sigmoid is `value`.
#[inline(always)]
fn sigmoid_slope<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    simd.sub_f32s(value, simd.mul_f32s(value, value))
}
