//! Products on a Cortex-M with the DSP extension (M4, M7, M33): SMLAD, two products an instruction.
//!
//! The only `unsafe` of this crate. [`super::matrix`] describes the layout, and holds the portable code that gives the same sums.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;

/// Four columns of four rows: r0 weights, r1 vector, r4 to r7 sums; r3, r8 to r12 and lr are used.
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

/// Tells the assembler which processor the instructions are of: it takes a naked function for one of the target's least processor, whatever
/// processor was asked for.
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

/// The products of a block of four packed rows with `x`; None for what the kernel does not take: data that is not aligned to 4 bytes, a vector
/// whose length is no multiple of 4, a block that is too short.
pub fn four_rows(block: &[u8], x: &[i16]) -> Option<[i32; 4]> {
    let aligned = block.as_ptr().addr() % 4 == 0 && x.as_ptr().addr() % 4 == 0;
    if !aligned || x.len() % 4 != 0 || block.len() / 4 < x.len() {
        return None;
    }
    let mut sums = MaybeUninit::<[i32; 4]>::uninit();
    // SAFETY: both slices are aligned and as long as `groups` says; the kernel reads nothing else and writes all four sums.
    unsafe {
        multiply(block.as_ptr(), x.as_ptr(), x.len() / 4, sums.as_mut_ptr());
        Some(sums.assume_init())
    }
}

/// `sums[r] = Σ_k w[r][k] x[k]` over so many groups of four columns; 19 instructions for 16 products.
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
        // Two groups a round, an odd one first. No instruction of a group touches the flags.
        "lsrs r2, r2, #1",
        "bcc 3f",
        group!(),
        "3:",
        "beq 5f",
        "4:",
        group!(),
        group!(),
        "subs r2, r2, #1",
        "bne 4b",
        "5:",
        "pop {{r3}}",
        "stm r3, {{r4-r7}}",
        "pop {{r4-r11, pc}}",
    )
}
