//! Folders of recordings: those of [`Known`] corpora, and any others whose recordings lie in folders that are named
//! after emotions.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::known::{Known, Reader};
use super::utterance::{Entry, Problem, Source, Told};
use crate::corpus::audio::{is_lossy, is_recording};
use crate::corpus::labels::{canonical, is_known};

/// How a folder is read.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// Folders are named after emotions, and folders around them after speakers.
    Folders,
    /// As a corpus that is known.
    Known(&'static Known),
}

impl Layout {
    /// The name of [`Layout::Folders`].
    pub const FOLDERS: &'static str = "folders";

    /// The layout with this name, in any case: `folders`, or the name of a known corpus.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn named(name: &str) -> Result<Self> {
        if name.eq_ignore_ascii_case(Self::FOLDERS) {
            return Ok(Self::Folders);
        }
        Known::named(name).map(Self::Known).with_context(|| {
            let known: Vec<&str> = Known::all().iter().map(|known| known.name).collect();
            format!("unknown layout '{name}', wanted {} or one of {}", Self::FOLDERS, known.join(", "))
        })
    }
}

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
    /// Recordings of a known corpus that lie there more than once and are read once.
    pub repeated: usize,
    /// Recordings of a known corpus that are no speech, such as the songs of RAVDESS, and are left out.
    pub others: usize,
    /// The corpus that it was taken for.
    pub known: Option<&'static Known>,
}

/// All recordings below `root`, at any depth, read in this layout, or without one in that which they look like.
pub(super) fn read(root: &Path, layout: Option<Layout>) -> Result<Folder> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    walk(root, &[], &mut HashSet::new(), &mut found, &mut problems)?;
    // The order of a folder's names is the file system's. Of a recording in two forms that without loss is read.
    found.sort_by_cached_key(|recording| (is_lossy(&recording.path), recording.id()));
    let names: Vec<String> = found.iter().map(Found::name).collect();
    let known = match layout {
        Some(Layout::Known(known)) => Some(known),
        Some(Layout::Folders) => None,
        None => Known::of(names.iter().map(String::as_str)).filter(|known| agree(known.reader(), &found, &names)),
    };

    let mut entries = Vec::new();
    let (mut repeated, mut others) = (0, 0);
    let mut take = |recording: Found, told: Result<Told, String>| match told {
        Ok(told) => entries.push(Entry { id: recording.id(), told, source: Source::File(recording.path) }),
        Err(reason) => problems.push(Problem { path: recording.id(), reason }),
    };
    match known {
        Some(known) => {
            let reader = known.reader();
            let mut seen = HashSet::new();
            for (recording, name) in found.into_iter().zip(&names) {
                match reader.read(name) {
                    Some((_, whole)) if !seen.insert(whole.clone()) => repeated += 1,
                    None if reader.is_other(name) => others += 1,
                    read => take(
                        recording,
                        read.map(|(told, _)| told)
                            .ok_or_else(|| format!("not named like a recording of speech in {}", known.name)),
                    ),
                }
            }
        }
        None => {
            // Who asks for folders may have labels of their own.
            let own = || layout.and_then(|_| depth_of_files(&found));
            let depth = depth_of_emotions(&found).or_else(own);
            for recording in found {
                let told = place(&recording.folders, depth)
                    .map(|(speaker, emotion)| Told::new(&speaker, emotion, stem(&recording.file)));
                take(recording, told);
            }
        }
    }
    Ok(Folder { entries, problems, repeated, others, known })
}

/// How many folders lie above the innermost ones, for most recordings.
fn depth_of_files(found: &[Found]) -> Option<usize> {
    let mut depths: BTreeMap<usize, usize> = BTreeMap::new();
    for depth in found.iter().filter_map(|recording| recording.folders.len().checked_sub(1)) {
        *depths.entry(depth).or_default() += 1;
    }
    depths.into_iter().max_by_key(|(_, count)| *count).map(|(depth, _)| depth)
}

/// Whether folders that are named after emotions say what the names of files in them say, but for one in ten. A folder
/// of one's own may have names that look like those of a known corpus.
fn agree(reader: Reader, found: &[Found], names: &[String]) -> bool {
    let (mut named, mut other) = (0, 0);
    for (recording, name) in found.iter().zip(names) {
        let (Some(folder), Some((told, _))) = (recording.folders.last(), reader.read(name)) else { continue };
        named += usize::from(is_known(folder));
        other += usize::from(is_known(folder) && canonical(folder) != told.label);
    }
    other * 10 <= named
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

/// Speaker and emotion of the files in a folder, or why they have none.
fn place(folders: &[String], depth: Option<usize>) -> Result<(String, &str), String> {
    let no_emotion = || "not in a folder that is named after an emotion".to_owned();
    let depth = depth.ok_or_else(|| {
        format!("{}; for labels of your own --layout {} takes the innermost folders", no_emotion(), Layout::FOLDERS)
    })?;
    let Some(emotion) = folders.get(depth) else {
        // Few recordings may lie at another depth than the others.
        return Err(match folders.iter().find(|folder| is_known(folder)) {
            Some(emotion) => format!(
                "the folder {emotion} lies {}, those of most recordings lie {}",
                below(folders.iter().position(|folder| folder == emotion).unwrap_or_default()),
                below(depth)
            ),
            None => no_emotion(),
        });
    };
    let no_speaker = |folder: &&String| NO_SPEAKERS.contains(&folder.to_lowercase().as_str());
    let speaker = folders[..depth].iter().rev().find(|folder| !no_speaker(folder));
    Ok((speaker.cloned().unwrap_or_default(), emotion))
}

fn below(folders: usize) -> String {
    match folders {
        0 => "at the top".to_owned(),
        1 => "below one folder".to_owned(),
        more => format!("below {more} folders"),
    }
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
