//! The models: those that come with the program, or files.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ser_core::Model;
use ser_host::audio::SAMPLE_RATE_HZ;
use ser_host::float_model::FloatModel;
use ser_host::inspect::parse_model;

/// The `edge` network, trained on the synthetic corpus: int8, and the float network that it was made from.
const SYNTHETIC_MODEL: &[u8] = include_bytes!("../../models/synthetic/edge.ser");
const SYNTHETIC_FLOAT: &[u8] = include_bytes!("../../models/synthetic/edge.onnx");

/// A file in memory and what to call it.
#[derive(Debug)]
pub struct File {
    /// Its path, for messages.
    pub name: String,
    bytes: Cow<'static, [u8]>,
}

impl File {
    fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        Ok(Self { name, bytes: bytes.into() })
    }

    /// The int8 model at `path`, or the one that comes with the program.
    pub fn model(path: Option<&Path>) -> Result<Self> {
        match path {
            Some(path) => Self::read(path),
            None => Ok(Self { name: "built-in model".to_owned(), bytes: SYNTHETIC_MODEL.into() }),
        }
    }

    /// The float model at `path`; if neither it nor an int8 model is named, the one that comes with the program.
    pub fn float(path: Option<&Path>, model: Option<&Path>) -> Result<Option<Self>> {
        match (path, model) {
            (Some(path), _) => Self::read(path).map(Some),
            (None, None) => Ok(Some(Self { name: "built-in float model".to_owned(), bytes: SYNTHETIC_FLOAT.into() })),
            (None, Some(_)) => Ok(None),
        }
    }

    /// The int8 model in the file, for audio as [`ser_host::audio::read_wav`] gives it.
    pub fn parse(&self) -> Result<Model<'_>> {
        let model = parse_model(&self.name, &self.bytes)?;
        let rate = model.front_end().sample_rate_hz;
        ensure!(rate == SAMPLE_RATE_HZ, "{}: the model is for {rate} Hz, recordings come at {SAMPLE_RATE_HZ} Hz", self.name);
        Ok(model)
    }

    /// The float model in the file, which must be that of the same network as `model`.
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
            "{}: the float model has other layers than the int8 model",
            self.name
        );
        ensure!(network.front_end == *model.front_end(), "{}: the float model has another front end than the int8 model", self.name);
        Ok(float)
    }
}
