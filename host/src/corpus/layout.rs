//! Folders of recordings: those of [`Known`] corpora, and any others whose recordings lie in folders that are named
//! after emotions.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::known::Known;
use super::utterance::{Entry, Problem, Source};
use crate::corpus::audio::is_recording;
use crate::corpus::labels::{canonical, is_known};

/// Folders that name no speaker, although they hold folders of emotions.
const NO_SPEAKERS: [&str; 14] = [
    "audio",
    "data",
    "dataset",
    "dev",
    "eval",
    "evaluation",
    "recordings",
    "speech",
    "test",
    "train",
    "training",
    "valid",
    "validation",
    "wav",
];

/// A recording: the names of the folders between root and file, its own name, and its path.
struct Found {
    folders: Vec<String>,
    file: String,
    path: PathBuf,
}

impl Found {
    /// Its path below the root.
    fn id(&self) -> String {
        self.folders.iter().chain([&self.file]).map(String::as_str).collect::<Vec<_>>().join("/")
    }

    /// The same without extension.
    fn name(&self) -> String {
        self.folders.iter().map(String::as_str).chain([stem(&self.file)]).collect::<Vec<_>>().join("/")
    }
}

/// A folder of recordings.
pub(super) struct Folder {
    /// In no particular order.
    pub entries: Vec<Entry>,
    /// What was skipped.
    pub problems: Vec<Problem>,
    /// The corpus that it was taken for.
    pub known: Option<&'static Known>,
}

/// All recordings below `root`, at any depth. It is read as the corpus `known`, or without one as what it looks like.
pub(super) fn read(root: &Path, known: Option<&'static Known>) -> Result<Folder> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    walk(root, &[], &mut HashSet::new(), &mut found, &mut problems)?;
    let names: Vec<String> = found.iter().map(Found::name).collect();
    let known = known.or_else(|| Known::of(names.iter().map(String::as_str)));

    let mut entries = Vec::new();
    // One line for each folder, however many files are in it.
    let mut skipped: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut take = |recording: Found, told: Result<(String, String, String), String>| match told {
        Ok((speaker, label, sentence)) => {
            entries.push(Entry { id: recording.id(), speaker, label, sentence, source: Source::File(recording.path) });
        }
        Err(reason) => *skipped.entry((recording.folders.join("/"), reason)).or_default() += 1,
    };
    match known {
        Some(known) => {
            let reader = known.reader();
            for (recording, name) in found.into_iter().zip(&names) {
                let told = reader.read(name).map(|told| (told.speaker, told.label, told.sentence));
                take(recording, told.ok_or_else(|| format!("not named like a recording of {}", known.name)));
            }
        }
        None => {
            let depth = depth_of_emotions(&found);
            for recording in found {
                let sentence = stem(&recording.file).to_owned();
                let told = place(&recording.folders, depth).map(|(speaker, label)| (speaker, label, sentence));
                take(recording, told);
            }
        }
    }
    problems.extend(skipped.into_iter().map(|((folder, reason), files)| Problem {
        path: format!("{folder}/"),
        reason: format!("{reason}; {files} {} skipped", if files == 1 { "recording" } else { "recordings" }),
    }));
    Ok(Folder { entries, problems, known })
}

/// How many folders lie above those that are named after emotions, for most recordings.
fn depth_of_emotions(found: &[Found]) -> Option<usize> {
    let mut depths: BTreeMap<usize, usize> = BTreeMap::new();
    for recording in found {
        if let Some(depth) = recording.folders.iter().rposition(|folder| is_known(folder)) {
            *depths.entry(depth).or_default() += 1;
        }
    }
    depths.into_iter().max_by_key(|(depth, count)| (*count, usize::MAX - depth)).map(|(depth, _)| depth)
}

/// Speaker and label of the files in a folder, or why they have none.
fn place(folders: &[String], depth: Option<usize>) -> Result<(String, String), String> {
    let depth = depth.filter(|depth| *depth < folders.len());
    let Some(depth) = depth else { return Err("not in a folder that is named after an emotion".to_owned()) };
    let no_speaker = |folder: &&String| NO_SPEAKERS.contains(&folder.to_lowercase().as_str());
    let speaker = folders[..depth].iter().rev().find(|folder| !no_speaker(folder));
    Ok((speaker.cloned().unwrap_or_default(), canonical(&folders[depth])))
}

/// Collects the recordings of `dir` and of the folders in it, each folder once: `read` are those that were read before.
/// Only an unreadable root is an error.
fn walk(
    dir: &Path,
    folders: &[String],
    read: &mut HashSet<PathBuf>,
    found: &mut Vec<Found>,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    ensure!(read.insert(dir.canonicalize()?), "a link to a folder that was read before");
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
            problems.push(Problem { path: path.display().to_string(), reason: "name is not valid UTF-8".to_owned() });
            continue;
        };
        // What macOS adds to a ZIP file.
        if name.starts_with('.') || name == "__MACOSX" {
            continue;
        }
        if path.is_dir() {
            let inner: Vec<String> = folders.iter().cloned().chain([name.clone()]).collect();
            if let Err(error) = walk(&path, &inner, read, found, problems) {
                problems.push(Problem { path: format!("{}/", inner.join("/")), reason: format!("{error:#}") });
            }
        } else if is_recording(&path) {
            found.push(Found { folders: folders.to_vec(), file: name, path });
        }
    }
    Ok(())
}

/// The name of a file without its extension.
pub(super) fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}
