//! Mixtures of Gaussians with diagonal covariances, `p(x) = Σ_m w_m Π_d N(x_d; μ_md, σ²_md)`, in logarithms.

use std::f64::consts::TAU;

use rand::rngs::ChaCha8Rng;
use rand::seq::index::sample;

/// Least variance of a component; frames have variance 1 over the training part.
pub const VARIANCE_FLOOR: f64 = 0.01;

/// `ln Σ exp(x)`; −∞ for no values.
pub fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        largest
    } else {
        largest + values.map(|value| (value - largest).exp()).sum::<f64>().ln()
    }
}

/// A mixture of at least one Gaussian. Components are adjacent in memory, so that several are computed at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// `ln w_m − ½ Σ_d ln(2π σ²_md)`, `[components]`.
    log_scales: Vec<f64>,
    /// `μ`, `[coefficients][components]`.
    means: Vec<Vec<f64>>,
    /// `1 / σ²`, `[coefficients][components]`.
    precisions: Vec<Vec<f64>>,
}

/// Sums over frames for each component of a mixture, weighted by the posterior `γ` of the component.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// `Σ γ`, `[components]`.
    occupancy: Vec<f64>,
    /// `Σ γ x`, `[coefficients][components]`.
    sums: Vec<Vec<f64>>,
    /// `Σ γ x²`, `[coefficients][components]`.
    squares: Vec<Vec<f64>>,
}

impl Mixture {
    /// Makes a mixture from weights `[components]`, means and variances `[coefficients][components]`, and raises
    /// variances to the floor.
    fn new(weights: &[f64], means: Vec<Vec<f64>>, variances: &[Vec<f64>]) -> Self {
        let precision = |variance: &f64| 1.0 / variance.max(VARIANCE_FLOOR);
        let precisions: Vec<Vec<f64>> = variances.iter().map(|of_one| of_one.iter().map(precision).collect()).collect();
        let mut log_scales: Vec<f64> = weights.iter().map(|weight| weight.ln()).collect();
        for of_one in &precisions {
            log_scales.iter_mut().zip(of_one).for_each(|(scale, precision)| *scale += 0.5 * (precision / TAU).ln());
        }
        Self { log_scales, means, precisions }
    }

    /// `components` Gaussians of equal weight, or as many as there are frames. The means are randomly drawn frames, the
    /// variances those of all frames. There must be at least one frame.
    pub fn seeded(frames: &[&Vec<f64>], components: usize, rng: &mut ChaCha8Rng) -> Self {
        let count = components.min(frames.len());
        let width = frames.first().map_or(0, |frame| frame.len());
        let moment =
            |d: usize, power: i32| frames.iter().map(|frame| frame[d].powi(power)).sum::<f64>() / frames.len() as f64;
        let variances: Vec<Vec<f64>> = (0..width).map(|d| vec![moment(d, 2) - moment(d, 1).powi(2); count]).collect();
        let drawn = sample(rng, frames.len(), count);
        let means = (0..width).map(|d| drawn.iter().map(|place| frames[place][d]).collect()).collect();
        Self::new(&vec![1.0 / count as f64; count], means, &variances)
    }

    /// `ln(w_m N(x; μ_m, σ²_m))`, `[components]`; their [`log_sum_exp`] is `ln p(x)`.
    pub fn log_densities(&self, frame: &[f64]) -> Vec<f64> {
        let mut densities = self.log_scales.clone();
        for (x, (means, precisions)) in frame.iter().zip(self.means.iter().zip(&self.precisions)) {
            for (density, (mean, precision)) in densities.iter_mut().zip(means.iter().zip(precisions)) {
                *density -= 0.5 * (x - mean) * (x - mean) * precision;
            }
        }
        densities
    }

    /// Empty statistics.
    pub fn statistics(&self) -> Statistics {
        let zeros = vec![0.0; self.log_scales.len()];
        let of_coefficients = vec![zeros.clone(); self.means.len()];
        Statistics { occupancy: zeros, sums: of_coefficients.clone(), squares: of_coefficients }
    }

    /// The mixture that maximises the likelihood of these statistics, with no variance below the floor. A component
    /// without frames stays, with weight 0.
    pub fn re_estimated(&self, statistics: &Statistics) -> Self {
        let total: f64 = statistics.occupancy.iter().sum();
        if total <= 0.0 {
            return self.clone();
        }
        let weights: Vec<f64> =
            statistics.occupancy.iter().map(|n| if *n < f64::EPSILON { 0.0 } else { n / total }).collect();
        let (mut means, mut variances) = (Vec::new(), Vec::new());
        for ((sums, squares), (old, precisions)) in
            statistics.sums.iter().zip(&statistics.squares).zip(self.means.iter().zip(&self.precisions))
        {
            let moments = statistics.occupancy.iter().zip(sums.iter().zip(squares)).zip(old.iter().zip(precisions));
            let (of_means, of_variances): (Vec<f64>, Vec<f64>) = moments
                .map(|((n, (sum, square)), (old, precision))| {
                    if *n < f64::EPSILON {
                        return (*old, 1.0 / precision);
                    }
                    let mean = sum / n;
                    (mean, square / n - mean * mean)
                })
                .unzip();
            means.push(of_means);
            variances.push(of_variances);
        }
        Self::new(&weights, means, &variances)
    }
}

impl Statistics {
    /// Adds a frame that belongs to the mixture with probability `share`. The share is divided among the components by
    /// their posteriors, which follow from their [`Mixture::log_densities`].
    pub fn add(&mut self, frame: &[f64], log_densities: &[f64], share: f64) {
        let log_density = log_sum_exp(log_densities.iter().copied());
        let posteriors: Vec<f64> = log_densities.iter().map(|density| share * (density - log_density).exp()).collect();
        self.occupancy.iter_mut().zip(&posteriors).for_each(|(occupancy, posterior)| *occupancy += posterior);
        for (x, (sums, squares)) in frame.iter().zip(self.sums.iter_mut().zip(&mut self.squares)) {
            for ((sum, square), posterior) in sums.iter_mut().zip(squares).zip(&posteriors) {
                *sum += posterior * x;
                *square += posterior * x * x;
            }
        }
    }
}
