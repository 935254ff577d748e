//! The trait between layers and processors. It names plain data only: packed blocks, vectors, pairs, rows, frames.
//!
//! `Model::parse` has proved for every row of weights that its sum can't leave int32 in any order of additions. So each
//! implementation may choose its own order, and all give the same bits.

use super::fft::Frame;
use super::rows::{CodeRows, GateRows};

/// Which arithmetic a program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernels {
    /// Portable Rust.
    Portable,
    /// Assembly for a Cortex-M with the DSP extension.
    ArmDsp,
    /// AVX2 of x86-64.
    Avx2,
}

/// The arithmetic of one processor. A `pair` is two vectors, interleaved as in [`crate::packed`].
pub(crate) trait Arithmetic: Copy {
    /// Whether small code matters more than speed in what this trait does not cover.
    const SMALL: bool;

    /// [`CodeRows`] as the processor takes them: checked once, used for many pairs.
    type CodeRows<'m>: Copy;

    /// The name.
    fn kernels(self) -> Kernels;

    /// The products of a block of four rows with `x`.
    fn four_rows(self, block: &[u8], x: &[i16]) -> [i32; 4];

    /// The products of a block of four rows with both vectors of a pair, columns a multiple of 4.
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; 4]; 2];

    /// Checks rows of this many columns, for [`Arithmetic::codes`].
    fn code_rows<'m>(self, rows: &'m CodeRows<'m>, columns: usize) -> Self::CodeRows<'m>;

    /// The code of each row for both vectors of a pair, `outputs` `[2][rows]`; or for the first vector alone, `[rows]`.
    /// The second vector may be overwritten then.
    fn codes(self, rows: &Self::CodeRows<'_>, pair: &mut [i16], outputs: &mut [i8]);

    /// The codes, `[2][rows]`, of rows with nine columns for two overlapping squares: columns 0 to 2 and columns 1 to 3
    /// of `seen`. False if the processor has no kernel for the data; the outputs are untouched then.
    fn codes_of_squares(self, rows: &Self::CodeRows<'_>, seen: &[[i8; 4]; 3], outputs: &mut [i8]) -> bool;

    /// Widens codes into an interleaved pair, `[2][width]`: the first `width` of `codes` and those from `offset` on,
    /// which are the last `width`. False if the processor has no kernel for the data; the pair is untouched then.
    fn widen(self, pair: &mut [i16], codes: &[i8], offset: usize) -> bool;

    /// Replaces each code of `maximum` by the larger of it and that of `codes`.
    fn raise(self, maximum: &mut [i8], codes: &[i8]);

    /// One step of LSTM units: their new cells, Q7.24, and in `next_hidden` their new hidden state, Q0.15, from the
    /// input `x` and the old `hidden`.
    fn lstm(self, rows: &GateRows<'_>, x: &[i16], hidden: &[i16], cells: &mut [i32], next_hidden: &mut [i16]);

    /// The power spectrum of a frame.
    fn power_spectrum(self, frame: Frame<'_>);
}

/// Work for an [`Arithmetic`]. Its `run` and all that it calls must be inlined, so that the compiler may use the
/// processor's instructions there too.
pub(crate) trait Work {
    /// The result.
    type Output;

    /// Does the work.
    fn run(self, arithmetic: impl Arithmetic) -> Self::Output;
}
