//! Corpora that are known by the names of their files and folders, as they are downloaded.

use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::labels::canonical;
use super::utterance::Told;

/// A corpus whose recordings say in their names who speaks, how, and what.
#[derive(Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What the path of a recording looks like, below the root and without extension, in any case. Groups: `emotion`,
    /// and if they are known `speaker` and `sentence`.
    pattern: &'static str,
    /// What its codes of emotions mean. A code that is not here is a name.
    codes: &'static [(&'static str, &'static str)],
    /// The sex of a speaker; empty if it is not known.
    sex: fn(&str) -> &'static str,
    /// The sentences are counted on from emotion to emotion, so many of each.
    sentences_of_each: Option<usize>,
    /// What the paths of its other recordings look like, which are no speech. Empty if it has none.
    others: &'static str,
}

/// The table. Sources: the pages from which the corpora are downloaded.
static TABLE: [Known; 12] = [
    // Actor_01/03-01-06-01-02-01-12: modality, speech, emotion, intensity, statement, repetition, actor. Songs are 02.
    Known {
        name: "RAVDESS",
        pattern: r"\d\d-01-(?<emotion>0[1-8])-\d\d-(?<sentence>\d\d)-\d\d-(?<speaker>\d\d)",
        codes: &[
            ("01", "neutral"),
            ("02", "calm"),
            ("03", "happy"),
            ("04", "sad"),
            ("05", "angry"),
            ("06", "fear"),
            ("07", "disgust"),
            ("08", "surprise"),
        ],
        sex: |speaker| if speaker.ends_with(['1', '3', '5', '7', '9']) { "m" } else { "f" },
        sentences_of_each: None,
        others: r"\d\d-02-\d\d-\d\d-\d\d-\d\d-\d\d",
    },
    // AudioWAV/1001_DFA_ANG_XX: actor, sentence, emotion, intensity.
    Known {
        name: "CREMA-D",
        pattern: r"(?<speaker>1\d{3})_(?<sentence>[a-z]{3})_(?<emotion>ang|dis|fea|hap|neu|sad)_[a-z]{1,2}",
        codes: &[],
        sex: |_| "",
        sentences_of_each: None,
        others: "",
    },
    // OAF_angry/OAF_back_angry: the older or the younger woman, word, emotion. One of the files begins with OA_.
    Known {
        name: "TESS",
        pattern: r"(?<speaker>[oy]a)f?_(?<sentence>[a-z]+)_(?<emotion>angry|disgust|fear|happy|neutral|ps|sad)",
        codes: &[("ps", "surprise")],
        sex: |_| "f",
        sentences_of_each: None,
        others: "",
    },
    // DC/a01 or DC_a01: speaker, emotion, sentence. Most sentences belong to one emotion.
    Known {
        name: "SAVEE",
        pattern: r"(?<speaker>dc|je|jk|kl)[_/](?<sentence>(?<emotion>a|d|f|h|n|sa|su)\d\d)",
        codes: &[
            ("a", "angry"),
            ("d", "disgust"),
            ("f", "fear"),
            ("h", "happy"),
            ("n", "neutral"),
            ("sa", "sad"),
            ("su", "surprise"),
        ],
        sex: |_| "m",
        sentences_of_each: None,
        others: "",
    },
    // wav/03a01Fa: speaker, text, emotion by its German name, version.
    Known {
        name: "EMO-DB",
        pattern: r"(?<speaker>\d\d)(?<sentence>[ab]\d\d)(?<emotion>[wleaftn])[a-z]?",
        codes: &[
            ("w", "angry"),
            ("l", "boredom"),
            ("e", "disgust"),
            ("a", "fear"),
            ("f", "happy"),
            ("t", "sad"),
            ("n", "neutral"),
        ],
        sex: |speaker| if ["03", "10", "11", "12", "15"].contains(&speaker) { "m" } else { "f" },
        sentences_of_each: None,
        others: "",
    },
    // f1/dis-f1-b1: emotion by its Italian name, speaker, sentence.
    Known {
        name: "EMOVO",
        pattern: r"(?<emotion>dis|gio|neu|pau|rab|sor|tri)-(?<speaker>[fm]\d)-(?<sentence>[a-z]\d)",
        codes: &[],
        sex: lettered,
        sentences_of_each: None,
        others: "",
    },
    // samples/SK0_anger_14: speaker, emotion, sentence.
    Known {
        name: "nEMO",
        pattern: r"(?<speaker>[a-z]{2}\d)_(?<emotion>anger|fear|happiness|neutral|sadness|surprise)_(?<sentence>\d+)",
        codes: &[],
        sex: |_| "",
        sentences_of_each: None,
        others: "",
    },
    // 0011/Angry/0011_000351, or with a folder train, evaluation or test before the file.
    Known {
        name: "ESD",
        pattern: r"00\d\d/(?<emotion>angry|happy|neutral|sad|surprise)/(?:[a-z]+/)?(?<speaker>00\d\d)_(?<sentence>\d{6})",
        codes: &[],
        sex: |_| "",
        sentences_of_each: Some(350),
        others: "",
    },
    // female/F07A11: speaker, emotion, number.
    Known {
        name: "ShEMO",
        pattern: r"(?<speaker>[fm]\d\d)(?<emotion>[ahnswf])\d\d",
        codes: &[("a", "angry"), ("h", "happy"), ("n", "neutral"), ("s", "sad"), ("w", "surprise"), ("f", "fear")],
        sex: lettered,
        sentences_of_each: None,
        others: "",
    },
    // Angry/SM1_F4_A04: speaker, file, emotion and number.
    Known {
        name: "URDU",
        pattern: r"(?<speaker>s[fm]\d+)_f\d+_(?<emotion>[ahns])\d+",
        codes: &[("a", "angry"), ("h", "happy"), ("n", "neutral"), ("s", "sad")],
        sex: |speaker| lettered(speaker.get(1..).unwrap_or_default()),
        sentences_of_each: None,
        others: "",
    },
    // 03Happy/h3-05-02-02-30: emotion, sentence, repetition, sex, speaker. Each emotion has sentences of its own.
    Known {
        name: "ASED",
        pattern: r"(?<sentence>(?<emotion>[nfhsa])[1-5]-\d\d)-\d\d-\d\d-(?<speaker>\d\d)",
        codes: &[("n", "neutral"), ("f", "fear"), ("h", "happy"), ("s", "sad"), ("a", "angry")],
        sex: |_| "",
        sentences_of_each: None,
        others: "",
    },
    // liuchanhg/angry/201: speaker, emotion, sentence.
    Known {
        name: "CASIA",
        pattern: r"(?<speaker>liuchanhg|wangzhe|zhaoquanyin|zhaozuoxiang)/(?<emotion>angry|fear|happy|neutral|sad|surprise)/(?<sentence>\d{3})",
        codes: &[],
        sex: |_| "",
        sentences_of_each: None,
        others: "",
    },
];

/// The sex of a speaker whose name begins with it.
fn lettered(speaker: &str) -> &'static str {
    match speaker.chars().next() {
        Some('f' | 'F') => "f",
        Some('m' | 'M') => "m",
        _ => "",
    }
}

/// The name of an utterance of IEMOCAP: session and who wears the markers, dialogue, who speaks and number.
const IEMOCAP: &str = r"(?<session>ses\d\d)[fm]_(?:impro|script)[0-9_a-z]+_(?<sex>[fm])\d{3}";

impl Known {
    /// All of them.
    pub fn all() -> &'static [Self] {
        &TABLE
    }

    /// The corpus with this name, in any case.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// The corpus that most of these paths look like: at least half of them. Paths are below the root, without
    /// extension, with `/` between their parts.
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p str> + Clone) -> Option<&'static Self> {
        let all = paths.clone().count();
        let likeness = |known: &'static Self| {
            let reader = known.reader();
            paths.clone().filter(|path| reader.read(path).is_some()).count()
        };
        let (count, known) =
            Self::all().iter().map(|known| (likeness(known), known)).max_by_key(|(count, _)| *count)?;
        (count > 0 && 2 * count >= all).then_some(known)
    }

    /// Whether the names of its recordings tell the sentences.
    fn tells_sentences(&self) -> bool {
        self.pattern.contains("(?<sentence>")
    }

    /// Reads the names of its recordings.
    pub(super) fn reader(&'static self) -> Reader {
        let others = (!self.others.is_empty()).then(|| whole_end(self.others));
        Reader { known: self, pattern: whole_end(self.pattern), others }
    }
}

/// The name, and what the names of the recordings tell.
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = if self.tells_sentences() { "speakers, emotions and sentences" } else { "speakers and emotions" };
        write!(f, "{}: {told} are told by the names of its files", self.name)
    }
}

/// Reads the names of a corpus' recordings.
#[derive(Debug)]
pub(super) struct Reader {
    known: &'static Known,
    pattern: Regex,
    others: Option<Regex>,
}

impl Reader {
    /// Whether the path is that of a recording of the corpus which is no speech.
    pub fn is_other(&self, path: &str) -> bool {
        self.others.as_ref().is_some_and(|others| others.is_match(path))
    }

    /// What the path of a recording says, and the part of it that says so, in lower case. None if it looks different.
    pub fn read(&self, path: &str) -> Option<(Told, String)> {
        let captures = self.pattern.captures(path)?;
        let code = group(&captures, "emotion").to_lowercase();
        let label = self.known.codes.iter().find(|(known, _)| *known == code);
        let sentence = group(&captures, "sentence");
        let sentence = match (self.known.sentences_of_each, sentence.parse::<usize>()) {
            (Some(count), Ok(number)) => (1 + number.saturating_sub(1) % count).to_string(),
            _ => sentence.to_owned(),
        };
        let label = label.map_or_else(|| canonical(&code), |(_, label)| (*label).to_owned());
        let speaker = group(&captures, "speaker");
        let sex = (self.known.sex)(speaker).to_owned();
        let whole = captures.get(0).map_or("", |whole| whole.as_str()).trim_start_matches('/').to_lowercase();
        Some((Told { speaker: speaker.to_owned(), sex, called: label.clone(), label, sentence }, whole))
    }
}

/// The speaker of a recording of IEMOCAP, whose lists do not name the speakers.
pub(super) fn speaker_of_iemocap(path: &str) -> Option<String> {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| whole_end(IEMOCAP));
    let captures = PATTERN.captures(path)?;
    Some(format!("{}{}", group(&captures, "session"), group(&captures, "sex")))
}

/// The pattern of the last parts of a path.
fn whole_end(pattern: &str) -> Regex {
    Regex::new(&format!("(?i)(?:^|/){pattern}$")).expect("the patterns of the table are right: a test compiles each")
}

fn group<'c>(captures: &'c Captures<'_>, name: &str) -> &'c str {
    captures.name(name).map_or("", |found| found.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names like those of each corpus, and what they say.
    const NAMES: [(&str, &str, [&str; 3]); 24] = [
        ("RAVDESS", "Actor_12/03-01-06-01-02-01-12", ["12", "fear", "02"]),
        ("RAVDESS", "03-01-02-02-01-02-01", ["01", "calm", "01"]),
        ("CREMA-D", "AudioWAV/1001_DFA_ANG_XX", ["1001", "angry", "DFA"]),
        ("CREMA-D", "1091_WSI_NEU_X", ["1091", "neutral", "WSI"]),
        ("TESS", "OAF_Pleasant_surprise/OAF_back_ps", ["OA", "surprise", "back"]),
        ("TESS", "YAF_angry/YAF_youth_angry", ["YA", "angry", "youth"]),
        ("SAVEE", "AudioData/DC/sa01", ["DC", "sad", "sa01"]),
        ("SAVEE", "ALL/KL_n30", ["KL", "neutral", "n30"]),
        ("EMO-DB", "wav/03a01Fa", ["03", "happy", "a01"]),
        ("EMO-DB", "16b10Wb", ["16", "angry", "b10"]),
        ("EMOVO", "EMOVO/f1/dis-f1-b1", ["f1", "disgust", "b1"]),
        ("EMOVO", "m3/gio-m3-n5", ["m3", "happy", "n5"]),
        ("nEMO", "samples/SK0_anger_14", ["SK0", "angry", "14"]),
        ("ESD", "0011/Angry/0011_000351", ["0011", "angry", "1"]),
        ("ESD", "0020/Surprise/test/0020_001750", ["0020", "surprise", "350"]),
        ("ShEMO", "female/F07A11", ["F07", "angry", ""]),
        ("ShEMO", "male/M03W02", ["M03", "surprise", ""]),
        ("URDU", "Angry/SM1_F4_A04", ["SM1", "angry", ""]),
        ("URDU", "Neutral/SF12_F10_N10", ["SF12", "neutral", ""]),
        ("ASED", "03Happy/h3-05-02-02-30", ["30", "happy", "h3-05"]),
        ("ASED", "01Neutral/n1-07-01-01-65", ["65", "neutral", "n1-07"]),
        ("CASIA", "liuchanhg/angry/201", ["liuchanhg", "angry", "201"]),
        ("CASIA", "wav/ZhaoZuoxiang/sad/250", ["ZhaoZuoxiang", "sad", "250"]),
        ("CREMA-D", "1040_IEO_HAP_HI", ["1040", "happy", "IEO"]),
    ];

    #[test]
    fn the_names_of_each_corpus_say_who_how_and_what() {
        for (name, path, [speaker, label, sentence]) in NAMES {
            let reader = Known::named(name).unwrap().reader();
            let (told, whole) = reader.read(path).unwrap_or_else(|| panic!("{name}: {path}"));
            assert!(path.to_lowercase().ends_with(&whole) && !whole.starts_with('/'), "{whole}");
            assert_eq!([told.speaker, told.label, told.sentence], [speaker, label, sentence], "{path}");
        }
        let told: std::collections::BTreeSet<&str> = NAMES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(told.len(), Known::all().len(), "each corpus has a name here");
    }

    #[test]
    fn the_sex_of_a_speaker_is_told_where_a_corpus_says_it() {
        let sexes = |name, path: &str| Known::named(name).unwrap().reader().read(path).unwrap().0.sex;
        assert_eq!(sexes("RAVDESS", "03-01-06-01-02-01-11"), "m");
        assert_eq!(sexes("RAVDESS", "03-01-06-01-02-01-12"), "f");
        assert_eq!([sexes("EMO-DB", "03a01Fa"), sexes("EMO-DB", "16b10Wb")], ["m", "f"]);
        assert_eq!([sexes("EMOVO", "dis-f1-b1"), sexes("ShEMO", "M03W02")], ["f", "m"]);
        assert_eq!([sexes("URDU", "SF12_F10_N10"), sexes("CREMA-D", "1001_DFA_ANG_XX")], ["f", ""]);
    }

    #[test]
    fn names_belong_to_one_corpus_alone() {
        for (name, path, _) in NAMES {
            let fitting: Vec<&str> = Known::all()
                .iter()
                .filter(|known| known.reader().read(path).is_some())
                .map(|known| known.name)
                .collect();
            assert_eq!(fitting, [name], "{path}");
        }
    }

    #[test]
    fn a_folder_is_taken_for_the_corpus_that_most_names_look_like() {
        let of = |paths: &[&str]| Known::of(paths.iter().copied()).map(|known| known.name);
        assert_eq!(of(&["Actor_01/03-01-01-01-01-01-01", "Actor_02/03-01-08-01-01-01-02", "notes"]), Some("RAVDESS"));
        assert_eq!(of(&["li/angry/1", "li/sad/2", "03a01Fa"]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn songs_are_no_speech() {
        let reader = Known::named("ravdess").unwrap().reader();
        let is_other = |path| (reader.read(path).is_some(), reader.is_other(path));
        assert_eq!(is_other("Actor_01/03-02-01-01-01-01-01"), (false, true));
        assert_eq!(is_other("Actor_01/03-01-01-01-01-01-01"), (true, false));
        assert_eq!(is_other("Actor_01/03-03-01-01-01-01-01"), (false, false));
    }

    #[test]
    fn the_speakers_of_iemocap_stand_in_the_names_of_its_files() {
        let path = "Session1/sentences/wav/Ses01F_script02_1/Ses01F_script02_1_M007";
        assert_eq!(speaker_of_iemocap(path).as_deref(), Some("Ses01M"));
        assert_eq!(speaker_of_iemocap("Ses05M_impro03_F012").as_deref(), Some("Ses05F"));
        assert_eq!(speaker_of_iemocap("dia0_utt1"), None);
    }
}
