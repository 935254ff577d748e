//! Folders of recordings: `speaker/emotion/name.wav` and `emotion/name.wav`, where `wav` stands for any of
//! [`EXTENSIONS`](crate::corpus::audio::EXTENSIONS).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::utterance::{Problem, Source, Utterance, unknown_emotion};
use crate::corpus::audio::is_recording;
use crate::corpus::labels::emotion_index;

/// Folders are searched to this depth below the root: `speaker/emotion`.
const MAX_DEPTH: usize = 2;

/// A recording: the names of the folders between root and file, its own name, and its path.
struct Found {
    folders: Vec<String>,
    file: String,
    path: PathBuf,
}

#[derive(Clone, Copy)]
enum Layout {
    SpeakerEmotion,
    Emotion,
}

/// All utterances below `root`, in no particular order, and what was skipped.
pub(super) fn read(root: &Path) -> Result<(Vec<Utterance>, Vec<Problem>)> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    walk(root, &[], &mut found, &mut problems)?;

    let in_speaker_folder =
        |found: &Found| matches!(found.folders.as_slice(), [_, emotion] if emotion_index(emotion).is_some());
    let layout = if found.iter().any(in_speaker_folder) { Layout::SpeakerEmotion } else { Layout::Emotion };

    let mut utterances = Vec::new();
    // One line for each folder, however many files are in it.
    let mut skipped: BTreeMap<(String, String), usize> = BTreeMap::new();
    for recording in found {
        match place(layout, &recording.folders) {
            Ok((speaker, emotion)) => utterances.push(Utterance {
                id: [recording.folders.join("/"), recording.file.clone()].join("/"),
                speaker,
                emotion,
                sentence: stem(&recording.file).to_owned(),
                source: Source::File(recording.path),
            }),
            Err(reason) => *skipped.entry((recording.folders.join("/"), reason)).or_default() += 1,
        }
    }
    problems.extend(skipped.into_iter().map(|((folder, reason), files)| Problem {
        path: format!("{folder}/"),
        reason: format!("{reason}; {files} {} skipped", if files == 1 { "recording" } else { "recordings" }),
    }));
    Ok((utterances, problems))
}

/// Speaker and emotion of the files in a folder, or why they have none.
fn place(layout: Layout, folders: &[String]) -> Result<(String, usize), String> {
    let (speaker, emotion) = match (layout, folders) {
        (Layout::SpeakerEmotion, [speaker, emotion]) => (speaker.clone(), emotion),
        (Layout::SpeakerEmotion, _) => return Err("not in a folder speaker/emotion".to_owned()),
        (Layout::Emotion, [emotion]) => (String::new(), emotion),
        (Layout::Emotion, [_, emotion]) => return Err(unknown_emotion(emotion)),
        (Layout::Emotion, _) => return Err("not in a folder that is named after an emotion".to_owned()),
    };
    let index = emotion_index(emotion).ok_or_else(|| unknown_emotion(emotion))?;
    Ok((speaker, index))
}

/// Collects the recordings of `dir` and of the folders in it. Only an unreadable root is an error.
fn walk(dir: &Path, folders: &[String], found: &mut Vec<Found>, problems: &mut Vec<Problem>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
            problems.push(Problem { path: path.display().to_string(), reason: "name is not valid UTF-8".to_owned() });
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        let shown = || folders.iter().chain([&name]).map(String::as_str).collect::<Vec<_>>().join("/");
        if path.is_dir() {
            if folders.len() == MAX_DEPTH {
                let reason = "folder below speaker/emotion is not searched".to_owned();
                problems.push(Problem { path: format!("{}/", shown()), reason });
                continue;
            }
            let inner: Vec<String> = folders.iter().cloned().chain([name.clone()]).collect();
            if let Err(error) = walk(&path, &inner, found, problems) {
                problems.push(Problem { path: format!("{}/", shown()), reason: format!("{error:#}") });
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
