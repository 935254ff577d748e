//! Fixed-point numbers: an integer `n` in `Qm.f` stands for `n · 2⁻ᶠ`.
//!
//! Two formats meet in the LSTM, both 16 bits wide, and a mix-up would compile. So each has a type. Slices of hidden
//! state stay `[i16]`, documented as Q0.15: they are cut out of the caller's memory and enter matrix products as they
//! are.

/// A number in `[-8, 8)` in steps of 2⁻¹²: what enters a sigmoid or tanh.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Q3_12(pub i16);

/// A number in `[-1, 1)` in steps of 2⁻¹⁵: what leaves a sigmoid or tanh, and a hidden state.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Q0_15(pub i16);

impl Q3_12 {
    /// `value` in steps of 2⁻¹², limited to the range.
    pub(crate) fn saturating(value: i32) -> Self {
        Self(value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16)
    }
}

/// `floor(x · w / 2¹⁶)` for a `w` of 16 bits.
pub(crate) fn multiply_high(x: i32, w: i32) -> i32 {
    if cfg!(short_multiply) {
        // The processor has no product of 64 bits. The product of the upper half is exact, so only that of the lower
        // half is rounded.
        (x >> 16) * w + (((x & 0xffff) * w) >> 16)
    } else {
        ((i64::from(x) * i64::from(w << 16)) >> 32) as i32
    }
}
