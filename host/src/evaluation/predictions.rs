//! The answers of the int8 core and the float model to each utterance of a part: the raw material of tables and
//! pictures.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::files::write_atomic;

/// Both models' answers to one utterance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The utterance, as the corpus names it.
    pub id: String,
    /// The corpus that it comes from; empty if nobody said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub corpus: String,
    /// The speaker; empty if unknown.
    pub speaker: String,
    /// Index of the true label.
    pub truth: usize,
    /// Natural logarithms of the core's probabilities at temperature 1, one for each label; None if the core gave no
    /// answer, because it heard only silence or too little speech.
    pub int8: Option<Vec<f32>>,
    /// The same for the float model.
    pub float: Option<Vec<f32>>,
}

/// The answers to all utterances of one part of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// Names of the classes.
    pub labels: Vec<String>,
    /// One answer for each utterance that could be read.
    pub utterances: Vec<Prediction>,
    /// Utterances that could not be read.
    pub skipped: usize,
}

impl Predictions {
    /// Reads a file that [`Predictions::save`] wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, a true label is out of range, or an answer lacks one finite value for each label.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let predictions: Self =
            serde_json::from_slice(&bytes).with_context(|| format!("{} holds no predictions", path.display()))?;
        let labels = predictions.labels.len();
        for utterance in &predictions.utterances {
            let answers = [&utterance.int8, &utterance.float];
            ensure!(
                utterance.truth < labels
                    && answers.into_iter().flatten().all(|a| a.len() == labels && a.iter().all(|v| v.is_finite())),
                "{}: {}: wanted a truth below {labels} and {labels} finite values from each model that answers",
                path.display(),
                utterance.id
            );
        }
        Ok(predictions)
    }

    /// Writes the answers as JSON.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_vec(self)?;
        json.push(b'\n');
        write_atomic(path, &json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_are_read_as_they_were_written_and_damaged_ones_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("predictions.json");
        let one = Prediction {
            id: "a/1".into(),
            speaker: "a".into(),
            truth: 1,
            int8: Some(vec![-0.1, -2.5]),
            ..Prediction::default()
        };
        let all = Predictions { labels: vec!["sad".into(), "happy".into()], utterances: vec![one.clone()], skipped: 2 };
        all.save(&path).unwrap();
        assert_eq!(Predictions::load(&path).unwrap(), all);
        let short = Prediction { float: Some(vec![0.0]), ..one };
        Predictions { utterances: vec![short], ..all }.save(&path).unwrap();
        assert!(Predictions::load(&path).unwrap_err().to_string().contains("a/1"));
    }
}
