//! What a model is made of and what it costs: sizes, shapes, multiplications.

use std::fmt::Write as _;

use anyhow::{Context, Result, anyhow};
use ser_core::spec::{Level, Network, Shape, preset};
use ser_core::{Model, Recognizer};
use serde::Serialize;

use crate::features::Normalization;
use crate::model_file::{Confidence, write_model};
use crate::quantise::blank;

/// One layer of a [`Summary`].
#[derive(Clone, Debug, Serialize)]
pub struct LayerSummary {
    /// Kind.
    pub layer: &'static str,
    /// Kernel or block, rows × bands, where the kind has one.
    pub window: Option<(usize, usize)>,
    /// Bands of a row that leaves.
    pub bands: usize,
    /// Channels of a row that leaves.
    pub channels: usize,
    /// Weights and biases.
    pub parameters: usize,
    /// Bytes in the model file.
    pub file_bytes: usize,
    /// Bytes remembered between rows.
    pub state_bytes: usize,
    /// Multiplications for each row that enters.
    pub macs_per_row: usize,
    /// Hops for one row that enters.
    pub hops_per_row: usize,
}

/// A model in figures.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Front end.
    pub front_end: ser_core::spec::FrontEnd,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Layers in order.
    pub layers: Vec<LayerSummary>,
    /// Weights and biases of all layers.
    pub parameters: usize,
    /// Length of the model file, bytes: the flash that it takes.
    pub model_bytes: usize,
    /// Memory of a recognizer, bytes: audio, FFT, rows, layers and the recognizer's own fields.
    pub state_bytes: usize,
    /// Multiplications of the network for one second of speech.
    pub macs_per_second: f64,
    /// Temperature of the softmax.
    pub temperature: f32,
    /// Probability from which a prediction is to be believed.
    pub confidence_threshold: f32,
}

/// A model file of the right size for a network that isn't trained yet.
pub fn untrained_model(network: &Network) -> Result<Vec<u8>> {
    let bands = network.front_end.mel_bands;
    let normalization = Normalization { level: Level::Absolute, mean: vec![0.0; bands], sd: vec![1.0; bands] };
    write_model(network, &normalization, &blank(network), Confidence { temperature: 1.0, threshold: 0.5 })
}

/// Bytes of a model: those of a file, or those that a preset of that name would have.
pub fn model_bytes(file_or_preset: &str) -> Result<Vec<u8>> {
    match preset(file_or_preset) {
        Some(network) => untrained_model(&network),
        None => {
            std::fs::read(file_or_preset).with_context(|| format!("{file_or_preset}: neither a preset (edge) nor a file that can be read"))
        }
    }
}

impl Summary {
    /// Figures of a parsed model.
    pub fn new(model: &Model<'_>) -> Self {
        let front_end = *model.front_end();
        let hops_per_second = f64::from(front_end.sample_rate_hz) / front_end.hop_len as f64;
        let mut shape = Shape { bands: front_end.mel_bands, channels: 1 };
        let mut hops_per_row = 1;
        let mut macs_per_second = 0.0;
        let mut layers = Vec::new();
        for params in model.layers() {
            let layer = params.spec();
            let output = layer.output(shape);
            let window = match layer {
                ser_core::spec::Layer::Conv2d { rows, bands, .. } | ser_core::spec::Layer::MaxPool { rows, bands } => Some((rows, bands)),
                _ => None,
            };
            // The dense layer runs when a prediction is asked for, not with each row.
            if !matches!(layer, ser_core::spec::Layer::Dense { .. }) {
                macs_per_second += layer.macs(shape) as f64 * hops_per_second / hops_per_row as f64;
            }
            layers.push(LayerSummary {
                layer: layer.name(),
                window,
                bands: output.bands,
                channels: output.channels,
                parameters: layer.parameters(shape),
                file_bytes: params.file_bytes(),
                state_bytes: params.state_bytes(),
                macs_per_row: layer.macs(shape),
                hops_per_row,
            });
            hops_per_row *= layer.row_stride();
            shape = output;
        }
        Self {
            front_end,
            labels: model.labels().iter().map(|label| (*label).to_owned()).collect(),
            parameters: layers.iter().map(|layer| layer.parameters).sum(),
            layers,
            model_bytes: model.file_len(),
            state_bytes: state_bytes(model),
            macs_per_second,
            temperature: model.temperature(),
            confidence_threshold: model.confidence_threshold(),
        }
    }

    /// The figures as a table for people.
    pub fn to_table(&self) -> Result<String> {
        let mut text = String::new();
        let f = &self.front_end;
        writeln!(
            text,
            "front end  {} Hz, {:?} window of {} samples each {} ({:.1} ms), FFT {}, {} mel bands {}-{} Hz",
            f.sample_rate_hz,
            f.window,
            f.frame_len,
            f.hop_len,
            1e3 * f.hop_len as f64 / f64::from(f.sample_rate_hz),
            f.fft_len,
            f.mel_bands,
            f.mel_low_hz,
            f.mel_high_hz
        )?;
        writeln!(text, "           DC block pole {}, pre-emphasis {}, floor {} dBFS", f.dc_block_pole, f.pre_emphasis, f.floor_db)?;
        match f.trim {
            Some(trim) => writeln!(
                text,
                "           silence below {} dBFS or {} dB under the loudest row; pauses up to {} rows",
                trim.threshold_db, trim.range_db, trim.max_pause_rows
            )?,
            None => writeln!(text, "           silence kept")?,
        }
        match f.level {
            Level::Absolute => writeln!(text, "           levels absolute")?,
            Level::RelativeToPeak => writeln!(text, "           levels relative to the peak so far")?,
        }
        writeln!(text, "labels     {}", self.labels.join(", "))?;
        writeln!(text, "confidence from {} on, temperature {}\n", self.confidence_threshold, self.temperature)?;
        writeln!(
            text,
            "{:<10} {:>7} {:>9} {:>10} {:>8} {:>7} {:>9} {:>6}",
            "layer", "window", "output", "parameters", "bytes", "state", "MAC/row", "hops"
        )?;
        for layer in &self.layers {
            let window = layer.window.map_or(String::new(), |(rows, bands)| format!("{rows}x{bands}"));
            let output = format!("{}x{}", layer.bands, layer.channels);
            writeln!(
                text,
                "{:<10} {:>7} {:>9} {:>10} {:>8} {:>7} {:>9} {:>6}",
                layer.layer, window, output, layer.parameters, layer.file_bytes, layer.state_bytes, layer.macs_per_row, layer.hops_per_row
            )?;
        }
        writeln!(text, "\nparameters {}", self.parameters)?;
        writeln!(text, "flash      {} bytes (model file)", self.model_bytes)?;
        writeln!(text, "state      {} bytes (audio, FFT, rows, layers)", self.state_bytes)?;
        writeln!(text, "network    {:.2} M MAC for a second of speech", self.macs_per_second / 1e6)?;
        Ok(text)
    }
}

/// Memory that a recognizer of the model takes, bytes, its own fields included.
pub fn state_bytes(model: &Model<'_>) -> usize {
    4 * model.state_words() + size_of::<Recognizer<'_, '_>>()
}

/// Parses a model file's bytes; an error names the file.
pub fn parse_model<'m>(name: &str, bytes: &'m [u8]) -> Result<Model<'m>> {
    Model::parse(bytes).map_err(|error| anyhow!("{name}: {error}"))
}
