//! The sentence prior: what the sentence alone says about the emotion.
//!
//! In a corpus of parallel sentences, a training part may hold a sentence of a speaker in all emotions but one. A
//! network that recognises the sentence can then rule out the missing emotion, and is wrong when the recording in that
//! emotion is tested. So the loss adds to the logits the logarithm of each class's share among the training recordings
//! of the sentence; recognition leaves it out. The loss already holds what the sentence says, so the network gains
//! nothing by learning it (a product of experts with a known bias: Clark et al. 2019; over classes alone, Menon et al.
//! 2021).

use std::collections::BTreeMap;

use super::example::Example;

/// Added to each count, so that the count of a missing class has a logarithm. It is 4.6 below the logarithm of a class
/// with one recording, about as far apart as label smoothing of 0.1 wants the logits of the right class and another.
const PSEUDO_COUNT: f32 = 0.01;

/// The prior of each example: `strength` times the logarithm of each class's share among the examples of the same
/// sentence and speaker, shifted to mean 0. It is zero if the sentence is unknown or has recordings in fewer than half
/// of the classes: its name may then be that of a single recording.
pub(super) fn sentence_priors(examples: &[Example], classes: usize, strength: f64) -> Vec<Vec<f32>> {
    let mut counts: BTreeMap<(&str, &str), Vec<f32>> = BTreeMap::new();
    for example in examples {
        let of_sentence = counts.entry((&example.speaker, &example.sentence)).or_insert_with(|| vec![0.0; classes]);
        if let Some(count) = of_sentence.get_mut(example.class) {
            *count += 1.0;
        }
    }
    let prior = |example: &Example| {
        let counts = counts.get(&(example.speaker.as_str(), example.sentence.as_str()))?;
        let present = counts.iter().filter(|count| **count > 0.0).count();
        if strength == 0.0 || example.sentence.is_empty() || 2 * present < classes {
            return None;
        }
        let logarithms: Vec<f32> = counts.iter().map(|count| (count + PSEUDO_COUNT).ln()).collect();
        let mean = logarithms.iter().sum::<f32>() / classes as f32;
        Some(logarithms.iter().map(|logarithm| strength as f32 * (logarithm - mean)).collect())
    };
    examples.iter().map(|example| prior(example).unwrap_or_else(|| vec![0.0; classes])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(class: usize, speaker: &str, sentence: &str) -> Example {
        Example { speeds: Vec::new(), class, speaker: speaker.to_owned(), sentence: sentence.to_owned() }
    }

    #[test]
    fn a_class_that_a_sentence_lacks_is_made_up_for_and_a_whole_sentence_says_nothing() {
        let whole = (0..3).map(|class| example(class, "a", "201"));
        let lacking = (0..2).map(|class| example(class, "b", "201"));
        let examples: Vec<Example> = whole.chain(lacking).collect();
        let priors = sentence_priors(&examples, 3, 1.0);
        assert!(priors[..3].iter().flatten().all(|value| value.abs() < 1e-6), "{priors:?}");
        for prior in &priors[3..] {
            assert!((prior[0] - prior[1]).abs() < 1e-6 && prior.iter().sum::<f32>().abs() < 1e-5);
            assert!((prior[0] - prior[2] - 101f32.ln()).abs() < 1e-5, "{prior:?}");
        }
        let half = sentence_priors(&examples, 3, 0.5);
        assert!((2.0 * half[3][2] - priors[3][2]).abs() < 1e-6);
    }

    #[test]
    fn names_that_are_unknown_or_of_one_recording_say_nothing() {
        let examples = [example(0, "a", ""), example(1, "a", ""), example(0, "a", "x"), example(1, "b", "x")];
        assert!(sentence_priors(&examples, 6, 1.0).iter().flatten().all(|value| *value == 0.0));
        let examples = [example(0, "a", "x"), example(1, "a", "x"), example(2, "a", "x")];
        assert!(sentence_priors(&examples, 6, 0.0).iter().flatten().all(|value| *value == 0.0));
        assert!(sentence_priors(&examples, 6, 1.0)[0][5] < 0.0);
    }
}
