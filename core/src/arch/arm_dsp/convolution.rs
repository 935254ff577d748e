//! Codes of rows for two vectors at a time, as convolutions need them.

use super::super::rows::CodeRows;
use super::assembly::{aligned, processor};
use crate::packed::fits;
use crate::quant::Multipliers;

/// Four columns of two rows and two vectors: r0 weights of the first row, r1 vectors, r4 and r5 sums of the first row,
/// r6 and r7 of the second. Overwrites r3, r8 to r12 and lr. 14 instructions for 16 products.
macro_rules! pair_group {
    () => {
        concat!(
            "ldm r1!, {{r10-r12, lr}}\n",
            "ldrd r8, r9, [r0], #16\n",
            "sxtb16 r3, r8\n smlad r4, r3, r10, r4\n smlad r5, r3, r12, r5\n",
            "sxtb16 r8, r8, ror #8\n smlad r4, r8, r11, r4\n smlad r5, r8, lr, r5\n",
            "sxtb16 r3, r9\n smlad r6, r3, r10, r6\n smlad r7, r3, r12, r7\n",
            "sxtb16 r9, r9, ror #8\n smlad r6, r9, r11, r6\n smlad r7, r9, lr, r7\n",
        )
    };
}

/// Rows, and whether the kernels take them.
#[derive(Clone, Copy)]
pub struct Convolver<'m> {
    rows: &'m CodeRows<'m>,
    /// Columns of the matrix, padding included.
    columns: usize,
    taken: bool,
}

impl<'m> Convolver<'m> {
    /// The kernels do not take rows if a parameter is not aligned to 4 bytes or too short, the number of rows is no
    /// multiple of 4, or the zero point is not -128.
    #[inline(always)]
    pub fn new(rows: &'m CodeRows<'m>, columns: usize) -> Self {
        let len = rows.len();
        let Multipliers { mantissa, shift } = rows.multipliers;
        let complete = columns > 0
            && len > 0
            && len.is_multiple_of(4)
            && fits(len, columns, rows.weights.len())
            && mantissa.len() >= len
            && shift.len() >= len;
        let all_aligned = aligned(rows.weights) && aligned(rows.bias) && aligned(mantissa);
        let taken = complete && all_aligned && rows.zero_point == -128;
        Self { rows, columns: if taken { columns.next_multiple_of(4) } else { 0 }, taken }
    }

    /// The rows.
    #[inline(always)]
    pub fn rows(&self) -> &'m CodeRows<'m> {
        self.rows
    }

    /// The codes for both vectors of a pair, `[2][rows]`; or `[rows]` if both vectors are equal. False if data is not
    /// aligned to 4 bytes or has another length, or the rows are not taken; then nothing is written.
    #[inline(always)]
    pub fn run(&self, pair: &[i16], outputs: &mut [i8]) -> bool {
        let Self { rows, columns, taken } = *self;
        let (len, all) = (rows.len(), outputs.len());
        if !taken || pair.len() != 2 * columns || (all != len && all != 2 * len) || !aligned(pair) {
            return false;
        }
        let first = outputs.as_mut_ptr();
        let mut job = Convolution {
            weights: rows.weights.as_ptr(),
            pair: pair.as_ptr(),
            groups: columns / 4,
            to_third_row: 8usize.wrapping_sub(4 * columns),
            to_next_block: 8usize.wrapping_neg(),
            bias: rows.bias.as_ptr(),
            mantissa: rows.multipliers.mantissa.as_ptr(),
            shift: rows.multipliers.shift.as_ptr(),
            first,
            second: first.wrapping_add(all - len),
            end: first.wrapping_add(len),
        };
        // SAFETY: `new` and the lines above have checked the lengths and alignments that `convolve_pair` wants.
        unsafe { convolve_pair(&mut job) };
        true
    }

    /// The codes of rows with nine columns for two overlapping squares of three rows: columns 0 to 2 and 1 to 3 of
    /// `seen`; `[2][rows]`. False if the rows or the outputs have another length, or the rows are not taken; then
    /// nothing is written.
    #[inline(always)]
    pub fn run_3x3(&self, seen: &[[i8; 4]; 3], outputs: &mut [i8]) -> bool {
        let Self { rows, columns, taken } = *self;
        if !taken || columns != 12 || outputs.len() != 2 * rows.len() {
            return false;
        }
        let job = SingleChannel {
            bias: rows.bias.as_ptr(),
            mantissa: rows.multipliers.mantissa.as_ptr(),
            shift: rows.multipliers.shift.as_ptr(),
            first: outputs.as_mut_ptr(),
            rows: rows.len(),
            end: outputs.as_mut_ptr().wrapping_add(rows.len()),
            weights: rows.weights.as_ptr(),
        };
        // SAFETY: `new` and the lines above have checked the lengths and alignments that `convolve_3x3` wants.
        unsafe { convolve_3x3(seen, &job) };
        true
    }
}

/// What [`convolve_3x3`] reads and writes. The assembly depends on the order of the fields.
#[repr(C)]
struct SingleChannel {
    bias: *const [u8; 4],
    mantissa: *const [u8; 4],
    shift: *const u8,
    first: *mut i8,
    rows: usize,
    end: *mut i8,
    weights: *const u8,
}

/// One row of nine columns for two squares: r0 weights, r2 to r10 the squares in pairs of columns, the stack of
/// [`convolve_3x3`]. Overwrites r1, r11, r12 and lr.
macro_rules! row_3x3 {
    ($row:literal) => {
        concat!(
            "ldr r1, [sp]\n ldr r12, [r1, #4*",
            $row,
            "]\n mov lr, r12\n",
            "ldr r1, [r0, #4*",
            $row,
            "]\n",
            "sxtb16 r11, r1\n smlad r12, r11, r2, r12\n smlad lr, r11, r3, lr\n",
            "sxtb16 r11, r1, ror #8\n smlad r12, r11, r4, r12\n smlad lr, r11, r5, lr\n",
            "ldr r1, [r0, #16+4*",
            $row,
            "]\n",
            "sxtb16 r11, r1\n smlad r12, r11, r6, r12\n smlad lr, r11, r7, lr\n",
            "sxtb16 r11, r1, ror #8\n smlad r12, r11, r8, r12\n smlad lr, r11, r9, lr\n",
            "ldrsb r1, [r0, #32+4*",
            $row,
            "]\n smlabb r12, r1, r10, r12\n smlabt lr, r1, r10, lr\n",
            "ldrd r1, r11, [sp, #4]\n ldr r1, [r1, #4*",
            $row,
            "]\n ldrb r11, [r11, #",
            $row,
            "]\n",
            "smmul r12, r12, r1\n asrs r12, r12, r11\n sbc r12, r12, #127\n ssat r12, #8, r12\n",
            "smmul lr, lr, r1\n asrs lr, lr, r11\n sbc lr, lr, #127\n ssat lr, #8, lr\n",
            "ldrd r1, r11, [sp, #12]\n strb r12, [r1, #",
            $row,
            "]\n add r1, r1, r11\n strb lr, [r1, #",
            $row,
            "]\n",
        )
    };
}

/// [`convolve_pair`] for rows of nine columns and two overlapping squares, which stay in registers.
///
/// # Safety
/// The number of rows, `end - first`, must be a positive multiple of 4. `weights` must be readable for 12 bytes a row;
/// bias, mantissas and shifts for one a row. `first`, and the address `rows` behind it, must be writable for one byte a
/// row. Weights, bias and mantissas must be aligned to 4 bytes.
#[unsafe(naked)]
unsafe extern "C" fn convolve_3x3(seen: *const [[i8; 4]; 3], job: *const SingleChannel) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r4-r11, lr}}",
        "ldm r1, {{r2-r8}}",
        // The stack: bias 0, mantissa 4, shift 8, first 12, rows 16, end 20, weights 24.
        "push {{r2-r8}}",
        "ldrsb r2, [r0]",
        "ldrsb r3, [r0, #1]",
        "ldrsb r4, [r0, #2]",
        "ldrsb r5, [r0, #3]",
        "ldrsb r6, [r0, #4]",
        "ldrsb r7, [r0, #5]",
        "ldrsb r8, [r0, #6]",
        "ldrsb r9, [r0, #7]",
        "ldrsb r10, [r0, #8]",
        "ldrsb r11, [r0, #9]",
        "ldrsb r12, [r0, #10]",
        "ldrsb r1, [r0, #11]",
        // Columns 0 and 1, 2 and 3, 4 and 5, 6 and 7 of the first and of the second square; the last of both.
        "pkhbt r2, r2, r3, lsl #16",
        "pkhbt r3, r3, r4, lsl #16",
        "pkhbt r4, r4, r6, lsl #16",
        "pkhbt r5, r5, r7, lsl #16",
        "pkhbt r6, r7, r8, lsl #16",
        "pkhbt r7, r8, r9, lsl #16",
        "pkhbt r8, r10, r11, lsl #16",
        "pkhbt r9, r11, r12, lsl #16",
        "pkhbt r10, r12, r1, lsl #16",
        "ldr r0, [sp, #24]",
        "2:",
        row_3x3!(0),
        row_3x3!(1),
        row_3x3!(2),
        row_3x3!(3),
        "add r0, r0, #48",
        "ldrd r1, r11, [sp]",
        "add r1, r1, #16",
        "add r11, r11, #16",
        "strd r1, r11, [sp]",
        "ldrd r1, r11, [sp, #8]",
        "add r1, r1, #4",
        "add r11, r11, #4",
        "strd r1, r11, [sp, #8]",
        "ldr r12, [sp, #20]",
        "cmp r11, r12",
        "bne 2b",
        "add sp, sp, #28",
        "pop {{r4-r11, pc}}",
    )
}

/// What [`convolve_pair`] reads and writes, and advances. The assembly depends on the order of the fields.
#[repr(C)]
struct Convolution {
    weights: *const u8,
    pair: *const i16,
    groups: usize,
    to_third_row: usize,
    to_next_block: usize,
    bias: *const [u8; 4],
    mantissa: *const [u8; 4],
    shift: *const u8,
    first: *mut i8,
    second: *mut i8,
    end: *mut i8,
}

/// For each row and both vectors `clamp(-128 + requantize(Σ_k w[r][k] x[k] + bias[r]), -128, 127)`, two rows at a time.
///
/// ASRS leaves the last bit that it shifts out in the carry, and rounding adds this bit: `(h >> s) - 127 - (1 - carry)`
/// is the code before the clamp.
///
/// # Safety
/// `groups` must be positive. The number of rows, `end - first`, must be a positive multiple of 4. `weights` must be
/// readable for 4 bytes a group and row, `pair` for 8 values a group, bias, mantissas and shifts for one a row; both
/// outputs must be writable for one a row. All but outputs and shifts must be aligned to 4 bytes. `to_third_row` is the
/// distance in bytes from the end of two rows to the next two of the same block, `to_next_block` that to the next
/// block.
#[unsafe(naked)]
unsafe extern "C" fn convolve_pair(job: *mut Convolution) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r0, r4-r11, lr}}",
        "mov r3, r0",
        "ldr r0, [r3]",
        // r3 is the job: weights 0, pair 4, groups 8, moves of the weights 12 and 16, bias 20, mantissa 24, shift 28,
        // first 32, second 36, end 40.
        "2:",
        // Sums begin as the bias.
        "ldr r1, [r3, #20]",
        "ldrd r4, r6, [r1], #8",
        "str r1, [r3, #20]",
        "mov r5, r4",
        "mov r7, r6",
        "ldrd r1, r2, [r3, #4]",
        "lsrs r2, r2, #1",
        "bcc 3f",
        pair_group!(),
        "3: beq 5f",
        "4:",
        pair_group!(),
        pair_group!(),
        "subs r2, r2, #1",
        "bne 4b",
        "5:",
        "ldr r3, [sp]",
        "ldrd r1, r2, [r3, #24]",
        "ldrd r8, r9, [r1], #8",
        "ldrb r10, [r2], #1",
        "ldrb r11, [r2], #1",
        "strd r1, r2, [r3, #24]",
        "smmul r4, r4, r8",
        "smmul r5, r5, r8",
        "smmul r6, r6, r9",
        "smmul r7, r7, r9",
        "asrs r4, r4, r10",
        "sbc r4, r4, #127",
        "asrs r5, r5, r10",
        "sbc r5, r5, #127",
        "asrs r6, r6, r11",
        "sbc r6, r6, #127",
        "asrs r7, r7, r11",
        "sbc r7, r7, #127",
        "ssat r4, #8, r4",
        "ssat r5, #8, r5",
        "ssat r6, #8, r6",
        "ssat r7, #8, r7",
        "ldrd r1, r2, [r3, #32]",
        "strb r4, [r1], #1",
        "strb r6, [r1], #1",
        "strb r5, [r2], #1",
        "strb r7, [r2], #1",
        "strd r1, r2, [r3, #32]",
        // Behind the first two rows of a block come its third and fourth, then the next block: the two moves take
        // turns.
        "ldrd r8, r9, [r3, #12]",
        "add r0, r0, r8",
        "strd r9, r8, [r3, #12]",
        "ldr r8, [r3, #40]",
        "cmp r1, r8",
        "bne 2b",
        "pop {{r0, r4-r11, pc}}",
    )
}

/// Widens the first `width` codes and the last `width`, `offset` behind them, into an interleaved pair. False if data
/// is not aligned to 4 bytes or a length is no multiple of 4 or does not fit; then nothing is written.
pub fn widen(pair: &mut [i16], codes: &[i8], offset: usize) -> bool {
    let Some(width) = codes.len().checked_sub(offset) else { return false };
    if width == 0
        || !width.is_multiple_of(4)
        || !offset.is_multiple_of(4)
        || pair.len() != 2 * width
        || !aligned(pair)
        || !aligned(codes)
    {
        return false;
    }
    // SAFETY: there are `width` codes from the first and from `offset` on, at least one group, and the pair has room
    // for both; all is aligned.
    unsafe { widen_groups(codes.as_ptr(), pair.as_mut_ptr(), width / 4, offset) };
    true
}

/// For each group: four codes as int16, then the four codes `second` bytes behind them.
///
/// # Safety
/// `groups` must be positive. `codes`, and the address `second` bytes behind it, must be readable for 4 bytes a group;
/// `to` must be writable for 8 values a group; all must be aligned to 4 bytes.
#[unsafe(naked)]
unsafe extern "C" fn widen_groups(codes: *const i8, to: *mut i16, groups: usize, second: usize) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r4-r6, lr}}",
        "2:",
        "ldr r6, [r0, r3]",
        "ldr r5, [r0], #4",
        "sxtb16 r12, r5",
        "sxtb16 r5, r5, ror #8",
        "pkhbt r4, r12, r5, lsl #16",
        "pkhtb r5, r5, r12, asr #16",
        "sxtb16 lr, r6",
        "sxtb16 r12, r6, ror #8",
        "pkhbt r6, lr, r12, lsl #16",
        "pkhtb r12, r12, lr, asr #16",
        "stm r1!, {{r4-r6, r12}}",
        "subs r2, r2, #1",
        "bne 2b",
        "pop {{r4-r6, pc}}",
    )
}
