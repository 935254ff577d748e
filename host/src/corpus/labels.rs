//! Names of classes: what a corpus calls its emotions, and what they are called here.

use std::fmt;
use std::sync::Arc;

use ser_core::spec::{Label, MAX_LABELS};
use unicode_normalization::UnicodeNormalization;

/// The six emotions of the built-in networks, in the order of their indices. They are the classes of a corpus that has
/// all of them, unless others are asked for.
pub const EMOTIONS: [&str; 6] = ["angry", "fear", "happy", "neutral", "sad", "surprise"];

/// Known emotions with their other names, in lower case: English, Chinese, German, Italian, Polish, French, Spanish, and
/// the codes of well-known corpora. No name means two emotions.
const KNOWN: [(&str, &[&str]); 14] = [
    (
        "angry",
        &[
            "anger", "ang", "mad", "生气", "愤怒", "ärger", "wut", "rabbia", "rab", "złość", "gniew", "colère",
            "enojo", "ira",
        ],
    ),
    ("boredom", &["bored", "boring", "langeweile", "noia", "nuda", "ennui"]),
    ("calm", &["平静", "ruhig", "calma"]),
    ("contempt", &["contemptuous", "verachtung"]),
    ("disgust", &["disgusted", "dis", "厌恶", "ekel", "disgusto", "wstręt", "dégoût", "asco"]),
    ("excited", &["excitement", "exc"]),
    (
        "fear",
        &[
            "fearful", "fea", "afraid", "scared", "害怕", "恐惧", "惊恐", "angst", "paura", "pau", "strach", "peur",
            "miedo",
        ],
    ),
    ("frustrated", &["frustration", "fru"]),
    (
        "happy",
        &[
            "happiness",
            "hap",
            "joy",
            "joyful",
            "高兴",
            "快乐",
            "开心",
            "freude",
            "gioia",
            "gio",
            "radość",
            "joie",
            "alegría",
        ],
    ),
    ("neutral", &["neu", "中性", "neutro", "neutralny", "neutralność", "neutre"]),
    ("sad", &["sadness", "悲伤", "伤心", "难过", "trauer", "tristezza", "tri", "smutek", "tristesse", "tristeza"]),
    ("sarcastic", &["sarcasm"]),
    (
        "surprise",
        &[
            "surprised",
            "sur",
            "surprising",
            "pleasant_surprise",
            "pleasant_surprised",
            "惊讶",
            "惊奇",
            "吃惊",
            "überraschung",
            "sorpresa",
            "sor",
            "zaskoczenie",
            "zdziwienie",
        ],
    ),
    ("worried", &["worry", "anxious", "anxiety"]),
];

/// The name under which an emotion is known here: `Anger` is `angry`. Case, surrounding blanks and the language do not
/// matter. Names that are not known stay, in lower case; so `calm` is not `neutral`.
pub fn canonical(name: &str) -> String {
    let name = plain(name);
    known(&name).map_or(name, str::to_owned)
}

/// The name in lower case, without blanks around it, and with accents as they are written here: systems differ in
/// whether `ä` in the name of a folder is one character or two.
pub fn plain(name: &str) -> String {
    name.trim().to_lowercase().nfc().collect()
}

/// Whether a name is that of a known emotion.
pub fn is_known(name: &str) -> bool {
    known(&plain(name)).is_some()
}

fn known(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(emotion, names)| *emotion == name || names.contains(&name)).map(|(emotion, _)| *emotion)
}

/// The classes of a corpus, a split or a network, in the order of their indices. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Arc<[String]>);

impl Labels {
    /// The six [`EMOTIONS`].
    pub fn emotions() -> Self {
        Self(EMOTIONS.map(str::to_owned).into())
    }

    /// These names, in their order.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The index of the class with this name, by any of its known names.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        let name = canonical(name);
        self.0.iter().position(|label| canonical(label) == name)
    }

    /// The name of a class.
    ///
    /// # Panics
    ///
    /// If there is no class with this index.
    pub fn name(&self, index: usize) -> &str {
        &self.0[index]
    }

    /// The name of each class, and how often its index is among these. Other indices do not count.
    pub fn sizes(&self, classes: impl IntoIterator<Item = usize>) -> Vec<(&str, usize)> {
        let mut sizes: Vec<(&str, usize)> = self.0.iter().map(|name| (name.as_str(), 0)).collect();
        for class in classes {
            if let Some((_, size)) = sizes.get_mut(class) {
                *size += 1;
            }
        }
        sizes
    }

    /// Why no network can have these classes; None if it can.
    pub fn fault(&self) -> Option<String> {
        if !(2..=MAX_LABELS).contains(&self.len()) {
            return Some(format!("wanted 2 to {MAX_LABELS} labels, got {} ({self})", self.len()));
        }
        let wrong = self.0.iter().find(|name| name.is_empty() || Label::try_from(name.as_str()).is_err());
        wrong.map(|name| format!("the label '{name}' has {} bytes, wanted 1 to 16: rename it with --map", name.len()))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emotion_has_one_name_however_a_corpus_calls_it() {
        for emotion in EMOTIONS {
            assert_eq!(canonical(&format!(" {} ", emotion.to_uppercase())), emotion);
        }
        let names = ["Anger", "SCARED", "Joy", "悲伤", "surprised", "Ekel", "paura", "NEU"];
        assert_eq!(names.map(canonical), ["angry", "fear", "happy", "sad", "surprise", "disgust", "fear", "neutral"]);
    }

    #[test]
    fn an_accent_may_be_a_character_of_its_own() {
        assert_eq!(["a\u{308}rger", "rados\u{301}c\u{301}"].map(canonical), ["angry", "happy"]);
        assert_eq!(plain(" U\u{308}BEL "), "übel");
    }

    #[test]
    fn calm_is_not_neutral_and_an_unknown_name_stays() {
        assert_eq!(canonical("Calm"), "calm");
        assert_eq!(canonical(" Rudeness "), "rudeness");
        assert!(is_known("Calm") && !is_known("rudeness") && !is_known(""));
    }

    #[test]
    fn no_name_means_two_emotions() {
        let mut names: Vec<&str> =
            KNOWN.iter().flat_map(|(emotion, names)| names.iter().copied().chain([*emotion])).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_class_is_found_by_any_of_its_names() {
        let labels = Labels::new(["Anger", "calm"]);
        assert_eq!(
            [labels.index_of("angry"), labels.index_of("CALM"), labels.index_of("neutral")],
            [Some(0), Some(1), None]
        );
        assert_eq!(labels.to_string(), "Anger, calm");
    }

    #[test]
    fn labels_that_no_network_can_have_are_named() {
        assert_eq!(Labels::emotions().fault(), None);
        assert!(
            Labels::new(["sad"])
                .fault()
                .is_some_and(|fault| fault.contains("wanted 2 to") && fault.contains("got 1 (sad)"))
        );
        let long = Labels::new(["sad", "a name of 17 byte"]).fault();
        assert!(long.is_some_and(|fault| fault.contains("'a name of 17 byte' has 17 bytes")));
        assert!(Labels::new((0..=MAX_LABELS).map(|n| n.to_string())).fault().is_some());
    }
}
