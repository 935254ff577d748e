//! The prior: what the sentence, or the corpus, alone says about the emotion.
//!
//! In a corpus of parallel sentences, a training part may hold a sentence of a speaker in all emotions but one. A
//! network that recognises the sentence can then rule out the missing emotion, and is wrong when the recording in that
//! emotion is tested. So the loss adds to the logits what the sentence alone says, and recognition leaves it out: the
//! network gains nothing by learning it (a product of experts with a known bias: Clark et al. 2019; over classes alone,
//! Menon et al. 2021).
//!
//! With mean targets `t[class]` over the training recordings of a sentence and logits `z[class]` that depend on the
//! sentence alone, the mean cross-entropy between `t` and `softmax(z + prior)` is least at `z + prior = ln t + c`. So
//! the prior is `ln t`, and no logit is gained by recognising the sentence. Targets are smoothed, so `t` of a missing
//! class is above zero.
//!
//! Where several corpora train one network, a class that a corpus does not have says nothing about its recordings: they
//! might have been called so, had anybody asked. The prior takes such a class out of the loss, which is then the
//! cross-entropy over the classes of the corpus.

use std::collections::BTreeMap;

use super::example::Example;

/// The least mean target that has a logarithm: without label smoothing that of a missing class is zero.
const LEAST_TARGET: f32 = 1e-6;

/// The prior of a class that a corpus does not have: it takes no part in the loss.
const ABSENT: f32 = -1e4;

/// Whether each class has an example of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Present(BTreeMap<String, Vec<bool>>);

impl Present {
    /// The classes of each corpus. With `all`, each corpus counts as one that has all classes.
    pub(super) fn new(examples: &[Example], classes: usize, all: bool) -> Self {
        let mut present: BTreeMap<String, Vec<bool>> = BTreeMap::new();
        for example in examples {
            let of_corpus = present.entry(example.corpus.clone()).or_insert_with(|| vec![all; classes]);
            if let Some(has) = of_corpus.get_mut(example.class) {
                *has = true;
            }
        }
        Self(present)
    }

    /// The classes of the corpus of an example.
    pub(super) fn of(&self, example: &Example) -> &[bool] {
        self.0.get(&example.corpus).map_or(&[], Vec::as_slice)
    }

    /// A value for each class of the corpus of an example, and another for each class that it lacks.
    pub(super) fn each(&self, example: &Example, has: f32, lacks: f32) -> Vec<f32> {
        self.of(example).iter().map(|present| if *present { has } else { lacks }).collect()
    }
}

/// Whether two priors are of corpora with the same classes.
pub(super) fn same_classes(prior: &[f32], other: &[f32]) -> bool {
    prior.iter().zip(other).all(|(one, other)| (*one <= ABSENT) == (*other <= ABSENT))
}

/// The prior of each example: `strength` times the logarithm of each class's mean target among the examples of the same
/// sentence and speaker, shifted to mean 0. `smoothing` is the share of a target that all classes have in equal parts.
/// The prior is zero if the sentence is unknown or has recordings in fewer than half of the classes: its name may then
/// be that of a single recording. A class that the corpus does not have takes no part: its prior is that of nothing.
pub(super) fn sentence_priors(examples: &[Example], present: &Present, smoothing: f64, strength: f64) -> Vec<Vec<f32>> {
    let smoothing = smoothing as f32;
    let mut counts: BTreeMap<(&str, &str, &str), Vec<f32>> = BTreeMap::new();
    for example in examples {
        let sentence = (example.corpus.as_str(), example.speaker.as_str(), example.sentence.as_str());
        let of_sentence = counts.entry(sentence).or_insert_with(|| vec![0.0; present.of(example).len()]);
        if let Some(count) = of_sentence.get_mut(example.class) {
            *count += 1.0;
        }
    }
    let prior = |example: &Example| {
        let sentence = (example.corpus.as_str(), example.speaker.as_str(), example.sentence.as_str());
        let counts = counts.get(&sentence)?;
        let classes = present.of(example).iter().filter(|has| **has).count();
        let said = counts.iter().filter(|count| **count > 0.0).count();
        if strength == 0.0 || example.sentence.is_empty() || 2 * said < classes {
            return None;
        }
        let all = counts.iter().sum::<f32>();
        let target = |count: &f32| (1.0 - smoothing) * count / all + smoothing / classes as f32;
        let logarithm = |count: &f32| target(count).max(LEAST_TARGET).ln();
        let of_classes = || counts.iter().zip(present.of(example));
        let mean =
            of_classes().filter(|(_, has)| **has).map(|(count, _)| logarithm(count)).sum::<f32>() / classes as f32;
        let value = |(count, has): (&f32, &bool)| {
            if *has { strength as f32 * (logarithm(count) - mean) } else { ABSENT }
        };
        Some(of_classes().map(value).collect())
    };
    examples.iter().map(|example| prior(example).unwrap_or_else(|| present.each(example, 0.0, ABSENT))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(class: usize, speaker: &str, sentence: &str) -> Example {
        Example { class, speaker: speaker.to_owned(), sentence: sentence.to_owned(), ..Example::default() }
    }

    fn of_sentences(examples: &[Example], classes: usize, smoothing: f64, strength: f64) -> Vec<Vec<f32>> {
        sentence_priors(examples, &Present::new(examples, classes, true), smoothing, strength)
    }

    #[test]
    fn a_class_that_a_sentence_lacks_is_made_up_for_and_a_whole_sentence_says_nothing() {
        let whole = (0..3).map(|class| example(class, "a", "201"));
        let lacking = (0..2).map(|class| example(class, "b", "201"));
        let examples: Vec<Example> = whole.chain(lacking).collect();
        let priors = of_sentences(&examples, 3, 0.1, 1.0);
        assert!(priors[..3].iter().flatten().all(|value| value.abs() < 1e-6), "{priors:?}");
        for prior in &priors[3..] {
            assert!((prior[0] - prior[1]).abs() < 1e-6 && prior.iter().sum::<f32>().abs() < 1e-5);
            // 0.9 / 2 + 0.1 / 3 beside 0.1 / 3.
            assert!((prior[0] - prior[2] - 14.5f32.ln()).abs() < 1e-5, "{prior:?}");
        }
        let half = of_sentences(&examples, 3, 0.1, 0.5);
        assert!((2.0 * half[3][2] - priors[3][2]).abs() < 1e-6);
    }

    /// A network that knows nothing but the sentence: its loss is least where all its logits are equal.
    #[test]
    fn the_sentence_alone_earns_nothing() {
        let classes = [0, 1, 1, 2, 4];
        let examples: Vec<Example> = classes.iter().map(|&class| example(class, "a", "201")).collect();
        for smoothing in [0.0, 0.05, 0.1, 0.3] {
            let prior = &of_sentences(&examples, 6, smoothing, 1.0)[0];
            let loss = |logits: [f64; 6]| -> f64 {
                let sums: Vec<f64> = logits.iter().zip(prior).map(|(z, p)| z + f64::from(*p)).collect();
                let all = sums.iter().map(|sum| sum.exp()).sum::<f64>().ln();
                let target = |class: usize, right: usize| {
                    (1.0 - smoothing) * f64::from(u8::from(class == right)) + smoothing / 6.0
                };
                let of = |right: usize| -> f64 { (0..6).map(|class| target(class, right) * (all - sums[class])).sum() };
                classes.iter().map(|&right| of(right)).sum::<f64>() / 5.0
            };
            let least = loss([0.0; 6]);
            for class in 0..6 {
                for step in [-1.0, -0.1, 0.1, 1.0] {
                    let mut logits = [0.0; 6];
                    logits[class] = step;
                    assert!(loss(logits) > least - 1e-5, "smoothing {smoothing}, class {class}, {step:+}");
                }
            }
        }
    }

    #[test]
    fn names_that_are_unknown_or_of_one_recording_say_nothing() {
        let examples = [example(0, "a", ""), example(1, "a", ""), example(0, "a", "x"), example(1, "b", "x")];
        assert!(of_sentences(&examples, 6, 0.1, 1.0).iter().flatten().all(|value| *value == 0.0));
        let examples = [example(0, "a", "x"), example(1, "a", "x"), example(2, "a", "x")];
        assert!(of_sentences(&examples, 6, 0.1, 0.0).iter().flatten().all(|value| *value == 0.0));
        assert!(of_sentences(&examples, 6, 0.1, 1.0)[0][5] < 0.0);
    }

    #[test]
    fn a_class_that_a_corpus_lacks_takes_no_part() {
        let of = |class, corpus: &str| Example { corpus: corpus.to_owned(), ..example(class, "a", "1") };
        let examples = [of(0, "three"), of(1, "three"), of(2, "three"), of(0, "two"), of(0, "two"), of(2, "two")];
        let present = Present::new(&examples, 3, false);
        assert_eq!(present.each(&examples[4], 1.0, 0.0), [1.0, 0.0, 1.0]);
        let priors = sentence_priors(&examples, &present, 0.1, 1.0);
        assert!(priors[..3].iter().flatten().all(|value| value.abs() < 1e-6), "{priors:?}");
        // Among its own two classes the sentence has 0.9 * 2 / 3 + 0.05 of one, 0.9 / 3 + 0.05 of the other.
        assert!((priors[3][0] - priors[3][2] - (0.65f32 / 0.35).ln()).abs() < 1e-6, "{priors:?}");
        assert_eq!(priors[3][1], ABSENT);
        assert!(same_classes(&priors[3], &priors[5]) && !same_classes(&priors[0], &priors[3]));
        let all = Present::new(&examples, 3, true);
        assert_eq!(all.each(&examples[4], 1.0, 0.0), [1.0, 1.0, 1.0]);
    }
}
