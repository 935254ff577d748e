//! Corpora listed in a CSV file: a header that names `path` and `emotion`, and where they are known `speaker`,
//! `sentence` and `sex`.

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use csv::StringRecord;

use super::known::speaker_of_iemocap;
use super::utterance::{Entry, Problem, Source, Told};
use crate::corpus::audio::is_recording;

/// The columns with their names. The last ones are those of MELD.
const PATH: &[&str] = &["path", "file", "filename", "file_name", "wav", "audio"];
const EMOTION: &[&str] = &["emotion", "label", "emo", "Emotion"];
const SPEAKER: &[&str] = &["speaker", "speaker_id", "actor", "Speaker"];
const SENTENCE: &[&str] = &["sentence", "sentence_id", "text_id"];
const SEX: &[&str] = &["sex", "gender"];
/// A column is taken for a slip of another from this likeness of their names on, up to 1.
const LIKE: f64 = 0.75;
/// MELD names no files: they are called after these two, `dia3_utt14`.
const MELD: [&[&str]; 2] = [&["Dialogue_ID"], &["Utterance_ID"]];

/// The places of the columns.
struct Columns {
    file: FileColumns,
    emotion: usize,
    speaker: Option<usize>,
    sentence: Option<usize>,
    sex: Option<usize>,
}

/// Where a row names its file.
enum FileColumns {
    Path(usize),
    Meld(usize, usize),
}

impl Columns {
    fn new(header: &StringRecord) -> Result<Self> {
        let place = |names: &[&str]| header.iter().position(|name| names.contains(&name));
        let file = match (place(PATH), place(MELD[0]), place(MELD[1])) {
            (Some(path), ..) => FileColumns::Path(path),
            (None, Some(dialogue), Some(utterance)) => FileColumns::Meld(dialogue, utterance),
            _ => bail!("no column '{}': {}", PATH[0], wanted(header)),
        };
        let emotion = place(EMOTION).with_context(|| format!("no column '{}': {}", EMOTION[0], wanted(header)))?;
        Ok(Self { file, emotion, speaker: place(SPEAKER), sentence: place(SENTENCE), sex: place(SEX) })
    }

    fn row(&self, record: &StringRecord) -> Result<Row, String> {
        let value = |place: usize| record.get(place).unwrap_or_default().to_owned();
        let file = match self.file {
            FileColumns::Path(path) => File::Path(value(path)),
            FileColumns::Meld(dialogue, utterance) => {
                File::Name(format!("dia{}_utt{}", value(dialogue), value(utterance)))
            }
        };
        let emotion = value(self.emotion);
        if emotion.is_empty() {
            return Err("it has no emotion".to_owned());
        }
        let speaker = match (self.speaker, &file) {
            (Some(place), _) => value(place),
            (None, File::Path(path)) => speaker_of_iemocap(without_extension(path)).unwrap_or_default(),
            (None, File::Name(_)) => String::new(),
        };
        let [sentence, sex] = [self.sentence, self.sex].map(|place| place.map(value).unwrap_or_default());
        Ok(Row { file, told: Told { sex, ..Told::new(&speaker, &emotion, &sentence) } })
    }
}

/// Columns that are missing while the header has a name that is much like theirs.
fn misspelt(header: &StringRecord) -> Vec<Problem> {
    let missing = [SPEAKER, SENTENCE, SEX].into_iter().filter(|names| !header.iter().any(|name| names.contains(&name)));
    let likeness = |name: &str, wanted: &str| strsim::normalized_damerau_levenshtein(&name.to_lowercase(), wanted);
    let like = |wanted: &str| header.iter().find(|name| likeness(name, wanted) >= LIKE);
    let problem = |names: &[&str]| {
        let (name, wanted) = names.iter().find_map(|wanted| Some((like(wanted)?, *wanted)))?;
        let reason = format!("the column '{name}' is not read; is it '{wanted}'?");
        Some(Problem { path: "line 1".to_owned(), reason })
    };
    missing.filter_map(problem).collect()
}

fn wanted(header: &StringRecord) -> String {
    format!(
        "the header must be path,emotion or path,speaker,emotion,sentence, with commas and in lower case, it is {}",
        header.iter().collect::<Vec<_>>().join(",")
    )
}

fn without_extension(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(name, _)| name)
}

struct Row {
    file: File,
    told: Told,
}

enum File {
    /// Absolute, or relative to the manifest.
    Path(String),
    /// The name without extension of a file somewhere below the manifest.
    Name(String),
}

/// All recordings of the manifest `file`, in its order, and what was skipped.
pub(super) fn read(file: &Path) -> Result<(Vec<Entry>, Vec<Problem>)> {
    let root = file.parent().unwrap_or(Path::new(""));
    // The path of nothing cannot be made absolute.
    let absolute_root = std::path::absolute(root.join(".")).unwrap_or_else(|_| root.to_owned());
    let text = std::fs::read(file)?;
    // The reader counts lines by their last byte alone, and one too few where there are two.
    let text: Vec<u8> = text.into_iter().filter(|byte| *byte != b'\r').collect();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_slice());
    let header = reader.headers().context("not a CSV manifest")?.clone();
    let columns = Columns::new(&header)?;
    let below = match columns.file {
        FileColumns::Path(_) => BTreeMap::new(),
        FileColumns::Meld(..) => recordings_below(root),
    };

    let mut entries = Vec::new();
    let mut problems = misspelt(&header);
    let mut seen = HashSet::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                problems.push(Problem { path: format!("line {line}"), reason: error.to_string() });
                continue;
            }
        };
        let mut place = format!("line {}", record.position().map_or(0, csv::Position::line));
        let result = columns.row(&record).and_then(|row| {
            let (File::Path(shown) | File::Name(shown)) = &row.file;
            place = format!("{place} ({shown})");
            let path = match &row.file {
                File::Path(path) => Some(path.clone()),
                File::Name(name) => one_of(below.get(name).map_or(&[], Vec::as_slice), file)?,
            };
            entry(root, &absolute_root, path, row)
        });
        match result {
            Ok((whole, entry)) if seen.insert(whole.clone()) => entries.push(entry),
            Ok(_) => problems.push(Problem { path: place, reason: "it is listed before".to_owned() }),
            Err(reason) => problems.push(Problem { path: place, reason }),
        }
    }
    Ok((entries, problems))
}

/// Which of several recordings of the same name is meant: that in the folder which is called like the manifest,
/// `test/...` by `test_sent_emo.csv`. MELD counts anew in each of its parts.
fn one_of(paths: &[String], manifest: &Path) -> Result<Option<String>, String> {
    let stem = manifest.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let part = stem.split('_').next().unwrap_or_default();
    let is_in_part = |path: &&String| path.to_lowercase().split('/').any(|folder| folder == part);
    match paths {
        [] => Ok(None),
        [path] => Ok(Some(path.clone())),
        [first, second, ..] => match paths.iter().filter(is_in_part).collect::<Vec<_>>()[..] {
            [path] => Ok(Some(path.clone())),
            _ => Err(format!(
                "{} files are called so, {first} and {second} among them; a column 'path' would say which is meant",
                paths.len()
            )),
        },
    }
}

/// The recordings below a folder: their paths below it by their names without extension.
fn recordings_below(root: &Path) -> BTreeMap<String, Vec<String>> {
    let mut below: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut waiting = vec![PathBuf::new()];
    let mut read = HashSet::new();
    while let Some(folder) = waiting.pop() {
        // A link may lead back.
        if !root.join(&folder).join(".").canonicalize().is_ok_and(|whole| read.insert(whole)) {
            continue;
        }
        let Ok(inner) = std::fs::read_dir(root.join(&folder)) else { continue };
        let mut names: Vec<_> = inner.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.sort_unstable();
        for name in names {
            let path = folder.join(&name);
            let shown = name.to_string_lossy();
            if shown.starts_with('.') {
                continue;
            }
            if root.join(&path).is_dir() {
                waiting.push(path);
            } else if is_recording(&path) {
                let name = without_extension(&shown).to_owned();
                let path = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
                below.entry(name).or_default().push(path);
            }
        }
    }
    below
}

/// The recording of a row with the whole path of its file, or why there is none.
fn entry(
    root: &Path,
    absolute_root: &Path,
    path: Option<String>,
    Row { told, .. }: Row,
) -> Result<(PathBuf, Entry), String> {
    // A manifest may come from Windows.
    let given = path.map(|path| PathBuf::from(path.replace('\\', "/")));
    let Some((given, path)) = given.map(|given| (given.clone(), root.join(given))).filter(|(_, path)| path.is_file())
    else {
        return Err("there is no file".to_owned());
    };
    let whole = straight(&absolute_root.join(&given));
    // Below the manifest a file has the same name however its path is written.
    let name = whole.strip_prefix(straight(absolute_root)).map_or_else(|_| straight(&given), Path::to_owned);
    let id = name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    Ok((whole, Entry { id, told, source: Source::File(path) }))
}

/// The path without `.`, and without each `..` that follows a name.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(straight.components().next_back(), Some(Component::Normal(_))) => {
                straight.pop();
            }
            part => straight.push(part),
        }
    }
    straight
}
