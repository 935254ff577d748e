//! The recordings that a network was trained on, in the metadata of its ONNX file.

use anyhow::{Context, Result};
use prost::Message;
use tract_onnx::pb::{ModelProto, StringStringEntryProto};

use crate::corpus::trained::TrainedOn;

/// Key in the metadata.
const KEY: &str = "trained_on";

/// The file with the recordings in its metadata, before all that is there.
///
/// # Errors
///
/// If the bytes are not ONNX.
pub fn with_trained_on(onnx: &[u8], trained_on: &TrainedOn) -> Result<Vec<u8>> {
    let mut model = ModelProto::decode(onnx).context("not an ONNX file, or damaged")?;
    model.metadata_props.retain(|entry| entry.key != KEY);
    let value = serde_json::to_string(trained_on)?;
    model.metadata_props.insert(0, StringStringEntryProto { key: KEY.to_owned(), value });
    Ok(model.encode_to_vec())
}

/// The recordings in the metadata of a file; None if it has none.
///
/// # Errors
///
/// If the bytes are not ONNX, or the entry is damaged.
pub fn trained_on(onnx: &[u8]) -> Result<Option<TrainedOn>> {
    let model = ModelProto::decode(onnx).context("not an ONNX file, or damaged")?;
    let entry = model.metadata_props.iter().find(|entry| entry.key == KEY);
    entry
        .map(|entry| serde_json::from_str(&entry.value).context("damaged: what the network was trained on"))
        .transpose()
}
