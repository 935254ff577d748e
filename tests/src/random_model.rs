//! Valid models of any shape, filled with random and extreme numbers, and a writer of their files.

mod writer;

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use ser_core::spec::{self, Network};

use crate::reference::{FrontEnd, Layer, ModelFile, Multiplier};

pub use writer::with_repaired_crc;

/// The sizes of a model; everything else is drawn at random.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Bands of an input row, 1..=128.
    pub mel_bands: u16,
    /// Columns of the image; None for a stream.
    pub columns: Option<u16>,
    /// conv2d and max pool layers, in order.
    pub maps: Vec<MapLayer>,
    /// Whether a flatten layer turns all rows of an image into one, before the LSTMs.
    pub flatten: bool,
    /// Hidden units of each LSTM.
    pub lstms: Vec<u16>,
    /// Whether a last step follows the LSTMs, if there is one, instead of a time mean.
    pub last_step: bool,
    /// Number of labels, 2..=16.
    pub labels: u16,
}

/// Values of a row that a dense layer with any weights may take: `512 · 127 · 2¹⁵ < 2³¹`.
const LONGEST_MEAN: usize = 512;

/// A layer before the LSTMs.
#[derive(Clone, Copy, Debug)]
pub enum MapLayer {
    /// Kernel rows, kernel bands (odd), output channels, padding: 0 causal, 1 same, 2 valid.
    Conv2d(u8, u8, u16, u8),
    /// Block rows, block bands (at most the remaining bands), overlap.
    MaxPool(u8, u8, u8),
}

impl Shape {
    /// A random shape of moderate size that the format allows for streams.
    pub fn random(seed: u64) -> Self {
        Self::drawn(None, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    /// A random shape of moderate size that the format allows for images.
    pub fn random_image(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let columns = rng.random_range(1..=30);
        Self::drawn(Some(columns), &mut rng)
    }

    fn drawn(columns: Option<u16>, rng: &mut ChaCha8Rng) -> Self {
        let map = |rng: &mut ChaCha8Rng| {
            if rng.random_bool(0.5) {
                let kernel_bands = rng.random_range(0..=3) * 2 + 1;
                MapLayer::Conv2d(
                    rng.random_range(1..=5),
                    kernel_bands,
                    rng.random_range(1..=6),
                    rng.random_range(0..=2),
                )
            } else {
                MapLayer::MaxPool(rng.random_range(1..=4), rng.random_range(1..=4), rng.random_range(0..=2))
            }
        };
        Self {
            mel_bands: rng.random_range(1..=24),
            columns,
            maps: (0..rng.random_range(0..=5)).map(|_| map(rng)).collect(),
            flatten: rng.random(),
            lstms: (0..rng.random_range(0..=3)).map(|_| rng.random_range(1..=9)).collect(),
            last_step: rng.random(),
            labels: rng.random_range(2..=16),
        }
        .fitted()
    }

    /// A shape in which a stream's rows go straight into one LSTM.
    pub fn lstm_alone(mel_bands: u16, hidden: u16, labels: u16) -> Self {
        Self {
            mel_bands,
            columns: None,
            maps: Vec::new(),
            flatten: false,
            lstms: vec![hidden],
            last_step: false,
            labels,
        }
    }

    /// The nearest shape that the format allows. Kernels and blocks shrink to the rows and bands that remain. A stream
    /// has only causal convolutions and no flatten layer. A flatten layer stays only if an LSTM takes a row of its
    /// length, and a last step only behind an LSTM. There is an LSTM if the row before the dense layer would be too long
    /// for its accumulators.
    pub fn fitted(mut self) -> Self {
        let mut bands = self.mel_bands as u8;
        let mut rows = self.columns.map(|columns| columns as u8);
        let mut channels = 3;
        for map in &mut self.maps {
            match map {
                MapLayer::Conv2d(kernel_rows, kernel_bands, outputs, padding) => {
                    channels = usize::from(*outputs);
                    if rows.is_none() {
                        *padding = 0;
                    }
                    if *padding == 1 {
                        *kernel_rows |= 1;
                    }
                    if *padding == 2 {
                        *kernel_rows = (*kernel_rows).min(rows.unwrap_or(u8::MAX));
                        *kernel_bands = (*kernel_bands).min(bands - (bands + 1) % 2);
                        bands -= *kernel_bands - 1;
                        rows = rows.map(|rows| rows - (*kernel_rows - 1));
                    }
                }
                MapLayer::MaxPool(block_rows, block_bands, overlap) => {
                    *block_rows = (*block_rows).min(rows.unwrap_or(u8::MAX));
                    *block_bands = (*block_bands).min(bands);
                    *overlap = (*overlap).min(*block_rows / 2).min(*block_bands / 2);
                    let blocks = |len: u8, block: u8| (len - *overlap) / (block - *overlap);
                    bands = blocks(bands, *block_bands);
                    rows = rows.map(|rows| blocks(rows, *block_rows));
                }
            }
        }
        self.flatten &= rows.is_some_and(|rows| usize::from(rows) * usize::from(bands) * channels <= 8192);
        let flat_rows = if self.flatten { rows.map_or(1, usize::from) } else { 1 };
        if self.lstms.is_empty() && flat_rows * usize::from(bands) * channels > LONGEST_MEAN {
            self.lstms.push(1);
        }
        self.last_step &= !self.lstms.is_empty();
        self
    }

    /// A valid model of this shape: weights up to ±127, some biases at the overflow bound, some rows that saturate.
    pub fn fill(&self, seed: u64) -> ModelFile {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let front_end = match self.columns {
            Some(columns) => image_front_end(self.mel_bands, columns, &mut rng),
            None => front_end(self.mel_bands, &mut rng),
        };
        let mut shape = front_end.row_shape();
        let mut rows_left = front_end.columns as u8;
        let mut layers: Vec<Layer> = Vec::new();
        for map in &self.maps {
            layers.push(match *map {
                MapLayer::Conv2d(rows, bands, channels, padding) => {
                    if padding == 2 {
                        rows_left -= rows - 1;
                    }
                    conv2d([rows, bands, padding], channels, shape.1, &mut rng)
                }
                MapLayer::MaxPool(rows, bands, overlap) => {
                    rows_left = rows_left.saturating_sub(overlap) / (rows - overlap);
                    Layer::MaxPool { rows, bands, overlap }
                }
            });
            shape = layers[layers.len() - 1].output_shape(shape);
        }
        if self.flatten {
            layers.push(Layer::Flatten { rows: rows_left });
            shape = layers[layers.len() - 1].output_shape(shape);
        }
        for (index, &hidden) in self.lstms.iter().enumerate() {
            layers.push(lstm(hidden, shape.0 * shape.1, if index == 0 { 7 } else { 15 }, &mut rng));
            shape = (1, usize::from(hidden));
        }
        layers.push(if self.last_step { Layer::LastStep } else { Layer::TimeMean });
        let columns = shape.0 * shape.1;
        let weights = weights(usize::from(self.labels) * columns, &mut rng);
        let (mut bias, mut multipliers) = (Vec::new(), Vec::new());
        for row in weights.chunks_exact(columns) {
            bias.push(bias_below(sum_of_magnitudes(row) << 15, &mut rng));
            multipliers.push(multiplier(sum_of_magnitudes(row) << 12, 12, &mut rng));
        }
        layers.push(Layer::Dense { units: self.labels, weights, bias, multipliers });
        ModelFile {
            front_end,
            temperature: rng.random_range(0.5..3.0),
            confidence_threshold: rng.random_range(0.0..=1.0),
            labels: (0..self.labels).map(|index| format!("λabel {index}")).collect(),
            layers,
        }
    }
}

impl From<&Network> for Shape {
    fn from(network: &Network) -> Self {
        let number = |of_layer: usize| u8::try_from(of_layer).expect("a size that the format has a byte for");
        let mut shape = Self::lstm_alone(network.input().bands as u16, 0, network.labels.len() as u16);
        shape.columns = network.front_end.image_rows().map(|columns| columns as u16);
        shape.lstms.clear();
        for layer in &network.layers {
            match *layer {
                spec::Layer::Conv2d { channels, rows, bands, padding } => {
                    shape.maps.push(MapLayer::Conv2d(number(rows), number(bands), channels as u16, padding as u8));
                }
                spec::Layer::MaxPool { rows, bands, overlap } => {
                    shape.maps.push(MapLayer::MaxPool(number(rows), number(bands), number(overlap)));
                }
                spec::Layer::Flatten { .. } => shape.flatten = true,
                spec::Layer::Lstm { hidden } => shape.lstms.push(hidden as u16),
                spec::Layer::LastStep => shape.last_step = true,
                spec::Layer::TimeMean | spec::Layer::Dense { .. } => {}
            }
        }
        shape
    }
}

/// A valid file with one layer of each kind of a stream. It has about a thousand bytes, so that a test can try every
/// bit.
pub fn small_model() -> ModelFile {
    let maps = vec![MapLayer::Conv2d(2, 3, 2, 0), MapLayer::MaxPool(2, 2, 0)];
    let mut model = Shape { maps, ..Shape::lstm_alone(3, 2, 2) }.fill(1);
    let spec = &mut model.front_end;
    (spec.sample_rate_hz, spec.upper_edge_hz) = (1_000, 500.0);
    (spec.frame_len, spec.hop_len, spec.window_table) = (16, 8, window_table(spec.window, 16));
    (spec.gate, spec.gate_threshold_db, spec.gate_range_db, spec.longest_pause) = (1, -50.0, 35.0, 4);
    model
}

/// A valid file of about the same size for images of 9 columns and 7 bands. It has what a stream can't have: conv2d
/// with padding same and valid, a pool whose blocks overlap, and flatten. It ends in a last step.
pub fn small_image_model() -> ModelFile {
    let maps = vec![MapLayer::Conv2d(3, 3, 2, 1), MapLayer::MaxPool(3, 3, 1), MapLayer::Conv2d(2, 3, 2, 2)];
    let shape = Shape { columns: Some(9), maps, flatten: true, last_step: true, ..Shape::lstm_alone(7, 2, 2) };
    let mut model = shape.fill(1);
    let spec = &mut model.front_end;
    (spec.frame_len, spec.hop_len, spec.window_table) = (16, 8, window_table(spec.window, 16));
    model
}

/// A front end with random filters over a 256-point FFT; DC block, pre-emphasis, gate and denoising are on in some
/// cases.
fn front_end(mel_bands: u16, rng: &mut ChaCha8Rng) -> FrontEnd {
    let fft_len = 256;
    let frame_len = 2 * rng.random_range(8..=fft_len / 2);
    let window = rng.random_range(0..=1);
    // Edges lie up to one bin past half the sample rate; equal edges leave a band without a rise or a fall.
    let mut edges: Vec<u16> = (0..mel_bands + 2).map(|_| rng.random_range(0..=fft_len / 2 + 1)).collect();
    edges.sort_unstable();
    let sample_rate_hz = [8_000, 16_000, 48_000][rng.random_range(0..3)];
    let denoises = rng.random_bool(0.5);
    FrontEnd {
        sample_rate_hz,
        frame_len,
        hop_len: rng.random_range(1..=frame_len),
        fft_len,
        mel_bands,
        dc_block_pole: [0.0, 0.9, 0.995][rng.random_range(0..3)],
        pre_emphasis: [0.0, 0.97, 1.0][rng.random_range(0..3)],
        lower_edge_hz: 0.0,
        upper_edge_hz: sample_rate_hz as f32 / 2.0,
        // Stored in the file only: the computation uses `floor`.
        floor_db: rng.random_range(-150.0..=0.0),
        window,
        gate: rng.random_range(0..=1),
        longest_pause: rng.random_range(0..=20),
        gate_threshold_db: rng.random_range(-90.0..=-30.0),
        gate_range_db: rng.random_range(10.0..=60.0),
        level: rng.random_range(0..=1),
        features: 0,
        columns: 0,
        subtraction_tenths: if denoises { rng.random_range(5..=60) } else { 0 },
        depth_db: if denoises { rng.random_range(1..=60) } else { 0 },
        window_table: window_table(window, frame_len),
        rising: (edges[0]..edges[edges.len() - 1]).map(|_| rng.random_range(0..=i16::MAX)).collect(),
        edges,
        floor: 1 << rng.random_range(0..=40),
        mean: (0..mel_bands).map(|_| rng.random_range(-80 << 16..=10 << 16)).collect(),
        multipliers: (0..mel_bands)
            .map(|_| Multiplier { mantissa: rng.random_range(1 << 30..=i32::MAX), shift: rng.random_range(11..=15) })
            .collect(),
    }
}

/// A front end that makes an image, with random frame and hop lengths.
fn image_front_end(bands: u16, columns: u16, rng: &mut ChaCha8Rng) -> FrontEnd {
    let mut spec = front_end(bands, rng);
    (spec.dc_block_pole, spec.pre_emphasis, spec.gate, spec.level) = (0.0, 0.0, 0, 0);
    (spec.subtraction_tenths, spec.depth_db) = (0, 0);
    (spec.features, spec.columns, spec.window) = (1, columns, 2);
    spec.window_table = window_table(spec.window, spec.frame_len);
    (spec.edges, spec.rising, spec.floor) = (Vec::new(), Vec::new(), 0);
    spec.mean = (0..3).map(|_| rng.random_range(0..=255 << 16)).collect();
    spec.multipliers.resize(3, Multiplier { mantissa: 1 << 30, shift: 15 });
    spec
}

/// Half of a window: periodic Hann (0) or periodic Hamming (1), both Q0.15, or symmetric Hann (2), Q0.31.
pub fn window_table(window: u8, frame_len: u16) -> Vec<i32> {
    let (mean, swing) = if window == 1 { (0.54, 0.46) } else { (0.5, 0.5) };
    let (period, values) = if window == 2 { (frame_len - 1, frame_len / 2) } else { (frame_len, frame_len / 2 + 1) };
    (0..values)
        .map(|n| {
            let turn = std::f64::consts::TAU * f64::from(n) / f64::from(period);
            let one = if window == 2 { 2f64.powi(31) } else { 2f64.powi(15) };
            (one * (mean - swing * turn.cos())).round().min(one - 1.0) as i32
        })
        .collect()
}

fn conv2d(
    [kernel_rows, kernel_bands, padding]: [u8; 3],
    channels: u16,
    channels_in: usize,
    rng: &mut ChaCha8Rng,
) -> Layer {
    let row_len = usize::from(kernel_rows) * usize::from(kernel_bands) * channels_in;
    let weights = weights(usize::from(channels) * row_len, rng);
    let (mut bias, mut multipliers) = (Vec::new(), Vec::new());
    for row in weights.chunks_exact(row_len) {
        bias.push(bias_below(sum_of_magnitudes(row) << 7, rng));
        multipliers.push(multiplier(sum_of_magnitudes(row) << 5, 7, rng));
    }
    let zero_point = [-128, 127, rng.random()][rng.random_range(0..3)];
    let scale = rng.random_range(0.001..1.0);
    Layer::Conv2d { kernel_rows, kernel_bands, padding, zero_point, scale, channels, weights, bias, multipliers }
}

fn lstm(hidden: u16, inputs: usize, input_bits: u32, rng: &mut ChaCha8Rng) -> Layer {
    let units = usize::from(hidden);
    let input_weights = weights(4 * units * inputs, rng);
    let recurrent_weights = weights(4 * units * units, rng);
    let (mut bias, mut multipliers, mut input_shifts) = (Vec::new(), Vec::new(), Vec::new());
    for (input_row, recurrent_row) in input_weights.chunks_exact(inputs).zip(recurrent_weights.chunks_exact(units)) {
        let from_input = sum_of_magnitudes(input_row) << input_bits;
        let from_hidden = sum_of_magnitudes(recurrent_row) << 15;
        let room = (1 << 31) - from_hidden;
        let largest_shift = (0..=15).rev().find(|shift| from_input << shift < room).unwrap_or(0);
        let input_shift = rng.random_range(0..=largest_shift);
        let worst = (from_input << input_shift) + from_hidden;
        bias.push(bias_below(worst, rng));
        multipliers.push(multiplier(worst / 8, 15, rng));
        input_shifts.push(input_shift as u8);
    }
    Layer::Lstm { hidden, input_weights, recurrent_weights, bias, multipliers, input_shifts }
}

/// Random weights in half of the cases; in the others all at one extreme, or alternating between both.
fn weights(count: usize, rng: &mut ChaCha8Rng) -> Vec<i8> {
    let style = rng.random_range(0..6);
    (0..count)
        .map(|index| match style {
            0 => 127,
            1 => -127,
            2 => [127, -127][index % 2],
            3 => rng.random_range(-2..=2),
            _ => rng.random_range(-127..=127),
        })
        .collect()
}

fn sum_of_magnitudes(row: &[i8]) -> i64 {
    row.iter().map(|&weight| i64::from(weight).abs()).sum()
}

/// A bias such that `worst + |bias| < 2^31`; in one case of eight it is as large as possible.
fn bias_below(worst: i64, rng: &mut ChaCha8Rng) -> i32 {
    let bound = (1_i64 << 31) - 1 - worst;
    let bias = match rng.random_range(0..8) {
        0 => bound * [1, -1][rng.random_range(0..2)],
        1 => rng.random_range(-bound..=bound),
        _ => {
            let usual = bound.min(worst / 4 + 1);
            rng.random_range(-usual..=usual)
        }
    };
    i32::try_from(bias).expect("a bias below 2^31")
}

/// A multiplier that brings `magnitude` to about `2^bits` in most cases; in the others any multiplier.
fn multiplier(magnitude: i64, bits: u32, rng: &mut ChaCha8Rng) -> Multiplier {
    let mantissa = match rng.random_range(0..8) {
        0 => 1 << 30,
        1 => i32::MAX,
        _ => rng.random_range(1 << 30..=i32::MAX),
    };
    let shift = if rng.random_range(0..8) == 0 {
        rng.random_range(1..=31)
    } else {
        // acc · 2^30.5 / 2^(32+s) ≈ 2^bits
        let wanted = magnitude.max(1).ilog2() as i32 - bits as i32 - 1;
        (wanted + rng.random_range(-2..=2)).clamp(1, 31) as u8
    };
    Multiplier { mantissa, shift }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_finds_what_the_writer_wrote() {
        for seed in 0..50 {
            for shape in [Shape::random(seed), Shape::random_image(seed)] {
                let model = shape.fill(seed);
                assert_eq!(ModelFile::read(&model.to_bytes()), Ok(model));
            }
        }
        for model in [small_model(), small_image_model()] {
            assert_eq!(ModelFile::read(&model.to_bytes()), Ok(model));
        }
    }

    #[test]
    fn random_models_use_the_range_of_their_numbers() {
        // Images need more models, because a flattened image is a single step of the LSTMs.
        for (kind, models) in [(Shape::random as fn(u64) -> Shape, 50), (Shape::random_image, 150)] {
            let mut seen = std::collections::BTreeSet::new();
            for (seed, shape) in (0..models).map(|seed| (seed, kind(seed))).filter(|(_, shape)| !shape.lstms.is_empty())
            {
                let model = shape.fill(seed);
                let (bands, channels) = model.front_end.row_shape();
                let rows: Vec<Vec<i8>> = (0..40)
                    .map(|time| {
                        let mut rng = ChaCha8Rng::seed_from_u64(seed * 100 + time);
                        (0..bands * channels).map(|_| rng.random()).collect()
                    })
                    .collect();
                let last = model.run(&rows).layers.pop().expect("an LSTM");
                seen.extend(last.rows.into_iter().flatten());
            }
            assert!(seen.len() > 1000, "hidden states take only {} values", seen.len());
            assert!(*seen.first().unwrap() < -30_000 && *seen.last().unwrap() > 30_000);
        }
    }
}
