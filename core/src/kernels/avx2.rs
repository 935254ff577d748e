//! Products on an x86-64 processor with AVX2, found at run time: 16 products in one instruction (VPMADDWD), requantisation of 8 sums at once.
//!
//! Safe code: pulp's token proves that the processor has the instructions.

use bytemuck::cast;
use pulp::NullaryFnOnce;
use pulp::x86::V3;

use super::conv2d::Conv2d;
use super::matrix::{Products, Work, block_len};
use crate::quant::Multipliers;

/// The processor has AVX2.
#[derive(Clone, Copy)]
pub struct Avx2(V3);

/// Brings the bytes of each word of packed weights back into the order of the columns.
const IN_ORDER: [u8; 16] = [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15];

/// Brings the lowest bytes of four words together.
const LOW_BYTES: [u8; 16] = [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12];

/// Two sums for each of four rows, of neighbours in a row.
type Sums = core::arch::x86_64::__m256i;

impl Avx2 {
    /// None where the processor lacks it.
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

    /// A group of weights as int16, in the order of the columns.
    #[inline(always)]
    fn weights(self, group: &[u8; 16]) -> Sums {
        let ordered = self.0.ssse3._mm_shuffle_epi8(cast(*group), cast(IN_ORDER));
        self.0.avx2._mm256_cvtepi8_epi16(ordered)
    }

    /// Adds the products of a group with four values.
    #[inline(always)]
    fn add(self, sums: Sums, weights: Sums, quad: &[i16; 4]) -> Sums {
        let x = self.0.avx._mm256_set1_epi64x(cast(*quad));
        self.0.avx2._mm256_add_epi32(sums, self.0.avx2._mm256_madd_epi16(weights, x))
    }

    /// Sums of four rows for each of two vectors, the first's in front.
    #[inline(always)]
    fn join(self, first: Sums, second: Sums) -> Sums {
        self.0.avx2._mm256_permute4x64_epi64::<0b11_01_10_00>(self.0.avx2._mm256_hadd_epi32(first, second))
    }

    /// Both vectors' sums with a block, over whole groups.
    #[inline(always)]
    fn pair_sums(self, block: &[u8], pair: &[i16]) -> Sums {
        let (mut first, mut second) = (cast([0i32; 8]), cast([0i32; 8]));
        let (groups, _) = block.as_chunks::<16>();
        let (pairs, _) = pair.as_chunks::<8>();
        for (group, pair) in groups.iter().zip(pairs) {
            let weights = self.weights(group);
            if let [x_first, x_second] = pair.as_chunks::<4>().0 {
                first = self.add(first, weights, x_first);
                second = self.add(second, weights, x_second);
            }
        }
        self.join(first, second)
    }

    /// [`crate::quant::requantize`] of four rows for two vectors.
    #[inline(always)]
    fn requantize(self, sums: Sums, mantissa: Sums, shift: Sums) -> Sums {
        let avx2 = self.0.avx2;
        let even = avx2._mm256_mul_epi32(sums, mantissa);
        let odd = avx2._mm256_mul_epi32(avx2._mm256_srli_epi64::<32>(sums), avx2._mm256_srli_epi64::<32>(mantissa));
        let high = avx2._mm256_blend_epi32::<0b1010_1010>(avx2._mm256_srli_epi64::<32>(even), odd);
        let one = cast([1i32; 8]);
        let half = avx2._mm256_sllv_epi32(one, avx2._mm256_sub_epi32(shift, one));
        avx2._mm256_srav_epi32(avx2._mm256_add_epi32(high, half), shift)
    }

    /// Four numbers, for two vectors.
    #[inline(always)]
    fn twice(self, numbers: &[[u8; 4]; 4]) -> Sums {
        self.0.avx2._mm256_broadcastsi128_si256(cast(*numbers))
    }
}

impl Products for Avx2 {
    #[inline(always)]
    fn four_rows(self, block: &[u8], x: &[i16]) -> [i32; 4] {
        let zero: Sums = cast([0i32; 8]);
        // Two chains of additions, for they are what takes time.
        let (mut even, mut odd) = (zero, zero);
        let (two_groups, _) = block.as_chunks::<32>();
        let (octets, rest) = x.as_chunks::<8>();
        for (groups, octet) in two_groups.iter().zip(octets) {
            if let ([first, second], [x_first, x_second]) = (groups.as_chunks::<16>().0, octet.as_chunks::<4>().0) {
                even = self.add(even, self.weights(first), x_first);
                odd = self.add(odd, self.weights(second), x_second);
            }
        }
        let last_groups = block.get(32 * octets.len()..).unwrap_or_default().as_chunks::<16>().0;
        for (group, values) in last_groups.iter().zip(rest.chunks(4)) {
            let mut quad = [0; 4];
            quad.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
            even = self.add(even, self.weights(group), &quad);
        }
        let [a, b, c, d, ..]: [i32; 8] = cast(self.join(self.0.avx2._mm256_add_epi32(even, odd), zero));
        [a, b, c, d]
    }

    #[inline(always)]
    fn four_rows_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; 4]; 2] {
        cast(self.pair_sums(block, pair))
    }

    #[inline(always)]
    fn convolve(self, conv: &Conv2d<'_>, pair: &[i16], first: &mut [i8], second: &mut [i8]) {
        let Multipliers { mantissa, shift } = conv.multipliers;
        let (avx2, zero_point) = (self.0.avx2, cast([i32::from(conv.output_zero_point); 8]));
        let (first_quads, first_rest) = first.as_chunks_mut::<4>();
        let (second_quads, _) = second.as_chunks_mut::<4>();
        if !first_rest.is_empty() || first_quads.len() != second_quads.len() {
            return self.convolve_by_rows(conv, pair, first, second);
        }
        let rows = conv.bias.as_chunks::<4>().0.iter().zip(mantissa.as_chunks::<4>().0).zip(shift.as_chunks::<4>().0);
        let outputs = first_quads.iter_mut().zip(second_quads);
        let blocks = conv.weights.chunks_exact(block_len(pair.len() / 2).max(1));
        for ((block, ((bias, mantissa), shift)), (first, second)) in blocks.zip(rows).zip(outputs) {
            let sums = avx2._mm256_add_epi32(self.pair_sums(block, pair), self.twice(bias));
            let shift = avx2._mm256_cvtepu8_epi32(cast([*shift, *shift, [0; 4], [0; 4]]));
            let codes = avx2._mm256_add_epi32(self.requantize(sums, self.twice(mantissa), shift), zero_point);
            let codes = avx2._mm256_min_epi32(avx2._mm256_max_epi32(codes, zero_point), cast([127i32; 8]));
            let [a, _, _, _, b, ..]: [[i8; 4]; 8] = cast(avx2._mm256_shuffle_epi8(codes, cast([LOW_BYTES; 2])));
            (*first, *second) = (a, b);
        }
    }
}
