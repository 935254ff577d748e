//! The arithmetic of any processor.

use super::super::arithmetic::{Arithmetic, Kernels};
use super::super::cell::advance;
use super::super::fft::{Frame, power_spectrum};
use super::super::rows::{CodeRows, GateRows};
use super::convolution::{codes, widen};
use super::fft::butterflies;
use super::lstm::lstm;
use super::maximum::raise;
use super::products::{four_rows, four_rows_of_pair};

/// Any processor.
#[derive(Clone, Copy)]
pub struct Portable;

impl Arithmetic for Portable {
    const SMALL: bool = false;

    type CodeRows<'m> = &'m CodeRows<'m>;

    #[inline(always)]
    fn kernels(self) -> Kernels {
        Kernels::Portable
    }

    #[inline(always)]
    fn four_rows(self, block: &[u8], x: &[i16]) -> [i32; 4] {
        four_rows(block, x)
    }

    #[inline(always)]
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; 4]; 2] {
        four_rows_of_pair(block, pair)
    }

    #[inline(always)]
    fn code_rows<'m>(self, rows: &'m CodeRows<'m>, _: usize) -> &'m CodeRows<'m> {
        rows
    }

    #[inline(always)]
    fn codes(self, rows: &Self::CodeRows<'_>, pair: &mut [i16], outputs: &mut [i8]) {
        codes(rows, pair, outputs, four_rows_of_pair);
    }

    #[inline(always)]
    fn codes_of_squares(self, _: &Self::CodeRows<'_>, _: &[[i8; 4]; 3], _: &mut [i8]) -> bool {
        false
    }

    #[inline(always)]
    fn widen(self, pair: &mut [i16], codes: &[i8], offset: usize) -> bool {
        widen(pair, codes, offset);
        true
    }

    #[inline(always)]
    fn raise(self, maximum: &mut [i8], codes: &[i8]) {
        raise(maximum, codes);
    }

    #[inline(always)]
    fn lstm(self, rows: &GateRows<'_>, x: &[i16], hidden: &[i16], cells: &mut [i32], next_hidden: &mut [i16]) {
        lstm(rows, [x, hidden], cells, next_hidden, four_rows, |gates, cells, next_hidden| {
            let units = cells.iter_mut().zip(next_hidden);
            gates.iter().zip(units).for_each(|(gates, (cell, hidden))| advance(*gates, cell, hidden));
        });
    }

    #[inline(always)]
    fn power_spectrum(self, frame: Frame<'_>) {
        power_spectrum(frame, butterflies);
    }
}
