//! Maxima of codes, for pools.

/// Replaces each code by the larger of it and the other's.
#[inline(always)]
pub fn raise(maximum: &mut [i8], codes: &[i8]) {
    maximum.iter_mut().zip(codes).for_each(|(maximum, code)| *maximum = (*maximum).max(*code));
}
