//! Radix-4 butterflies of the FFT.

use super::super::fft::{Complex, Twiddle};
use super::assembly::processor;

/// The radix-4 butterflies of all blocks of `4 len` values at position `k`; the twiddles of `k = 0` are 1. Values that
/// are no whole number of blocks, and a position beyond `len`, never come; they are left as they are.
pub fn butterflies(z: &mut [Complex], len: usize, k: usize, twiddles: [Twiddle; 3]) {
    let block = len.checked_mul(4).filter(|_| k < len);
    if z.is_empty() || block.is_none_or(|block| !z.len().is_multiple_of(block)) {
        return;
    }
    // The cosine in the lower half of a word, the sine in the upper.
    let [w1, w2, w3] = twiddles.map(|Twiddle { cos, sin }| (cos as u32 & 0xffff) | (sin as u32) << 16);
    let first = z.as_mut_ptr().wrapping_add(k);
    let end = first.wrapping_add(z.len());
    // SAFETY: every block has four values from position `k` on, `len` apart. `end` lies all blocks, at least one, after
    // `first`.
    unsafe {
        if k == 0 {
            plain_butterflies(first, 8 * len, end);
        } else {
            turned_butterflies(first, 8 * len, w1, w2, w3, end);
        }
    }
}

/// Radix-4 butterflies without twiddles, in place, on the halves of four values that are `stride` bytes apart. Then the
/// next block, `4 stride` bytes on, until `end`.
///
/// # Safety
/// `end` must lie a positive number of blocks of `4 stride` bytes after `first`, and all values of these blocks must be
/// readable and writable.
#[unsafe(naked)]
unsafe extern "C" fn plain_butterflies(first: *mut Complex, stride: usize, end: *mut Complex) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r4-r11, lr}}",
        "2:",
        "ldrd r5, r6, [r0]",
        "add r0, r0, r1",
        "ldrd r7, r8, [r0]",
        "asr r5, r5, #1",
        "asr r6, r6, #1",
        "sub r9, r5, r7, asr #1",
        "add r5, r5, r7, asr #1",
        "sub r10, r6, r8, asr #1",
        "add r6, r6, r8, asr #1",
        "add r0, r0, r1",
        "ldrd r7, r8, [r0]",
        "add r0, r0, r1",
        "ldrd r11, r12, [r0]",
        "asr r7, r7, #1",
        "asr r8, r8, #1",
        "sub r3, r7, r11, asr #1",
        "add r7, r7, r11, asr #1",
        "sub r4, r8, r12, asr #1",
        "add r8, r8, r12, asr #1",
        // r5, r6 and r9, r10 are sum and difference of the first two, r7, r8 and r3, r4 those of the last two.
        "sub r11, r9, r4",
        "add r12, r10, r3",
        "strd r11, r12, [r0]",
        "sub r0, r0, r1",
        "sub r11, r5, r7",
        "sub r12, r6, r8",
        "strd r11, r12, [r0]",
        "sub r0, r0, r1",
        "add r9, r9, r4",
        "sub r10, r10, r3",
        "strd r9, r10, [r0]",
        "sub r0, r0, r1",
        "add r5, r5, r7",
        "add r6, r6, r8",
        "strd r5, r6, [r0]",
        "add r0, r0, r1, lsl #2",
        "cmp r0, r2",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}

/// [`plain_butterflies`] with twiddles: `w2` for the second value, `w1` for the third, `w3` for the fourth.
///
/// # Safety
/// As [`plain_butterflies`].
#[unsafe(naked)]
unsafe extern "C" fn turned_butterflies(
    first: *mut Complex,
    stride: usize,
    w1: u32,
    w2: u32,
    w3: u32,
    end: *mut Complex,
) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r4-r11, lr}}",
        "ldr r4, [sp, #36]",
        "2:",
        "ldrd r9, r10, [r0]",
        "add r0, r0, r1",
        "ldrd r5, r6, [r0]",
        "smulwb r7, r5, r3",
        "smlawt r7, r6, r3, r7",
        "smulwb r8, r6, r3",
        "rsb r5, r5, #0",
        "smlawt r8, r5, r3, r8",
        "rsb r11, r7, r9, asr #1",
        "add r7, r7, r9, asr #1",
        "rsb r12, r8, r10, asr #1",
        "add r8, r8, r10, asr #1",
        "add r0, r0, r1",
        "ldrd r5, r6, [r0]",
        "smulwb r9, r5, r2",
        "smlawt r9, r6, r2, r9",
        "smulwb r10, r6, r2",
        "rsb r5, r5, #0",
        "smlawt r10, r5, r2, r10",
        "add r0, r0, r1",
        "ldrd r5, r6, [r0]",
        "smulwb lr, r5, r4",
        "smlawt lr, r6, r4, lr",
        "smulwb r6, r6, r4",
        "rsb r5, r5, #0",
        "smlawt r6, r5, r4, r6",
        "sub r5, r9, lr",
        "add r9, r9, lr",
        "sub lr, r10, r6",
        "add r10, r10, r6",
        // r7, r8 and r11, r12 are sum and difference of the first two, r9, r10 and r5, lr those of the last two.
        "sub r6, r11, lr",
        "add r11, r11, lr",
        "add lr, r12, r5",
        "sub r12, r12, r5",
        "strd r6, lr, [r0]",
        "sub r0, r0, r1",
        "sub r5, r7, r9",
        "sub r6, r8, r10",
        "strd r5, r6, [r0]",
        "sub r0, r0, r1",
        "strd r11, r12, [r0]",
        "sub r0, r0, r1",
        "add r7, r7, r9",
        "add r8, r8, r10",
        "strd r7, r8, [r0]",
        "add r0, r0, r1, lsl #2",
        "ldr r5, [sp, #40]",
        "cmp r0, r5",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}
