//! Logarithms of powers, in integers.

use crate::quant::{Multiplier, requantize};

/// Steps of a decibel in levels and log-mel rows.
pub const DECIBEL: i16 = 128;

/// The level of nothing at all, in steps of [`DECIBEL`]: -256 dB.
pub const SILENCE: i16 = i16::MIN;

/// Segments of [`BULGE`] between two powers of two.
const SEGMENTS: usize = 32;
/// Fraction bits of a logarithm.
const FRACTION_BITS: u32 = 16;
/// Fraction bits within a segment.
const WITHIN_BITS: u32 = FRACTION_BITS - SEGMENTS.ilog2();

/// `log2(1 + i / 32) - i / 32`, Q0.16: how far the logarithm lies above its chord.
static BULGE: [u16; SEGMENTS + 1] = bulge_table();

/// A bit of the logarithm for each squaring.
const fn bulge_table() -> [u16; SEGMENTS + 1] {
    let mut table = [0; SEGMENTS + 1];
    let mut i = 1;
    while i < SEGMENTS {
        // Q1.31; the logarithm in Q0.20.
        let mut x = ((SEGMENTS + i) as u64) << (31 - SEGMENTS.ilog2());
        let (mut log, mut bit) = (0u32, 0);
        while bit < 20 {
            x = (x * x) >> 31;
            log <<= 1;
            if x >= 1 << 32 {
                x >>= 1;
                log |= 1;
            }
            bit += 1;
        }
        table[i] = (((log + 8) >> 4) - ((i as u32) << WITHIN_BITS)) as u16;
        i += 1;
    }
    table
}

/// `log2(value)`, Q6.16, at most 0.0002 too small; of 0 as of 1. Linear between 32 points of each octave.
pub(super) fn log2(value: u64) -> i32 {
    let value = value.max(1);
    let exponent = 63 - value.leading_zeros();
    let mantissa = ((value << value.leading_zeros()) >> 32) as u32;
    let fraction = (mantissa << 1) >> (32 - FRACTION_BITS);
    let segment = (fraction >> WITHIN_BITS) as usize;
    let within = (fraction & ((1 << WITHIN_BITS) - 1)) as i32;
    // There are always two: the segment is at most 31.
    let &[here, next] = BULGE.get(segment..).and_then(|from| from.first_chunk()).unwrap_or(&[0; 2]);
    let (here, next) = (i32::from(here), i32::from(next));
    (exponent << FRACTION_BITS) as i32 + fraction as i32 + here + (((next - here) * within) >> WITHIN_BITS)
}

/// `10 log10` of a power whose `log2` this is, Q.16, in steps of [`DECIBEL`], saturated.
pub(super) fn decibels(log2: i32) -> i16 {
    // 10 log10(2) · 128 / 2¹⁶ = 1,616,142,483 · 2⁻³⁸.
    const FACTOR: Option<Multiplier> = Multiplier::new(1_616_142_483, 6);
    let decibels = FACTOR.map_or(0, |factor| requantize(log2, factor));
    decibels.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// Decibels in steps of [`DECIBEL`], rounded, saturated.
pub(super) fn steps(decibels: f32) -> i16 {
    let steps = decibels * f32::from(DECIBEL);
    (if steps < 0.0 { steps - 0.5 } else { steps + 0.5 }) as i16
}
