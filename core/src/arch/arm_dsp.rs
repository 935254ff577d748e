//! The arithmetic of a Cortex-M with the DSP extension (M4, M7, M33), chosen when the crate is compiled: SMLAD is two
//! products an instruction, SMMUL and SSAT are the requantisation.
//!
//! Its twin is [`super::portable`], which gives the same bits. The wrapper of each kernel checks alignment and lengths;
//! the small code in `fallback` does what a kernel does not take. `firmware-sim device --kernels` compares both in an
//! emulator. The only `unsafe` of this crate is in this folder.
#![allow(unsafe_code)]

mod assembly;
mod convolution;
mod fallback;
mod fft;
mod lstm;
mod maximum;
mod products;

use super::arithmetic::{Arithmetic, Kernels};
use super::cell::advance;
use super::fft::{Frame, power_spectrum};
use super::portable;
use super::rows::{CodeRows, GateRows};
use convolution::Convolver;
use lstm::Gates;

/// A Cortex-M with the DSP extension.
#[derive(Clone, Copy)]
pub struct ArmDsp;

impl Arithmetic for ArmDsp {
    const SMALL: bool = true;

    type CodeRows<'m> = Convolver<'m>;

    #[inline(always)]
    fn kernels(self) -> Kernels {
        Kernels::ArmDsp
    }

    #[inline(always)]
    fn four_rows(self, block: &[u8], x: &[i16]) -> [i32; 4] {
        products::four_rows(block, x).unwrap_or_else(|| fallback::four_rows(block, x))
    }

    #[inline(always)]
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; 4]; 2] {
        portable::four_rows_of_pair(block, pair)
    }

    #[inline(always)]
    fn code_rows<'m>(self, rows: &'m CodeRows<'m>, columns: usize) -> Convolver<'m> {
        Convolver::new(rows, columns)
    }

    #[inline(always)]
    fn codes(self, rows: &Convolver<'_>, pair: &mut [i16], outputs: &mut [i8]) {
        if outputs.len() == rows.rows().len() {
            // The kernel always takes two vectors: the first stands for the second too.
            for [first, second] in pair.as_chunks_mut::<4>().0.as_chunks_mut::<2>().0 {
                *second = *first;
            }
        }
        if !rows.run(pair, outputs) {
            fallback::codes(rows.rows(), pair, outputs);
        }
    }

    #[inline(always)]
    fn codes_of_squares(self, rows: &Convolver<'_>, seen: &[[i8; 4]; 3], outputs: &mut [i8]) -> bool {
        rows.run_3x3(seen, outputs)
    }

    #[inline(always)]
    fn widen(self, pair: &mut [i16], codes: &[i8], offset: usize) -> bool {
        convolution::widen(pair, codes, offset)
    }

    #[inline(always)]
    fn raise(self, maximum: &mut [i8], codes: &[i8]) {
        if !maximum::maximum(maximum, codes) {
            portable::raise(maximum, codes);
        }
    }

    #[inline(always)]
    fn lstm(self, rows: &GateRows<'_>, x: &[i16], hidden: &[i16], cells: &mut [i32], next_hidden: &mut [i16]) {
        match Gates::new(rows, cells.len(), x, hidden) {
            Some(gates) => {
                for ((gates, cell), next_hidden) in gates.zip(cells).zip(next_hidden) {
                    advance(gates, cell, next_hidden);
                }
            }
            None => fallback::lstm(rows, [x, hidden], cells, next_hidden),
        }
    }

    #[inline(always)]
    fn power_spectrum(self, frame: Frame<'_>) {
        power_spectrum(frame, fft::butterflies);
    }
}
