//! How much of a difference chance can explain, and how much figures vary.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

/// McNemar's exact test of two classifiers on the same utterances.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Utterances that only the first has right.
    pub only_first: u64,
    /// Utterances that only the second has right.
    pub only_second: u64,
    /// Two-sided binomial probability that chance alone divides these utterances at least as unevenly.
    pub p: f64,
}

impl McNemar {
    /// `p` as a table shows it: three decimals, or `<0.001`.
    pub fn p_rounded(&self) -> String {
        if self.p < 0.001 { "<0.001".into() } else { format!("{:.3}", self.p) }
    }
}

/// Tests whether two classifiers differ, from the utterances that only one of them has right.
///
/// `p = min(1, 2 · Σ_{i ≤ min(b, c)} C(b + c, i) / 2^(b + c))`.
pub fn mcnemar(only_first: u64, only_second: u64) -> McNemar {
    let n = only_first + only_second;
    let fewer = only_first.min(only_second);
    // In logarithms, because 2^-n underflows for a large n.
    let mut log_choose = 0.0;
    let mut tail = 0.0;
    for i in 0..=fewer {
        tail += (log_choose - n as f64 * LN_2).exp();
        log_choose += ((n - i) as f64 / (i + 1) as f64).ln();
    }
    McNemar { only_first, only_second, p: (2.0 * tail).min(1.0) }
}

/// Mean and standard deviation of a figure over folds and seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample (`n - 1`); None for a single value.
    pub sd: Option<f64>,
}

/// Mean and standard deviation; None for no values.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let n = values.len() as f64;
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / n)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(Spread { mean, sd: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(value: f64, wanted: f64, tolerance: f64) {
        assert!((value - wanted).abs() <= tolerance, "{value}, wanted {wanted}");
    }

    #[test]
    fn mcnemar_is_that_worked_out_by_hand() {
        // n = 5, fewer = 1: 2 · (1 + 5) / 32.
        assert_close(mcnemar(4, 1).p, 0.375, 1e-12);
        assert_eq!(mcnemar(1, 4).p, mcnemar(4, 1).p);
        // n = 8, fewer = 0: 2 / 256.
        assert_close(mcnemar(8, 0).p, 2.0 / 256.0, 1e-12);
        assert_eq!(mcnemar(0, 0).p, 1.0);
        assert_eq!(mcnemar(3, 3).p, 1.0);
        // 2^-4000 underflows; an even division is still no evidence, an uneven one is.
        assert_eq!(mcnemar(2000, 2000).p, 1.0);
        assert!(mcnemar(2200, 1800).p < 1e-9);
        assert_eq!(mcnemar(2200, 1800).p_rounded(), "<0.001");
        assert_eq!(mcnemar(8, 0).p_rounded(), "0.008");
    }

    #[test]
    fn a_spread_divides_by_one_less_than_there_are() {
        let spread_of = |values: &[f64]| spread(values).map(|spread| (spread.mean, spread.sd));
        assert_eq!(spread_of(&[1.0, 2.0, 3.0]), Some((2.0, Some(1.0))));
        assert_eq!(spread_of(&[0.5]), Some((0.5, None)));
        assert_eq!(spread_of(&[]), None);
    }
}
