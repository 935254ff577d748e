//! The arithmetic of an x86-64 processor with AVX2, found at run time: for the simulator and training on a workstation.
//!
//! Its twin is [`super::portable`]: tests compare both, and the integers are the same on a device. The code is safe:
//! pulp's token ([`Avx2`]) proves that the processor has the instructions.

mod activation;
mod fft;
mod products;
mod token;

pub use token::Avx2;

use super::arithmetic::{Arithmetic, Kernels};
use super::fft::Frame;
use super::portable;
use super::rows::{CodeRows, GateRows};

impl Arithmetic for Avx2 {
    const SMALL: bool = false;

    type CodeRows<'m> = &'m CodeRows<'m>;

    #[inline(always)]
    fn kernels(self) -> Kernels {
        Kernels::Avx2
    }

    #[inline(always)]
    fn four_rows(self, block: &[u8], x: &[i16]) -> [i32; 4] {
        self.products(block, x)
    }

    #[inline(always)]
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; 4]; 2] {
        self.products_of_pair(block, pair)
    }

    #[inline(always)]
    fn code_rows<'m>(self, rows: &'m CodeRows<'m>, _: usize) -> &'m CodeRows<'m> {
        rows
    }

    #[inline(always)]
    fn codes(self, rows: &Self::CodeRows<'_>, pair: &mut [i16], outputs: &mut [i8]) {
        self.codes_of_pair(rows, pair, outputs);
    }

    #[inline(always)]
    fn codes_of_squares(self, _: &Self::CodeRows<'_>, _: &[[i8; 4]; 3], _: &mut [i8]) -> bool {
        false
    }

    #[inline(always)]
    fn widen(self, pair: &mut [i16], codes: &[i8], offset: usize) -> bool {
        portable::widen(pair, codes, offset);
        true
    }

    #[inline(always)]
    fn raise(self, maximum: &mut [i8], codes: &[i8]) {
        portable::raise(maximum, codes);
    }

    #[inline(always)]
    fn lstm(self, rows: &GateRows<'_>, x: &[i16], hidden: &[i16], cells: &mut [i32], next_hidden: &mut [i16]) {
        let four_rows = |block: &[u8], x: &[i16]| self.products(block, x);
        portable::lstm(rows, [x, hidden], cells, next_hidden, four_rows, |gates, cells, next_hidden| {
            self.advance(gates, cells, next_hidden);
        });
    }

    #[inline(always)]
    fn power_spectrum(self, frame: Frame<'_>) {
        self.frame_spectrum(frame);
    }
}
