//! Levels and logarithms of powers, in integers.

use crate::quant::{Multiplier, requantize};

/// Steps of a decibel in a [`Level`] and in log-mel rows.
pub const DECIBEL: i16 = 128;

/// A level in steps of 1/128 dB, from -256 dB to just below 256 dB: dBFS, mean square, full scale = 0 dB. The
/// difference of two levels has this type too.
///
/// The bands of a log-mel row are levels as well, but stay `[i16]`: a row is cut out of the caller's memory.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(i16);

impl Level {
    /// The level of nothing at all: -256 dB, the least.
    pub const SILENCE: Self = Self(i16::MIN);

    /// A level of `steps / 128` dB.
    pub const fn from_steps(steps: i16) -> Self {
        Self(steps)
    }

    /// The nearest level, limited to the range.
    pub fn from_decibels(decibels: f32) -> Self {
        let steps = decibels * f32::from(DECIBEL);
        Self((if steps < 0.0 { steps - 0.5 } else { steps + 0.5 }) as i16)
    }

    /// In steps of 1/128 dB.
    pub const fn steps(self) -> i16 {
        self.0
    }

    /// In decibels.
    pub fn decibels(self) -> f32 {
        f32::from(self.0) / f32::from(DECIBEL)
    }

    /// `self - other`, limited to the range.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Segments of [`BULGE`] between two powers of two.
const SEGMENTS: usize = 32;
/// Fraction bits of a logarithm.
const FRACTION_BITS: u32 = 16;
/// Fraction bits within a segment.
const WITHIN_BITS: u32 = FRACTION_BITS - SEGMENTS.ilog2();

/// `log2(1 + i / 32) - i / 32`, Q0.16: the height of the logarithm above its chord.
static BULGE: [u16; SEGMENTS + 1] = bulge_table();

/// Each squaring gives one bit of the logarithm.
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

/// `log2(value)`, Q6.16, at most 0.0002 too small; 0 counts as 1. Linear between 32 points of each octave.
pub(super) fn log2(value: u64) -> i32 {
    let value = value.max(1);
    let exponent = 63 - value.leading_zeros();
    let mantissa = ((value << value.leading_zeros()) >> 32) as u32;
    let fraction = (mantissa << 1) >> (32 - FRACTION_BITS);
    let segment = (fraction >> WITHIN_BITS) as usize;
    let within = (fraction & ((1 << WITHIN_BITS) - 1)) as i32;
    // The table has two entries from each segment on: a segment is at most 31.
    let &[here, next] = BULGE.get(segment..).and_then(|from| from.first_chunk()).unwrap_or(&[0; 2]);
    let (here, next) = (i32::from(here), i32::from(next));
    (exponent << FRACTION_BITS) as i32 + fraction as i32 + here + (((next - here) * within) >> WITHIN_BITS)
}

/// `10 log10` of a power from its `log2`, Q.16, limited to the range of a level.
pub(super) fn level(log2: i32) -> Level {
    // 10 log10(2) · 128 / 2¹⁶ = 1,616,142,483 · 2⁻³⁸.
    const FACTOR: Option<Multiplier> = Multiplier::new(1_616_142_483, 6);
    let decibels = FACTOR.map_or(0, |factor| requantize(log2, factor));
    Level(decibels.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16)
}
