//! Power spectrum of a real frame by an FFT in integers: int32 data, Q0.15 twiddles, the same bits on every target.
//!
//! A frame of `N` values is taken as `M = N / 2` complex ones, transformed by radix-4 passes decimated in time, and
//! taken apart again (Cooley and Tukey 1965; Sorensen et al. 1987 for real data). Each pass halves what it reads, so
//! that with the first shift of [`input_shift`] the spectrum comes out divided by `N` and no sum can leave int32: at
//! each point a magnitude is at most the sum of those that it is made of.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx2;

#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(super) use avx2::{Avx2, Frame};

/// Steps of the circle of which [`SINE`] holds a quarter: as many as the longest FFT has.
const CIRCLE: usize = 2048;
/// A quarter of the circle.
const QUARTER: usize = CIRCLE / 4;

/// `sin(2π i / 2048)`, Q0.15; 1 is stored as 1 - 2⁻¹⁵.
static SINE: [i16; QUARTER + 1] = sine_table();

/// Taylor series; the error is far below half a step of Q0.15.
const fn sine_table() -> [i16; QUARTER + 1] {
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

/// `floor(x · w / 2¹⁶)` for `w` of 16 bits.
pub(super) fn multiply_high(x: i32, w: i32) -> i32 {
    if cfg!(short_multiply) {
        // Where there is no product of 64 bits: that of the upper half is exact, so that only the lower one's has to be
        // rounded.
        (x >> 16) * w + (((x & 0xffff) * w) >> 16)
    } else {
        ((i64::from(x) * i64::from(w << 16)) >> 32) as i32
    }
}

/// A complex number `[re, im]`.
pub(super) type Complex = [i32; 2];

/// `e^(-iθ)`.
#[derive(Clone, Copy)]
struct Twiddle {
    cos: i32,
    sin: i32,
}

impl Twiddle {
    /// Of an angle in steps of the circle, less than three quarters of it.
    fn new(angle: usize) -> Self {
        let at = angle % QUARTER;
        let sine = |index: usize| i32::from(SINE.get(index).copied().unwrap_or_default());
        let (sin, cos) = (sine(at), sine(QUARTER - at));
        match angle / QUARTER {
            0 => Self { cos, sin },
            1 => Self { cos: -sin, sin: cos },
            _ => Self { cos: -cos, sin: -sin },
        }
    }

    /// Both in one word, the cosine in its lower half.
    #[cfg(arm_dsp)]
    fn packed(self) -> u32 {
        (self.cos as u32 & 0xffff) | (self.sin as u32) << 16
    }

    /// Half of the product with `[re, im]`, each of its terms rounded down.
    fn half_product(self, [re, im]: Complex) -> Complex {
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

/// Where the complex value `index` of `len` (a power of two) goes before the transform: its bits in reverse order.
pub(super) fn place(index: usize, len: usize) -> usize {
    let index = index as u32;
    (index.reverse_bits() >> (32 - len.trailing_zeros().clamp(1, 31))) as usize
}

fn halved([re, im]: Complex) -> Complex {
    [re >> 1, im >> 1]
}

/// Radix 4: `y[k + j L] = Σ_i e^(-2πi (k + j L) i / 4L) · x_i`, where `x_1` and `x_2` have changed places.
#[cfg(not(arm_dsp))]
fn butterfly(x0: &mut Complex, x1: &mut Complex, x2: &mut Complex, x3: &mut Complex, [a, b, c, d]: [Complex; 4]) {
    let (t0, t1) = ([a[0] + b[0], a[1] + b[1]], [a[0] - b[0], a[1] - b[1]]);
    let (t2, t3) = ([c[0] + d[0], c[1] + d[1]], [c[0] - d[0], c[1] - d[1]]);
    *x0 = [t0[0] + t2[0], t0[1] + t2[1]];
    *x1 = [t1[0] + t3[1], t1[1] - t3[0]];
    *x2 = [t0[0] - t2[0], t0[1] - t2[1]];
    *x3 = [t1[0] - t3[1], t1[1] + t3[0]];
}

/// Transforms `z`, a power of two of values that stand in bit-reversed order, in place.
fn transform(z: &mut [Complex]) {
    let (mut len, mut step) = (1, QUARTER);
    while 4 * len <= z.len() {
        radix_4_pass(z, len, step);
        (len, step) = (4 * len, step / 4);
    }
    if 2 * len <= z.len() {
        radix_2_pass(z, len, 2 * step);
    }
}

/// Four transforms of `len` values become one; their values' angles are `step` apart.
fn radix_4_pass(z: &mut [Complex], len: usize, step: usize) {
    for k in 0..len {
        let [w1, w2, w3] = [k, 2 * k, 3 * k].map(|turns| Twiddle::new(turns * step));
        #[cfg(arm_dsp)]
        crate::kernels::dsp::butterflies(z, len, k, [w1, w2, w3].map(Twiddle::packed));
        #[cfg(not(arm_dsp))]
        for block in z.chunks_exact_mut((4 * len).max(1)) {
            let Some((first, second)) = block.split_at_mut_checked(2 * len) else { return };
            let (Some((x0, x1)), Some((x2, x3))) = (first.split_at_mut_checked(len), second.split_at_mut_checked(len))
            else {
                return;
            };
            let (Some(x0), Some(x1), Some(x2), Some(x3)) = (x0.get_mut(k), x1.get_mut(k), x2.get_mut(k), x3.get_mut(k))
            else {
                return;
            };
            let terms = if k == 0 {
                [halved(*x0), halved(*x1), halved(*x2), halved(*x3)]
            } else {
                [halved(*x0), w2.half_product(*x1), w1.half_product(*x2), w3.half_product(*x3)]
            };
            butterfly(x0, x1, x2, x3, terms);
        }
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

/// `floor((re² + im²) / 2¹²)` as `[lower, upper]` word.
fn power([re, im]: Complex) -> Complex {
    let square = |value: i32| (i64::from(value) * i64::from(value)) as u64;
    let power = (square(re) + square(im)) >> 12;
    [power as i32, (power >> 32) as i32]
}

/// What [`power_spectrum`] has left at a bin.
pub(super) fn bin_power([lower, upper]: Complex) -> u64 {
    u64::from(lower as u32) | u64::from(upper as u32) << 32
}

/// Power spectrum, in place, of `2 M` real values, pairs of which stand in `M` complex ones (a power of two) at their
/// [`place`]s; the last of `z`, which has `M + 1`, is free. For the spectrum `X` divided by `2 M` each bin `0 ..= M`
/// becomes `floor(|X|² / 2¹²)`, see [`bin_power`].
pub(super) fn power_spectrum(z: &mut [Complex]) {
    let Some((nyquist, z)) = z.split_last_mut() else { return };
    transform(z);
    split_bins(z, nyquist, 0);
}

/// The power spectrum of `2 M` windowed values in their order, into `z` as [`FrontEnd`](super::FrontEnd) has it: for
/// each of the `M + 1` bins lower and upper word of a u64. In portable code, for tests to compare with a processor's.
/// `values` are to be below 2³⁰ shifted down as a front end does; what is missing of them is 0.
pub fn portable_power_spectrum(values: &[i32], z: &mut [Complex]) {
    z.fill([0; 2]);
    let len = z.len().saturating_sub(1);
    for (index, value) in values.iter().enumerate() {
        if let Some(to) = z.get_mut(place(index / 2, len)) {
            to[index % 2] = *value;
        }
    }
    power_spectrum(z);
}

/// The transform of `M` complex values to the powers of the bins of `2 M` real ones; so many pairs of mirrored bins are
/// done already.
fn split_bins(z: &mut [Complex], nyquist: &mut Complex, done: usize) {
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
