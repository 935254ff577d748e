//! From logits to answers.

/// Index of the largest value, the first of equal ones; None for no values.
pub fn leading<T: Copy + PartialOrd>(values: &[T]) -> Option<usize> {
    values
        .iter()
        .enumerate()
        .fold(None, |best: Option<(usize, T)>, (index, &value)| match best {
            Some((_, largest)) if largest >= value => best,
            _ => Some((index, value)),
        })
        .map(|(index, _)| index)
}

/// Probabilities at a temperature from logits or log probabilities: `exp(z / temperature)`, scaled to a sum of 1.
pub fn softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|value| (f64::from(value - largest) / temperature).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// Natural logarithms of the [`softmax`] at temperature 1.
pub fn log_softmax(logits: &[f64]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    logits.iter().map(|logit| (logit - largest - sum.ln()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_temperature_flattens_and_keeps_the_order() {
        let logs = [0.7f32.ln(), 0.2f32.ln(), 0.1f32.ln()];
        let (cold, warm) = (softmax(&logs, 1.0), softmax(&logs, 2.0));
        assert!((cold[0] - 0.7).abs() < 1e-6 && (warm.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(warm[0] < cold[0] && warm[0] > warm[1] && warm[1] > warm[2]);
        let again = log_softmax(&logs.map(|log| f64::from(log) + 5.0));
        assert!(again.iter().zip(logs).all(|(again, log)| (again - log).abs() < 1e-6), "{again:?}");
    }

    #[test]
    fn the_first_of_the_largest_leads() {
        assert_eq!(leading(&[0.7, 0.2, 0.1]), Some(0));
        assert_eq!(leading(&[1.0, 3.0, 3.0]), Some(1));
        assert_eq!(leading::<f32>(&[]), None);
    }
}
