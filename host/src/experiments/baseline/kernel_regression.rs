//! Kernel regression (Nadaraya, 1964; Watson, 1964) of the classes' one-hot targets,
//! `f_c(x) = Σ_i K(x − x_i) [c_i = c] / Σ_i K(x − x_i)` with `K(u) = exp(−‖u‖² / 2h²)`. The answer is the class with
//! the largest `f_c`.

use rayon::prelude::*;

use super::vectors::Vectors;
use crate::model::logits::leading;

/// Bandwidths to choose from, as factors of the median distance between a training vector and its nearest neighbour.
const BANDWIDTHS: [f64; 9] = [0.1, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8, 1.1, 1.6];

/// The class of each test vector. The bandwidth is the one with the least squared error of the targets, by
/// leave-one-out over the training vectors. There must be at least one training vector.
pub fn classify(train: &Vectors, test: &[Vec<f64>]) -> Vec<usize> {
    let bandwidth = bandwidth(train);
    let label =
        |vector: &Vec<f64>| leading(&regress(train, &squared_distances(train, vector, None), bandwidth)).unwrap_or(0);
    test.par_iter().map(label).collect()
}

fn bandwidth(train: &Vectors) -> f64 {
    let of_each =
        train.vectors.par_iter().enumerate().map(|(place, vector)| squared_distances(train, vector, Some(place)));
    let distances: Vec<Vec<f64>> = of_each.collect();
    let mut nearest: Vec<f64> =
        distances.iter().map(|row| row.iter().copied().fold(f64::INFINITY, f64::min).sqrt()).collect();
    nearest.sort_by(f64::total_cmp);
    let unit = nearest.get(nearest.len() / 2).copied().filter(|unit| unit.is_finite() && *unit > 0.0).unwrap_or(1.0);
    let error = |bandwidth: f64| -> f64 {
        let of_one = |(row, class): (&Vec<f64>, &usize)| -> f64 {
            let shares = regress(train, row, bandwidth);
            shares.iter().enumerate().map(|(label, share)| (share - f64::from(u8::from(label == *class))).powi(2)).sum()
        };
        distances.iter().zip(&train.classes).map(of_one).sum()
    };
    let tried = BANDWIDTHS.iter().map(|factor| (factor * unit, error(factor * unit)));
    tried.fold((unit, f64::INFINITY), |best, entry| if entry.1 < best.1 { entry } else { best }).0
}

/// `‖x − x_i‖²` to each training vector; ∞ for the one left out.
fn squared_distances(train: &Vectors, vector: &[f64], left_out: Option<usize>) -> Vec<f64> {
    let distance = |(place, other): (usize, &Vec<f64>)| {
        if left_out == Some(place) {
            return f64::INFINITY;
        }
        other.iter().zip(vector).map(|(a, b)| (a - b).powi(2)).sum()
    };
    train.vectors.iter().enumerate().map(distance).collect()
}

/// `f_c` of each class; all 0 if every training vector is left out.
fn regress(train: &Vectors, squared_distances: &[f64], bandwidth: f64) -> Vec<f64> {
    let mut shares = vec![0.0; train.labels];
    // Scaled so that the kernel of the nearest is 1: the sum can't vanish, and the ratio stays the same.
    let nearest = squared_distances.iter().copied().fold(f64::INFINITY, f64::min);
    if nearest == f64::INFINITY {
        return shares;
    }
    for (squared, class) in squared_distances.iter().zip(&train.classes) {
        shares[*class] += ((nearest - squared) / (2.0 * bandwidth * bandwidth)).exp();
    }
    let sum: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vectors {
        Vectors { vectors: vec![vec![0.0], vec![1.0], vec![3.0]], classes: vec![0, 1, 1], labels: 2 }
    }

    #[test]
    fn an_estimate_is_that_worked_out_by_hand() {
        // At 0.5 with h = 1, two vectors are at the same distance, the third at 2.5.
        let (near, far) = ((-0.125f64).exp(), (-3.125f64).exp());
        let shares = regress(&example(), &squared_distances(&example(), &[0.5], None), 1.0);
        assert!((shares[0] - near / (2.0 * near + far)).abs() < 1e-12, "{shares:?}");
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn far_from_all_training_vectors_the_nearest_decides() {
        assert_eq!(classify(&example(), &[vec![-1e6], vec![1e6]]), [0, 1]);
    }

    #[test]
    fn training_vectors_that_are_all_the_same_give_an_answer() {
        let same = Vectors { vectors: vec![vec![2.0]; 3], classes: vec![1, 1, 0], labels: 2 };
        assert_eq!(classify(&same, &[vec![2.0]]), [1]);
        let one = Vectors { vectors: vec![vec![2.0]], classes: vec![1], labels: 2 };
        assert_eq!(classify(&one, &[vec![0.0]]), [1]);
    }
}
