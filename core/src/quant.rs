//! Affine int8 quantisation and its one rounding rule.
//!
//! A real value `r` and its code `q` are related by `r = scale · (q - zero_point)`: the zero point is the code of 0.
//! All of it is in integers, so host and target produce the same bits.

/// A real factor in `[2⁻³³, 2⁻²)`: `mantissa · 2^-(32 + shift)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    mantissa: i32,
    shift: u8,
}

impl Multiplier {
    /// A multiplier from its parts; None unless `mantissa` is at least 2³⁰ and `shift` in `1..=31`.
    pub const fn new(mantissa: i32, shift: u8) -> Option<Self> {
        if mantissa >= 1 << 30 && shift >= 1 && shift <= 31 { Some(Self { mantissa, shift }) } else { None }
    }

    /// From the bytes of a model file. Parsing has checked them.
    pub(crate) fn read(mantissa: [u8; 4], shift: u8) -> Self {
        // A checked file never reaches the limits. They tell the compiler that the shift can't overflow.
        Self { mantissa: i32::from_le_bytes(mantissa), shift: shift.clamp(1, 31) }
    }

    /// At least 2³⁰.
    pub const fn mantissa(self) -> i32 {
        self.mantissa
    }

    /// In `1..=31`.
    pub const fn shift(self) -> u8 {
        self.shift
    }
}

/// Moves an accumulator onto another grid: `round(acc · multiplier)`, saturated to `i32`.
///
/// Rounds once, ties towards positive infinity: `(hi32(acc · m) + 2^(s-1)) >> s` is exactly
/// `floor(acc · m / 2^(32+s) + 1/2)`, since the bits that `hi32` cuts off can't carry past the bits that the shift
/// drops. With `|hi32| < 2³⁰` the sum can't overflow.
pub const fn requantize(acc: i32, multiplier: Multiplier) -> i32 {
    let high = ((acc as i64 * multiplier.mantissa as i64) >> 32) as i32;
    (high + (1 << (multiplier.shift - 1))) >> multiplier.shift
}

/// Multipliers of the rows of a weight matrix, little-endian as in the model file. Parsing has checked them.
#[derive(Clone, Copy, Debug)]
pub struct Multipliers<'m> {
    /// i32, each at least 2³⁰.
    pub mantissa: &'m [[u8; 4]],
    /// Each in `1..=31`.
    pub shift: &'m [u8],
}

impl<'m> Multipliers<'m> {
    /// Whether there are multipliers for this many rows.
    pub(crate) const fn cover(&self, rows: usize) -> bool {
        self.mantissa.len() >= rows && self.shift.len() >= rows
    }

    /// The multipliers from a row on.
    pub fn skip(self, rows: usize) -> Self {
        Self {
            mantissa: self.mantissa.get(rows..).unwrap_or_default(),
            shift: self.shift.get(rows..).unwrap_or_default(),
        }
    }

    /// The multipliers in the order of the rows.
    pub fn iter(self) -> impl Iterator<Item = Multiplier> + 'm {
        self.mantissa.iter().zip(self.shift).map(|(mantissa, shift)| Multiplier::read(*mantissa, *shift))
    }
}
