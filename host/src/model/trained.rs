//! Where a model says which recordings it was trained on: a file beside the int8 model, and the metadata of the ONNX.
//!
//! The int8 model itself does not carry it: it lies in the flash of a device, which has no use for it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ser_core::contract::CRC;
use serde::{Deserialize, Serialize};

use crate::corpus::trained::TrainedOn;
use crate::files::write_atomic;

/// The file beside a model.
#[derive(Serialize, Deserialize)]
struct Beside {
    /// CRC-32/ISO-HDLC of the model file.
    model_crc32: String,
    #[serde(flatten)]
    trained_on: TrainedOn,
}

/// Path of the file beside a model: `edge.trained.json` for `edge.ser`.
pub fn path_beside(model: &Path) -> PathBuf {
    model.with_extension("trained.json")
}

/// Writes the file beside a model, whose bytes tell it from other models.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write_beside(model: &Path, bytes: &[u8], trained_on: &TrainedOn) -> Result<()> {
    let beside = Beside { model_crc32: checksum(bytes), trained_on: trained_on.clone() };
    let mut json = serde_json::to_vec_pretty(&beside)?;
    json.push(b'\n');
    write_atomic(&path_beside(model), &json)
}

/// Reads the file beside a model; None if there is no such file.
///
/// # Errors
///
/// If the file cannot be read, is damaged, or belongs to another model.
pub fn read_beside(model: &Path, bytes: &[u8]) -> Result<Option<TrainedOn>> {
    let path = path_beside(model);
    if !path.is_file() {
        return Ok(None);
    }
    let json = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&json, bytes).with_context(|| path.display().to_string()).map(Some)
}

/// The recordings in the contents of such a file.
///
/// # Errors
///
/// If the contents are damaged or belong to another model.
pub fn parse(json: &[u8], model: &[u8]) -> Result<TrainedOn> {
    let beside: Beside = serde_json::from_slice(json).context("damaged")?;
    let wanted = checksum(model);
    ensure!(
        beside.model_crc32 == wanted,
        "it belongs to another model: wanted that of the CRC-32 {wanted}, that of {} came; delete it if you know what \
         the model was trained on",
        beside.model_crc32
    );
    Ok(beside.trained_on)
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", CRC.checksum(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;

    #[test]
    fn a_file_beside_a_model_is_read_back_and_that_of_another_model_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("some.ser");
        assert_eq!(read_beside(&model, b"one").unwrap(), None);
        let corpus = Corpus::synthetic(1);
        let trained_on = TrainedOn::new(&corpus.name, &[&corpus.utterances[0]]);
        write_beside(&model, b"one", &trained_on).unwrap();
        assert!(dir.path().join("some.trained.json").is_file());
        assert_eq!(read_beside(&model, b"one").unwrap(), Some(trained_on));
        let error = format!("{:#}", read_beside(&model, b"two").unwrap_err());
        assert!(error.contains("some.trained.json") && error.contains("another model"), "{error}");
        std::fs::write(dir.path().join("some.trained.json"), "{").unwrap();
        assert!(format!("{:#}", read_beside(&model, b"one").unwrap_err()).contains("damaged"));
    }
}
