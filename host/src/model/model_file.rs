//! Writes a quantised network as a model file; `docs/model-format.md` describes the bytes.

use anyhow::{Context, Result, ensure};
use ser_core::Model;
use ser_core::contract::{CONTRACT_ID, CRC};
use ser_core::frontend::{INPUT_SCALE, MEAN_DECIBEL};
use ser_core::model::{FORMAT_VERSION, HEADER_LEN, LABEL_LEN, LAYER_RECORD_LEN, MAGIC, SECTION_ALIGN, kind};
use ser_core::packed::{packed_index, packed_len};
use ser_core::quant::Multiplier;
use ser_core::spec::{FrontEnd, Layer, LevelMode, Network, Padding, Trim, Window};

use crate::features::rows::Normalization;
use crate::features::tables::OwnedTables;
use crate::model::quantise::{QuantLayer, QuantRows, multiplier};

/// How logits become probabilities, and which of these are believed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    /// Logits are divided by this before the softmax; in 0.01..=100.
    pub temperature: f32,
    /// A leading probability below this means "not sure"; in 0..=1.
    pub threshold: f32,
}

/// Writes the file; the core checks it.
pub fn write_model(
    network: &Network,
    normalization: &Normalization,
    layers: &[QuantLayer],
    confidence: Confidence,
) -> Result<Vec<u8>> {
    network.check()?;
    ensure!(
        network.layers.len() == layers.len(),
        "the network wants {} quantised layers, {} came",
        network.layers.len(),
        layers.len()
    );
    let mut file = Writer::default();
    file.header(&network.front_end, confidence, layers.len(), network.labels.len())?;
    for label in &network.labels {
        let mut name = [0; LABEL_LEN];
        name.iter_mut().zip(label.bytes()).for_each(|(to, from)| *to = from);
        file.bytes.extend(name);
    }
    for (layer, numbers) in network.layers.iter().zip(layers) {
        file.record(*layer, numbers)?;
    }

    let tables = OwnedTables::new(&network.front_end)?;
    file.section(tables.window);
    if network.front_end.image.is_none() {
        file.section(tables.mel_edges);
        file.section(tables.mel_rise);
        file.section([tables.floor]);
    }
    file.section(
        normalization
            .mean
            .iter()
            .map(|mean| ((f64::from(*mean) * f64::from(MEAN_DECIBEL)).round() as i32).to_le_bytes()),
    );
    let code_steps = |sd: &f32| multiplier(1.0 / (f64::from(INPUT_SCALE) * f64::from(MEAN_DECIBEL) * f64::from(*sd)));
    let multipliers =
        normalization.sd.iter().map(code_steps).collect::<Result<Vec<Multiplier>>>().context("normalisation")?;
    file.multipliers(&multipliers);
    for numbers in layers {
        file.numbers(numbers);
    }
    let bytes = file.finish()?;
    Model::parse(&bytes).context("the exported model does not pass the core's checks")?;
    Ok(bytes)
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn header(&mut self, front_end: &FrontEnd, confidence: Confidence, layers: usize, labels: usize) -> Result<()> {
        let to = &mut self.bytes;
        to.extend(MAGIC);
        to.extend(FORMAT_VERSION.to_le_bytes());
        to.extend(CONTRACT_ID.to_le_bytes());
        // Length and checksum, filled in at the end.
        to.extend([0; 8]);
        to.extend(front_end.sample_rate_hz.to_le_bytes());
        let bands = front_end.row_shape().bands;
        for len in [front_end.frame_len, front_end.hop_len, front_end.fft_len, bands] {
            to.extend(u16::try_from(len)?.to_le_bytes());
        }
        for value in [
            front_end.dc_block_pole,
            front_end.pre_emphasis,
            front_end.mel_low_hz,
            front_end.mel_high_hz,
            front_end.floor_db,
        ] {
            to.extend(value.to_le_bytes());
        }
        to.push(match front_end.window {
            Window::Hann => 0,
            Window::Hamming => 1,
            Window::HannSymmetric => 2,
        });
        to.push(u8::from(front_end.trim.is_some()));
        let trim = front_end.trim.unwrap_or(Trim { threshold_db: 0.0, range_db: 0.0, max_pause_rows: 0 });
        to.extend(u16::try_from(trim.max_pause_rows)?.to_le_bytes());
        for value in [trim.threshold_db, trim.range_db, confidence.temperature, confidence.threshold] {
            to.extend(value.to_le_bytes());
        }
        to.extend([u8::try_from(layers)?, u8::try_from(labels)?]);
        to.push(match front_end.level {
            LevelMode::Absolute => 0,
            LevelMode::RelativeToPeak => 1,
        });
        to.push(u8::from(front_end.image.is_some()));
        to.extend(u16::try_from(front_end.image_rows().unwrap_or(0))?.to_le_bytes());
        to.extend(front_end.denoise.map_or([0; 2], |denoise| [denoise.subtraction_tenths, denoise.depth_db]));
        to.resize(HEADER_LEN, 0);
        Ok(())
    }

    fn record(&mut self, layer: Layer, numbers: &QuantLayer) -> Result<()> {
        let (kind, rows, bands, channels) = match layer {
            Layer::Conv2d { channels, rows, bands, .. } => (kind::CONV2D, rows, bands, channels),
            Layer::MaxPool { rows, bands, .. } => (kind::MAX_POOL, rows, bands, 0),
            Layer::Flatten { rows } => (kind::FLATTEN, rows, 0, 0),
            Layer::Lstm { hidden } => (kind::LSTM, 0, 0, hidden),
            Layer::TimeMean => (kind::TIME_MEAN, 0, 0, 0),
            Layer::LastStep => (kind::LAST_STEP, 0, 0, 0),
            Layer::Dense { units } => (kind::DENSE, 0, 0, units),
        };
        let edges = match layer {
            Layer::Conv2d { padding: Padding::Same, .. } => 1,
            Layer::Conv2d { padding: Padding::Valid, .. } => 2,
            Layer::MaxPool { overlap, .. } => u8::try_from(overlap)?,
            _ => 0,
        };
        let (zero_point, scale) = match numbers {
            QuantLayer::Conv2d { zero_point, scale, .. } => (*zero_point, *scale),
            _ => (0, 0.0),
        };
        let end = self.bytes.len() + LAYER_RECORD_LEN;
        self.bytes.extend([kind, u8::try_from(rows)?, u8::try_from(bands)?, zero_point as u8]);
        self.bytes.extend(u16::try_from(channels)?.to_le_bytes());
        self.bytes.extend([edges, 0]);
        self.bytes.extend(scale.to_le_bytes());
        self.bytes.resize(end, 0);
        Ok(())
    }

    /// Begins a section at the next multiple of its alignment.
    fn section<const N: usize>(&mut self, values: impl IntoIterator<Item = [u8; N]>) {
        self.bytes.resize(self.bytes.len().next_multiple_of(SECTION_ALIGN), 0);
        self.bytes.extend(values.into_iter().flatten());
    }

    fn numbers(&mut self, layer: &QuantLayer) {
        match layer {
            QuantLayer::Conv2d { rows, .. } | QuantLayer::Dense(rows) => self.rows(rows, &[]),
            QuantLayer::Lstm { rows, recurrent_weights, input_shift } => {
                self.rows(rows, recurrent_weights);
                self.section(input_shift.iter().map(|shift| [*shift]));
            }
            QuantLayer::MaxPool | QuantLayer::Flatten | QuantLayer::TimeMean | QuantLayer::LastStep => {}
        }
    }

    fn rows(&mut self, rows: &QuantRows, recurrent_weights: &[i8]) {
        self.matrix(&rows.weights, rows.bias.len());
        if !recurrent_weights.is_empty() {
            self.matrix(recurrent_weights, rows.bias.len());
        }
        self.section(rows.bias.iter().map(|b| b.to_le_bytes()));
        self.multipliers(&rows.multipliers);
    }

    fn multipliers(&mut self, multipliers: &[Multiplier]) {
        self.section(multipliers.iter().map(|m| m.mantissa().to_le_bytes()));
        self.section(multipliers.iter().map(|m| [m.shift()]));
    }

    /// Packs a matrix of `rows` rows.
    fn matrix(&mut self, weights: &[i8], rows: usize) {
        let columns = weights.len() / rows.max(1);
        let mut packed = vec![0; packed_len(rows, columns)];
        for (row, weights) in weights.chunks_exact(columns.max(1)).enumerate() {
            for (column, weight) in weights.iter().enumerate() {
                if let Some(to) = packed.get_mut(packed_index(row, column, columns)) {
                    *to = *weight;
                }
            }
        }
        self.section(packed.into_iter().map(i8::to_le_bytes));
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        let len = u32::try_from(self.bytes.len())?;
        if let Some(field) = self.bytes.get_mut(12..16) {
            field.copy_from_slice(&len.to_le_bytes());
        }
        let checksum = CRC.checksum(self.bytes.get(20..).unwrap_or_default());
        if let Some(field) = self.bytes.get_mut(16..20) {
            field.copy_from_slice(&checksum.to_le_bytes());
        }
        Ok(self.bytes)
    }
}
