//! Requantisation, tanh and sigmoid by the formulas of `docs/model-format.md`, in integers too wide to overflow.

use super::Multiplier;

/// `floor(acc * m / 2^(32+s) + 1/2)`.
pub fn requantize(acc: i64, multiplier: Multiplier) -> i64 {
    let scaled = i128::from(acc) * i128::from(multiplier.mantissa) + (1_i128 << (31 + multiplier.shift));
    (scaled >> (32 + multiplier.shift)) as i64
}

/// `t[i] = round(2^21 tanh(i/16))`, with `t[-1] = -t[1]`.
fn table(i: i64) -> i128 {
    ((1_i64 << 21) as f64 * (i as f64 / 16.0).tanh()).round() as i128
}

fn interpolated(x: i64, n: u32) -> i128 {
    let a = x.abs().min(32767);
    let (i, f) = (a >> n, i128::from(a % (1 << n)));
    let t = |step: i64| table(i + step);
    let one = 1_i128 << n;
    t(0) * one + f * (t(1) - t(0)) - ((f * (one - f) * ((t(2) - t(1)) - (t(0) - t(-1)))) >> (n + 2))
}

/// tanh, Q3.12 to Q0.15.
pub fn tanh(x: i64) -> i64 {
    let magnitude = ((interpolated(x, 8) + (1 << 13)) >> 14).min(32767) as i64;
    if x < 0 { -magnitude } else { magnitude }
}

/// Sigmoid, Q3.12 to Q0.15.
pub fn sigmoid(x: i64) -> i64 {
    let half = ((interpolated(x, 9) + (1 << 15)) >> 16) as i64;
    ((1 << 14) + if x < 0 { -half } else { half }).clamp(0, 32767)
}
