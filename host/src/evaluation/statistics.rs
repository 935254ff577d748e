//! How much of a share or a difference chance can explain.

use std::f64::consts::LN_2;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// Resamples of a bootstrap.
pub const RESAMPLES: usize = 10_000;
/// Seed of a bootstrap, so that the same answers always give the same interval.
const SEED: u64 = 1;
/// Share of the resamples on each side of a 95 % interval.
const TAIL: f64 = 0.025;

/// Counts of the answers to one utterance, which has several answers if there are several seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Score {
    /// Right answers.
    pub right: u64,
    /// All answers.
    pub total: u64,
}

/// The 95 % interval of the share of right answers, by bootstrap over utterances. A resample draws each utterance with
/// all its answers, because answers to one utterance are not independent. None without an answer.
pub fn bootstrap_95(utterances: &[Score]) -> Option<(f64, f64)> {
    let share = |drawn: &[&Score]| {
        let (right, total) =
            drawn.iter().fold((0, 0), |(right, total), score| (right + score.right, total + score.total));
        (total > 0).then(|| [right as f64 / total as f64])
    };
    bootstrap_95_of(utterances, share).map(|[interval]| interval)
}

/// The 95 % intervals of the figures of a sample, by bootstrap over its items.
///
/// Each of [`RESAMPLES`] resamples draws as many items as there are, with replacement. The ends are percentiles: 2.5 %
/// of the resamples lie beyond each end. A resample without figures does not count; None if no resample has figures.
pub fn bootstrap_95_of<T, const N: usize>(
    items: &[T],
    figures: impl Fn(&[&T]) -> Option<[f64; N]>,
) -> Option<[(f64, f64); N]> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut drawn = Vec::with_capacity(items.len());
    let mut values: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(RESAMPLES));
    for _ in 0..RESAMPLES {
        drawn.clear();
        drawn.extend((0..items.len()).filter_map(|_| items.get(rng.random_range(0..items.len()))));
        for (values, figure) in values.iter_mut().zip(figures(&drawn).into_iter().flatten()) {
            values.push(figure);
        }
    }
    let intervals = values.map(|mut values| {
        values.sort_by(f64::total_cmp);
        let beyond = (values.len() as f64 * TAIL) as usize;
        Some((*values.get(beyond)?, *values.get(values.len().checked_sub(beyond + 1)?)?))
    });
    intervals.iter().all(Option::is_some).then(|| intervals.map(Option::unwrap_or_default))
}

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

    fn scores(right: usize, wrong: usize, answers: u64) -> Vec<Score> {
        let score = |right| Score { right, total: answers };
        [vec![score(answers); right], vec![score(0); wrong]].concat()
    }

    fn assert_close(value: f64, wanted: f64, tolerance: f64) {
        assert!((value - wanted).abs() <= tolerance, "{value}, wanted {wanted}");
    }

    #[test]
    fn a_bootstrap_of_two_utterances_has_the_outcomes_worked_out_by_hand() {
        // One right, one wrong: 0, 1/2 and 1 come up in 1/4, 1/2 and 1/4 of the resamples.
        assert_eq!(bootstrap_95(&scores(1, 1, 1)), Some((0.0, 1.0)));
        assert_eq!(bootstrap_95(&scores(2, 0, 1)), Some((1.0, 1.0)));
        assert_eq!(bootstrap_95(&[]), None);
        assert_eq!(bootstrap_95(&[Score::default()]), None);
    }

    #[test]
    fn a_bootstrap_interval_is_that_of_the_binomial_distribution() {
        // n = 100, p = 0.8: P(X ≤ 71) = 0.0200, P(X ≤ 72) = 0.0342; P(X ≤ 87) = 0.9747, P(X ≤ 88) = 0.9874.
        let (low, high) = bootstrap_95(&scores(80, 20, 1)).unwrap();
        assert_eq!(low, 0.72);
        assert_close(high, 0.875, 0.0051);
    }

    #[test]
    fn more_answers_to_the_same_utterances_do_not_make_the_interval_narrower() {
        assert_eq!(bootstrap_95(&scores(80, 20, 3)), bootstrap_95(&scores(80, 20, 1)));
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
