//! Products of one vector: SMLAD is two products an instruction.

use core::mem::MaybeUninit;

use super::assembly::{aligned, processor};
use crate::packed::{SIDE, fits};

/// Four columns of four rows and one vector: r0 weights, r1 vector, r4 to r7 sums. Overwrites r3, r8 to r12
/// and lr. 18 instructions for 16 products.
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

/// The products of a packed block of four rows with `x`. None if the data is not aligned to 4 bytes, the length of the
/// vector is no multiple of 4, or the block is too short.
pub fn four_rows(block: &[u8], x: &[i16]) -> Option<[i32; 4]> {
    if !aligned(block) || !aligned(x) || !x.len().is_multiple_of(4) || !fits(SIDE, x.len(), block.len()) {
        return None;
    }
    let mut sums = MaybeUninit::<[i32; 4]>::uninit();
    // SAFETY: both slices are aligned and hold the groups. The kernel reads nothing else and writes all four sums.
    unsafe {
        multiply(block.as_ptr(), x.as_ptr(), x.len() / 4, sums.as_mut_ptr());
        Some(sums.assume_init())
    }
}

/// Adds the products of r2 groups: first the remainder, then four groups a round. No instruction of a group touches the
/// flags.
///
/// # Safety
/// For assembly alone. r0 points to weights, readable for 16 bytes a group; r1 to the vector, readable for 4 values a
/// group; both are aligned to 4 bytes; r4 to r7 are the sums. On return r0 and r1 point behind what was read and r2 is
/// 0. r3, r8 to r12 and lr are overwritten.
#[unsafe(naked)]
pub unsafe extern "C" fn add_groups() {
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

/// `sums[r] = Σ_k w[r][k] x[k]` over `groups` groups of four columns.
///
/// # Safety
/// `block` must be readable for 16 bytes a group and `x` for 4 values a group, both aligned to 4 bytes; `sums` must be
/// writable.
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
