//! Corpora listed in a CSV file with the header `path,speaker,emotion,sentence`.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::utterance::{Problem, Source, Utterance, unknown_emotion};
use crate::corpus::labels::emotion_index;

const COLUMNS: [&str; 4] = ["path", "speaker", "emotion", "sentence"];

#[derive(Deserialize)]
struct Row {
    path: String,
    speaker: String,
    emotion: String,
    sentence: String,
}

/// All utterances of the manifest `file`, in its order, and what was skipped.
pub(super) fn read(file: &Path) -> Result<(Vec<Utterance>, Vec<Problem>)> {
    let root = file.parent().unwrap_or(Path::new(""));
    // The path of nothing cannot be made absolute.
    let absolute_root = std::path::absolute(root.join(".")).unwrap_or_else(|_| root.to_owned());
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let header = reader.headers().context("not a CSV manifest")?.clone();
    for column in COLUMNS {
        ensure!(
            header.iter().any(|name| name == column),
            "no column '{column}': the header must be {}, it is {}",
            COLUMNS.join(","),
            header.iter().collect::<Vec<_>>().join(",")
        );
    }

    let mut utterances = Vec::new();
    let mut problems = Vec::new();
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
        let result = record.deserialize::<Row>(Some(&header)).map_err(|error| error.to_string()).and_then(|row| {
            place = format!("{place} ({})", row.path);
            utterance(root, &absolute_root, row)
        });
        match result {
            Ok((whole, utterance)) if seen.insert(whole.clone()) => utterances.push(utterance),
            Ok(_) => problems.push(Problem { path: place, reason: "it is listed before".to_owned() }),
            Err(reason) => problems.push(Problem { path: place, reason }),
        }
    }
    Ok((utterances, problems))
}

/// The utterance of a row with the whole path of its file, or why there is none.
fn utterance(root: &Path, absolute_root: &Path, row: Row) -> Result<(PathBuf, Utterance), String> {
    let emotion = emotion_index(&row.emotion).ok_or_else(|| unknown_emotion(&row.emotion))?;
    // A manifest may come from Windows.
    let given = PathBuf::from(row.path.replace('\\', "/"));
    let path = root.join(&given);
    if !path.is_file() {
        return Err("there is no such file".to_owned());
    }
    let whole = straight(&absolute_root.join(&given));
    // Below the manifest a file has the same name however its path is written.
    let name = whole.strip_prefix(straight(absolute_root)).map_or_else(|_| straight(&given), Path::to_owned);
    let utterance = Utterance {
        id: name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"),
        speaker: row.speaker,
        emotion,
        sentence: row.sentence,
        source: Source::File(path),
    };
    Ok((whole, utterance))
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
