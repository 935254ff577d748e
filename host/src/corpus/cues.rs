//! Properties of recordings other than the voice, by which a network may tell emotions or corpora apart.
//!
//! Emotions are told apart by a property if they explain much of its variance:
//! `η² = Σ n_g (mean_g - mean)² / Σ (x - mean)²`. Two corpora are told apart if a threshold finds most recordings of each:
//! with the best one, `(1 + D) / 2` of them, where D is the Kolmogorov-Smirnov distance of the two.

use std::collections::BTreeMap;

use super::measure::Measures;

/// A cue gives the emotion away if the emotion explains this share of its variance within a speaker.
const LEAK_SHARE: f64 = 0.25;
/// A cue tells two corpora apart if a threshold is right about this share of their recordings; each corpus counts half.
const CORPUS_SHARE: f64 = 0.85;
/// Leaks of more speakers than this are one warning.
const FEW_SPEAKERS: usize = 2;
/// Groups with fewer recordings than this tell nothing about a cue.
const MIN_GROUP: usize = 5;

/// A property other than the voice by which a classifier might tell groups of recordings apart.
struct Cue {
    name: &'static str,
    value: fn(&Measures) -> f64,
    unit: &'static str,
    /// Factor from `value` to `unit`.
    scale: f64,
    /// Means closer than this are harmless, on the scale of `value`.
    harmless: f64,
}

const CUES: [Cue; 5] = [
    Cue { name: "DC offset", value: |m| m.dc, unit: "% of full scale", scale: 100.0, harmless: 0.0005 },
    Cue { name: "level", value: |m| m.level_db, unit: "dB", scale: 1.0, harmless: 3.0 },
    Cue { name: "noise floor", value: |m| m.noise_floor_db, unit: "dB", scale: 1.0, harmless: 3.0 },
    Cue { name: "silence before the speech", value: |m| m.lead_s, unit: "ms", scale: 1000.0, harmless: 0.03 },
    Cue { name: "silence after the speech", value: |m| m.trail_s, unit: "ms", scale: 1000.0, harmless: 0.03 },
];
/// An emotion changes it, so it is a cue for the corpus alone.
const TREBLE: Cue =
    Cue { name: "share of what lies above 4 kHz", value: |m| m.treble_db, unit: "dB", scale: 1.0, harmless: 6.0 };

/// How a cue tells groups apart.
struct Apart<'g> {
    /// Of the variance, 0 to 1.
    share: f64,
    /// The groups with the lowest and the highest mean.
    lowest: (&'g str, f64),
    highest: (&'g str, f64),
}

impl Cue {
    /// How it tells groups apart; None if their means are so close that it does not.
    fn tells<'g>(&self, groups: &[(&'g str, &[Measures])]) -> Option<Apart<'g>> {
        let value = |measures: &Measures| (self.value)(measures);
        let overall = mean(groups.iter().flat_map(|(_, measures)| measures.iter().map(value)));
        let means: Vec<(&str, f64)> =
            groups.iter().map(|&(group, measures)| (group, mean(measures.iter().map(value)))).collect();
        let between: f64 =
            groups.iter().zip(&means).map(|((_, m), (_, mean))| m.len() as f64 * (mean - overall).powi(2)).sum();
        let total: f64 = groups.iter().flat_map(|(_, m)| m.iter()).map(|m| (value(m) - overall).powi(2)).sum();
        let lowest = means.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let highest = means.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
        (highest.1 - lowest.1 > self.harmless && total > 0.0).then_some(Apart {
            share: between / total,
            lowest,
            highest,
        })
    }

    /// The share of two groups' recordings that the best threshold is right about, each group counted half.
    fn right(&self, groups: [&[Measures]; 2]) -> f64 {
        let mut values: Vec<(f64, usize)> = Vec::new();
        for (group, measures) in groups.into_iter().enumerate() {
            values.extend(measures.iter().map(|measures| ((self.value)(measures), group)));
        }
        values.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (mut below, mut distance) = ([0.0, 0.0], 0.0_f64);
        for (place, (value, group)) in values.iter().enumerate() {
            below[*group] += 1.0 / groups[*group].len() as f64;
            // No threshold divides equal values.
            if values.get(place + 1).is_none_or(|(next, _)| next > value) {
                distance = distance.max((below[0] - below[1]).abs());
            }
        }
        (1.0 + distance) / 2.0
    }

    /// `-97 dB in ravdess, -55 dB in casia`.
    fn ends(&self, Apart { lowest, highest, .. }: &Apart<'_>) -> String {
        // Decimals for values that differ by about what is harmless.
        let decimals = if self.scale * self.harmless < 1.0 { 2 } else { 0 };
        let end = |(group, value): &(&str, f64)| format!("{:.decimals$} {} in {group}", self.scale * value, self.unit);
        format!("{}, {}", end(lowest), end(highest))
    }
}

/// Warnings about cues that give the emotion away within a speaker, for groups by speaker and emotion.
pub(super) fn leaks(groups: &BTreeMap<(&str, &str), Vec<Measures>>) -> Vec<String> {
    let mut speakers: BTreeMap<&str, Vec<(&str, &[Measures])>> = BTreeMap::new();
    for (&(speaker, emotion), measures) in groups {
        if measures.len() >= MIN_GROUP {
            speakers.entry(speaker).or_default().push((emotion, measures));
        }
    }
    let mut warnings = Vec::new();
    for cue in &CUES {
        let told = speakers.iter().filter_map(|(speaker, emotions)| {
            let apart = cue.tells(emotions).filter(|apart| apart.share > LEAK_SHARE)?;
            Some((if speaker.is_empty() { "all" } else { speaker }, apart))
        });
        let mut told: Vec<(&str, Apart<'_>)> = told.collect();
        let warning = |whose: String, apart: &Apart<'_>| {
            let share = 100.0 * apart.share;
            format!("{whose}: {} gives the emotion away ({share:.0} % of its variance): {}", cue.name, cue.ends(apart))
        };
        if told.len() <= FEW_SPEAKERS {
            warnings.extend(told.iter().map(|(speaker, apart)| warning(format!("speaker {speaker}"), apart)));
        } else {
            told.sort_by(|one, other| other.1.share.total_cmp(&one.1.share));
            let whose = format!("{} of {} speakers, most of all {}", told.len(), speakers.len(), told[0].0);
            warnings.push(warning(whose, &told[0].1));
        }
    }
    warnings
}

/// The warning about cues that tell corpora apart. None if there are none, or one corpus alone.
pub(super) fn apart<'c>(recordings: impl Iterator<Item = (&'c str, Measures)>) -> Option<String> {
    let mut corpora: BTreeMap<&str, Vec<Measures>> = BTreeMap::new();
    recordings.for_each(|(corpus, measures)| corpora.entry(corpus).or_default().push(measures));
    corpora.retain(|_, measures| measures.len() >= MIN_GROUP);
    let groups: Vec<(&str, &[Measures])> = corpora.iter().map(|(corpus, measures)| (*corpus, &**measures)).collect();
    if groups.len() < 2 {
        return None;
    }
    let told = CUES.iter().chain([&TREBLE]).filter_map(|cue| {
        let pairs =
            groups.iter().enumerate().flat_map(|(place, one)| groups[..place].iter().map(move |other| [one, other]));
        let shares = pairs.filter_map(|pair| {
            let apart = cue.tells(&pair.map(|group| *group))?;
            Some((cue.right(pair.map(|group| group.1)), apart))
        });
        let (right, apart) = shares.max_by(|one, other| one.0.total_cmp(&other.0))?;
        (right > CORPUS_SHARE).then(|| format!("{} (right in {:.0} %: {})", cue.name, 100.0 * right, cue.ends(&apart)))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| {
        format!(
            "a network can tell corpora apart without the voices, and labels that one of them lacks with them, by {}",
            told.join("; ")
        )
    })
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::measure::measure;

    /// Noise with this step, twice as long if `long`.
    fn recording(step: i16, long: bool) -> Measures {
        let len = if long { 16_000 } else { 8_000 };
        let noise = |n: usize| ((n * 7919 % 13) as i16 - 6) * step;
        measure(&(0..len).map(noise).collect::<Vec<i16>>()).unwrap()
    }

    #[test]
    fn a_leak_of_many_speakers_is_one_warning() {
        let mut groups = BTreeMap::new();
        for speaker in ["a", "b", "c"] {
            for (emotion, step) in [("sad", 10), ("angry", 1000)] {
                groups.insert((speaker, emotion), (0..6).map(|n| recording(step + n, false)).collect());
            }
        }
        let warnings = leaks(&groups);
        let of_level: Vec<&String> = warnings.iter().filter(|warning| warning.contains(": level gives")).collect();
        assert!(
            matches!(of_level[..], [warning] if warning.starts_with("3 of 3 speakers, most of all ")),
            "{warnings:?}"
        );
    }

    #[test]
    fn corpora_are_told_apart_by_what_differs_between_them_alone() {
        let quiet = (0..6).map(|n| ("quiet", recording(10 + n, n % 2 == 0)));
        let loud = (0..6).map(|n| ("loud", recording(1000 + n, n % 2 == 0)));
        let warning = apart(quiet.clone().chain(loud.clone())).unwrap();
        assert!(warning.contains("noise floor (right in 100 %: ") && warning.contains("dB in quiet"), "{warning}");
        assert!(!warning.contains("above 4 kHz") && !warning.contains("silence"), "{warning}");
        assert_eq!(apart(quiet.clone()), None);
        assert_eq!(apart(quiet.clone().chain(quiet.map(|(_, measures)| ("again", measures)))), None);
        // One of six of each is on the wrong side of any threshold.
        let mixed = |name, own: i16, other: i16| {
            (0..6).map(move |n| (name, recording(if n == 0 { other } else { own } + n, false)))
        };
        let warning = apart(mixed("one", 10, 1000).chain(mixed("two", 1000, 10))).unwrap_or_default();
        assert!(!warning.contains("right in 100 %"), "{warning}");
        assert_eq!(apart(loud.chain([("few", recording(1, true))])), None);
    }
}
