//! Radix-4 butterflies of the FFT.

use super::super::fft::{Complex, Twiddle, halved, place, transform_to_powers};

/// The power spectrum of `2 M` windowed values in their order, into `z` as [`FrontEnd`](crate::frontend::FrontEnd) has
/// it: for each of the `M + 1` bins lower and upper word of a u64. For tests that compare it with a processor's.
/// `values` must be below 2³⁰ shifted down as a front end does; missing values are 0.
pub fn power_spectrum(values: &[i32], z: &mut [Complex]) {
    z.fill([0; 2]);
    let len = z.len().saturating_sub(1);
    for (index, value) in values.iter().enumerate() {
        if let Some(to) = z.get_mut(place(index / 2, len)) {
            to[index % 2] = *value;
        }
    }
    transform_to_powers(z, butterflies);
}

/// The radix-4 butterflies of all blocks of `4 len` values at position `k`.
pub fn butterflies(z: &mut [Complex], len: usize, k: usize, [w1, w2, w3]: [Twiddle; 3]) {
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

/// Radix 4: `y[k + j L] = Σ_i e^(-2πi (k + j L) i / 4L) · x_i`, where `x_1` and `x_2` have changed places.
fn butterfly(x0: &mut Complex, x1: &mut Complex, x2: &mut Complex, x3: &mut Complex, [a, b, c, d]: [Complex; 4]) {
    let (t0, t1) = ([a[0] + b[0], a[1] + b[1]], [a[0] - b[0], a[1] - b[1]]);
    let (t2, t3) = ([c[0] + d[0], c[1] + d[1]], [c[0] - d[0], c[1] - d[1]]);
    *x0 = [t0[0] + t2[0], t0[1] + t2[1]];
    *x1 = [t1[0] + t3[1], t1[1] - t3[0]];
    *x2 = [t0[0] - t2[0], t0[1] - t2[1]];
    *x3 = [t1[0] - t3[1], t1[1] + t3[0]];
}
