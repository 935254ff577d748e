//! The arithmetic of one processor: products, requantisation, pools and FFT over plain data.
//!
//! ```text
//!        kernels, frontend
//!               │ run_fastest(Work)
//!   ┌───────────┼────────────┐
//! avx2       arm_dsp      portable      one trait, Arithmetic; the same bits from each
//!   └───────────┼────────────┘
//!     rows · cell · fft · packed        plain data and scalar arithmetic that all share
//! ```
//!
//! | processor | code | chosen |
//! |---|---|---|
//! | Cortex-M4 and M7 | `arm_dsp`, assembly | when the crate is compiled, by the target `thumbv7em` |
//! | Cortex-M33, M55, M85 with the DSP extension | the same | by the feature `dsp` or `-Ctarget-cpu=cortex-m33` (`-C target-cpu=…`); not with `-Ctarget-feature=-dsp`. Without any of them the build warns |
//! | x86-64 with AVX2 | `avx2` | at run time, with the feature `std` |
//! | any other | [`portable`] | else |
//!
//! [`kernels`] tells which of them a program has. [`portable`] is the twin that the others are compared with. Nothing here knows a layer: convolution, LSTM and pool
//! stand above, in [`crate::kernels`].

mod arithmetic;
#[cfg(arm_dsp)]
mod arm_dsp;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx2;
mod cell;
mod fft;
pub mod portable;
mod rows;

pub use arithmetic::Kernels;
pub use rows::{CodeRows, GateRows};

pub(crate) use arithmetic::{Arithmetic, Work};
pub(crate) use fft::{Complex, Frame, bin_power};

/// Does the work with the fastest arithmetic of the processor.
pub(crate) fn run_fastest<W: Work>(work: W) -> W::Output {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if let Some(avx2) = avx2::Avx2::try_new() {
        return avx2.run(work);
    }
    #[cfg(arm_dsp)]
    return work.run(arm_dsp::ArmDsp);
    #[cfg(not(arm_dsp))]
    work.run(portable::Portable)
}

/// The arithmetic in use here: by it a firmware can check that it was built for its processor.
pub fn kernels() -> Kernels {
    struct Which;
    impl Work for Which {
        type Output = Kernels;

        #[inline(always)]
        fn run(self, arithmetic: impl Arithmetic) -> Kernels {
            arithmetic.kernels()
        }
    }
    run_fastest(Which)
}

/// The products of a packed block of four rows with the vector `x`, by the fastest arithmetic of the processor.
pub fn four_rows(block: &[u8], x: &[i16]) -> [i32; 4] {
    struct FourRows<'a>(&'a [u8], &'a [i16]);
    impl Work for FourRows<'_> {
        type Output = [i32; 4];

        #[inline(always)]
        fn run(self, arithmetic: impl Arithmetic) -> [i32; 4] {
            arithmetic.four_rows(self.0, self.1)
        }
    }
    run_fastest(FourRows(block, x))
}

/// The products of a packed block of four rows with each vector of an interleaved pair, `[2][columns]`, columns a
/// multiple of 4; by the fastest arithmetic of the processor.
pub fn four_rows_of_pair(block: &[u8], pair: &[i16]) -> [[i32; 4]; 2] {
    struct FourRowsOfPair<'a>(&'a [u8], &'a [i16]);
    impl Work for FourRowsOfPair<'_> {
        type Output = [[i32; 4]; 2];

        #[inline(always)]
        fn run(self, arithmetic: impl Arithmetic) -> [[i32; 4]; 2] {
            arithmetic.four_rows_of_pair(self.0, self.1)
        }
    }
    run_fastest(FourRowsOfPair(block, pair))
}
