//! Corpora listed in a CSV file with the header `path,speaker,emotion,sentence`.

use std::collections::HashSet;
use std::path::Path;

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
        let (line, result) = match record {
            Ok(record) => (
                record.position().map_or(0, csv::Position::line),
                record
                    .deserialize(Some(&header))
                    .map_err(|error| error.to_string())
                    .and_then(|row| utterance(root, row)),
            ),
            Err(error) => (error.position().map_or(0, csv::Position::line), Err(error.to_string())),
        };
        match result {
            Ok(utterance) if seen.insert(utterance.id.clone()) => utterances.push(utterance),
            Ok(utterance) => problems.push(problem(line, format!("{} is listed twice", utterance.id))),
            Err(reason) => problems.push(problem(line, reason)),
        }
    }
    Ok((utterances, problems))
}

fn problem(line: u64, reason: String) -> Problem {
    Problem { path: format!("line {line}"), reason }
}

/// The utterance of a row, or why there is none.
fn utterance(root: &Path, row: Row) -> Result<Utterance, String> {
    let emotion = emotion_index(&row.emotion).ok_or_else(|| unknown_emotion(&row.emotion))?;
    // A manifest may come from Windows. Empty parts and `.` are dropped: they would give one file two ids.
    let slashes = row.path.replace('\\', "/");
    let parts: Vec<&str> = slashes.split('/').filter(|part| !matches!(*part, "." | "")).collect();
    let absolute = slashes.starts_with('/') || Path::new(&row.path).is_absolute();
    if absolute || parts.is_empty() || parts.contains(&"..") {
        return Err(format!("path '{}' must be relative to the manifest and must not contain '..'", row.path));
    }
    let path: std::path::PathBuf = std::iter::once(root).chain(parts.iter().map(Path::new)).collect();
    if !path.is_file() {
        return Err(format!("there is no file {}", row.path));
    }
    Ok(Utterance {
        id: parts.join("/"),
        speaker: row.speaker,
        emotion,
        sentence: row.sentence,
        source: Source::File(path),
    })
}
