//! How far a confidence can be believed: reliability diagram, expected calibration error, temperature.
//!
//! Guo et al. 2017, "On Calibration of Modern Neural Networks". The confidence of an answer is the probability of its
//! leading label; with `B` bins of confidences of equal width, `ECE = Σ_b n_b / n · |accuracy_b − confidence_b|`.

use crate::model::logits::{leading, softmax};

/// Bins of a reliability diagram.
pub const BINS: usize = 10;
/// Range of temperatures that are searched.
const TEMPERATURES: (f64, f64) = (0.05, 20.0);

/// Answers whose confidences lie in one range.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Bin {
    /// Number of answers.
    pub count: usize,
    /// Mean of their confidences.
    pub confidence: f64,
    /// Share of the answers that are right.
    pub accuracy: f64,
}

/// Log probabilities (or logits) of one utterance, and its true class.
pub type Answer<'a> = (&'a [f32], usize);

/// The reliability diagram at a temperature: [`BINS`] bins of equal width over confidences from 0 to 1.
pub fn reliability(answers: &[Answer<'_>], temperature: f64) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for (values, truth) in answers {
        let Some(index) = leading(values) else { continue };
        let confidence = softmax(values, temperature)[index];
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.count += 1;
        bin.confidence += confidence;
        bin.accuracy += f64::from(u8::from(index == *truth));
    }
    for bin in &mut bins {
        let count = bin.count.max(1) as f64;
        bin.confidence /= count;
        bin.accuracy /= count;
    }
    bins
}

/// Expected calibration error of a diagram, 0 to 1; 0 for an empty diagram.
pub fn expected_calibration_error(bins: &[Bin]) -> f64 {
    let total: usize = bins.iter().map(|bin| bin.count).sum();
    bins.iter().map(|bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs()).sum::<f64>() / total.max(1) as f64
}

/// Mean of `−ln p(truth)` at a temperature, nat; 0 without an answer.
pub fn negative_log_likelihood(answers: &[Answer<'_>], temperature: f64) -> f64 {
    let nats = answers.iter().filter_map(|(values, truth)| {
        let probability = *softmax(values, temperature).get(*truth)?;
        Some(-probability.max(f64::MIN_POSITIVE).ln())
    });
    nats.sum::<f64>() / answers.len().max(1) as f64
}

/// The temperature in 0.05..=20 with the least negative log-likelihood of the true classes; 1 without an answer. The
/// answers must be to utterances that the model was not trained on.
pub fn fit_temperature(answers: &[Answer<'_>]) -> f64 {
    if answers.is_empty() {
        return 1.0;
    }
    // The loss is convex in 1/temperature, so it has a single minimum in the logarithm too: golden-section search.
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (TEMPERATURES.0.ln(), TEMPERATURES.1.ln());
    let loss = |log_temperature: f64| negative_log_likelihood(answers, log_temperature.exp());
    while high - low > 1e-4 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if loss(left) < loss(right) {
            high = right;
        } else {
            low = left;
        }
    }
    ((low + high) / 2.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 answers with the same values over two labels, of which `right` are right.
    fn answers(values: &[f32; 2], right: usize) -> Vec<Answer<'_>> {
        (0..100).map(|n| (&values[..], usize::from(n >= right))).collect()
    }

    #[test]
    fn confidences_that_are_kept_have_no_calibration_error() {
        let values = [0.75f32.ln(), 0.25f32.ln()];
        let bins = reliability(&answers(&values, 75), 1.0);
        assert_eq!(bins[7].count, 100);
        assert!(expected_calibration_error(&bins) < 1e-6);
        let over = reliability(&answers(&values, 60), 1.0);
        assert!((expected_calibration_error(&over) - 0.15).abs() < 1e-6);
    }

    #[test]
    fn the_fitted_temperature_makes_the_confidence_the_share_of_right_answers() {
        let values = [0.95f32.ln(), 0.05f32.ln()];
        for right in [60, 80, 95, 99] {
            let answers = answers(&values, right);
            let temperature = fit_temperature(&answers);
            let confidence = softmax(&values, temperature)[0];
            assert!((confidence - right as f64 / 100.0).abs() < 1e-3, "{right}: {temperature}");
            assert!(negative_log_likelihood(&answers, temperature) <= negative_log_likelihood(&answers, 1.0) + 1e-9);
        }
    }

    #[test]
    fn no_answer_is_no_reason_to_fail() {
        assert_eq!(fit_temperature(&[]), 1.0);
        assert_eq!(expected_calibration_error(&reliability(&[], 1.0)), 0.0);
    }
}
