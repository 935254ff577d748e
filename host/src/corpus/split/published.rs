//! Published folds: which recordings others trained and tested on, so that figures stand beside theirs.
//!
//! The form is that of EmoBox (Ma et al., Interspeech 2024). The folder of a fold has a list whose name has `train` in
//! it and one whose name has `test`: JSON lines, or one JSON object with an entry for each recording. An entry has
//! `wav`, the path of the recording in the download, and `emo`, its label. `label_map.json` beside the folders of the
//! folds may give labels other names.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{Part, Protocol, Split, entry};
use crate::corpus::choice::told;
use crate::corpus::labels::canonical;
use crate::corpus::layout::stem;
use crate::corpus::{Corpus, Problem, Utterance};

/// The parts, with what the names of their lists hold.
const LISTS: [(Part, &[&str]); 3] =
    [(Part::Train, &["train"]), (Part::Validation, &["valid", "dev"]), (Part::Test, &["test"])];
/// Other names of labels.
const LABEL_MAP: &str = "label_map.json";

/// Published folds.
#[derive(Clone, Debug)]
pub struct Published {
    path: PathBuf,
    folds: Vec<Vec<Listed>>,
}

/// A recording of a list.
#[derive(Clone, Debug)]
struct Listed {
    wav: String,
    /// By its canonical name.
    label: String,
    part: Part,
}

/// An entry of a list.
#[derive(Deserialize)]
struct Line {
    wav: String,
    emo: String,
}

impl Published {
    /// Whether `path` is a folder or list of published folds, and not a file of a [`Split`].
    pub fn is_at(path: &Path) -> bool {
        path.is_dir() || path.extension().is_some_and(|extension| extension == "jsonl")
    }

    /// Reads a folder with the lists of one fold, a folder of such folders, or the fold that a list belongs to. Folds
    /// are in the order of the numbers in the names of their folders.
    ///
    /// # Errors
    ///
    /// If there is no fold, a fold lacks its list for training or test, or a list is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        let read = || -> Result<Vec<Vec<Listed>>> {
            if !lists(folder)?.is_empty() {
                return Ok(vec![fold(folder)?]);
            }
            let mut folders = Vec::new();
            for inner in std::fs::read_dir(folder)? {
                let inner = inner?.path();
                if inner.is_dir() && !lists(&inner)?.is_empty() {
                    folders.push(inner);
                }
            }
            folders.sort_by_key(|folder| (number(folder), folder.clone()));
            folders.iter().map(|folder| fold(folder)).collect()
        };
        let folds = read().with_context(|| format!("cannot read the folds in {}", folder.display()))?;
        ensure!(
            !folds.is_empty(),
            "{} has no published fold: wanted lists with train and test in their names, as JSON lines or JSON",
            folder.display()
        );
        Ok(Self { path: folder.to_owned(), folds })
    }

    /// The labels of all recordings, sorted.
    pub fn labels(&self) -> Vec<String> {
        let labels: BTreeSet<&str> = self.folds.iter().flatten().map(|listed| listed.label.as_str()).collect();
        labels.into_iter().map(str::to_owned).collect()
    }

    /// The folds as splits of a corpus, and what one of them has and the other lacks. Where all recordings of the corpus
    /// have file names of their own, these find them. Else as many of the folders above count too as tell them apart.
    ///
    /// # Errors
    ///
    /// If a recording has another label in the corpus or is in two parts, or if the corpus lacks all recordings of a part.
    pub fn splits(&self, corpus: &Corpus) -> Result<(Vec<Split>, Vec<Problem>)> {
        let places = Places::new(corpus, self.folds.iter().flatten().map(|listed| listed.wav.as_str()));
        // A recording may be there and have been left out for its label.
        let or_left_out = told(&corpus.left_out).map(|labels| format!(", or it is left out: {labels}; see --map"));
        let mut in_a_fold = BTreeSet::new();
        let mut missing = BTreeMap::new();
        let mut splits = Vec::new();
        for (fold, listed) in self.folds.iter().enumerate() {
            let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
            for Listed { wav, label, part } in listed {
                let Some(index) = places.find(wav) else {
                    let reason = format!(
                        "it is in a published fold and not in corpus {}{}",
                        corpus.name,
                        or_left_out.as_deref().unwrap_or_default()
                    );
                    missing.insert(wav.clone(), Problem { path: wav.clone(), reason });
                    continue;
                };
                in_a_fold.insert(index);
                let utterance = &corpus.utterances[index];
                ensure!(
                    utterance.emotion_name() == label,
                    "{wav} is {label} in the published fold and {} in corpus {}; see --map",
                    utterance.emotion_name(),
                    corpus.name
                );
                ensure!(parts.insert(index, *part).is_none(), "{wav} is listed twice in fold {fold}");
            }
            for part in [Part::Train, Part::Test] {
                ensure!(
                    parts.values().any(|of| *of == part),
                    "corpus {} has none of the {} recordings of fold {fold} in {}, for instance {}",
                    corpus.name,
                    format!("{part:?}").to_lowercase(),
                    self.path.display(),
                    listed.iter().find(|listed| listed.part == part).map_or("none", |listed| &listed.wav)
                );
            }
            let split = Split {
                corpus: corpus.name.clone(),
                protocol: Protocol::Published,
                folds: self.folds.len(),
                fold,
                seed: 0,
                labels: corpus.labels.names().to_vec(),
                map: corpus.map.clone(),
                utterances: parts
                    .iter()
                    .map(|(&index, &part)| entry(corpus, &corpus.utterances[index], part))
                    .collect(),
            };
            split.check_training_classes()?;
            splits.push(split);
        }
        let mut problems: Vec<Problem> = missing.into_values().collect();
        let in_none = corpus.utterances.iter().enumerate().filter(|(index, _)| !in_a_fold.contains(index));
        problems.extend(in_none.map(|(_, utterance)| Problem {
            path: utterance.id.clone(),
            reason: "it is in no published fold".to_owned(),
        }));
        Ok((splits, problems))
    }
}

/// Where the recordings of a corpus are.
struct Places {
    by_path: HashMap<String, usize>,
    /// How many of the last parts of a path say which recording it is, in the corpus and in a list.
    parts: usize,
}

impl Places {
    /// For the recordings of a corpus and those of lists.
    fn new<'l>(corpus: &Corpus, listed: impl Iterator<Item = &'l str>) -> Self {
        let ids: Vec<String> = corpus.utterances.iter().map(|utterance| below(corpus, utterance)).collect();
        let listed: Vec<String> = listed.map(plain_path).collect::<BTreeSet<_>>().into_iter().collect();
        let deepest = ids.iter().chain(&listed).map(|path| 1 + path.matches('/').count()).max().unwrap_or(1);
        let differ = |paths: &[String], parts: usize| {
            let ends: HashSet<&str> = paths.iter().map(|path| last(path, parts)).collect();
            ends.len() == paths.len()
        };
        let parts = (1..=deepest).find(|parts| differ(&ids, *parts) && differ(&listed, *parts)).unwrap_or(deepest);
        Self { by_path: ids.iter().enumerate().map(|(place, id)| (last(id, parts).to_owned(), place)).collect(), parts }
    }

    /// The place of a recording of a list; None if the corpus lacks it.
    fn find(&self, wav: &str) -> Option<usize> {
        self.by_path.get(last(&plain_path(wav), self.parts)).copied()
    }
}

/// The last parts of a path.
fn last(path: &str, parts: usize) -> &str {
    path.rmatch_indices('/').nth(parts - 1).map_or(path, |(slash, _)| &path[slash + 1..])
}

/// The path of an utterance below its own corpus.
fn below(corpus: &Corpus, utterance: &Utterance) -> String {
    let member = format!("{}/", utterance.corpus);
    let id = utterance.id.strip_prefix(&member).filter(|_| corpus.members.len() > 1);
    plain_path(id.unwrap_or(&utterance.id))
}

/// A path without extension, in lower case.
fn plain_path(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folders, file)) => format!("{folders}/{}", stem(file)).to_lowercase(),
        None => stem(path).to_lowercase(),
    }
}

/// The lists in a folder. JSON lines come before JSON.
fn lists(folder: &Path) -> Result<BTreeMap<u8, PathBuf>> {
    let mut lists: BTreeMap<u8, PathBuf> = BTreeMap::new();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.filter_map(|file| Some(file.ok()?.path())).filter(|path| path.is_file()).collect();
    files.sort();
    for extension in ["jsonl", "json"] {
        for file in files.iter().filter(|file| file.extension().is_some_and(|of| of == extension)) {
            let name = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
            let part = LISTS.iter().position(|(_, words)| words.iter().any(|word| name.contains(word)));
            if let Some(part) = part {
                lists.entry(part as u8).or_insert_with(|| file.clone());
            }
        }
    }
    Ok(lists)
}

/// The recordings of a fold.
fn fold(folder: &Path) -> Result<Vec<Listed>> {
    let map = [folder.parent(), Some(folder)].into_iter().flatten().map(|folder| folder.join(LABEL_MAP));
    let map: BTreeMap<String, String> = match map.into_iter().find(|path| path.is_file()) {
        Some(path) => {
            let json = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            serde_json::from_slice(&json).with_context(|| format!("{} maps no labels", path.display()))?
        }
        None => BTreeMap::new(),
    };
    let lists = lists(folder)?;
    let mut listed = Vec::new();
    for (place, (part, words)) in LISTS.into_iter().enumerate() {
        let Some(path) = lists.get(&(place as u8)) else {
            ensure!(part == Part::Validation, "{} has no list with {} in its name", folder.display(), words[0]);
            continue;
        };
        let lines = lines(path).with_context(|| format!("{} is no list of recordings", path.display()))?;
        listed.extend(lines.into_iter().map(|Line { wav, emo }| {
            let label = canonical(map.get(&emo).unwrap_or(&emo));
            Listed { wav: wav.replace('\\', "/"), label, part }
        }));
    }
    Ok(listed)
}

fn lines(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path)?;
    if path.extension().is_some_and(|extension| extension == "json") {
        let entries: BTreeMap<String, Line> = serde_json::from_str(&text)?;
        return Ok(entries.into_values().collect());
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(place, line)| serde_json::from_str(line).with_context(|| format!("line {}", place + 1))).collect()
}

/// The number at the end of a folder's name.
fn number(folder: &Path) -> u64 {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    name[name.len() - digits..].parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::audio::write_wav;
    use crate::corpus::choice::Choice;

    /// Two speakers, two emotions; folds in both forms.
    fn written() -> (tempfile::TempDir, Corpus) {
        let dir = tempfile::tempdir().unwrap();
        for (speaker, emotion) in [("a", "sad"), ("a", "angry"), ("b", "sad"), ("b", "angry")] {
            let folder = dir.path().join("corpus").join(speaker).join(emotion);
            std::fs::create_dir_all(&folder).unwrap();
            write_wav(&folder.join("1.wav"), &[1, 2, 3]).unwrap();
        }
        let line = |speaker: &str, emotion: &str| {
            let folder = if emotion == "wut" { "angry" } else { "sad" };
            format!("{{\"key\": \"k\", \"wav\": \"downloads/x/{speaker}/{folder}/1.wav\", \"emo\": \"{emotion}\"}}\n")
        };
        let list = |speaker: &str| format!("{}{}\n", line(speaker, "wut"), line(speaker, "S"));
        for (fold, train, test) in [("fold_10", "b", "a"), ("fold_2", "a", "b")] {
            let folder = dir.path().join("data").join(fold);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("x_train_{fold}.jsonl")), list(train)).unwrap();
            let entries: Vec<String> =
                list(test).trim().lines().enumerate().map(|(key, line)| format!("\"{key}\": {line}")).collect();
            std::fs::write(folder.join(format!("x_test_{fold}.json")), format!("{{{}}}", entries.join(","))).unwrap();
        }
        std::fs::write(dir.path().join("data/label_map.json"), r#"{"S": "Sadness"}"#).unwrap();
        let corpus = Corpus::open(&dir.path().join("corpus"), &Choice::default()).unwrap();
        (dir, corpus)
    }

    fn ids(split: &Split, part: Part) -> Vec<&str> {
        split.utterances.iter().filter(|entry| entry.part == part).map(|entry| entry.id.as_str()).collect()
    }

    #[test]
    fn folds_are_read_in_their_order_and_found_in_the_corpus() {
        let (dir, corpus) = written();
        let published = Published::read(&dir.path().join("data")).unwrap();
        assert_eq!(published.labels(), ["angry", "sad"]);
        let (splits, missing) = published.splits(&corpus).unwrap();
        assert!(missing.is_empty());
        let tested: Vec<_> = splits.iter().map(|split| ids(split, Part::Test)).collect();
        assert_eq!(tested, [["b/angry/1.wav", "b/sad/1.wav"], ["a/angry/1.wav", "a/sad/1.wav"]]);
        assert_eq!(ids(&splits[0], Part::Train), ["a/angry/1.wav", "a/sad/1.wav"]);
        assert_eq!((splits[1].fold, splits[1].folds, splits[1].protocol), (1, 2, Protocol::Published));
        let one = Published::read(&dir.path().join("data/fold_2/x_train_fold_2.jsonl")).unwrap();
        assert_eq!(one.splits(&corpus).unwrap().0[0].utterances, splits[0].utterances);
    }

    #[test]
    fn what_the_corpus_lacks_is_told_and_a_part_must_not_be_lost() {
        let (dir, _) = written();
        std::fs::remove_file(dir.path().join("corpus/a/sad/1.wav")).unwrap();
        let corpus = Corpus::open(&dir.path().join("corpus"), &Choice::default()).unwrap();
        let published = Published::read(&dir.path().join("data/fold_10")).unwrap();
        let (splits, missing) = published.splits(&corpus).unwrap();
        assert_eq!(ids(&splits[0], Part::Test), ["a/angry/1.wav"]);
        let mut more = corpus.clone();
        more.utterances.push(Utterance { id: "c/sad/1.wav".to_owned(), ..more.utterances[0].clone() });
        let problems = published.splits(&more).unwrap().1;
        let in_none = problems.iter().find(|problem| problem.path == "c/sad/1.wav").unwrap();
        assert_eq!(in_none.reason, "it is in no published fold");
        assert_eq!(
            missing.iter().map(|problem| problem.path.as_str()).collect::<Vec<_>>(),
            ["downloads/x/a/sad/1.wav"]
        );
        std::fs::remove_file(dir.path().join("corpus/a/angry/1.wav")).unwrap();
        let corpus = Corpus::open(&dir.path().join("corpus"), &Choice::default()).unwrap();
        let error = published.splits(&corpus).unwrap_err().to_string();
        assert!(error.contains("none of the test recordings of fold 0"), "{error}");
    }

    #[test]
    fn what_is_wrong_with_folds_is_said() {
        let (dir, corpus) = written();
        let data = dir.path().join("data");
        let error = |path: &Path| format!("{:#}", Published::read(path).unwrap_err());
        assert!(error(&dir.path().join("corpus")).contains("has no published fold"));
        let list = data.join("fold_2/x_train_fold_2.jsonl");
        let lines = std::fs::read_to_string(&list).unwrap();
        std::fs::write(&list, lines.replace("wut", "S")).unwrap();
        let conflict = Published::read(&data).unwrap().splits(&corpus).unwrap_err().to_string();
        assert!(conflict.contains("is sad in the published fold and angry in corpus corpus"), "{conflict}");
        std::fs::write(&list, format!("{lines}{lines}")).unwrap();
        let twice = Published::read(&data).unwrap().splits(&corpus).unwrap_err().to_string();
        assert!(twice.contains("is listed twice in fold 0"), "{twice}");
        std::fs::write(&list, format!("{lines}no JSON\n")).unwrap();
        assert!(error(&data).contains("x_train_fold_2.jsonl is no list of recordings: line 4"), "{}", error(&data));
        std::fs::remove_file(&list).unwrap();
        assert!(error(&data).contains("has no list with train in its name"), "{}", error(&data));
    }
}
