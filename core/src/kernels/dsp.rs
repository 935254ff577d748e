//! Kernels for a Cortex-M with the DSP extension (M4, M7, M33): SMLAD is two products an instruction, SMMUL and SSAT are the requantisation.
//!
//! The only `unsafe` of this crate. Each kernel has a portable twin that gives the same bits, in [`super::matrix`] and beside its caller, and takes no
//! more than what its wrapper has checked: where that is not so (data that is not aligned, a last block that is not full) the twin does the work.
#![allow(unsafe_code)]

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use super::conv2d::Conv2d;
use super::lstm::Lstm;
use super::matrix::block_len;
use crate::quant::Multipliers;

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

/// Four columns of four rows and one vector: r0 weights, r1 vector, r4 to r7 sums; r3, r8 to r12 and lr are used. 18 instructions for 16 products.
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

/// So many groups as r2 says, four a round, what is left of them first. No instruction of a group touches the flags.
macro_rules! groups {
    () => {
        concat!(
            "lsrs r2, r2, #1\n bcc 3f\n",
            group!(),
            "3: lsrs r2, r2, #1\n bcc 4f\n",
            group!(),
            group!(),
            "4: beq 6f\n",
            "5:\n",
            group!(),
            group!(),
            group!(),
            group!(),
            "subs r2, r2, #1\n bne 5b\n",
            "6:\n",
        )
    };
}

/// Four columns of two rows and two vectors: r0 weights of the first row, r1 vectors, r4 and r5 the first row's sums, r6 and r7 the second's; r3, r8 to
/// r12 and lr are used. 14 instructions for 16 products.
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

fn aligned<T>(data: &[T]) -> bool {
    data.as_ptr().addr() % 4 == 0
}

/// The products of a block of four packed rows with `x`; None for what the kernel does not take: data that is not aligned to 4 bytes, a vector
/// whose length is no multiple of 4, a block that is too short.
pub fn four_rows(block: &[u8], x: &[i16]) -> Option<[i32; 4]> {
    if !aligned(block) || !aligned(x) || x.len() % 4 != 0 || block.len() < block_len(x.len()) {
        return None;
    }
    let mut sums = MaybeUninit::<[i32; 4]>::uninit();
    // SAFETY: both slices are aligned and as long as `groups` says; the kernel reads nothing else and writes all four sums.
    unsafe {
        multiply(block.as_ptr(), x.as_ptr(), x.len() / 4, sums.as_mut_ptr());
        Some(sums.assume_init())
    }
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
        groups!(),
        "pop {{r3}}",
        "stm r3, {{r4-r7}}",
        "pop {{r4-r11, pc}}",
    )
}

/// The outputs of a convolution at two positions, from what these see (interleaved); false for what the kernel does not take: data that is not aligned
/// to 4 bytes, channels that are no multiple of 4, one position, an output zero point that is not -128, parameters that are too short.
pub fn convolve(conv: &Conv2d<'_>, pair: &[i16], first: &mut [i8], second: &mut [i8]) -> bool {
    let (channels, columns) = (conv.channels, pair.len() / 2);
    let Multipliers { mantissa, shift } = conv.multipliers;
    let complete = pair.len() % 8 == 0
        && !pair.is_empty()
        && channels % 4 == 0
        && channels > 0
        && first.len() == channels
        && second.len() == channels
        && conv.weights.len() >= channels / 4 * block_len(columns)
        && conv.bias.len() >= channels
        && mantissa.len() >= channels
        && shift.len() >= channels;
    if !complete || conv.output_zero_point != -128 || !(aligned(conv.weights) && aligned(pair) && aligned(conv.bias) && aligned(mantissa)) {
        return false;
    }
    let mut job = Convolution {
        weights: conv.weights.as_ptr(),
        pair: pair.as_ptr(),
        groups: columns / 4,
        to_third_row: 8usize.wrapping_sub(16 * (columns / 4)),
        to_next_block: 8usize.wrapping_neg(),
        bias: conv.bias.as_ptr(),
        mantissa: mantissa.as_ptr(),
        shift: shift.as_ptr(),
        first: first.as_mut_ptr(),
        second: second.as_mut_ptr(),
        end: first.as_mut_ptr_range().end,
    };
    // SAFETY: the lengths and alignments that `convolve_pair` wants were checked above.
    unsafe { convolve_pair(&mut job) };
    true
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
/// ASRS leaves the last bit that it shifts out in the carry, which is what rounding adds: `(h >> s) - 127 - (1 - carry)` is the code before the clamp.
///
/// # Safety
/// `groups` and the rows, which are those of the outputs from `first` to `end`, are to be positive, the rows a multiple of 4; `weights` readable for 4 bytes a
/// group and row, `pair` for 8 values a group, bias, mantissas and shifts for one a row, both outputs writable for one a row; all but outputs and shifts
/// aligned to 4 bytes. After two rows the weights are to move by `to_third_row` bytes, after two more by `to_next_block`.
#[unsafe(naked)]
unsafe extern "C" fn convolve_pair(job: *mut Convolution) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r0, r4-r11, lr}}",
        "mov r3, r0",
        "ldr r0, [r3]",
        // r3 is the job: weights 0, pair 4, groups 8, moves of the weights 12 and 16, bias 20, mantissa 24, shift 28, first 32, second 36, end 40.
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
        // The third and fourth row of a block stand behind the first two, then comes the next block: the moves take turns.
        "ldrd r8, r9, [r3, #12]",
        "add r0, r0, r8",
        "strd r9, r8, [r3, #12]",
        "ldr r8, [r3, #40]",
        "cmp r1, r8",
        "bne 2b",
        "pop {{r0, r4-r11, pc}}",
    )
}

/// Writes the codes that two neighbouring positions see of a row into an interleaved pair: `codes` begins with the first's and ends with the second's, which
/// begin `channels` later; false for what the kernel does not take: data that is not aligned to 4 bytes, lengths that are no multiple of 4 or do not fit.
pub fn widen(pair: &mut [i16], codes: &[i8], channels: usize) -> bool {
    let Some(width) = codes.len().checked_sub(channels) else { return false };
    if width == 0 || width % 4 != 0 || channels % 4 != 0 || pair.len() != 2 * width || !aligned(pair) || !aligned(codes) {
        return false;
    }
    // SAFETY: there are `width` codes from the first and from `channels` on, room for as many of both, at least one group; all is aligned.
    unsafe { widen_groups(codes.as_ptr(), pair.as_mut_ptr(), width / 4, channels) };
    true
}

/// Four codes become four int16, and behind them as many that stand `second` bytes after the first.
///
/// # Safety
/// `groups` is to be positive; `codes` and what is `second` bytes behind it readable for 4 bytes a group, `to` writable for 8 values; all aligned to 4 bytes.
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

/// The larger of two codes each, written over the first; false for what the kernel does not take: data that is not aligned to 4 bytes or no multiple of 4.
pub fn maximum(of: &mut [i8], with: &[i8]) -> bool {
    if of.len() != with.len() || of.len() % 4 != 0 || !aligned(of) || !aligned(with) {
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

/// The gates of an LSTM's units, one after the other.
pub struct Gates<'a> {
    next: Unit,
    left: usize,
    of: PhantomData<(&'a Lstm<'a>, &'a [i16])>,
}

impl<'a> Gates<'a> {
    /// None for what the kernel does not take: data that is not aligned to 4 bytes, vectors whose lengths are no multiples of 4, parameters that are too
    /// short.
    pub fn new(lstm: &'a Lstm<'_>, x: &'a [i16], hidden: &'a [i16]) -> Option<Self> {
        let Multipliers { mantissa, shift } = lstm.multipliers;
        let (units, rows) = (lstm.hidden, 4 * lstm.hidden);
        let long_enough = lstm.input_weights.len() >= units * block_len(x.len())
            && lstm.recurrent_weights.len() >= units * block_len(hidden.len())
            && lstm.bias.len() >= rows
            && mantissa.len() >= rows
            && shift.len() >= rows
            && lstm.input_shift.len() >= rows;
        let weights_aligned = aligned(lstm.input_weights) && aligned(lstm.recurrent_weights) && aligned(x) && aligned(hidden);
        let rows_aligned = aligned(lstm.bias) && aligned(mantissa) && aligned(shift) && aligned(lstm.input_shift);
        if !long_enough || !weights_aligned || !rows_aligned || x.len() % 4 != 0 || hidden.len() % 4 != 0 {
            return None;
        }
        let next = Unit {
            w: lstm.input_weights.as_ptr(),
            x: x.as_ptr(),
            x_groups: x.len() / 4,
            r: lstm.recurrent_weights.as_ptr(),
            hidden: hidden.as_ptr(),
            hidden_groups: hidden.len() / 4,
            input_shift: lstm.input_shift.as_ptr(),
            bias: lstm.bias.as_ptr(),
            mantissa: mantissa.as_ptr(),
            shift: shift.as_ptr(),
        };
        Some(Self { next, left: units, of: PhantomData })
    }
}

impl Iterator for Gates<'_> {
    type Item = [i16; 4];

    fn next(&mut self) -> Option<[i16; 4]> {
        self.left = self.left.checked_sub(1)?;
        let mut gates = MaybeUninit::<[u32; 2]>::uninit();
        // SAFETY: the lengths and alignments that `lstm_gates` wants were checked for `left` units; it writes all four gates.
        let [first, second] = unsafe {
            lstm_gates(&mut self.next, gates.as_mut_ptr());
            gates.assume_init()
        };
        Some([first as i16, (first >> 16) as i16, second as i16, (second >> 16) as i16])
    }
}

/// What [`lstm_gates`] reads, and moves on to the next unit; it knows the order of the fields.
#[repr(C)]
struct Unit {
    w: *const u8,
    x: *const i16,
    x_groups: usize,
    r: *const u8,
    hidden: *const i16,
    hidden_groups: usize,
    input_shift: *const u8,
    bias: *const [u8; 4],
    mantissa: *const [u8; 4],
    shift: *const u8,
}

/// For each of four rows `saturate(requantize((Σ W x << input_shift) + Σ R h + bias))`, int16. A shift of ARM takes the lowest byte of a register, so that
/// the four shifts of a word are used one after the other as the word moves down.
///
/// # Safety
/// `w` is to be readable for 16 bytes and `x` for 4 values for each of its groups, `r` and `hidden` likewise, the others for four values; all and `gates`
/// aligned to 4 bytes. Of `gates` each word takes two, the first in its lower half.
#[unsafe(naked)]
unsafe extern "C" fn lstm_gates(unit: *mut Unit, gates: *mut [u32; 2]) {
    core::arch::naked_asm!(
        processor!(),
        "push {{r0, r1, r4-r11, lr}}",
        "mov r3, r0",
        "ldm r3, {{r0-r2}}",
        "movs r4, #0",
        "movs r5, #0",
        "movs r6, #0",
        "movs r7, #0",
        groups!(),
        "ldr r12, [sp]",
        "str r0, [r12], #12",
        "ldm r12, {{r0-r2, lr}}",
        "ldr r8, [r12, #16]",
        "ldr r3, [lr], #4",
        "str lr, [r12, #12]",
        "ldm r8!, {{r9-r11, lr}}",
        "str r8, [r12, #16]",
        "lsl r4, r4, r3",
        "lsr r3, r3, #8",
        "lsl r5, r5, r3",
        "lsr r3, r3, #8",
        "lsl r6, r6, r3",
        "lsr r3, r3, #8",
        "lsl r7, r7, r3",
        "add r4, r4, r9",
        "add r5, r5, r10",
        "add r6, r6, r11",
        "add r7, r7, lr",
        groups!(),
        "ldr r12, [sp]",
        "str r0, [r12, #12]",
        "ldrd r0, r1, [r12, #32]",
        "ldr r3, [r1], #4",
        "ldm r0!, {{r8-r11}}",
        "strd r0, r1, [r12, #32]",
        "smmul r4, r4, r8",
        "smmul r5, r5, r9",
        "smmul r6, r6, r10",
        "smmul r7, r7, r11",
        "asrs r4, r4, r3",
        "adc r4, r4, #0",
        "lsr r3, r3, #8",
        "asrs r5, r5, r3",
        "adc r5, r5, #0",
        "lsr r3, r3, #8",
        "asrs r6, r6, r3",
        "adc r6, r6, #0",
        "lsr r3, r3, #8",
        "asrs r7, r7, r3",
        "adc r7, r7, #0",
        "ssat r4, #16, r4",
        "ssat r5, #16, r5",
        "ssat r6, #16, r6",
        "ssat r7, #16, r7",
        "pop {{r0, r1}}",
        "pkhbt r4, r4, r5, lsl #16",
        "pkhbt r6, r6, r7, lsl #16",
        "strd r4, r6, [r1]",
        "pop {{r4-r11, pc}}",
    )
}
