//! Which labels of a corpus are classes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
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
    /// New names of labels; an empty one drops the label.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
}

/// The classes, and what becomes of each label of the corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub labels: Labels,
    /// Labels of the corpus that are no class, with the number of their utterances.
    pub left_out: BTreeMap<String, usize>,
    /// The class of each label that has one.
    class_of: BTreeMap<String, usize>,
}

impl Chosen {
    /// The class of a label of the corpus.
    pub fn class(&self, label: &str) -> Option<usize> {
        self.class_of.get(label).copied()
    }
}

impl Choice {
    /// Chooses among the labels of a corpus, given with the number of their utterances.
    ///
    /// # Errors
    ///
    /// If a label that is named is not there.
    pub(super) fn among(&self, counts: &BTreeMap<String, usize>) -> Result<Chosen> {
        let there = || counts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let map: BTreeMap<String, String> =
            self.map.iter().map(|(from, to)| (canonical(from), canonical(to))).collect();
        for from in map.keys() {
            ensure!(counts.contains_key(from), "--map: the corpus has no label '{from}', it has {}", there());
        }
        let named = |label: &String| map.get(label).unwrap_or(label).clone();
        let have: BTreeSet<String> = counts.keys().map(named).filter(|name| !name.is_empty()).collect();
        let now = || have.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let labels: Vec<String> = match &self.classes {
            Classes::Usual if EMOTIONS.iter().all(|emotion| have.contains(*emotion)) => {
                EMOTIONS.map(str::to_owned).to_vec()
            }
            Classes::Usual | Classes::All => have.iter().cloned().collect(),
            Classes::These(labels) => {
                let labels = each_once(labels);
                for label in &labels {
                    ensure!(have.contains(label), "--labels: the corpus has no label '{label}', it has {}", now());
                }
                labels
            }
            Classes::Known(labels) => each_once(labels),
        };
        let place = |label: &String| labels.iter().position(|class| *class == named(label));
        let class_of = counts.keys().filter_map(|label| Some((label.clone(), place(label)?))).collect();
        let left_out = counts.iter().filter(|(label, _)| place(label).is_none());
        let left_out = left_out.map(|(label, count)| (label.clone(), *count)).collect();
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

    fn counts(labels: &[&str]) -> BTreeMap<String, usize> {
        labels.iter().enumerate().map(|(index, label)| ((*label).to_owned(), index + 1)).collect()
    }

    fn ravdess() -> BTreeMap<String, usize> {
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
        assert_eq!((chosen.class("sad"), chosen.class("calm")), (Some(4), None));
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
        assert_eq!([chosen.class("calm"), chosen.class("neutral"), chosen.class("disgust")], [Some(0), Some(0), None]);
        assert_eq!(chosen.left_out.len(), 5);
        let all = choice(Classes::All, &map).among(&ravdess()).unwrap();
        assert_eq!((all.labels.len(), all.class("calm")), (6, Some(3)));
        assert_eq!(told(&all.left_out).as_deref(), Some("disgust 3"));
    }

    #[test]
    fn the_classes_of_a_network_stay_even_if_the_corpus_lacks_some() {
        let known = Classes::Known(["sad", "bored", "angry"].map(str::to_owned).to_vec());
        let chosen = choice(known, &[]).among(&ravdess()).unwrap();
        assert_eq!(chosen.labels.names(), ["sad", "boredom", "angry"]);
        assert_eq!((chosen.class("sad"), chosen.class("fear")), (Some(0), None));
    }

    #[test]
    fn a_label_that_is_not_there_is_an_error_that_names_those_that_are() {
        let error = choice(these(&["angry", "bored"]), &[]).among(&ravdess()).unwrap_err().to_string();
        assert!(error.contains("no label 'boredom'") && error.contains("angry, calm, disgust"), "{error}");
        let error = choice(Classes::Usual, &[("bored", "")]).among(&ravdess()).unwrap_err().to_string();
        assert!(error.contains("--map: the corpus has no label 'boredom'"), "{error}");
    }
}
