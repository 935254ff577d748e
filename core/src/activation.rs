//! Sigmoid and tanh from one table, integer only.
//!
//! Input [`Q3_12`], output [`Q0_15`]. The table holds tanh at the ends of 128 segments over `[0, 8]`. Between them it
//! is interpolated quadratically (Newton–Stirling, with the mean of two neighbouring second differences). Sigmoid reads
//! the same table: `sigmoid(x) = (1 + tanh(x / 2)) / 2`. Over all 65,536 inputs tanh is at most 0.62 LSB from the real
//! function (limited to ±32767), sigmoid at most 0.57.

use crate::fixed::{Q0_15, Q3_12};

/// Segments of the table over `[0, 8]`.
const SEGMENTS: usize = 128;
/// Fraction bits of the table.
const FRACTION_BITS: u32 = 21;

/// `tanh((i - 1) / 16)` in Q21: from one before the first segment's start to three past the last one's.
pub(crate) static TANH: [i32; SEGMENTS + 4] = tanh_table();

/// `e^x` for `x` in 0..=17, relative error below 1e-13: Taylor series of `e^(x/64)`, then six squarings.
const fn exp(x: f64) -> f64 {
    let x = x / 64.0;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while n < 16.0 {
        term *= x / n;
        sum += term;
        n += 1.0;
    }
    let mut squarings = 0;
    while squarings < 6 {
        sum *= sum;
        squarings += 1;
    }
    sum
}

const fn tanh_table() -> [i32; SEGMENTS + 4] {
    let mut table = [0; SEGMENTS + 4];
    let mut i = 0;
    while i + 1 < table.len() {
        let tanh = 1.0 - 2.0 / (exp(i as f64 / 8.0) + 1.0);
        table[i + 1] = (tanh * (1u32 << FRACTION_BITS) as f64 + 0.5) as i32;
        i += 1;
    }
    // tanh is odd.
    table[0] = -table[2];
    table
}

/// tanh of `|x|` in Q(21 + SEGMENT_BITS), where a segment spans `2^SEGMENT_BITS` input steps. With 128 segments
/// `SEGMENT_BITS` is at least 8.
fn tanh_magnitude<const SEGMENT_BITS: u32>(x: Q3_12) -> i32 {
    const { assert!((1 << 15) >> SEGMENT_BITS <= SEGMENTS, "the table ends before the inputs") };
    let segment_bits = SEGMENT_BITS;
    let magnitude = i32::from(x.0).unsigned_abs();
    let segment = (magnitude >> segment_bits) as usize;
    let fraction = (magnitude & ((1 << segment_bits) - 1)) as i32;
    let [before, here, next, after] = [TANH[segment], TANH[segment + 1], TANH[segment + 2], TANH[segment + 3]];
    let slope = next - here;
    let curvature = (after - next) - (here - before);
    let bow = fraction * ((1 << segment_bits) - fraction);
    // At most 2¹⁶ times 12,700.
    let correction = (bow * curvature) >> (segment_bits + 2);
    (here << segment_bits) + fraction * slope - correction
}

/// tanh.
pub fn tanh(x: Q3_12) -> Q0_15 {
    const SHIFT: u32 = FRACTION_BITS + 8 - 15;
    let rounded = (tanh_magnitude::<8>(x) + (1 << (SHIFT - 1))) >> SHIFT;
    let magnitude = rounded.min(i32::from(i16::MAX)) as i16;
    Q0_15(if x.0 < 0 { -magnitude } else { magnitude })
}

/// Sigmoid; never negative.
pub fn sigmoid(x: Q3_12) -> Q0_15 {
    const SHIFT: u32 = FRACTION_BITS + 9 - 14;
    let half = (tanh_magnitude::<9>(x) + (1 << (SHIFT - 1))) >> SHIFT;
    let value = (1 << 14) + if x.0 < 0 { -half } else { half };
    Q0_15(value.clamp(0, i32::from(i16::MAX)) as i16)
}
