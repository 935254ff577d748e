//! Compares requantisation, sigmoid and tanh with exact arithmetic.

use proptest::prelude::*;
use ser_core::activation::{sigmoid, tanh};
use ser_core::fixed::{Q0_15, Q3_12};
use ser_core::quant::{Multiplier, requantize};
use ser_tests::reference::nonlinearity;
use ser_tests::{reference, tolerance};

/// `floor(acc · m / 2^(32+s) + 1/2)` over one common denominator.
fn exact(acc: i32, mantissa: i32, shift: u8) -> i128 {
    let denominator = 1_i128 << (33 + shift);
    (2 * i128::from(acc) * i128::from(mantissa) + denominator / 2).div_euclid(denominator)
}

fn assert_exact(acc: i32, mantissa: i32, shift: u8) {
    let multiplier = Multiplier::new(mantissa, shift).expect("parts in range");
    let got = i128::from(requantize(acc, multiplier));
    assert_eq!(got, exact(acc, mantissa, shift), "acc {acc}, mantissa {mantissa}, shift {shift}");
    let reference = reference::Multiplier { mantissa, shift };
    assert_eq!(got, i128::from(nonlinearity::requantize(i64::from(acc), reference)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requantize_rounds_the_exact_product_once(acc: i32, mantissa in 1 << 30..=i32::MAX, shift in 1..=31_u8) {
        assert_exact(acc, mantissa, shift);
    }

    /// Takes accumulators whose product lies next to a tie.
    #[test]
    fn requantize_rounds_ties_up(whole in -1000..=1000_i64, mantissa in 1 << 30..=i32::MAX, shift in 1..=31_u8, aside in -2..=2_i64) {
        let tie = (i128::from(2 * whole + 1) << (31 + shift)) / i128::from(mantissa);
        if let Ok(acc) = i32::try_from(tie + i128::from(aside)) {
            assert_exact(acc, mantissa, shift);
        }
    }
}

#[test]
fn requantize_is_exact_at_the_ends_of_its_ranges() {
    for acc in [i32::MIN, i32::MIN + 1, -(1 << 30), -3, -2, -1, 0, 1, 2, 3, 1 << 30, i32::MAX - 1, i32::MAX] {
        for mantissa in [1 << 30, (1 << 30) + 1, 0x5555_5555, i32::MAX - 1, i32::MAX] {
            for shift in 1..=31 {
                assert_exact(acc, mantissa, shift);
            }
        }
    }
}

#[test]
fn multipliers_out_of_range_are_refused() {
    for (mantissa, shift) in [((1 << 30) - 1, 1), (-1, 1), (i32::MIN, 5), (i32::MAX, 0), (i32::MAX, 32)] {
        assert_eq!(Multiplier::new(mantissa, shift), None, "{mantissa}, {shift}");
    }
}

/// Checks a function over all inputs. It must have the reference's bits, lie within its tolerance of the real function
/// saturated to Q0.15, and never fall.
fn check_all_inputs(
    core: fn(Q3_12) -> Q0_15,
    reference: fn(i64) -> i64,
    real: fn(f64) -> f64,
    tolerance: tolerance::Tolerance,
) {
    let mut before = i16::MIN;
    for x in i16::MIN..=i16::MAX {
        let y = core(Q3_12(x)).0;
        assert_eq!(i64::from(y), reference(i64::from(x)), "{} at {x}", tolerance.quantity);
        let exact = (32768.0 * real(f64::from(x) / 4096.0)).clamp(-32767.0, 32767.0);
        tolerance.check(f64::from(y), exact, &format!("at {x}"));
        assert!(y >= before, "{} falls at {x}", tolerance.quantity);
        before = y;
    }
}

#[test]
fn tanh_is_within_its_tolerance_and_monotone_over_all_inputs() {
    check_all_inputs(tanh, nonlinearity::tanh, f64::tanh, tolerance::TANH);
}

#[test]
fn sigmoid_is_within_its_tolerance_and_monotone_over_all_inputs() {
    check_all_inputs(sigmoid, nonlinearity::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), tolerance::SIGMOID);
}

#[test]
fn tanh_is_odd_and_sigmoid_is_symmetric_around_one_half() {
    assert_eq!((tanh(Q3_12(0)), sigmoid(Q3_12(0))), (Q0_15(0), Q0_15(1 << 14)));
    for x in 1..=i16::MAX {
        let [of_x, of_minus_x] = [Q3_12(x), Q3_12(-x)];
        assert_eq!(tanh(of_minus_x).0, -tanh(of_x).0, "at {x}");
        assert_eq!(i32::from(sigmoid(of_minus_x).0) + i32::from(sigmoid(of_x).0), 1 << 15, "at {x}");
    }
}
