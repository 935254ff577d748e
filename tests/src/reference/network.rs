//! The integer network over a whole utterance: each layer takes all rows of the layer before it and returns all of its
//! own.
//!
//! Accumulators are exact. An assertion checks that they fit 32 bits, which the model's overflow check promises.

use super::nonlinearity::{requantize, sigmoid, tanh};
use super::{Layer, ModelFile, Multiplier};

/// All rows between two layers, each `[bands][channels]`, channel fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    /// Bands of a row.
    pub bands: usize,
    /// Channels of a band.
    pub channels: usize,
    /// `[time][bands * channels]`.
    pub rows: Vec<Vec<i64>>,
}

/// The output of each layer for an utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Rows that leave each layer, up to the time mean or last step.
    pub layers: Vec<FeatureMap>,
    /// Mean over all rows of the last of these layers, 128 for each code, or the last row; None without a row.
    pub summary: Option<Vec<i64>>,
    /// Logits, Q19.12.
    pub logits: Option<Vec<i64>>,
}

impl ModelFile {
    /// Runs the network over the rows of an utterance, each `[mel_bands]`, or the columns of an image, each
    /// `[mel_bands][3]`.
    pub fn run(&self, rows: &[Vec<i8>]) -> Trace {
        let rows = rows.iter().map(|row| row.iter().map(|&code| i64::from(code)).collect()).collect();
        let (bands, channels) = self.front_end.row_shape();
        let mut map = FeatureMap { bands, channels, rows };
        let mut trace = Trace { layers: Vec::new(), summary: None, logits: None };
        let (mut zero_point, mut steps_of_code) = (0, 128);
        for layer in &self.layers {
            match layer {
                Layer::Conv2d { zero_point: next, .. } => {
                    map = conv2d(&map, zero_point, layer);
                    zero_point = i64::from(*next);
                }
                Layer::MaxPool { rows, bands, overlap } => {
                    map = max_pool(&map, [*rows, *bands, *overlap].map(usize::from));
                }
                Layer::Flatten { rows } => map = flatten(&map, usize::from(*rows)),
                Layer::Lstm { .. } => {
                    map = lstm(&map, layer);
                    (zero_point, steps_of_code) = (0, 1);
                }
                Layer::TimeMean => {
                    let value = |code: &i64| (code - zero_point) * steps_of_code;
                    let rows: Vec<Vec<i64>> = map.rows.iter().map(|row| row.iter().map(value).collect()).collect();
                    trace.summary = time_mean(&rows);
                    continue;
                }
                Layer::LastStep => {
                    trace.summary = map.rows.last().cloned();
                    continue;
                }
                Layer::Dense { weights, bias, multipliers, .. } => {
                    trace.logits = trace.summary.as_ref().map(|mean| dense(mean, weights, bias, multipliers));
                    continue;
                }
            }
            trace.layers.push(map.clone());
        }
        trace
    }
}

fn accumulator(value: i64) -> i64 {
    assert!(i32::try_from(value).is_ok(), "accumulator {value} leaves 32 bits: the model is not valid");
    value
}

/// A convolution with stride 1. The padding says how many rows and bands before the output's own place the kernel's
/// first weight lies. Outside the map the input is its zero point.
pub fn conv2d(input: &FeatureMap, input_zero_point: i64, layer: &Layer) -> FeatureMap {
    let Layer::Conv2d { kernel_rows, kernel_bands, padding, zero_point, channels, weights, bias, multipliers, .. } =
        layer
    else {
        panic!("{layer:?} is no conv2d");
    };
    let (kernel_rows, kernel_bands, channels) =
        (usize::from(*kernel_rows), usize::from(*kernel_bands), usize::from(*channels));
    let zero_point = i64::from(*zero_point);
    let (before, beside) = match padding {
        0 => (kernel_rows - 1, kernel_bands / 2),
        1 => (kernel_rows / 2, kernel_bands / 2),
        _ => (0, 0),
    };
    let (times, bands) = match padding {
        0 | 1 => (input.rows.len(), input.bands),
        _ => ((input.rows.len() + 1).saturating_sub(kernel_rows), input.bands + 1 - kernel_bands),
    };
    let at = |time: i64, band: i64, channel: usize| {
        if time < 0 || time >= input.rows.len() as i64 || band < 0 || band >= input.bands as i64 {
            input_zero_point
        } else {
            input.rows[time as usize][band as usize * input.channels + channel]
        }
    };
    let mut rows = Vec::new();
    for time in 0..times {
        let mut row = Vec::new();
        for band in 0..bands {
            for channel in 0..channels {
                let mut acc = i64::from(bias[channel]);
                for i in 0..kernel_rows {
                    for j in 0..kernel_bands {
                        for k in 0..input.channels {
                            let weight = weights[((channel * kernel_rows + i) * kernel_bands + j) * input.channels + k];
                            acc += i64::from(weight)
                                * at((time + i) as i64 - before as i64, (band + j) as i64 - beside as i64, k);
                        }
                    }
                }
                row.push((requantize(accumulator(acc), multipliers[channel]) + zero_point).clamp(zero_point, 127));
            }
        }
        rows.push(row);
    }
    FeatureMap { bands, channels, rows }
}

/// Maximum over blocks. Neighbouring blocks share `overlap` rows and bands; an incomplete block yields nothing.
pub fn max_pool(input: &FeatureMap, [block_rows, block_bands, overlap]: [usize; 3]) -> FeatureMap {
    let (row_step, band_step) = (block_rows - overlap, block_bands - overlap);
    let complete =
        |len: usize, block: usize, step: usize| (0..len).step_by(step).take_while(move |first| first + block <= len);
    let mut rows = Vec::new();
    for first_row in complete(input.rows.len(), block_rows, row_step) {
        let mut row = Vec::new();
        for first_band in complete(input.bands, block_bands, band_step) {
            for channel in 0..input.channels {
                let mut largest = i64::MIN;
                for i in 0..block_rows {
                    for j in 0..block_bands {
                        largest = largest.max(input.rows[first_row + i][(first_band + j) * input.channels + channel]);
                    }
                }
                row.push(largest);
            }
        }
        rows.push(row);
    }
    FeatureMap { bands: complete(input.bands, block_bands, band_step).count(), channels: input.channels, rows }
}

/// Joins each `count` rows into one.
pub fn flatten(input: &FeatureMap, count: usize) -> FeatureMap {
    let rows = input.rows.chunks_exact(count).map(<[Vec<i64>]>::concat).collect();
    FeatureMap { bands: 1, channels: count * input.bands * input.channels, rows }
}

fn dot(weights: &[i8], values: &[i64]) -> i64 {
    assert_eq!(weights.len(), values.len());
    weights.iter().zip(values).map(|(&weight, &value)| i64::from(weight) * value).sum()
}

/// An LSTM with gates in the order input, forget, cell, output; `h` is Q0.15, `c` is Q7.24, both 0 before the first
/// row.
pub fn lstm(input: &FeatureMap, layer: &Layer) -> FeatureMap {
    let Layer::Lstm { hidden, input_weights, recurrent_weights, bias, multipliers, input_shifts } = layer else {
        panic!("{layer:?} is no LSTM");
    };
    let (hidden, inputs) = (usize::from(*hidden), input.bands * input.channels);
    let mut h = vec![0_i64; hidden];
    let mut c = vec![0_i64; hidden];
    let mut rows = Vec::new();
    for x in &input.rows {
        let mut next_h = Vec::new();
        for (unit, c) in c.iter_mut().enumerate() {
            let gate = |index: usize| {
                let row = unit * 4 + index;
                let from_input = dot(&input_weights[row * inputs..(row + 1) * inputs], x) << input_shifts[row];
                let from_hidden = dot(&recurrent_weights[row * hidden..(row + 1) * hidden], &h);
                let acc = accumulator(from_input + from_hidden + i64::from(bias[row]));
                requantize(acc, multipliers[row]).clamp(-32768, 32767)
            };
            let (i, f, g, o) = (sigmoid(gate(0)), sigmoid(gate(1)), tanh(gate(2)), sigmoid(gate(3)));
            *c = (f * *c + ((i * g) << 9) + (1 << 14)) >> 15;
            *c = (*c).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
            let narrow = ((*c + (1 << 11)) >> 12).clamp(-32768, 32767);
            next_h.push((o * tanh(narrow) + (1 << 14)) >> 15);
        }
        h = next_h;
        rows.push(h.clone());
    }
    FeatureMap { bands: 1, channels: hidden, rows }
}

/// Mean over time, ties rounded up. After 65,536 rows, halving the sums and the count lets older rows fade.
pub fn time_mean(rows: &[Vec<i64>]) -> Option<Vec<i64>> {
    let mut sums = vec![0_i64; rows.first()?.len()];
    let mut number = 0_i64;
    for row in rows {
        if number == 65_536 {
            sums.iter_mut().for_each(|sum| *sum /= 2);
            number /= 2;
        }
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum = accumulator(*sum + value);
        }
        number += 1;
    }
    Some(sums.iter().map(|sum| (2 * sum + number).div_euclid(2 * number)).collect())
}

/// Logits, Q19.12.
pub fn dense(input: &[i64], weights: &[i8], bias: &[i32], multipliers: &[Multiplier]) -> Vec<i64> {
    weights
        .chunks_exact(input.len())
        .zip(bias)
        .zip(multipliers)
        .map(|((row, &bias), &multiplier)| requantize(accumulator(dot(row, input) + i64::from(bias)), multiplier))
        .collect()
}
