//! The answers of a baseline, as a JSON file.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use super::Evaluation;
use crate::corpus::Utterance;
use crate::files::write_json;

impl Evaluation {
    /// Writes the answers to a file, and makes its folder if necessary.
    ///
    /// # Errors
    ///
    /// If the file or its folder cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        write_json(path, self)
    }

    /// Reads answers from a file; None if there is no such file.
    ///
    /// # Errors
    ///
    /// If the file is unreadable or holds something else.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).map(Some).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Whether these answers are to exactly these utterances, unreadable ones included.
    pub fn is_of(&self, utterances: &[&Utterance]) -> bool {
        let tested =
            self.answers.iter().map(|answer| &answer.id).chain(self.skipped.iter().map(|problem| &problem.path));
        tested.collect::<BTreeSet<_>>() == utterances.iter().map(|utterance| &utterance.id).collect()
    }
}
