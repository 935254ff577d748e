//! The models, built-in or from files.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ser_core::Model;
use ser_host::corpus::trained::TrainedOn;
use ser_host::model::float_model::FloatModel;
use ser_host::model::inspect::parse_model;
use ser_host::model::{onnx, trained};

/// The built-in int8 models, all of the network `edge`.
#[derive(Clone, Copy, Debug)]
pub enum BuiltIn {
    /// Trained on recordings of people.
    Casia,
    /// Trained on the synthetic corpus.
    Synthetic,
}

impl BuiltIn {
    fn file(self) -> File {
        let (name, bytes, trained_on): (&str, &'static [u8], &'static [u8]) = match self {
            Self::Casia => (
                "built-in CASIA model",
                include_bytes!("../../models/casia/edge.ser"),
                include_bytes!("../../models/casia/edge.trained.json"),
            ),
            Self::Synthetic => (
                "built-in synthetic model",
                include_bytes!("../../models/synthetic/edge.ser"),
                include_bytes!("../../models/synthetic/edge.trained.json"),
            ),
        };
        File { name: name.to_owned(), bytes: bytes.into(), trained_on: Some(trained_on) }
    }
}

/// The float network that the synthetic model of [`BuiltIn`] was made from.
const SYNTHETIC_FLOAT: &[u8] = include_bytes!("../../models/synthetic/edge.onnx");

/// A file in memory, and its name.
#[derive(Debug)]
pub struct File {
    /// Its path, for messages.
    pub name: String,
    bytes: Cow<'static, [u8]>,
    /// Contents of the file beside a built-in model.
    trained_on: Option<&'static [u8]>,
}

impl File {
    fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        Ok(Self { name, bytes: bytes.into(), trained_on: None })
    }

    /// The int8 model at `path`; without a path, the built-in one.
    pub fn model(path: Option<&Path>, built_in: BuiltIn) -> Result<Self> {
        path.map_or_else(|| Ok(built_in.file()), Self::read)
    }

    /// The float model at `path`. If neither path is given, the built-in synthetic one; None if only `model` is given.
    pub fn float(path: Option<&Path>, model: Option<&Path>) -> Result<Option<Self>> {
        match (path, model) {
            (Some(path), _) => Self::read(path).map(Some),
            (None, None) => {
                let name = "built-in synthetic float model".to_owned();
                Ok(Some(Self { name, bytes: SYNTHETIC_FLOAT.into(), trained_on: None }))
            }
            (None, Some(_)) => Ok(None),
        }
    }

    /// The contents of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The int8 model in the file.
    pub fn parse(&self) -> Result<Model<'_>> {
        parse_model(&self.name, &self.bytes)
    }

    /// The recordings that the int8 model in the file was trained on; None if nothing tells.
    pub fn trained_on(&self) -> Result<Option<TrainedOn>> {
        match self.trained_on {
            Some(json) => trained::parse(json, &self.bytes).map(Some),
            None => trained::read_beside(Path::new(&self.name), &self.bytes),
        }
    }

    /// The same for the float model in the file.
    pub fn float_trained_on(&self) -> Result<Option<TrainedOn>> {
        onnx::trained::trained_on(&self.bytes).with_context(|| self.name.clone())
    }

    /// Fails if the model makes an image of a whole utterance: `wanted_for` needs a model for streams.
    pub fn ensure_stream(&self, model: &Model<'_>, wanted_for: &str) -> Result<()> {
        let streams = model.front_end().image.is_none();
        ensure!(
            streams,
            "{}: {wanted_for} wants a model for streams, this one makes an image of each whole utterance",
            self.name
        );
        Ok(())
    }

    /// The float model in the file. Its labels, layers and front end must equal those of `model`.
    pub fn parse_float(&self, model: &Model<'_>) -> Result<FloatModel> {
        let float = FloatModel::from_onnx(&self.bytes).with_context(|| self.name.clone())?;
        let network = float.network();
        ensure!(
            network.labels.iter().eq(model.labels()),
            "{}: the float model tells apart {}, the int8 model {}",
            self.name,
            network.labels.join(", "),
            model.labels().join(", ")
        );
        ensure!(
            network.layers.iter().copied().eq(model.layers().iter().map(|layer| layer.spec())),
            "{}: the float model has other layers than the int8 model, wanted the same",
            self.name
        );
        ensure!(
            network.front_end == *model.front_end(),
            "{}: the float model has another front end than the int8 model, wanted the same",
            self.name
        );
        Ok(float)
    }
}
