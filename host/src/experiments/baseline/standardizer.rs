//! Scales vectors so that their coefficients have mean 0 and variance 1 over the training part.

/// Mean and standard deviation of each coefficient.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardizer {
    mean: Vec<f64>,
    sd: Vec<f64>,
}

impl Standardizer {
    /// Mean and standard deviation over all vectors, which must have the same length.
    pub fn fit<'a>(vectors: impl IntoIterator<Item = &'a Vec<f64>> + Clone) -> Self {
        let average = |term: &dyn Fn(usize, f64) -> f64| {
            let (mut sums, mut count) = (Vec::new(), 0u64);
            for vector in vectors.clone() {
                sums.resize(vector.len(), 0.0);
                sums.iter_mut().zip(vector).enumerate().for_each(|(n, (sum, value))| *sum += term(n, *value));
                count += 1;
            }
            sums.into_iter().map(|sum| sum / count as f64).collect::<Vec<f64>>()
        };
        let mean = average(&|_, value| value);
        let variance = average(&|n, value| (value - mean[n]).powi(2));
        // A coefficient that never changes carries no information: it becomes 0.
        let sd = variance.iter().map(|variance| if *variance > 0.0 { variance.sqrt() } else { 1.0 }).collect();
        Self { mean, sd }
    }

    /// `(x − mean) / sd` of each coefficient.
    pub fn apply(&self, vector: &[f64]) -> Vec<f64> {
        vector.iter().zip(self.mean.iter().zip(&self.sd)).map(|(value, (mean, sd))| (value - mean) / sd).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_was_fitted_to_has_mean_0_and_variance_1_and_a_constant_becomes_0() {
        let vectors = [vec![1.0, 9.0], vec![3.0, 9.0], vec![8.0, 9.0]];
        let standardizer = Standardizer::fit(&vectors);
        let applied = vectors.each_ref().map(|vector| standardizer.apply(vector));
        let mean = applied.iter().map(|vector| vector[0]).sum::<f64>() / 3.0;
        let variance = applied.iter().map(|vector| vector[0].powi(2)).sum::<f64>() / 3.0;
        assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12, "{applied:?}");
        assert!(applied.iter().all(|vector| vector[1] == 0.0), "{applied:?}");
    }
}
