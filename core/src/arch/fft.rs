//! What every FFT of this crate shares: twiddles, the window, the order of the values, the power of a bin.
//!
//! A frame of `N` real values is taken as `M = N / 2` complex ones, transformed by radix-4 passes decimated in time,
//! and taken apart again (Cooley and Tukey 1965; Sorensen et al. 1987 for real data). Data is int32, twiddles are
//! Q0.15. Each pass halves its inputs. With the first shift of [`input_shift`] the spectrum comes out divided by `N`,
//! and no sum can leave int32: at each point a magnitude is at most the sum of those that enter it.
//!
//! A processor brings its own radix-4 butterflies to [`power_spectrum`] (`portable`, `arm_dsp`), or a transform of its
//! own that does the same additions and products (`avx2`).

use crate::fixed::multiply_high;

/// Steps of the circle, a quarter of which [`SINE`] holds: as many as the longest FFT has values.
pub(super) const CIRCLE: usize = 2048;
/// A quarter of the circle.
pub(super) const QUARTER: usize = CIRCLE / 4;

/// `sin(2π i / 2048)`, Q0.15; 1 is stored as 1 - 2⁻¹⁵.
static SINE: [i16; QUARTER + 1] = sine_table();

/// Taylor series; the error is far below half a step of Q0.15.
pub(super) const fn sine_table() -> [i16; QUARTER + 1] {
    let mut table = [0; QUARTER + 1];
    let mut i = 0;
    while i <= QUARTER {
        let x = core::f64::consts::TAU * i as f64 / CIRCLE as f64;
        let (mut term, mut sum, mut n) = (x, x, 1.0);
        while n < 20.0 {
            term *= -x * x / ((n + 1.0) * (n + 2.0));
            sum += term;
            n += 2.0;
        }
        let code = (sum * 32768.0 + 0.5) as i32;
        table[i] = if code > 32767 { 32767 } else { code as i16 };
        i += 1;
    }
    table
}

/// A complex number `[re, im]`.
pub(crate) type Complex = [i32; 2];

/// A frame of samples, and the place of its power spectrum.
pub(crate) struct Frame<'a> {
    /// The samples, in two pieces that follow each other.
    pub pieces: [&'a [i16]; 2],
    /// First half of the window, Q0.15: `w[n] = window[min(n, frame_len - n)]`.
    pub window: &'a [[u8; 2]],
    /// `M + 1` values. Behind the transform each holds the power of a bin, see [`bin_power`].
    pub spectrum: &'a mut [Complex],
}

/// `e^(-iθ)`.
#[derive(Clone, Copy)]
pub(super) struct Twiddle {
    pub cos: i32,
    pub sin: i32,
}

impl Twiddle {
    /// Of an angle in steps of the circle, less than three quarters of it.
    pub fn new(angle: usize) -> Self {
        let at = angle % QUARTER;
        let sine = |index: usize| i32::from(SINE.get(index).copied().unwrap_or_default());
        let (sin, cos) = (sine(at), sine(QUARTER - at));
        match angle / QUARTER {
            0 => Self { cos, sin },
            1 => Self { cos: -sin, sin: cos },
            _ => Self { cos: -cos, sin: -sin },
        }
    }

    /// Half of the product with `[re, im]`, each of its terms rounded down.
    pub fn half_product(self, [re, im]: Complex) -> Complex {
        [
            multiply_high(re, self.cos) + multiply_high(im, self.sin),
            multiply_high(im, self.cos) + multiply_high(re, -self.sin),
        ]
    }
}

/// How many bits values are shifted down before the transform of `fft_len` real ones.
pub(super) const fn input_shift(fft_len: usize) -> u32 {
    fft_len.trailing_zeros().saturating_sub(1) / 2 + 1
}

/// Where the complex value `index` of `len` (a power of two) stands before the transform: its bits in reverse order.
pub(super) fn place(index: usize, len: usize) -> usize {
    let index = index as u32;
    (index.reverse_bits() >> (32 - len.trailing_zeros().clamp(1, 31))) as usize
}

/// Half of a complex number, rounded down.
pub(super) fn halved([re, im]: Complex) -> Complex {
    [re >> 1, im >> 1]
}

/// `floor((re² + im²) / 2¹²)` as `[lower, upper]` word.
fn power([re, im]: Complex) -> Complex {
    let square = |value: i32| (i64::from(value) * i64::from(value)) as u64;
    let power = (square(re) + square(im)) >> 12;
    [power as i32, (power >> 32) as i32]
}

/// The power that [`power_spectrum`] has left at a bin.
pub(crate) fn bin_power([lower, upper]: Complex) -> u64 {
    u64::from(lower as u32) | u64::from(upper as u32) << 32
}

/// The power spectrum of a frame, with the radix-4 butterflies of the processor: see [`transform`].
#[inline(always)]
pub(super) fn power_spectrum(frame: Frame<'_>, butterflies: impl Fn(&mut [Complex], usize, usize, [Twiddle; 3])) {
    let Frame { pieces, window, spectrum } = frame;
    window_frame(pieces, window, spectrum);
    transform_to_powers(spectrum, butterflies);
}

/// Puts a frame, windowed and padded with zeros, where the transform wants it.
fn window_frame(pieces: [&[i16]; 2], window: &[[u8; 2]], spectrum: &mut [Complex]) {
    let len = spectrum.len().saturating_sub(1);
    let frame_len = pieces[0].len() + pieces[1].len();
    if frame_len < 2 * len {
        spectrum.fill([0; 2]);
    }
    let shift = input_shift(2 * len);
    let half_step = (1 << shift) >> 1;
    let mut index = 0;
    for piece in pieces {
        for sample in piece {
            let weight = window.get(index.min(frame_len - index));
            let product = i32::from(*sample) * weight.map_or(0, |weight| i32::from(i16::from_le_bytes(*weight)));
            if let Some(value) = spectrum.get_mut(place(index / 2, len)) {
                value[index % 2] = (product + half_step) >> shift;
            }
            index += 1;
        }
    }
}

/// Power spectrum, in place, of `2 M` real values. They stand in pairs in `M` complex ones (a power of two) at their
/// [`place`]s; the last of `z`, which has `M + 1`, is free. For the spectrum `X` divided by `2 M` each bin `0 ..= M`
/// becomes `floor(|X|² / 2¹²)`, see [`bin_power`].
#[inline(always)]
pub(super) fn transform_to_powers(z: &mut [Complex], butterflies: impl Fn(&mut [Complex], usize, usize, [Twiddle; 3])) {
    let Some((nyquist, z)) = z.split_last_mut() else { return };
    transform(z, butterflies);
    split_bins(z, nyquist, 0);
}

/// Transforms `z`, a power of two of values in bit-reversed order, in place. `butterflies(z, len, k, [w1, w2, w3])`
/// does the radix-4 butterflies of all blocks of `4 len` values at position `k`.
#[inline(always)]
fn transform(z: &mut [Complex], butterflies: impl Fn(&mut [Complex], usize, usize, [Twiddle; 3])) {
    let (mut len, mut step) = (1, QUARTER);
    while 4 * len <= z.len() {
        // Four transforms of `len` values become one; the angles of their values are `step` apart.
        for k in 0..len {
            butterflies(z, len, k, [k, 2 * k, 3 * k].map(|turns| Twiddle::new(turns * step)));
        }
        (len, step) = (4 * len, step / 4);
    }
    if 2 * len <= z.len() {
        radix_2_pass(z, len, 2 * step);
    }
}

/// The last two transforms of `len` values become one.
fn radix_2_pass(z: &mut [Complex], len: usize, step: usize) {
    let Some((first, second)) = z.split_at_mut_checked(len) else { return };
    for (k, (x0, x1)) in first.iter_mut().zip(second).enumerate() {
        let a = halved(*x0);
        let b = if k == 0 { halved(*x1) } else { Twiddle::new(k * step).half_product(*x1) };
        *x0 = [a[0] + b[0], a[1] + b[1]];
        *x1 = [a[0] - b[0], a[1] - b[1]];
    }
}

/// From the transform of `M` complex values to the powers of the bins of `2 M` real ones. The first `done` pairs of
/// mirrored bins are left as they are.
pub(super) fn split_bins(z: &mut [Complex], nyquist: &mut Complex, done: usize) {
    let step = CIRCLE / (2 * z.len()).max(1);
    let Some((dc, z)) = z.split_first_mut() else { return };
    *nyquist = power([dc[0] - dc[1], 0]);
    *dc = power([dc[0] + dc[1], 0]);
    let half = z.len() / 2;
    let Some((low, high)) = z.split_at_mut_checked(half) else { return };
    let Some((middle, high)) = high.split_first_mut() else { return };
    *middle = power(*middle);
    let (low, high) = (low.get_mut(done..).unwrap_or_default(), high.iter_mut().rev().skip(done));
    for (k, (x, y)) in (done..).zip(low.iter_mut().zip(high)) {
        // Spectra of the even and the odd values: x + y* and -i (x - y*), halved.
        let even = [(x[0] + y[0]) >> 1, (x[1] - y[1]) >> 1];
        let [re, im] = Twiddle::new(step * (k + 1)).half_product([x[0] - y[0], x[1] + y[1]]);
        *x = power([even[0] + im, even[1] - re]);
        *y = power([even[0] - im, even[1] + re]);
    }
}
