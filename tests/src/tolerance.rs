//! How far a quantity of the core may be from its reference, and why. Integers have no tolerance.

/// One bound: tests take it from here.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// What is compared, with its unit.
    pub quantity: &'static str,
    /// Largest distance allowed.
    pub limit: f64,
    /// Where the limit comes from.
    pub reason: &'static str,
}

/// Share of a frame's amplitude that may be wrong in any band.
pub const SPECTRUM: Tolerance = Tolerance {
    quantity: "square root of a band's power over that of the whole frame",
    limit: 1.5e-6,
    reason: "f32 filter, window and FFT: 11 stages, each rounds twiddle, product and sum by 2^-24 = 6e-8: 3 · 11 / sqrt(2) half units at most",
};

/// Share of a band's power.
pub const BAND_POWER: Tolerance = Tolerance {
    quantity: "power of a band, relative",
    limit: 2e-5,
    reason: "f32 sum of up to 513 products, each addition rounds by 2^-24 of the sum: 3e-5 if all went one way, they do not",
};

/// Decibels.
pub const DECIBEL: Tolerance = Tolerance {
    quantity: "10 log10 of a power, dB",
    limit: 3e-5,
    reason: "one unit of f32 at -128..-64 dB is 7.6e-6: logf, its factor and the power of the floor round once or twice each",
};

/// Mean square of a sine, full scale = 1.
pub const LEVEL: Tolerance = Tolerance {
    quantity: "sum of all bands for a full-scale sine",
    limit: 2e-4,
    reason: "side lobes outside of the mel range, weights of Q0.15, and a frame that holds no whole number of periods",
};

/// A filter's response.
pub const RESPONSE: Tolerance = Tolerance {
    quantity: "gain of the pre-emphasis at a band's centre, dB",
    limit: 0.01,
    reason: "the band weighs the main lobe of the window, over which the gain is not constant",
};

/// Steps of an input code beyond the half of its rounding.
pub const CODE: Tolerance = Tolerance {
    quantity: "32 z before rounding",
    limit: 2e-3,
    reason: "32 · gain times the error in dB, for gains up to 0.2 and bands that hold more than 1e-9 of the frame's power",
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
    /// Panics, naming the quantity and the reason of its limit, when `got` is too far from `wanted`.
    #[track_caller]
    pub fn check(self, got: f64, wanted: f64, place: &str) {
        let distance = (got - wanted).abs();
        assert!(
            distance <= self.limit,
            "{}: {wanted} wanted, {got} came, {distance:e} apart, {:e} allowed ({}); {place}",
            self.quantity,
            self.limit,
            self.reason
        );
    }
}
