//! The 95 % interval of a figure: how far it may lie from the figure over many more units than were tested.
//!
//! A unit is what the protocol keeps apart: speakers for `speaker`, sentences for `sentence`, utterances for `random`.
//! For `corpus` and for published folds it is the speaker.
//! Answers to one unit are alike, so it counts once, however many answers there are. The bootstrap draws as many units
//! as there are, with replacement, each with all its answers (of all seeds), [`RESAMPLES`] times. With the standard
//! deviation `s` of the figure over the resamples and `n` units the interval is
//!
//! `figure ± t · s · sqrt(n / (n - 1))`, within 0 and 1,
//!
//! where `t` is the 97.5 % quantile of Student's distribution with `n - 1` degrees of freedom. A bootstrap of few units
//! varies too little; the factor and `t` make up for that. For the mean of `n` equal units it is Student's interval.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::corpus::split::{Protocol, Split, SplitEntry};
use crate::evaluation::metrics::Confusion;
use crate::shares::points;

/// Resamples of a bootstrap.
pub const RESAMPLES: usize = 10_000;
/// Seed of a bootstrap, so that the same answers always give the same interval.
const SEED: u64 = 1;
/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;
/// The 97.5 % quantiles of Student's distribution with 1, 2 and 3 degrees of freedom.
const STUDENT: [f64; 3] = [12.706_205, 4.302_653, 3.182_446];

/// Lower and upper end of a 95 % interval, 0 to 1. None if it cannot be known: there is one unit alone, or no answer,
/// or all resamples have the same figure.
pub type Interval = Option<(f64, f64)>;

/// What an interval counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Each recording.
    Utterance,
    /// All recordings of a sentence.
    Sentence,
    /// All recordings of a speaker.
    Speaker,
}

impl Unit {
    /// What the protocol keeps apart; speakers for whole corpora and for published folds.
    pub fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Random => Self::Utterance,
            Protocol::Sentence => Self::Sentence,
            Protocol::Speaker | Protocol::Corpus | Protocol::Published => Self::Speaker,
        }
    }

    /// The unit of an utterance. One whose speaker or sentence is not known stands for itself.
    pub fn name<'a>(self, id: &'a str, speaker: &'a str, sentence: &'a str) -> &'a str {
        let name = match self {
            Self::Utterance => id,
            Self::Sentence => sentence,
            Self::Speaker => speaker,
        };
        if name.is_empty() { id } else { name }
    }

    /// The unit of each utterance of a split, by id.
    pub fn names(split: &Split) -> HashMap<&str, &str> {
        let unit = Self::of(split.protocol);
        let named = split
            .utterances
            .iter()
            .map(|SplitEntry { id, speaker, sentence, .. }| (id.as_str(), unit.name(id, speaker, sentence)));
        named.collect()
    }

    /// `4 speakers`, `1 sentence`.
    pub fn count(self, units: usize) -> String {
        let name = match self {
            Self::Utterance => "utterance",
            Self::Sentence => "sentence",
            Self::Speaker => "speaker",
        };
        format!("{units} {name}{}", if units == 1 { "" } else { "s" })
    }
}

/// An interval in per cent without the sign, `79.0 to 83.9`; `-` if it cannot be known.
pub fn shown(interval: Interval) -> String {
    interval.map_or_else(|| "-".to_owned(), |(low, high)| format!("{} to {}", points(low), points(high)))
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Name of the unit that the utterance belongs to.
    pub unit: &'a str,
    /// Index of the true label.
    pub truth: usize,
    /// Index of the label of the answer; None without an answer, which counts as wrong.
    pub label: Option<usize>,
}

/// The intervals of the figures of a [`Confusion`].
#[derive(Clone, Debug, PartialEq)]
pub struct Intervals {
    /// Number of units.
    pub units: usize,
    /// Of the WAR.
    pub war: Interval,
    /// Of the UAR.
    pub uar: Interval,
    /// Of the macro-F1.
    pub macro_f1: Interval,
    /// Of the recall of each class.
    pub recalls: Vec<Interval>,
}

impl Intervals {
    /// The intervals of the figures over all answers.
    ///
    /// # Panics
    ///
    /// If an index in an answer is not smaller than the number of labels.
    pub fn new<'a>(labels: &[String], answers: impl IntoIterator<Item = Answer<'a>>) -> Self {
        // The answers of a unit with their number; few of the many cells of a matrix are in use.
        let mut units: BTreeMap<&str, BTreeMap<(usize, Option<usize>), u64>> = BTreeMap::new();
        for answer in answers {
            *units.entry(answer.unit).or_default().entry((answer.truth, answer.label)).or_default() += 1;
        }
        let units: Vec<Vec<_>> = units.into_values().map(|counts| counts.into_iter().collect()).collect();
        let mut confusion = Confusion::new(labels.iter().cloned());
        let mut add = |drawn: &mut dyn Iterator<Item = usize>| {
            confusion.clear();
            for ((truth, label), count) in drawn.filter_map(|unit| units.get(unit)).flatten() {
                confusion.add_many(*truth, *label, *count);
            }
            let figures = [confusion.war(), confusion.uar(), confusion.macro_f1()].map(Some);
            figures.into_iter().chain(confusion.recalls()).collect::<Vec<Option<f64>>>()
        };
        let figures = add(&mut (0..units.len()));
        let mut spreads = vec![Spread::default(); figures.len()];
        if units.len() > 1 {
            let mut rng = ChaCha8Rng::seed_from_u64(SEED);
            for _ in 0..RESAMPLES {
                let resample = add(&mut (0..units.len()).map(|_| rng.random_range(0..units.len())));
                spreads.iter_mut().zip(resample).for_each(|(spread, figure)| spread.add(figure));
            }
        }
        let mut intervals = spreads
            .iter()
            .zip(figures)
            .map(|(spread, figure)| spread.interval(figure?, units.len()))
            .collect::<Vec<_>>();
        let recalls = intervals.split_off(3);
        let [war, uar, macro_f1] = [0, 1, 2].map(|figure| intervals.get(figure).copied().flatten());
        Self { units: units.len(), war, uar, macro_f1, recalls }
    }
}

/// Mean and sum of squared deviations of a figure over the resamples that have it, by Welford's method.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, figure: Option<f64>) {
        let Some(figure) = figure else { return };
        self.count += 1.0;
        let before = figure - self.mean;
        self.mean += before / self.count;
        self.squares += before * (figure - self.mean);
    }

    fn interval(&self, figure: f64, units: usize) -> Interval {
        let freedom = units.checked_sub(1).filter(|freedom| *freedom > 0)?;
        // Rounding of the sums leaves less than this of equal figures.
        let sd = Some((self.squares / (self.count - 1.0)).sqrt()).filter(|sd| *sd > 1e-9)?;
        let half = student(freedom) * sd * (units as f64 / freedom as f64).sqrt();
        Some(((figure - half).max(0.0), (figure + half).min(1.0)))
    }
}

/// The 97.5 % quantile of Student's distribution: for more than 3 degrees of freedom the expansion in `1 / freedom` of
/// Abramowitz and Stegun, 26.7.5, whose relative error is 0.0003 at most.
fn student(freedom: usize) -> f64 {
    if let Some(quantile) = freedom.checked_sub(1).and_then(|place| STUDENT.get(place)) {
        return *quantile;
    }
    let powers: [f64; 5] = std::array::from_fn(|power| Z.powi(2 * power as i32 + 1));
    let [z, z3, z5, z7, z9] = powers;
    let terms = [
        z,
        (z3 + z) / 4.0,
        (5.0 * z5 + 16.0 * z3 + 3.0 * z) / 96.0,
        (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / 384.0,
        (79.0 * z9 + 776.0 * z7 + 1482.0 * z5 - 1920.0 * z3 - 945.0 * z) / 92_160.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| sum / freedom as f64 + term)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        vec!["sad".to_owned(), "happy".to_owned()]
    }

    /// Units with a number of right answers out of `of`, half of them of each class.
    fn units(right: &[usize], of: usize) -> Vec<(String, usize, Option<usize>)> {
        let unit = |(unit, right): (usize, &usize)| {
            let right = *right;
            (0..of).map(move |n| (format!("u{unit}"), n % 2, if n < right { Some(n % 2) } else { None }))
        };
        right.iter().enumerate().flat_map(unit).collect()
    }

    fn intervals(answers: &[(String, usize, Option<usize>)]) -> Intervals {
        Intervals::new(
            &labels(),
            answers.iter().map(|(unit, truth, label)| Answer { unit, truth: *truth, label: *label }),
        )
    }

    fn assert_close(value: f64, wanted: f64, tolerance: f64) {
        assert!((value - wanted).abs() <= tolerance, "{value}, wanted {wanted}");
    }

    #[test]
    fn quantiles_of_students_distribution_are_those_of_the_tables() {
        for (freedom, wanted) in [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (39, 2.0227)] {
            assert_close(student(freedom), wanted, 3e-4 * wanted);
        }
        assert_close(student(959), 1.9624, 1e-4);
    }

    #[test]
    fn four_speakers_have_students_interval_however_many_recordings_each_has() {
        // 30, 32, 55 and 65 % of 240: mean 45.5 %, standard deviation 17.25 points, 3.1824 · 17.25 / 2 = 27.4.
        let answers = units(&[72, 77, 132, 156], 240);
        let Intervals { units: 4, war: Some((low, high)), .. } = intervals(&answers) else { panic!("no interval") };
        assert_close(low, 0.455 - 0.274, 0.006);
        assert_close(high, 0.455 + 0.274, 0.006);
        // Each recording for itself: 0.455 ± 1.9624 · sqrt(0.455 · 0.545 / 960).
        let each: Vec<_> =
            answers.iter().enumerate().map(|(n, (_, truth, label))| (n.to_string(), *truth, *label)).collect();
        let (low, high) = intervals(&each).war.unwrap();
        assert_close(low, 0.455 - 0.0315, 0.002);
        assert_close(high, 0.455 + 0.0315, 0.002);
    }

    #[test]
    fn answering_every_utterance_again_makes_no_figure_surer() {
        let once = units(&[1, 4, 3, 2, 4, 0, 3], 4);
        let thrice: Vec<_> = once.iter().cycle().take(3 * once.len()).cloned().collect();
        assert_eq!(intervals(&thrice), intervals(&once));
        let Intervals { war, uar, macro_f1, recalls, .. } = intervals(&once);
        for (low, high) in [war, uar, macro_f1].into_iter().chain(recalls).map(Option::unwrap) {
            assert!(0.0 <= low && low < high && high <= 1.0, "{low} to {high}");
        }
    }

    #[test]
    fn one_unit_and_units_that_are_alike_say_nothing_about_others() {
        for alone in [&[2][..], &[], &[4, 4, 4], &[2, 2, 2, 2]] {
            let intervals = intervals(&units(alone, 4));
            assert_eq!((intervals.units, intervals.war), (alone.len(), None));
            assert_eq!(intervals.recalls, [None, None]);
        }
        assert_eq!(shown(None), "-");
        assert_eq!(shown(Some((0.7896, 0.839))), "79.0 to 83.9");
        assert_eq!([Unit::Speaker.count(1), Unit::Sentence.count(40)], ["1 speaker", "40 sentences"]);
    }
}
