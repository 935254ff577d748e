//! Kernels for a Cortex-M with the DSP extension (M4, M7, M33): SMLAD is two products an instruction, SMMUL and SSAT
//! are the requantisation.
//!
//! The only `unsafe` of this crate is here and in the folder below. Each kernel has a portable twin that gives the same
//! bits, in [`super::matrix`] and beside its caller, and takes no more than what its wrapper has checked: where that is
//! not so (data that is not aligned, a last block that is not full) the twin does the work.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;

use super::matrix::block_len;

/// Tells the assembler which processor the instructions are of: it takes a naked function for one of the target's least
/// processor, whatever processor was asked for.
#[cfg(armv8m)]
macro_rules! processor {
    () => {
        ".cpu cortex-m33"
    };
}
#[cfg(not(armv8m))]
macro_rules! processor {
    () => {
        ".cpu cortex-m4"
    };
}

mod convolution;
mod fft;
mod lstm;

pub use convolution::{Convolver, widen};
pub use fft::butterflies;
pub use lstm::Gates;

/// Four columns of four rows and one vector: r0 weights, r1 vector, r4 to r7 sums; r3, r8 to r12 and lr are used. 18
/// instructions for 16 products.
macro_rules! group {
    () => {
        concat!(
            "ldm r0!, {{r8-r11}}\n",
            "ldrd r12, lr, [r1], #8\n",
            "sxtb16 r3, r8\n smlad r4, r3, r12, r4\n sxtb16 r8, r8, ror #8\n smlad r4, r8, lr, r4\n",
            "sxtb16 r3, r9\n smlad r5, r3, r12, r5\n sxtb16 r9, r9, ror #8\n smlad r5, r9, lr, r5\n",
            "sxtb16 r3, r10\n smlad r6, r3, r12, r6\n sxtb16 r10, r10, ror #8\n smlad r6, r10, lr, r6\n",
            "sxtb16 r3, r11\n smlad r7, r3, r12, r7\n sxtb16 r11, r11, ror #8\n smlad r7, r11, lr, r7\n",
        )
    };
}

fn aligned<T>(data: &[T]) -> bool {
    data.as_ptr().addr().is_multiple_of(4)
}

/// The products of a block of four packed rows with `x`; None for what the kernel does not take: data that is not
/// aligned to 4 bytes, a vector whose length is no multiple of 4, a block that is too short.
pub fn four_rows(block: &[u8], x: &[i16]) -> Option<[i32; 4]> {
    if !aligned(block) || !aligned(x) || !x.len().is_multiple_of(4) || block.len() < block_len(x.len()) {
        return None;
    }
    let mut sums = MaybeUninit::<[i32; 4]>::uninit();
    // SAFETY: both slices are aligned and as long as `groups` says; the kernel reads nothing else and writes all four
    // sums.
    unsafe {
        multiply(block.as_ptr(), x.as_ptr(), x.len() / 4, sums.as_mut_ptr());
        Some(sums.assume_init())
    }
}

/// Adds the products of so many groups as r2 says, four a round, what is left of them first. No instruction of a group
/// touches the flags.
///
/// # Safety
/// To be called from assembly alone: r0 weights, readable for 16 bytes a group, r1 vector, for 4 values a group, both
/// aligned to 4 bytes; r4 to r7 sums. r0 and r1 come back behind what was read, r2 as 0; r3, r8 to r12 and lr are used.
#[unsafe(naked)]
unsafe extern "C" fn add_groups() {
    core::arch::naked_asm!(
        processor!(),
        "push {{lr}}",
        "lsrs r2, r2, #1",
        "bcc 3f",
        group!(),
        "3: lsrs r2, r2, #1",
        "bcc 4f",
        group!(),
        group!(),
        "4: beq 6f",
        "5:",
        group!(),
        group!(),
        group!(),
        group!(),
        "subs r2, r2, #1",
        "bne 5b",
        "6: pop {{pc}}",
    )
}

/// `sums[r] = Σ_k w[r][k] x[k]` over so many groups of four columns.
///
/// # Safety
/// `block` is to be readable for 16 bytes a group, `x` for 4 values a group, both aligned to 4 bytes; `sums` writable.
#[unsafe(naked)]
unsafe extern "C" fn multiply(block: *const u8, x: *const i16, groups: usize, sums: *mut [i32; 4]) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r3-r11, lr}}",
        "movs r4, #0",
        "movs r5, #0",
        "movs r6, #0",
        "movs r7, #0",
        "bl {add_groups}",
        "pop {{r3}}",
        "stm r3, {{r4-r7}}",
        "pop {{r4-r11, pc}}",
        add_groups = sym add_groups,
    )
}

/// The larger of two codes each, written over the first; false for what the kernel does not take: data that is not
/// aligned to 4 bytes or no multiple of 4.
pub fn maximum(of: &mut [i8], with: &[i8]) -> bool {
    if of.len() != with.len() || !of.len().is_multiple_of(4) || !aligned(of) || !aligned(with) {
        return false;
    }
    if !of.is_empty() {
        // SAFETY: both are as long as `words` says, at least one, and aligned.
        unsafe { maximum_words(of.as_mut_ptr(), with.as_ptr(), of.len() / 4) };
    }
    true
}

/// # Safety
/// `words` is to be positive, both pointers valid for so many words and aligned to 4 bytes.
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
