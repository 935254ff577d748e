//! How often each training utterance is drawn in an epoch.
//!
//! An epoch draws as many utterances as there are. Without balance each comes once. With balance the corpora, the labels
//! or both share the epoch equally, corpora by their weights, and within them the speakers do. The mean number of times
//! that an utterance is drawn follows; systematic sampling makes it whole: an utterance with 2.3 comes twice in most
//! epochs and three times in the others.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::example::Example;
use crate::training::recipe::Balance;

/// The mean number of times that each example is drawn in an epoch, in sum the number of examples. None if each comes
/// once.
pub(super) fn counts(examples: &[Example], balance: Balance) -> Option<Vec<f64>> {
    let weights: Vec<f64> = examples.iter().map(|example| example.weight).collect();
    let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
    if balance == Balance::None && equal {
        return None;
    }
    // From the outermost group to the innermost.
    let groups = |example: &Example| -> Vec<String> {
        let (corpus, label, speaker) = (example.corpus.clone(), example.class.to_string(), example.speaker.clone());
        match balance {
            Balance::None => Vec::new(),
            Balance::Label => vec![label, format!("{corpus} {speaker}")],
            Balance::Corpus => vec![corpus, speaker],
            Balance::Both => vec![corpus, label, speaker],
        }
    };
    let mut siblings: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    let mut members: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let groups: Vec<Vec<String>> = examples.iter().map(groups).collect();
    for of in &groups {
        for (depth, group) in of.iter().enumerate() {
            siblings.entry(of[..depth].to_vec()).or_default().insert(group.clone());
        }
        *members.entry(of.clone()).or_default() += 1;
    }
    let share = |(of, weight): (&Vec<String>, &f64)| -> f64 {
        let of_groups: f64 = (0..of.len()).map(|depth| 1.0 / siblings[&of[..depth].to_vec()].len() as f64).product();
        let of_members = if of.is_empty() { 1.0 } else { 1.0 / members[of] as f64 };
        weight * of_groups * of_members
    };
    let shares: Vec<f64> = groups.iter().zip(&weights).map(share).collect();
    let all: f64 = shares.iter().sum();
    Some(shares.into_iter().map(|share| share * examples.len() as f64 / all).collect())
}

/// Draws examples: each with the number of times that it was drawn before.
pub(super) fn draw(counts: &[f64], rng: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.shuffle(rng);
    let mut sum = rng.random_range(0.0..1.0);
    let mut drawn = Vec::with_capacity(counts.len());
    for example in order {
        let before = f64::floor(sum);
        sum += counts[example];
        let times = (sum.floor() - before) as usize;
        drawn.extend((0..times).map(|before| (example, before)));
    }
    // The sum of many shares may miss the last whole number by a rounding error.
    drawn.truncate(counts.len());
    if let (true, Some(&(last, before))) = (drawn.len() < counts.len(), drawn.last()) {
        drawn.push((last, before + 1));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn example(corpus: &str, class: usize, speaker: &str, weight: f64) -> Example {
        Example { corpus: corpus.to_owned(), class, speaker: speaker.to_owned(), weight, ..Example::default() }
    }

    /// Corpus a: class 0 has six recordings of one speaker, class 1 two of two. Corpus b: class 0 has two.
    fn examples(weight: f64) -> Vec<Example> {
        let mut examples: Vec<Example> = (0..6).map(|_| example("a", 0, "x", 1.0)).collect();
        examples.extend(["x", "y"].map(|speaker| example("a", 1, speaker, 1.0)));
        examples.extend((0..2).map(|_| example("b", 0, "z", weight)));
        examples
    }

    fn sums(balance: Balance, weight: f64) -> [f64; 3] {
        let counts = counts(&examples(weight), balance).unwrap();
        [&counts[..6], &counts[6..8], &counts[8..]].map(|counts| counts.iter().sum())
    }

    #[test]
    fn groups_share_an_epoch_equally_and_corpora_by_their_weights() {
        let close = |sums: [f64; 3], wanted: [f64; 3]| {
            assert!(sums.iter().zip(wanted).all(|(sum, wanted)| (sum - wanted).abs() < 1e-9), "{sums:?}");
        };
        assert_eq!(counts(&examples(1.0), Balance::None), None);
        close(sums(Balance::None, 3.0), [6.0 * 10.0 / 14.0, 2.0 * 10.0 / 14.0, 6.0 * 10.0 / 14.0]);
        // Half of class 0 goes to speaker x of a, half to z of b.
        close(sums(Balance::Label, 1.0), [2.5, 5.0, 2.5]);
        close(sums(Balance::Both, 1.0), [2.5, 2.5, 5.0]);
        close(sums(Balance::Both, 3.0), [1.25, 1.25, 7.5]);
        // Speaker x of a has seven recordings, y one; each has a quarter of the epoch.
        let of_corpus = counts(&examples(1.0), Balance::Corpus).unwrap();
        assert!((of_corpus[7] - 2.5).abs() < 1e-9 && (of_corpus[0] - 2.5 / 7.0).abs() < 1e-9, "{of_corpus:?}");
    }

    proptest! {
        #[test]
        fn each_is_drawn_as_often_as_its_count_says(shares in proptest::collection::vec(0.01f64..5.0, 1..40), seed: u64) {
            let all: f64 = shares.iter().sum();
            let counts: Vec<f64> = shares.iter().map(|share| share * shares.len() as f64 / all).collect();
            let drawn = draw(&counts, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert_eq!(drawn.len(), counts.len());
            for (example, count) in counts.iter().enumerate() {
                let mut times: Vec<usize> =
                    drawn.iter().filter(|(of, _)| *of == example).map(|(_, before)| *before).collect();
                times.sort_unstable();
                prop_assert!(times.iter().enumerate().all(|(place, before)| place == *before));
                let least = (count - 1e-9).floor();
                prop_assert!((least..=least + 2.0).contains(&(times.len() as f64)), "{} for {count}", times.len());
            }
        }
    }

    #[test]
    fn in_the_mean_of_many_epochs_the_counts_are_met() {
        let counts = [2.3, 0.4, 0.3, 1.0];
        let mut drawn = [0usize; 4];
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..4000 {
            draw(&counts, &mut rng).into_iter().for_each(|(example, _)| drawn[example] += 1);
        }
        for (count, times) in counts.iter().zip(drawn) {
            assert!((times as f64 / 4000.0 - count).abs() < 0.03, "{count}: {times}");
        }
    }
}
