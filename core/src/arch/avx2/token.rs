//! The proof that the processor has AVX2.

use pulp::NullaryFnOnce;
use pulp::x86::V3;

use super::super::arithmetic::Work;

/// The processor has AVX2. pulp's token proves it, so all code here is safe.
#[derive(Clone, Copy)]
pub struct Avx2(pub V3);

/// 256 bits: eight int32, or four of 64 bits.
pub type Vector = core::arch::x86_64::__m256i;

impl Avx2 {
    /// None where the processor lacks AVX2.
    pub fn try_new() -> Option<Self> {
        V3::try_new().map(Self)
    }

    /// Does the work, compiled for this processor.
    pub fn run<W: Work>(self, work: W) -> W::Output {
        struct Compiled<W>(Avx2, W);
        impl<W: Work> NullaryFnOnce for Compiled<W> {
            type Output = W::Output;

            #[inline(always)]
            fn call(self) -> W::Output {
                self.1.run(self.0)
            }
        }
        self.0.vectorize(Compiled(self, work))
    }
}
