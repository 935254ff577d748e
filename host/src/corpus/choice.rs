//! Which labels of a corpus are classes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::labels::{EMOTIONS, Labels, canonical};

/// Which labels are classes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Classes {
    /// The six [`EMOTIONS`] if the corpus has all of them, and else all labels that it has.
    #[default]
    Usual,
    /// All labels of the corpus.
    All,
    /// These, in this order; the corpus must have each.
    These(Vec<String>),
    /// These, in this order; the corpus may lack some. They are the classes of a network that is there already.
    Known(Vec<String>),
}

/// Which labels are classes, after some are renamed or dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The classes.
    #[serde(default)]
    pub classes: Classes,
    /// New names of labels, or of the names that the corpus has for them; an empty one drops what it names.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
}

/// How many recordings have a label, by the name that the corpus has for it: `happy` may be called `joy`, or both.
pub(super) type Counts = BTreeMap<String, BTreeMap<String, usize>>;

/// How often each label is there, by the name that the corpus has for it.
pub(super) fn counts<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Counts {
    // By reference first: there are many recordings and few labels.
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    labels.for_each(|label| *counts.entry(label).or_default() += 1);
    let mut of_labels = Counts::new();
    for ((label, name), count) in counts {
        of_labels.entry(label.to_owned()).or_default().insert(name.to_owned(), count);
    }
    of_labels
}

/// The classes, and what becomes of each label of the corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub labels: Labels,
    /// Labels of the corpus that are no class, with the number of their utterances.
    pub left_out: BTreeMap<String, usize>,
    /// The class of each label and name that has one.
    pub class_of: BTreeMap<(String, String), usize>,
}

impl Chosen {
    /// The class of a label that the corpus calls `name`.
    pub fn class(&self, label: &str, name: &str) -> Option<usize> {
        self.class_of.get(&(label.to_owned(), name.to_owned())).copied()
    }
}

/// What becomes of the labels of a corpus when a map is applied: the new label of each label and name, empty if it is
/// dropped. A key of the map reaches the recordings that have it as their name, and else all of the label that it means.
///
/// # Errors
///
/// If a key reaches nothing.
pub(super) fn renamed(map: &BTreeMap<String, String>, counts: &Counts) -> Result<BTreeMap<(String, String), String>> {
    let mut reached = BTreeSet::new();
    let mut new = BTreeMap::new();
    for (label, names) in counts {
        for name in names.keys() {
            let own = map.get_key_value(name);
            // A key that is the name of others of this label is meant for them alone.
            let shared = || map.iter().find(|(key, _)| canonical(key) == *label && !names.contains_key(*key));
            let of_label = || map.get_key_value(label);
            let to = match own.or_else(of_label).or_else(shared) {
                Some((key, to)) => {
                    reached.insert(key);
                    canonical(to)
                }
                None => label.clone(),
            };
            new.insert((label.clone(), name.clone()), to);
        }
    }
    if let Some(key) = map.keys().find(|key| !reached.contains(key)) {
        bail!("the corpus has no label '{key}', it has {}", listed(counts.keys()));
    }
    Ok(new)
}

fn listed<'l>(labels: impl IntoIterator<Item = &'l String>) -> String {
    labels.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

impl Choice {
    /// Chooses among the labels of a corpus.
    ///
    /// # Errors
    ///
    /// If a label that is named is not there.
    pub(super) fn among(&self, counts: &Counts) -> Result<Chosen> {
        let new = renamed(&self.map, counts).context("--map")?;
        let have: BTreeSet<String> = new.values().filter(|name| !name.is_empty()).cloned().collect();
        let labels: Vec<String> = match &self.classes {
            Classes::Usual if EMOTIONS.iter().all(|emotion| have.contains(*emotion)) => {
                EMOTIONS.map(str::to_owned).to_vec()
            }
            Classes::Usual | Classes::All => have.iter().cloned().collect(),
            Classes::These(labels) => {
                let labels = each_once(labels);
                for label in &labels {
                    ensure!(
                        have.contains(label),
                        "the corpus has no label '{label}' that --labels, the network or the split names; it has {}",
                        listed(&have)
                    );
                }
                labels
            }
            Classes::Known(labels) => each_once(labels),
        };
        let (mut class_of, mut left_out) = (BTreeMap::new(), BTreeMap::new());
        for ((label, name), new) in new {
            match labels.iter().position(|class| *class == new) {
                Some(class) => {
                    class_of.insert((label, name), class);
                }
                None => *left_out.entry(label.clone()).or_default() += counts[&label][&name],
            }
        }
        Ok(Chosen { labels: Labels::new(labels), left_out, class_of })
    }
}

fn each_once(labels: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    labels.iter().map(|label| canonical(label)).filter(|label| seen.insert(label.clone())).collect()
}

/// One line on what is left out: `calm 192, disgust 192`. None if nothing is.
pub fn told(left_out: &BTreeMap<String, usize>) -> Option<String> {
    let parts: Vec<String> = left_out.iter().map(|(label, count)| format!("{label} {count}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(labels: &[&str]) -> Counts {
        let one =
            |(index, label): (usize, &&str)| ((*label).to_owned(), BTreeMap::from([((*label).to_owned(), index + 1)]));
        labels.iter().enumerate().map(one).collect()
    }

    fn ravdess() -> Counts {
        counts(&["angry", "calm", "disgust", "fear", "happy", "neutral", "sad", "surprise"])
    }

    fn choice(classes: Classes, map: &[(&str, &str)]) -> Choice {
        let map = map.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        Choice { classes, map }
    }

    fn these(labels: &[&str]) -> Classes {
        Classes::These(labels.iter().map(|label| (*label).to_owned()).collect())
    }

    #[test]
    fn the_six_are_the_default_where_a_corpus_has_them_and_the_others_are_told() {
        let chosen = Choice::default().among(&ravdess()).unwrap();
        assert_eq!(chosen.labels, Labels::emotions());
        assert_eq!(told(&chosen.left_out).as_deref(), Some("calm 2, disgust 3"));
        assert_eq!((chosen.class("sad", "sad"), chosen.class("calm", "calm")), (Some(4), None));
    }

    #[test]
    fn without_one_of_the_six_all_labels_are_classes() {
        let chosen = Choice::default().among(&counts(&["angry", "boredom", "neutral"])).unwrap();
        assert_eq!(chosen.labels.names(), ["angry", "boredom", "neutral"]);
        assert_eq!(told(&chosen.left_out), None);
    }

    #[test]
    fn what_is_asked_for_is_chosen_by_any_name() {
        let map = [("calm", "neutral"), ("disgust", "")];
        let chosen = choice(these(&["Neutral", "Anger", "neutral"]), &map).among(&ravdess()).unwrap();
        assert_eq!(chosen.labels.names(), ["neutral", "angry"]);
        assert_eq!(
            [chosen.class("calm", "calm"), chosen.class("neutral", "neutral"), chosen.class("disgust", "disgust")],
            [Some(0), Some(0), None]
        );
        assert_eq!(chosen.left_out.len(), 5);
        let all = choice(Classes::All, &map).among(&ravdess()).unwrap();
        assert_eq!((all.labels.len(), all.class("calm", "calm")), (6, Some(3)));
        assert_eq!(told(&all.left_out).as_deref(), Some("disgust 3"));
    }

    #[test]
    fn the_classes_of_a_network_stay_even_if_the_corpus_lacks_some() {
        let known = Classes::Known(["sad", "bored", "angry"].map(str::to_owned).to_vec());
        let chosen = choice(known, &[]).among(&ravdess()).unwrap();
        assert_eq!(chosen.labels.names(), ["sad", "boredom", "angry"]);
        assert_eq!((chosen.class("sad", "sad"), chosen.class("fear", "fear")), (Some(0), None));
    }

    #[test]
    fn a_label_that_is_not_there_is_an_error_that_names_those_that_are() {
        let error = choice(these(&["angry", "bored"]), &[]).among(&ravdess()).unwrap_err().to_string();
        assert!(error.contains("no label 'boredom'") && error.contains("angry, calm, disgust"), "{error}");
        let error = choice(Classes::Usual, &[("bored", "")]).among(&ravdess()).unwrap_err().to_string();
        assert!(error.contains("--map"), "{error}");
        let error = format!("{:#}", choice(Classes::Usual, &[("bored", "")]).among(&ravdess()).unwrap_err());
        assert!(error.contains("--map: the corpus has no label 'bored', it has angry, calm"), "{error}");
    }

    #[test]
    fn a_map_reaches_each_name_that_a_corpus_has_for_a_label() {
        let names = BTreeMap::from([("happy".to_owned(), 4), ("joy".to_owned(), 3), ("hap".to_owned(), 2)]);
        let counts: Counts = [("happy".to_owned(), names)].into_iter().chain(counts(&["sad"])).collect();
        let classes = |map: &[(&str, &str)]| {
            let chosen = choice(Classes::All, map).among(&counts).unwrap();
            let class = |name| chosen.class("happy", name).map(|class| chosen.labels.name(class).to_owned());
            ["happy", "joy", "hap"].map(|name| class(name).unwrap_or_default())
        };
        assert_eq!(classes(&[]), ["happy", "happy", "happy"]);
        assert_eq!(classes(&[("joy", "elated")]), ["happy", "elated", "happy"]);
        assert_eq!(classes(&[("joy", "elated"), ("hap", "")]), ["happy", "elated", ""]);
        assert_eq!(classes(&[("happiness", "glad")]), ["glad", "glad", "glad"]);
        let chosen = choice(Classes::All, &[("joy", "")]).among(&counts).unwrap();
        assert_eq!(told(&chosen.left_out).as_deref(), Some("happy 3"));
    }
}
