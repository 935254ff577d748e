//! A layer with its parameters, its need of memory, and the proof that its accumulators can't overflow.

use crate::kernels::{Conv2d, Dense, Flatten, LastStep, Lstm, MaxPool, TimeMean};
use crate::packed::magnitude_sum;
use crate::quant::Multipliers;
use crate::spec::Layer;

/// One layer, ready to run.
#[derive(Clone, Copy, Debug)]
pub enum LayerParams<'m> {
    /// Convolution and ReLU.
    Conv2d(Conv2d<'m>),
    /// Max pool.
    MaxPool(MaxPool),
    /// All rows joined into one.
    Flatten(Flatten),
    /// LSTM.
    Lstm(Lstm<'m>),
    /// Mean over time.
    TimeMean(TimeMean),
    /// Last row.
    LastStep(LastStep),
    /// Dense.
    Dense(Dense<'m>),
}

/// Why a layer leaves the fast path of a Cortex-M with the DSP extension: portable code computes the same, about three
/// times as slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowPath {
    /// The model does not begin at a multiple of 4 bytes. [`crate::model!`] puts it there.
    Address,
    /// This number of values of an input row is no multiple of 4.
    Inputs(usize),
    /// This number of units is no multiple of 4.
    Units(usize),
    /// This number of channels is no multiple of 4.
    Channels(usize),
    /// The output's zero point is not -128.
    ZeroPoint(i8),
}

impl core::fmt::Display for SlowPath {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Address => write!(f, "the model is not at a multiple of 4 bytes"),
            Self::Inputs(inputs) => write!(f, "it has {inputs} inputs, no multiple of 4"),
            Self::Units(units) => write!(f, "it has {units} units, no multiple of 4"),
            Self::Channels(channels) => write!(f, "it has {channels} channels, no multiple of 4"),
            Self::ZeroPoint(zero_point) => write!(f, "its zero point is {zero_point}, not -128"),
        }
    }
}

/// Which numbers of a layer are unusable.
#[derive(Clone, Copy)]
pub(super) enum BadNumber {
    Weight,
    Multiplier,
    InputShift,
    Accumulator,
}

impl LayerParams<'_> {
    /// The layer's description.
    pub const fn spec(&self) -> Layer {
        match self {
            LayerParams::Conv2d(conv) => {
                Layer::Conv2d { channels: conv.channels, rows: conv.rows, bands: conv.bands, padding: conv.padding }
            }
            LayerParams::MaxPool(pool) => Layer::MaxPool { rows: pool.rows, bands: pool.bands, overlap: pool.overlap },
            LayerParams::Flatten(flatten) => Layer::Flatten { rows: flatten.rows },
            LayerParams::Lstm(lstm) => Layer::Lstm { hidden: lstm.hidden },
            LayerParams::TimeMean(_) => Layer::TimeMean,
            LayerParams::LastStep(_) => Layer::LastStep,
            LayerParams::Dense(dense) => Layer::Dense { units: dense.units },
        }
    }

    /// Why the layer leaves the fast path of a Cortex-M with the DSP extension, if it does.
    pub fn slow_path(&self) -> Option<SlowPath> {
        let odd = |weights: &[u8]| !weights.as_ptr().addr().is_multiple_of(4);
        let uneven = |len: usize| !len.is_multiple_of(4);
        match self {
            LayerParams::Conv2d(conv) if odd(conv.codes.weights) => Some(SlowPath::Address),
            LayerParams::Conv2d(conv) if uneven(conv.channels) => Some(SlowPath::Channels(conv.channels)),
            LayerParams::Conv2d(conv) if conv.codes.zero_point != -128 => {
                Some(SlowPath::ZeroPoint(conv.codes.zero_point))
            }
            LayerParams::MaxPool(pool) if uneven(pool.input.channels) => Some(SlowPath::Channels(pool.input.channels)),
            LayerParams::Lstm(lstm) if odd(lstm.gates.input_weights) => Some(SlowPath::Address),
            LayerParams::Lstm(lstm) if uneven(lstm.inputs) => Some(SlowPath::Inputs(lstm.inputs)),
            LayerParams::Lstm(lstm) if uneven(lstm.hidden) => Some(SlowPath::Units(lstm.hidden)),
            LayerParams::Dense(dense) if odd(dense.weights) => Some(SlowPath::Address),
            LayerParams::Dense(dense) if uneven(dense.inputs) => Some(SlowPath::Inputs(dense.inputs)),
            LayerParams::Conv2d(_)
            | LayerParams::MaxPool(_)
            | LayerParams::Lstm(_)
            | LayerParams::Dense(_)
            | LayerParams::Flatten(_)
            | LayerParams::TimeMean(_)
            | LayerParams::LastStep(_) => None,
        }
    }

    /// Bytes of the layer's numbers in the file, padding excluded.
    pub const fn file_bytes(&self) -> usize {
        match self {
            LayerParams::Conv2d(conv) => conv.codes.file_bytes(),
            LayerParams::Lstm(lstm) => lstm.gates.file_bytes(),
            LayerParams::Dense(dense) => dense.file_bytes(),
            LayerParams::MaxPool(_) | LayerParams::Flatten(_) | LayerParams::TimeMean(_) | LayerParams::LastStep(_) => {
                0
            }
        }
    }

    /// Bytes of the layer's state between rows, output row included.
    pub const fn state_bytes(&self) -> usize {
        4 * self.state_words()
    }

    /// u32 words of the layer's state between rows, in the layout of the engine.
    pub(crate) const fn state_words(&self) -> usize {
        match self {
            // Position in the ring, ring, output row.
            LayerParams::Conv2d(conv) => 1 + conv.ring_len().div_ceil(4) + conv.output_len().div_ceil(4),
            // Rows in the block, maximum.
            LayerParams::MaxPool(pool) => 1 + pool.maximum_len().div_ceil(4),
            // Rows so far, values.
            LayerParams::Flatten(flatten) => 1 + flatten.output_len().div_ceil(4),
            // Cell, hidden.
            LayerParams::Lstm(lstm) => lstm.hidden + lstm.hidden.div_ceil(2),
            // Rows in the sum, sum.
            LayerParams::TimeMean(mean) => 1 + mean.len,
            // Whether there was a row, the row.
            LayerParams::LastStep(last) => 1 + last.len.div_ceil(2),
            LayerParams::Dense(_) => 0,
        }
    }

    /// Work memory that the layer needs while it runs, u32 words.
    pub(crate) const fn scratch_words(&self) -> usize {
        match self {
            // Two patches; a row of zeros, if the layer needs any behind the last row.
            LayerParams::Conv2d(conv) => {
                let zeros = if conv.rows_behind() > 0 { conv.input.len().div_ceil(4) } else { 0 };
                conv.work_len().div_ceil(2) + zeros
            }
            // Input as int16, new hidden state.
            LayerParams::Lstm(lstm) => lstm.inputs.div_ceil(2) + lstm.hidden.div_ceil(2),
            // The mean.
            LayerParams::TimeMean(mean) => mean.len.div_ceil(2),
            LayerParams::MaxPool(_) | LayerParams::Flatten(_) | LayerParams::LastStep(_) | LayerParams::Dense(_) => 0,
        }
    }

    /// Checks weights, multipliers and accumulators; `input_magnitude` is the largest magnitude of an input code.
    pub(super) const fn check_numbers(&self, input_magnitude: u64) -> Result<(), BadNumber> {
        match self {
            LayerParams::Conv2d(conv) => {
                let codes = &conv.codes;
                check_rows(codes.weights, conv.patch_len(), codes.bias, codes.multipliers, input_magnitude)
            }
            LayerParams::Dense(dense) => {
                check_rows(dense.weights, dense.inputs, dense.bias, dense.multipliers, input_magnitude)
            }
            LayerParams::Lstm(lstm) => check_lstm(lstm, input_magnitude),
            LayerParams::MaxPool(_) | LayerParams::Flatten(_) | LayerParams::TimeMean(_) | LayerParams::LastStep(_) => {
                Ok(())
            }
        }
    }
}

/// Largest magnitude of a hidden state.
pub(super) const HIDDEN_MAGNITUDE: u64 = 1 << 15;
/// Largest magnitude of an int8 code.
pub(super) const CODE_MAGNITUDE: u64 = 1 << 7;

/// Mantissas at least 2³⁰, shifts in `1..=31`.
const fn check_multipliers(multipliers: Multipliers<'_>) -> Result<(), BadNumber> {
    let mut mantissas = multipliers.mantissa;
    while let [mantissa, rest @ ..] = mantissas {
        mantissas = rest;
        if i32::from_le_bytes(*mantissa) < 1 << 30 {
            return Err(BadNumber::Multiplier);
        }
    }
    let mut shifts = multipliers.shift;
    while let [shift, rest @ ..] = shifts {
        shifts = rest;
        if *shift < 1 || *shift > 31 {
            return Err(BadNumber::Multiplier);
        }
    }
    Ok(())
}

/// `Σ|w| · max|x| + |b| < 2³¹` for every row.
const fn check_rows(
    weights: &[u8],
    columns: usize,
    bias: &[[u8; 4]],
    multipliers: Multipliers<'_>,
    input_magnitude: u64,
) -> Result<(), BadNumber> {
    let mut row = 0;
    let mut biases = bias;
    while let [bias, rest @ ..] = biases {
        biases = rest;
        let Some(sum) = magnitude_sum(weights, row, columns) else { return Err(BadNumber::Weight) };
        row += 1;
        if sum * input_magnitude + i32::from_le_bytes(*bias).unsigned_abs() as u64 >= 1 << 31 {
            return Err(BadNumber::Accumulator);
        }
    }
    // The padding of the last block.
    while row % 4 != 0 {
        match magnitude_sum(weights, row, columns) {
            Some(0) => row += 1,
            _ => return Err(BadNumber::Weight),
        }
    }
    check_multipliers(multipliers)
}

/// `Σ|W| · max|x| · 2^input_shift + Σ|R| · 2¹⁵ + |b| < 2³¹` for every row.
const fn check_lstm(lstm: &Lstm<'_>, input_magnitude: u64) -> Result<(), BadNumber> {
    let mut row = 0;
    let gates = &lstm.gates;
    let mut biases = gates.bias;
    let mut shifts = gates.input_shift;
    while let ([bias, other_biases @ ..], [shift, other_shifts @ ..]) = (biases, shifts) {
        biases = other_biases;
        shifts = other_shifts;
        if *shift > 15 {
            return Err(BadNumber::InputShift);
        }
        let Some(input_sum) = magnitude_sum(gates.input_weights, row, lstm.inputs) else {
            return Err(BadNumber::Weight);
        };
        let Some(recurrent_sum) = magnitude_sum(gates.recurrent_weights, row, lstm.hidden) else {
            return Err(BadNumber::Weight);
        };
        row += 1;
        let products = ((input_sum * input_magnitude) << *shift) + recurrent_sum * HIDDEN_MAGNITUDE;
        if products + i32::from_le_bytes(*bias).unsigned_abs() as u64 >= 1 << 31 {
            return Err(BadNumber::Accumulator);
        }
    }
    check_multipliers(gates.multipliers)
}
