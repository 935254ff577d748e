//! Valid models of any shape, filled with random and extreme numbers, and the writer of their files.

mod writer;

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::reference::{FrontEnd, Layer, ModelFile, Multiplier};

pub use writer::with_repaired_crc;

/// The sizes of a model; all else is drawn.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Bands of an input row, 1..=128.
    pub mel_bands: u16,
    /// conv2d and max pool, in order.
    pub maps: Vec<MapLayer>,
    /// Hidden units of each LSTM, at least one LSTM.
    pub lstms: Vec<u16>,
    /// Number of labels, 2..=8.
    pub labels: u16,
}

/// A layer in front of the LSTMs.
#[derive(Clone, Copy, Debug)]
pub enum MapLayer {
    /// Kernel rows, kernel bands (odd), output channels.
    Conv2d(u8, u8, u16),
    /// Block rows, block bands (at most the bands that are left).
    MaxPool(u8, u8),
}

impl Shape {
    /// Any shape that the format allows, of moderate size.
    pub fn random(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mel_bands = rng.random_range(1..=24);
        let mut bands = mel_bands;
        let mut maps = Vec::new();
        for _ in 0..rng.random_range(0..=5) {
            maps.push(if rng.random_bool(0.5) {
                MapLayer::Conv2d(rng.random_range(1..=4), rng.random_range(0..=3) * 2 + 1, rng.random_range(1..=6))
            } else {
                let block = rng.random_range(1..=bands.min(3));
                bands /= block;
                MapLayer::MaxPool(rng.random_range(1..=3), block as u8)
            });
        }
        let lstms = (0..rng.random_range(1..=3)).map(|_| rng.random_range(1..=9)).collect();
        Self { mel_bands, maps, lstms, labels: rng.random_range(2..=8) }
    }

    /// A valid model of this shape: weights up to ±127, some biases at the overflow bound, some rows that saturate.
    pub fn fill(&self, seed: u64) -> ModelFile {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let front_end = front_end(self.mel_bands, &mut rng);
        let mut shape = (usize::from(self.mel_bands), 1);
        let mut layers: Vec<Layer> = Vec::new();
        for map in &self.maps {
            layers.push(match *map {
                MapLayer::Conv2d(rows, bands, channels) => conv2d(rows, bands, channels, shape.1, &mut rng),
                MapLayer::MaxPool(rows, bands) => Layer::MaxPool { rows, bands },
            });
            shape = layers[layers.len() - 1].output_shape(shape);
        }
        for (index, &hidden) in self.lstms.iter().enumerate() {
            layers.push(lstm(hidden, shape.0 * shape.1, if index == 0 { 7 } else { 15 }, &mut rng));
            shape = (1, usize::from(hidden));
        }
        layers.push(Layer::TimeMean);
        let weights = weights(usize::from(self.labels) * shape.1, &mut rng);
        let (mut bias, mut multipliers) = (Vec::new(), Vec::new());
        for row in weights.chunks_exact(shape.1) {
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

/// A valid file with one layer of each kind and about a thousand bytes, so that a test can try every bit of it.
pub fn small_model() -> ModelFile {
    let shape = Shape { mel_bands: 3, maps: vec![MapLayer::Conv2d(2, 3, 2), MapLayer::MaxPool(2, 2)], lstms: vec![2], labels: 2 };
    let mut model = shape.fill(1);
    let spec = &mut model.front_end;
    (spec.sample_rate_hz, spec.upper_edge_hz) = (1_000, 500.0);
    (spec.frame_len, spec.hop_len, spec.window_table) = (16, 8, window_table(spec.window, 16));
    (spec.gate, spec.gate_threshold_db, spec.gate_range_db, spec.longest_pause) = (1, -50.0, 35.0, 4);
    model
}

/// A front end with random filters over a 256-point FFT; DC block, pre-emphasis and gate are on in some cases.
fn front_end(mel_bands: u16, rng: &mut ChaCha8Rng) -> FrontEnd {
    let fft_len = 256;
    let frame_len = 2 * rng.random_range(8..=fft_len / 2);
    let window = rng.random_range(0..=1);
    // Up to one past the bin at half the rate; equal edges leave a band without a rise or a fall.
    let mut edges: Vec<u16> = (0..mel_bands + 2).map(|_| rng.random_range(0..=fft_len / 2 + 1)).collect();
    edges.sort_unstable();
    let sample_rate_hz = [8_000, 16_000, 48_000][rng.random_range(0..3)];
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
        // Told, but not computed with: that is `floor`.
        floor_db: rng.random_range(-150.0..=0.0),
        window,
        gate: rng.random_range(0..=1),
        longest_pause: rng.random_range(0..=20),
        gate_threshold_db: rng.random_range(-90.0..=-30.0),
        gate_range_db: rng.random_range(10.0..=60.0),
        level: rng.random_range(0..=1),
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

/// Half of a periodic Hann (0) or Hamming (1) window, Q0.15.
pub fn window_table(window: u8, frame_len: u16) -> Vec<i16> {
    let (mean, swing) = if window == 0 { (0.5, 0.5) } else { (0.54, 0.46) };
    (0..=frame_len / 2)
        .map(|n| {
            let turn = std::f64::consts::TAU * f64::from(n) / f64::from(frame_len);
            (32768.0 * (mean - swing * turn.cos())).round().min(32767.0) as i16
        })
        .collect()
}

fn conv2d(kernel_rows: u8, kernel_bands: u8, channels: u16, channels_in: usize, rng: &mut ChaCha8Rng) -> Layer {
    let row_len = usize::from(kernel_rows) * usize::from(kernel_bands) * channels_in;
    let weights = weights(usize::from(channels) * row_len, rng);
    let (mut bias, mut multipliers) = (Vec::new(), Vec::new());
    for row in weights.chunks_exact(row_len) {
        bias.push(bias_below(sum_of_magnitudes(row) << 7, rng));
        multipliers.push(multiplier(sum_of_magnitudes(row) << 5, 7, rng));
    }
    let zero_point = [-128, 127, rng.random()][rng.random_range(0..3)];
    Layer::Conv2d { kernel_rows, kernel_bands, zero_point, scale: rng.random_range(0.001..1.0), channels, weights, bias, multipliers }
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

/// Mostly random weights, sometimes all at one end or the ends in turn.
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

/// A bias such that `worst + |bias| < 2^31`: in one case of eight as large as possible.
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

/// A multiplier that mostly brings `magnitude` to about `2^bits`, sometimes any.
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
            let model = Shape::random(seed).fill(seed);
            assert_eq!(ModelFile::read(&model.to_bytes()), Ok(model));
        }
    }

    #[test]
    fn random_models_use_the_range_of_their_numbers() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let model = Shape::random(seed).fill(seed);
            let rows: Vec<Vec<i8>> = (0..40)
                .map(|time| {
                    let mut rng = ChaCha8Rng::seed_from_u64(seed * 100 + time);
                    (0..model.front_end.mel_bands).map(|_| rng.random()).collect()
                })
                .collect();
            let last = model.run(&rows).layers.pop().expect("an LSTM");
            seen.extend(last.rows.into_iter().flatten());
        }
        assert!(seen.len() > 1000, "hidden states take only {} values", seen.len());
        assert!(*seen.first().unwrap() < -30_000 && *seen.last().unwrap() > 30_000);
    }
}
