//! Convolutions.

use super::super::conv2d::Conv2d;
use super::super::matrix::block_len;
use super::aligned;
use crate::quant::Multipliers;

/// Four columns of two rows and two vectors: r0 weights of the first row, r1 vectors, r4 and r5 the first row's sums,
/// r6 and r7 the second's; r3, r8 to r12 and lr are used. 14 instructions for 16 products.
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

/// The outputs of a convolution at two positions at a time.
pub struct Convolver<'a, 'm> {
    conv: &'a Conv2d<'m>,
    columns: usize,
}

impl<'a, 'm> Convolver<'a, 'm> {
    /// None for what the kernel does not take: parameters that are not aligned to 4 bytes or too short, channels that
    /// are no multiple of 4, an output zero point that is not -128.
    pub fn new(conv: &'a Conv2d<'m>) -> Option<Self> {
        let (channels, columns) = (conv.channels, conv.patch_len().next_multiple_of(4));
        let Multipliers { mantissa, shift } = conv.multipliers;
        let complete = columns > 0
            && channels > 0
            && channels.is_multiple_of(4)
            && conv.weights.len() >= channels / 4 * block_len(columns)
            && conv.bias.len() >= channels
            && mantissa.len() >= channels
            && shift.len() >= channels;
        let all_aligned = aligned(conv.weights) && aligned(conv.bias) && aligned(mantissa);
        (complete && all_aligned && conv.output_zero_point == -128).then_some(Self { conv, columns })
    }

    /// From what the positions see, interleaved, `[2][channels]`, or `[channels]` if both are the same one; false for
    /// what the kernel does not take: data that is not aligned to 4 bytes or of another length.
    pub fn run(&self, pair: &[i16], outputs: &mut [i8]) -> bool {
        let Self { conv, columns } = *self;
        let (channels, all) = (conv.channels, outputs.len());
        if pair.len() != 2 * columns || (all != channels && all != 2 * channels) || !aligned(pair) {
            return false;
        }
        let first = outputs.as_mut_ptr();
        let mut job = Convolution {
            weights: conv.weights.as_ptr(),
            pair: pair.as_ptr(),
            groups: columns / 4,
            to_third_row: 8usize.wrapping_sub(4 * columns),
            to_next_block: 8usize.wrapping_neg(),
            bias: conv.bias.as_ptr(),
            mantissa: conv.multipliers.mantissa.as_ptr(),
            shift: conv.multipliers.shift.as_ptr(),
            first,
            second: first.wrapping_add(all - channels),
            end: first.wrapping_add(channels),
        };
        // SAFETY: the lengths and alignments that `convolve_pair` wants were checked here and in `new`.
        unsafe { convolve_pair(&mut job) };
        true
    }

    /// For a convolution of three rows and three bands of one channel, from the four codes of each row around the
    /// positions, `[2][channels]`; false for what the kernel does not take: another convolution, one position alone.
    pub fn run_3x3(&self, seen: &[[i8; 4]; 3], outputs: &mut [i8]) -> bool {
        let Self { conv, columns } = *self;
        if conv.patch_len() != 9 || columns != 12 || outputs.len() != 2 * conv.channels {
            return false;
        }
        let job = SingleChannel {
            bias: conv.bias.as_ptr(),
            mantissa: conv.multipliers.mantissa.as_ptr(),
            shift: conv.multipliers.shift.as_ptr(),
            first: outputs.as_mut_ptr(),
            channels: conv.channels,
            end: outputs.as_mut_ptr().wrapping_add(conv.channels),
            weights: conv.weights.as_ptr(),
        };
        // SAFETY: the lengths and alignments that `convolve_3x3` wants were checked here and in `new`.
        unsafe { convolve_3x3(seen, &job) };
        true
    }
}

/// What [`convolve_3x3`] reads and writes; it knows the order of the fields.
#[repr(C)]
struct SingleChannel {
    bias: *const [u8; 4],
    mantissa: *const [u8; 4],
    shift: *const u8,
    first: *mut i8,
    channels: usize,
    end: *mut i8,
    weights: *const u8,
}

/// One row of a block of nine columns, at two positions: r0 weights, r2 to r10 what the positions see, in pairs, the
/// stack as [`convolve_3x3`] has it; r1, r11, r12 and lr are used.
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

/// As [`convolve_pair`], for the nine columns of three rows and bands of one channel; all that two positions see stays
/// in registers.
///
/// # Safety
/// The rows, from `first` to `end`, are to be a positive multiple of 4; `weights` readable for 12 bytes a row, bias,
/// mantissas and shifts for one a row;
/// `first`, and what is `channels` behind it, writable for one a row; weights, bias and mantissas aligned to 4 bytes.
#[unsafe(naked)]
unsafe extern "C" fn convolve_3x3(seen: *const [[i8; 4]; 3], job: *const SingleChannel) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r4-r11, lr}}",
        "ldm r1, {{r2-r8}}",
        // The stack: bias 0, mantissa 4, shift 8, first 12, channels 16, end 20, weights 24.
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
        // Columns 0 and 1, 2 and 3, 4 and 5, 6 and 7 of the first and of the second position; the last of both.
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

/// What [`convolve_pair`] reads and writes, and moves on; it knows the order of the fields.
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
/// ASRS leaves the last bit that it shifts out in the carry, which is what rounding adds: `(h >> s) - 127 - (1 -
/// carry)` is the code before the clamp.
///
/// # Safety
/// `groups` and the rows, which are those of the outputs from `first` to `end`, are to be positive, the rows a multiple
/// of 4; `weights` readable for 4 bytes a group and row, `pair` for 8 values a group, bias, mantissas and shifts for
/// one a row, both outputs writable for one a row; all but outputs and shifts aligned to 4 bytes. After two rows the
/// weights are to move by `to_third_row` bytes, after two more by `to_next_block`.
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
        // The third and fourth row of a block stand behind the first two, then comes the next block: the moves take
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

/// Writes the codes that two neighbouring positions see of a row into an interleaved pair: `codes` begins with the
/// first's and ends with the second's, which begin `channels` later; false for what the kernel does not take: data that
/// is not aligned to 4 bytes, lengths that are no multiple of 4 or do not fit.
pub fn widen(pair: &mut [i16], codes: &[i8], channels: usize) -> bool {
    let Some(width) = codes.len().checked_sub(channels) else { return false };
    if width == 0
        || !width.is_multiple_of(4)
        || !channels.is_multiple_of(4)
        || pair.len() != 2 * width
        || !aligned(pair)
        || !aligned(codes)
    {
        return false;
    }
    // SAFETY: there are `width` codes from the first and from `channels` on, room for as many of both, at least one
    // group; all is aligned.
    unsafe { widen_groups(codes.as_ptr(), pair.as_mut_ptr(), width / 4, channels) };
    true
}

/// Four codes become four int16, and behind them as many that stand `second` bytes after the first.
///
/// # Safety
/// `groups` is to be positive; `codes` and what is `second` bytes behind it readable for 4 bytes a group, `to` writable
/// for 8 values; all aligned to 4 bytes.
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
