//! One frame to levels.
//!
//! The FFT is in f32, because the least level of an utterance decides its grays. This level is a zero between two
//! overtones, or a frame of silence: so far below the loudest level that the integer FFT of the log-mel rows gives 0
//! there. A window in Q0.15 would hide it too; one in Q0.31 is as good as f32.

use microfft::Complex32;
use microfft::real::{rfft_256, rfft_512};

use crate::frontend::decibel::log2;
use crate::quant::{Multiplier, requantize};

/// Steps of a decibel in levels of an image.
pub const LEVEL_DECIBEL: i16 = 64;

/// `log2` of the power of full scale: a sample counts 2⁻¹⁵, a window value 2⁻³¹.
const FULL_SCALE_LOG2: i32 = 92;
/// `ε²` on the scale of the power, with `ε = 2⁻⁵²` of full scale: 2⁻¹².
const EPSILON_POWER: f32 = 1.0 / (1u64 << (2 * 52 - FULL_SCALE_LOG2)) as f32;

/// The levels of the bins of a frame, DC first. `window` is the first half of the window, two numbers for each value;
/// `work` has room for the FFT. The power of `|S| + ε` is taken as `|S|² + ε²`: they differ only where `|S|` is about
/// `ε`.
pub(super) fn levels(frame: &[i16], window: &[[u8; 2]], work: &mut [f32], levels: &mut [i16]) {
    let (window, _) = window.as_chunks();
    let weights =
        window.iter().chain(window.iter().rev()).map(|&[[a, b], [c, d]]| i32::from_le_bytes([a, b, c, d]) as f32);
    let (values, padding) = work.split_at_mut_checked(frame.len()).unwrap_or_default();
    padding.fill(0.0);
    for ((value, sample), weight) in values.iter_mut().zip(frame).zip(weights) {
        *value = f32::from(*sample) * weight;
    }
    let spectrum = if levels.len() == 257 {
        work.first_chunk_mut().map(|frame| rfft_512(frame).as_slice())
    } else {
        work.first_chunk_mut().map(|frame| rfft_256(frame).as_slice())
    };
    let Some(([ends, inner @ ..], [dc, levels @ .., nyquist])) = spectrum.map(|spectrum| (spectrum, levels)) else {
        return;
    };
    // DC and Nyquist are real and share the first place.
    *dc = level(Complex32::new(ends.re, 0.0));
    *nyquist = level(Complex32::new(ends.im, 0.0));
    levels.iter_mut().zip(inner).for_each(|(to, bin)| *to = level(*bin));
}

/// `10 log10(|bin|² + ε²)`, full scale = 0 dB, in steps of [`LEVEL_DECIBEL`].
fn level(bin: Complex32) -> i16 {
    // 10 log10(2) · 64 / 2¹⁶ = 1,616,142,483 · 2⁻³⁹.
    const FACTOR: Option<Multiplier> = Multiplier::new(1_616_142_483, 7);
    let bits = (bin.re * bin.re + bin.im * bin.im + EPSILON_POWER).to_bits();
    // The number is positive and normal: 2^(exponent - 127) times a mantissa in 1..2, Q.23.
    let (exponent, mantissa) = (bits >> 23, (bits & 0x7F_FFFF) | 0x80_0000);
    let log2 = log2(u64::from(mantissa)) + ((exponent as i32 - 127 - 23 - FULL_SCALE_LOG2) << 16);
    FACTOR.map_or(0, |factor| requantize(log2, factor)).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
