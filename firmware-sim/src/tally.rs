//! Figures of the core's answers to utterances whose emotion is known.

use ser_core::kernels::LOGIT_FRACTION_BITS;
use ser_core::{Model, Prediction};
use ser_host::evaluation::metrics::Confusion;
use ser_host::evaluation::reliability::{expected_calibration_error, reliability};

/// The index of the true label, and the core's answer, which is None if there was too little speech.
pub type Answer<'m> = (usize, Option<Prediction<'m>>);

/// Counts over answers.
#[derive(Debug)]
pub struct Tally {
    /// How often each label was taken for each.
    pub confusion: Confusion,
    /// Number of confident answers.
    pub sure: usize,
    /// Number of confident answers that are right.
    pub sure_right: usize,
    /// Expected calibration error of the answers at the model's temperature, 0 to 1.
    pub calibration_error: f64,
}

impl Tally {
    /// Counts the answers of a model.
    pub fn new<'m>(model: &Model<'_>, answers: impl IntoIterator<Item = Answer<'m>>) -> Self {
        let labels = model.labels();
        let mut confusion = Confusion::new(labels.iter().copied());
        let (mut sure, mut sure_right) = (0, 0);
        let mut logits = Vec::new();
        for (truth, prediction) in answers {
            confusion.add(truth, prediction.map(|prediction| prediction.index));
            let Some(prediction) = prediction else { continue };
            if prediction.confident {
                sure += 1;
                sure_right += usize::from(prediction.index == truth);
            }
            let step = 1.0 / (1u32 << LOGIT_FRACTION_BITS) as f32;
            let of_labels = prediction.logits.iter().take(labels.len()).map(|&logit| logit as f32 * step);
            logits.push((of_labels.collect::<Vec<f32>>(), truth));
        }
        let logits: Vec<(&[f32], usize)> = logits.iter().map(|(logits, truth)| (logits.as_slice(), *truth)).collect();
        let calibration_error = expected_calibration_error(&reliability(&logits, f64::from(model.temperature())));
        Self { confusion, sure, sure_right, calibration_error }
    }

    /// Number of utterances.
    pub fn utterances(&self) -> usize {
        self.confusion.total() as usize
    }

    /// Share of the utterances with a confident answer.
    pub fn sure_share(&self) -> f64 {
        self.share(self.sure)
    }

    /// Share of the utterances without a confident answer, including those without any answer.
    pub fn not_sure_share(&self) -> f64 {
        self.share(self.utterances() - self.sure)
    }

    /// Share of the utterances without any answer.
    pub fn unanswered_share(&self) -> f64 {
        self.share(self.confusion.unanswered.iter().sum::<u64>() as usize)
    }

    /// Share of the confident answers that are right; None if no answer is confident.
    pub fn war_of_sure(&self) -> Option<f64> {
        (self.sure > 0).then(|| self.sure_right as f64 / self.sure as f64)
    }

    fn share(&self, utterances: usize) -> f64 {
        utterances as f64 / self.utterances().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ser_core::engine::Logits;

    const MODEL: &[u8] = include_bytes!("../../models/synthetic/edge.ser");

    #[test]
    fn shares_and_calibration_error_are_those_worked_out_by_hand() {
        let model = Model::parse(MODEL).unwrap();
        assert_eq!((model.temperature(), model.confidence_threshold()), (1.0, 0.5));
        let answer = |truth, leading: f32| {
            // All other labels share the rest evenly.
            let rest = (1.0 - leading) / 5.0;
            let mut logits = Logits::default();
            for (label, logit) in logits.iter_mut().take(6).enumerate() {
                *logit = (if label == 2 { leading } else { rest }.ln() * 4096.0).round() as i32;
            }
            (truth, Some(Prediction::new(&model, logits)))
        };
        // Right and sure, wrong and sure, right and not sure, no answer.
        let tally = Tally::new(&model, [answer(2, 0.75), answer(3, 0.75), answer(2, 0.45), (0, None)]);
        assert_eq!((tally.utterances(), tally.sure, tally.sure_right), (4, 2, 1));
        assert_eq!(tally.confusion.war(), 0.5);
        assert_eq!((tally.sure_share(), tally.not_sure_share(), tally.unanswered_share()), (0.5, 0.5, 0.25));
        assert_eq!(tally.war_of_sure(), Some(0.5));
        // Two of three answers are 0.25 off, one 0.55.
        let wanted = (2.0 * 0.25 + 0.55) / 3.0;
        assert!((tally.calibration_error - wanted).abs() < 1e-3, "{}, wanted {wanted}", tally.calibration_error);
    }

    #[test]
    fn no_utterance_is_no_reason_to_fail() {
        let tally = Tally::new(&Model::parse(MODEL).unwrap(), []);
        assert_eq!((tally.not_sure_share(), tally.war_of_sure(), tally.calibration_error), (0.0, None, 0.0));
    }
}
