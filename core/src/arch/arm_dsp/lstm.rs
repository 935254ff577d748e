//! The gates of LSTM units.

use core::marker::PhantomData;

use super::super::rows::GateRows;
use super::assembly::{aligned, processor};
use super::products::add_groups;
use crate::fixed::Q3_12;
use crate::packed::fits;
use crate::quant::Multipliers;

/// The gates of LSTM units, unit by unit.
pub struct Gates<'a> {
    next: Unit,
    left: usize,
    of: PhantomData<&'a [i16]>,
}

impl<'a> Gates<'a> {
    /// None if data is not aligned to 4 bytes, the length of a vector is no multiple of 4, or a parameter is too short.
    pub fn new(rows: &GateRows<'a>, units: usize, x: &'a [i16], hidden: &'a [i16]) -> Option<Self> {
        let Multipliers { mantissa, shift } = rows.multipliers;
        let len = 4 * units;
        let long_enough = fits(len, x.len(), rows.input_weights.len())
            && fits(len, hidden.len(), rows.recurrent_weights.len())
            && rows.bias.len() >= len
            && mantissa.len() >= len
            && shift.len() >= len
            && rows.input_shift.len() >= len;
        let weights_aligned =
            aligned(rows.input_weights) && aligned(rows.recurrent_weights) && aligned(x) && aligned(hidden);
        let rows_aligned = aligned(rows.bias) && aligned(mantissa) && aligned(shift) && aligned(rows.input_shift);
        if !long_enough
            || !weights_aligned
            || !rows_aligned
            || !x.len().is_multiple_of(4)
            || !hidden.len().is_multiple_of(4)
        {
            return None;
        }
        let next = Unit {
            w: rows.input_weights.as_ptr(),
            x: x.as_ptr(),
            x_groups: x.len() / 4,
            r: rows.recurrent_weights.as_ptr(),
            hidden: hidden.as_ptr(),
            hidden_groups: hidden.len() / 4,
            input_shift: rows.input_shift.as_ptr(),
            bias: rows.bias.as_ptr(),
            mantissa: mantissa.as_ptr(),
            shift: shift.as_ptr(),
        };
        Some(Self { next, left: units, of: PhantomData })
    }
}

impl Iterator for Gates<'_> {
    type Item = [Q3_12; 4];

    fn next(&mut self) -> Option<[Q3_12; 4]> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `new` has checked the lengths and alignments that `lstm_gates` wants, for `left` units.
        let gates = unsafe { lstm_gates(&mut self.next) };
        Some([gates, gates >> 16, gates >> 32, gates >> 48].map(|gate| Q3_12(gate as i16)))
    }
}

/// What [`lstm_gates`] reads, and advances to the next unit. The assembly depends on the order of the fields.
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

/// For each of four rows `saturate(requantize((Σ W x << input_shift) + Σ R h + bias))`, int16. The first row is in the
/// lowest 16 bits of the result. A shift of ARM takes the lowest byte of a register, so a word of four shifts moves
/// down by a byte from row to row.
///
/// # Safety
/// `w` must be readable for 16 bytes and `x` for 4 values for each of `x_groups`, likewise `r` and `hidden` for
/// `hidden_groups`, and the others for four values; all must be aligned to 4 bytes.
#[unsafe(naked)]
unsafe extern "C" fn lstm_gates(unit: *mut Unit) -> u64 {
    core::arch::naked_asm!(
        processor!(),
        "push {{r0, r4-r11, lr}}",
        "ldm r0, {{r0-r2}}",
        "movs r4, #0",
        "movs r5, #0",
        "movs r6, #0",
        "movs r7, #0",
        "bl {add_groups}",
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
        "bl {add_groups}",
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
        "pkhbt r0, r4, r5, lsl #16",
        "pkhbt r1, r6, r7, lsl #16",
        "pop {{r3-r11, pc}}",
        add_groups = sym add_groups,
    )
}
