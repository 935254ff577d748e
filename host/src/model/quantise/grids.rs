//! The grids that a layer's codes lie on.

/// Codes per unit of a hidden state.
pub(super) const HIDDEN_STEPS: f64 = 32768.0;
/// Fraction bits of an LSTM gate before its activation.
pub(super) const GATE_FRACTION_BITS: i32 = 12;

/// Scale and zero point of the codes that enter a layer, and their largest magnitude.
#[derive(Clone, Copy)]
pub(super) struct Input {
    pub(super) scale: f64,
    pub(super) zero_point: i8,
    pub(super) magnitude: u64,
}

/// Largest magnitude of an int8 code.
pub(super) const CODE_MAGNITUDE: u64 = 1 << 7;

/// The mean of int8 codes: 128 steps for each, without a zero point.
pub(super) const fn mean_of(codes: Input) -> Input {
    Input { scale: codes.scale / 128.0, zero_point: 0, magnitude: 1 << 15 }
}

/// The codes that an LSTM passes on to the next layer.
pub(super) const HIDDEN_INPUT: Input = Input { scale: 1.0 / HIDDEN_STEPS, zero_point: 0, magnitude: 1 << 15 };
