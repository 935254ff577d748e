//! Turns an utterance of any length into one vector: statistics of each coefficient over time, as in the feature sets
//! of openSMILE (Eyben, Wöllmer and Schuller, 2010).

/// The percentiles to take, as shares 0 to 1.
const PERCENTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Statistics of each coefficient, `[width · 8]`, in the unit of the coefficients: mean, standard deviation,
/// percentiles 5, 25, 50, 75 and 95, and mean absolute difference of neighbours. `sequence` is `[rows][width]`; without
/// a row the vector is empty.
pub fn functionals(sequence: &[Vec<f64>]) -> Vec<f64> {
    let width = sequence.first().map_or(0, Vec::len);
    (0..width).flat_map(|n| of_one(&sequence.iter().map(|vector| vector[n]).collect::<Vec<_>>())).collect()
}

/// The functionals of one coefficient, of which there must be at least one value.
fn of_one(values: &[f64]) -> Vec<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let sd = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    let changes: f64 = values.iter().zip(values.iter().skip(1)).map(|(value, next)| (next - value).abs()).sum();
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut statistics = vec![mean, sd];
    statistics.extend(PERCENTILES.iter().map(|share| percentile(&sorted, *share)));
    statistics.push(changes / (count - 1.0).max(1.0));
    statistics
}

/// The value that `share` of the sorted values lie below: at place `share · (n − 1)`, interpolated linearly.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functionals_are_those_worked_out_by_hand() {
        let sequence: Vec<Vec<f64>> = [4.0, 0.0, 2.0, 1.0, 3.0].iter().map(|value| vec![*value, 7.0]).collect();
        let wanted = [
            2.0,
            2f64.sqrt(),
            0.2,
            1.0,
            2.0,
            3.0,
            3.8,
            (4.0 + 2.0 + 1.0 + 2.0) / 4.0,
            7.0,
            0.0,
            7.0,
            7.0,
            7.0,
            7.0,
            7.0,
            0.0,
        ];
        let found = functionals(&sequence);
        assert_eq!(found.len(), wanted.len());
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn one_row_has_finite_functionals_and_none_has_none() {
        assert_eq!(functionals(&[vec![-3.0]]), [-3.0, 0.0, -3.0, -3.0, -3.0, -3.0, -3.0, 0.0]);
        assert!(functionals(&[]).is_empty());
    }
}
