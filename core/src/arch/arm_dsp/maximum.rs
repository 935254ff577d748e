//! Maxima of codes, for pools.

use super::assembly::{aligned, processor};

/// Replaces each code of `of` by the larger of it and that of `with`. False if the data is not aligned to 4 bytes, its
/// length is no multiple of 4, or the lengths differ; then nothing is written.
pub fn maximum(of: &mut [i8], with: &[i8]) -> bool {
    if of.len() != with.len() || !of.len().is_multiple_of(4) || !aligned(of) || !aligned(with) {
        return false;
    }
    if !of.is_empty() {
        // SAFETY: both are aligned and hold the words, at least one.
        unsafe { maximum_words(of.as_mut_ptr(), with.as_ptr(), of.len() / 4) };
    }
    true
}

/// Four codes at a time: SSUB8 compares, SEL chooses.
///
/// # Safety
/// `words` must be positive, and both pointers valid for this number of words and aligned to 4 bytes.
#[unsafe(naked)]
unsafe extern "C" fn maximum_words(of: *mut i8, with: *const i8, words: usize) {
    core::arch::naked_asm!(
        processor!(),
        "2:",
        "ldr r3, [r0]",
        "ldr r12, [r1], #4",
        "ssub8 r3, r3, r12",
        "ldr r3, [r0]",
        "sel r3, r3, r12",
        "str r3, [r0], #4",
        "subs r2, r2, #1",
        "bne 2b",
        "bx lr",
    )
}
