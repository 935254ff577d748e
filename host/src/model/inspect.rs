//! The parts of a model and their costs: sizes, shapes, multiplications.

use std::fmt::Write as _;

use anyhow::{Context, Result, anyhow};
use ser_core::model::SlowPath;
use ser_core::spec::{FrontEnd, Layer, LevelMode, Network, PRESETS, preset};
use ser_core::{ImageRecognizer, Model, Recognizer};
use serde::Serialize;

use crate::features::rows::Normalization;
use crate::model::model_file::{Confidence, write_model};
use crate::model::quantise::blank;

/// One layer of a [`Summary`].
#[derive(Clone, Debug, Serialize)]
pub struct LayerSummary {
    /// Kind.
    pub layer: &'static str,
    /// Kernel or block, rows × bands, for kinds that have one.
    pub window: Option<(usize, usize)>,
    /// Bands of an output row.
    pub bands: usize,
    /// Channels of an output row.
    pub channels: usize,
    /// Weights and biases.
    pub parameters: usize,
    /// Bytes in the model file.
    pub file_bytes: usize,
    /// Bytes of state kept between rows.
    pub state_bytes: usize,
    /// Multiplications for each output row.
    pub macs_per_row: usize,
    /// Hops, or columns of an image, for each input row.
    pub hops_per_row: usize,
    /// Output rows for an image; None for a stream.
    pub rows: Option<usize>,
    /// Why the layer leaves the fast path of a Cortex-M with the DSP extension; None if it does not.
    pub slow_path: Option<String>,
}

/// A model in figures.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Front end.
    pub front_end: FrontEnd,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Layers in order.
    pub layers: Vec<LayerSummary>,
    /// Weights and biases of all layers.
    pub parameters: usize,
    /// Length of the model file, bytes; it takes as much flash.
    pub model_bytes: usize,
    /// Memory of a recognizer, bytes: audio, FFT, rows, layers and the recognizer's own fields. For images: FFT, sums,
    /// one column and layers, without the levels of the utterance.
    pub state_bytes: usize,
    /// Multiplications of the network for one second of speech; None for an image.
    pub macs_per_second: Option<f64>,
    /// Multiplications of the network for an image; None for a stream.
    pub macs_per_image: Option<usize>,
    /// Temperature of the softmax.
    pub temperature: f32,
    /// Predictions are believed from this probability on.
    pub confidence_threshold: f32,
}

/// A model file of the right size for a network that is not trained yet.
pub fn untrained_model(network: &Network) -> Result<Vec<u8>> {
    let bands = network.front_end.normalized_parts();
    let normalization = Normalization { level: LevelMode::Absolute, mean: vec![0.0; bands], sd: vec![1.0; bands] };
    write_model(network, &normalization, &blank(network), Confidence { temperature: 1.0, threshold: 0.5 })
}

/// Bytes of a model: those of a file, or those that an untrained model of a preset has.
pub fn model_bytes(file_or_preset: &str) -> Result<Vec<u8>> {
    match preset(file_or_preset) {
        Some(network) => untrained_model(&network),
        None => {
            let presets = PRESETS.join(", ");
            std::fs::read(file_or_preset)
                .with_context(|| format!("{file_or_preset}: neither a preset ({presets}) nor a file that can be read"))
        }
    }
}

impl Summary {
    /// Figures of a parsed model.
    pub fn new(model: &Model<'_>) -> Self {
        let front_end = *model.front_end();
        let mut shape = front_end.row_shape();
        let mut rows = front_end.image_rows();
        let mut hops_per_row = 1;
        let mut layers = Vec::new();
        for params in model.layers() {
            let layer = params.spec();
            let output = layer.output(shape);
            let window = match layer {
                Layer::Conv2d { rows, bands, .. } | Layer::MaxPool { rows, bands, .. } => Some((rows, bands)),
                _ => None,
            };
            rows = rows.map(|rows| layer.output_rows(rows));
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
                rows,
                // The address is that of a buffer of this program.
                slow_path: params.slow_path().filter(|why| *why != SlowPath::Address).map(|why| why.to_string()),
            });
            hops_per_row *= layer.row_stride();
            shape = output;
        }
        Self {
            front_end,
            labels: model.labels().iter().map(|label| (*label).to_owned()).collect(),
            parameters: layers.iter().map(|layer| layer.parameters).sum(),
            model_bytes: model.file_len(),
            state_bytes: state_bytes(model),
            macs_per_second: front_end.image.is_none().then(|| macs_per_second(&front_end, &layers)),
            macs_per_image: layers.iter().map(|layer| Some(layer.macs_per_row * layer.rows?)).sum(),
            layers,
            temperature: model.temperature(),
            confidence_threshold: model.confidence_threshold(),
        }
    }

    /// The figures as a table for people.
    pub fn to_table(&self) -> Result<String> {
        let mut text = String::new();
        write_front_end(&mut text, &self.front_end)?;
        writeln!(text, "labels     {}", self.labels.join(", "))?;
        writeln!(text, "confidence from {} on, temperature {}\n", self.confidence_threshold, self.temperature)?;
        writeln!(
            text,
            "{:<10} {:>7} {:>9} {:>10} {:>8} {:>7} {:>9} {:>6}",
            "layer",
            "window",
            "output",
            "parameters",
            "bytes",
            "state",
            "MAC/row",
            if self.front_end.image.is_some() { "rows" } else { "hops" }
        )?;
        for layer in &self.layers {
            let window = layer.window.map_or(String::new(), |(rows, bands)| format!("{rows}x{bands}"));
            let output = format!("{}x{}", layer.bands, layer.channels);
            writeln!(
                text,
                "{:<10} {:>7} {:>9} {:>10} {:>8} {:>7} {:>9} {:>6}",
                layer.layer,
                window,
                output,
                layer.parameters,
                layer.file_bytes,
                layer.state_bytes,
                layer.macs_per_row,
                layer.rows.unwrap_or(layer.hops_per_row)
            )?;
        }
        for (index, layer) in self.layers.iter().enumerate() {
            if let Some(why) = &layer.slow_path {
                writeln!(text, "slow       layer {} ({}) on a Cortex-M4, M7 or M33: {why}", index + 1, layer.layer)?;
            }
        }
        writeln!(text, "\nparameters {}", self.parameters)?;
        writeln!(text, "flash      {} bytes (model file)", self.model_bytes)?;
        let parts = if self.front_end.image.is_some() {
            "FFT, column, layers; levels besides"
        } else {
            "audio, FFT, rows, layers"
        };
        writeln!(text, "state      {} bytes ({parts})", self.state_bytes)?;
        if let Some(macs) = self.macs_per_second {
            writeln!(text, "network    {:.2} M MAC for a second of speech", macs / 1e6)?;
        }
        if let Some(macs) = self.macs_per_image {
            writeln!(text, "network    {:.2} M MAC for an image", macs as f64 / 1e6)?;
        }
        Ok(text)
    }
}

/// Multiplications of the layers for one second. The dense layer does not count: it runs only for a prediction.
fn macs_per_second(front_end: &FrontEnd, layers: &[LayerSummary]) -> f64 {
    let hops_per_second = f64::from(front_end.sample_rate_hz) / front_end.hop_len as f64;
    let with_each_row = layers.split_last().map_or(layers, |(_, before)| before);
    with_each_row.iter().map(|layer| layer.macs_per_row as f64 * hops_per_second / layer.hops_per_row as f64).sum()
}

fn write_front_end(text: &mut String, f: &FrontEnd) -> Result<()> {
    write!(
        text,
        "front end  {} Hz, {:?} window of {} samples each {} ({:.1} ms), FFT {}, ",
        f.sample_rate_hz,
        f.window,
        f.frame_len,
        f.hop_len,
        1e3 * f.hop_len as f64 / f64::from(f.sample_rate_hz),
        f.fft_len
    )?;
    if let Some(image) = f.image {
        let highest = f64::from(f.sample_rate_hz) / 2.0;
        writeln!(text, "image of {} columns and {} bands 0-{highest} Hz", image.columns, image.bands)?;
        return Ok(());
    }
    writeln!(text, "{} mel bands {}-{} Hz", f.mel_bands, f.mel_low_hz, f.mel_high_hz)?;
    writeln!(
        text,
        "           DC block pole {}, pre-emphasis {}, floor {} dBFS",
        f.dc_block_pole, f.pre_emphasis, f.floor_db
    )?;
    match f.trim {
        Some(trim) => writeln!(
            text,
            "           silence below {} dBFS or {} dB under the loudest row; pauses up to {} rows",
            trim.threshold_db, trim.range_db, trim.max_pause_rows
        )?,
        None => writeln!(text, "           silence kept")?,
    }
    match f.level {
        LevelMode::Absolute => writeln!(text, "           levels absolute")?,
        LevelMode::RelativeToPeak => writeln!(text, "           levels relative to the peak so far")?,
    }
    Ok(())
}

/// Memory of a recognizer for the model, bytes, including its own fields; for images without the levels of the
/// utterance.
pub fn state_bytes(model: &Model<'_>) -> usize {
    let recognizer = match model.front_end().image {
        Some(_) => size_of::<ImageRecognizer<'_, '_>>(),
        None => size_of::<Recognizer<'_, '_>>(),
    };
    4 * model.state_words() + recognizer
}

/// Parses the bytes of a model file; an error names the file.
pub fn parse_model<'m>(name: &str, bytes: &'m [u8]) -> Result<Model<'m>> {
    Model::parse(bytes).map_err(|error| anyhow!("{name}: {error}"))
}

#[cfg(test)]
mod tests;
