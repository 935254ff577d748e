//! Support vector machines (Cortes and Vapnik, 1995) with the kernel `exp(−γ ‖x − y‖²)`, one for each pair of classes.
//! The machines vote.

use anyhow::{Context, Result};
use linfa::dataset::Dataset;
use linfa::traits::Fit;
use linfa_svm::Svm;
use ndarray::{Array1, ArrayView1};
use rayon::prelude::*;

use super::vectors::Vectors;
use crate::model::logits::leading;

/// Cost of a training vector on the wrong side of the margin.
const COST: f64 = 10.0;
/// The solver stops when no pair of multipliers violates its conditions by more than this; LIBSVM has the same value.
const TOLERANCE: f64 = 1e-3;

/// One machine: positive values speak for the first class.
struct Pair {
    classes: (usize, usize),
    machine: Svm<f64, bool>,
}

/// The class of each test vector: the one with the most votes, and of equal ones the one with the largest sum of
/// decision values. `γ` is one over the number of coefficients, so that standardised vectors have exponents of about
/// -2, whatever the number of coefficients.
///
/// # Errors
///
/// If a class has no training vector, the vectors have no coefficient or differ in length, or the solver fails.
pub fn classify(train: &Vectors, test: &[Vec<f64>]) -> Result<Vec<usize>> {
    let pairs: Vec<(usize, usize)> =
        (0..train.labels).flat_map(|first| (0..first).map(move |second| (second, first))).collect();
    let machines = pairs.into_par_iter().map(|classes| fit(train, classes)).collect::<Result<Vec<Pair>>>()?;
    let label = |vector: &Vec<f64>| {
        let mut votes = vec![(0u32, 0.0); train.labels];
        for Pair { classes: (first, second), machine } in &machines {
            let value = machine.weighted_sum(&ArrayView1::from(vector.as_slice())) - machine.rho;
            votes[if value > 0.0 { *first } else { *second }].0 += 1;
            votes[*first].1 += value;
            votes[*second].1 -= value;
        }
        let most = votes.iter().map(|(count, _)| *count).max();
        let sums: Vec<f64> =
            votes.iter().map(|(count, sum)| if Some(*count) == most { *sum } else { f64::NEG_INFINITY }).collect();
        leading(&sums).unwrap_or(0)
    };
    Ok(test.par_iter().map(label).collect())
}

fn fit(train: &Vectors, classes: (usize, usize)) -> Result<Pair> {
    let pair = train.of_classes(classes);
    let records = pair.matrix()?;
    let width = records.ncols() as f64;
    let targets: Array1<bool> = pair.classes.iter().map(|class| *class == classes.0).collect();
    let parameters = Svm::<f64, bool>::params().pos_neg_weights(COST, COST).gaussian_kernel(width).eps(TOLERANCE);
    let machine = parameters.fit(&Dataset::new(records, targets)).context("cannot fit a support vector machine")?;
    Ok(Pair { classes, machine })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Points on a circle around the origin.
    fn ring(radius: f64, turn: f64) -> Vec<Vec<f64>> {
        (0..12)
            .map(|n| TAU * (f64::from(n) + turn) / 12.0)
            .map(|angle| vec![radius * angle.cos(), radius * angle.sin()])
            .collect()
    }

    #[test]
    fn rings_that_no_line_parts_are_told_apart() {
        let radii = [0.3, 1.2, 2.4];
        let vectors = radii.iter().flat_map(|radius| ring(*radius, 0.0)).collect();
        let train = Vectors { vectors, classes: [[0; 12], [1; 12], [2; 12]].concat(), labels: 3 };
        for (class, radius) in radii.iter().enumerate() {
            assert_eq!(classify(&train, &ring(*radius, 0.5)).unwrap(), [class; 12]);
        }
    }

    #[test]
    fn the_multipliers_meet_the_conditions_of_the_optimum() {
        let vectors: Vec<Vec<f64>> = ring(1.0, 0.0).into_iter().chain(ring(1.3, 0.3)).collect();
        let train = Vectors { vectors, classes: [[0; 12], [1; 12]].concat(), labels: 2 };
        let Pair { machine, .. } = fit(&train, (0, 1)).unwrap();
        assert!(machine.alpha.iter().sum::<f64>().abs() < 1e-9);
        for ((vector, class), alpha) in train.vectors.iter().zip(&train.classes).zip(&machine.alpha) {
            let side = if *class == 0 { 1.0 } else { -1.0 };
            let margin = side * (machine.weighted_sum(&ArrayView1::from(vector.as_slice())) - machine.rho);
            let multiplier = side * alpha;
            assert!((-1e-9..=COST + 1e-9).contains(&multiplier), "{multiplier}");
            // Karush, Kuhn and Tucker: a multiplier is 0 outside the margin and equals the cost inside it.
            assert!(margin > 1.0 - 0.01 || multiplier > COST - 1e-6, "margin {margin}, multiplier {multiplier}");
            assert!(margin < 1.0 + 0.01 || multiplier < 1e-6, "margin {margin}, multiplier {multiplier}");
        }
    }
}
