//! Bicubic interpolation along one axis, as MATLAB's `imresize` does it (Keys 1981, `a = -1/2`).
//!
//! Output `j` of `O` lies at `u = (j + ½) I/O - ½` among the `I` inputs. It is the mean of the inputs with the weights
//! `h(x)`, where `x = |i - u| / max(1, I/O)` for input `i`. Where the picture shrinks, this is a low-pass.
//! `h(x) = (3x³ - 5x² + 2) / 2` up to 1, `(-x³ + 5x² - 8x + 4) / 2` up to 2, then 0. Beyond its ends the input is
//! mirrored.

/// Fraction bits of a weight.
const WEIGHT_BITS: u32 = 14;
/// Largest `I/O` for which weighted sums of colours of 64 steps fit in 32 bits.
pub(super) const MAX_SHRINK: usize = 1024;

/// Fraction bits of a distance.
const DISTANCE_BITS: u32 = 15;
/// Fraction bits of the reciprocal that makes a distance.
const RECIPROCAL_BITS: u32 = 40;

/// An axis with its numbers of inputs and outputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    inputs: i64,
    outputs: i64,
    /// Half of the kernel's support, in units of `1 / 2O` inputs.
    reach: i64,
    /// Turns such a unit into a distance `x`: `2⁴⁰ / (2 max(I, O))`.
    reciprocal: i64,
}

impl Axis {
    pub(super) fn new(inputs: usize, outputs: usize) -> Self {
        let (inputs, outputs) = (inputs as i64, outputs as i64);
        let one = 2 * inputs.max(outputs);
        Self {
            inputs,
            outputs,
            reach: 2 * one,
            reciprocal: (1i64 << RECIPROCAL_BITS).checked_div(one).unwrap_or_default(),
        }
    }

    /// The inputs of an output, each with its weight; `h = 1` is `2¹⁴`.
    pub(super) fn inputs_of(self, output: usize) -> impl Iterator<Item = (usize, i32)> {
        let step = 2 * self.outputs;
        let centre = (2 * output as i64 + 1) * self.inputs - self.outputs;
        let first = (centre - self.reach).checked_div_euclid(step).map_or(0, |before| before + 1);
        (first..)
            .map(move |input| (input, (centre - step * input)))
            .take_while(move |(_, distance)| -distance < self.reach)
            .map(move |(input, distance)| {
                let x = (distance.abs() * self.reciprocal) >> (RECIPROCAL_BITS - DISTANCE_BITS);
                (self.mirrored(input), kernel(x))
            })
    }

    /// The input at a place, which may lie beyond the ends.
    fn mirrored(self, place: i64) -> usize {
        if (0..self.inputs).contains(&place) {
            return place as usize;
        }
        let place = place.checked_rem_euclid(2 * self.inputs).unwrap_or_default();
        place.min(2 * self.inputs - 1 - place) as usize
    }
}

/// `h(x)` for a distance of at most 2, Q.15, in units of `2⁻¹⁴`, rounded.
fn kernel(x: i64) -> i32 {
    const ONE: i64 = 1 << DISTANCE_BITS;
    const SHIFT: u32 = 3 * DISTANCE_BITS + 1 - WEIGHT_BITS;
    let (squared, cubed) = (x * x * ONE, x * x * x);
    let twice = if x <= ONE {
        3 * cubed - 5 * squared + 2 * ONE * ONE * ONE
    } else {
        -cubed + 5 * squared - 8 * x * ONE * ONE + 4 * ONE * ONE * ONE
    };
    ((twice + (1 << (SHIFT - 1))) >> SHIFT) as i32
}

/// Sums weights, to make means of weighted sums.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean(i64);

impl Mean {
    /// Fraction bits that a mean has in addition to those of its inputs.
    pub(super) const BITS: u32 = 8;

    /// Adds a weight.
    pub(super) fn add(&mut self, weight: i32) {
        self.0 += i64::from(weight);
    }

    /// The reciprocal of the sum, once all weights are added.
    pub(super) fn finish(self) -> Reciprocal {
        Reciprocal((1i64 << RECIPROCAL_BITS).checked_div(self.0).unwrap_or_default())
    }
}

/// `2⁴⁰` over the sum of all weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reciprocal(i64);

impl Reciprocal {
    /// 2⁸ times the mean from its weighted sum, rounded down.
    pub(super) fn of(self, sum: i64) -> i64 {
        (sum * self.0) >> (RECIPROCAL_BITS - Mean::BITS)
    }
}
