//! How far a quantity of the core may be from its reference, and why. Integers have no tolerance: they must be equal.

/// A bound that tests use.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// The compared quantity, with its unit.
    pub quantity: &'static str,
    /// Largest distance allowed.
    pub limit: f64,
    /// Where the limit comes from.
    pub reason: &'static str,
}

/// Error of a band's amplitude, as a share of the frame's amplitude.
pub const SPECTRUM: Tolerance = Tolerance {
    quantity: "square root of a band's power over that of the whole frame",
    limit: 1.4e-4,
    reason: "twiddles of Q0.15, both parts rounded by up to 2^-16: 2.2e-5 of a value's amplitude in each of at most 6 passes",
};

/// Error of a band's amplitude that any frame may have.
pub const SAMPLE: Tolerance = Tolerance {
    quantity: "square root of a band's power, full scale = 1",
    limit: 3.2e-5,
    reason: "samples are halved and rounded: at most one PCM step each, so that the error's mean square is at most 2^-30; the transform rounds far below",
};

/// A level, in dB.
pub const DECIBEL: Tolerance = Tolerance {
    quantity: "10 log10 of a power, dB",
    limit: 0.0052,
    reason: "half of 1/128 dB is 0.0039; the logarithms of power and window are each too small by up to 0.0002 octaves, 0.0006 dB",
};

/// The level of digital silence.
pub const FLOOR: Tolerance = Tolerance {
    quantity: "10 log10 of the floor, dB",
    limit: 0.012,
    reason: "the floor is a whole number of steps of a band's sum, and -150 dBFS are about 430 steps: half a step is 0.005 dB",
};

/// Log-mel rows of speech and noise.
pub const LOG_MEL_RMS: Tolerance = Tolerance {
    quantity: "error of log-mel rows, dB RMS",
    limit: 0.05,
    reason: "an input code counts about 0.3 dB, and the error is at most a sixth of a code",
};

/// Mean square of a sine, full scale = 1.
pub const LEVEL: Tolerance = Tolerance {
    quantity: "sum of all bands for a full-scale sine",
    limit: 1e-3,
    reason: "rounding to 1/128 dB is 4.5e-4 of a half, twiddles round too; side lobes outside the mel range and a frame that does not hold a whole number of periods: 2e-4",
};

/// The response of the pre-emphasis.
pub const RESPONSE: Tolerance = Tolerance {
    quantity: "gain of the pre-emphasis at a band's centre, dB",
    limit: 0.02,
    reason: "the band weighs the main lobe of the window, over which the gain is not constant; both levels are rounded to 1/128 dB",
};

/// tanh.
pub const TANH: Tolerance = Tolerance {
    quantity: "tanh, Q0.15 LSB",
    limit: 0.615,
    reason: "half for the last rounding, the rest for quadratic interpolation over 1/16 with third derivatives up to 2",
};

/// Sigmoid.
pub const SIGMOID: Tolerance = Tolerance {
    quantity: "sigmoid, Q0.15 LSB",
    limit: 0.562,
    reason: "half for the last rounding; the interpolation's error is half of that of tanh, whose value is halved",
};

/// Softmax.
pub const PROBABILITY: Tolerance = Tolerance {
    quantity: "a probability",
    limit: 1e-5,
    reason: "f32: an exponent of up to -100 is rounded by 2^-24 of itself, so its power by 6e-6; exp, sum and quotient once each",
};

impl Tolerance {
    /// Panics with the quantity and the reason of its limit if `got` is too far from `wanted`.
    #[track_caller]
    pub fn check(self, got: f64, wanted: f64, place: &str) {
        let distance = (got - wanted).abs();
        assert!(
            distance <= self.limit,
            "{}: wanted {wanted}, {got} came, {distance:e} apart, {:e} allowed ({}); {place}",
            self.quantity,
            self.limit,
            self.reason
        );
    }
}
