//! Products on an x86-64 processor with AVX2, found at run time: 16 products in one instruction (VPMADDWD),
//! requantisation of 8 sums at once.
//!
//! Safe code: pulp's token proves that the processor has the instructions.

use bytemuck::cast;
use pulp::NullaryFnOnce;
use pulp::x86::V3;

use super::conv2d::Conv2d;
use super::lstm::{UNITS_AT_A_TIME, advance, next_cell};
use super::matrix::{Products, Work, block_len};
use crate::activation::TANH;
use crate::quant::Multipliers;

/// The processor has AVX2.
#[derive(Clone, Copy)]
pub struct Avx2(V3);

/// Brings the bytes of each word of packed weights back into the order of the columns.
const IN_ORDER: [u8; 16] = [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15];

/// Of eight values in each half of a vector: four times the first pair in the lower half, the third in the upper.
const FIRST_PAIRS: [u8; 32] =
    [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11];

/// The second pair and the fourth.
const SECOND_PAIRS: [u8; 32] =
    [4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15];

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
        for (group, pair) in block.as_chunks::<16>().0.iter().zip(pair.as_chunks::<8>().0) {
            let weights = self.weights(group);
            if let [x_first, x_second] = pair.as_chunks::<4>().0 {
                first = self.add(first, weights, x_first);
                second = self.add(second, weights, x_second);
            }
        }
        self.join(first, second)
    }

    /// The same with two blocks, for which what the vectors hold is read but once.
    #[inline(always)]
    fn pair_sums_of_two(self, [a, b]: [&[u8]; 2], pair: &[i16]) -> [Sums; 2] {
        let zero: Sums = cast([0i32; 8]);
        let [mut a_first, mut a_second, mut b_first, mut b_second] = [zero; 4];
        for ((a, b), pair) in a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0).zip(pair.as_chunks::<8>().0) {
            let (a, b) = (self.weights(a), self.weights(b));
            if let [x_first, x_second] = pair.as_chunks::<4>().0 {
                a_first = self.add(a_first, a, x_first);
                a_second = self.add(a_second, a, x_second);
                b_first = self.add(b_first, b, x_first);
                b_second = self.add(b_second, b, x_second);
            }
        }
        [self.join(a_first, a_second), self.join(b_first, b_second)]
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

impl Avx2 {
    /// See [`crate::activation`], of whose table four neighbours are read for each of eight values.
    #[inline(always)]
    fn tanh_magnitude<const SEGMENT_BITS: i32>(self, x: Sums) -> Sums {
        let (avx2, one) = (self.0.avx2, 1 << SEGMENT_BITS);
        let magnitude = avx2._mm256_abs_epi32(x);
        let fraction = avx2._mm256_and_si256(magnitude, cast([one - 1; 8]));
        let segments: [u32; 8] = cast(avx2._mm256_srli_epi32::<SEGMENT_BITS>(magnitude));
        let neighbours = |lane: usize| -> [i32; 4] {
            let from = segments.get(lane).and_then(|segment| TANH.get(*segment as usize..));
            from.and_then(|from| from.first_chunk()).copied().unwrap_or_default()
        };
        let [a, b, c, d]: [Sums; 4] = [0, 1, 2, 3].map(|lane| cast([neighbours(lane), neighbours(lane + 4)]));
        let (ab_low, ab_high) = (avx2._mm256_unpacklo_epi32(a, b), avx2._mm256_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (avx2._mm256_unpacklo_epi32(c, d), avx2._mm256_unpackhi_epi32(c, d));
        let (before, here) = (avx2._mm256_unpacklo_epi64(ab_low, cd_low), avx2._mm256_unpackhi_epi64(ab_low, cd_low));
        let (next, after) =
            (avx2._mm256_unpacklo_epi64(ab_high, cd_high), avx2._mm256_unpackhi_epi64(ab_high, cd_high));
        let slope = avx2._mm256_sub_epi32(next, here);
        let curvature = avx2._mm256_sub_epi32(avx2._mm256_sub_epi32(after, next), avx2._mm256_sub_epi32(here, before));
        let bow = avx2._mm256_mullo_epi32(fraction, avx2._mm256_sub_epi32(cast([one; 8]), fraction));
        let correction =
            avx2._mm256_sra_epi32(avx2._mm256_mullo_epi32(bow, curvature), cast([i64::from(SEGMENT_BITS) + 2, 0]));
        let line = avx2
            ._mm256_add_epi32(avx2._mm256_slli_epi32::<SEGMENT_BITS>(here), avx2._mm256_mullo_epi32(fraction, slope));
        avx2._mm256_sub_epi32(line, correction)
    }

    /// See [`crate::activation::tanh`].
    #[inline(always)]
    fn tanh(self, x: Sums) -> Sums {
        let avx2 = self.0.avx2;
        let rounded =
            avx2._mm256_srai_epi32::<14>(avx2._mm256_add_epi32(self.tanh_magnitude::<8>(x), cast([1 << 13; 8])));
        avx2._mm256_sign_epi32(avx2._mm256_min_epi32(rounded, cast([i32::from(i16::MAX); 8])), x)
    }

    /// See [`crate::activation::sigmoid`].
    #[inline(always)]
    fn sigmoid(self, x: Sums) -> Sums {
        let avx2 = self.0.avx2;
        let half = avx2._mm256_srai_epi32::<16>(avx2._mm256_add_epi32(self.tanh_magnitude::<9>(x), cast([1 << 15; 8])));
        let value = avx2._mm256_add_epi32(avx2._mm256_sign_epi32(half, x), cast([1 << 14; 8]));
        avx2._mm256_max_epi32(avx2._mm256_min_epi32(value, cast([i32::from(i16::MAX); 8])), cast([0i32; 8]))
    }

    /// Eight units, see [`super::lstm::advance`].
    #[inline(always)]
    fn advance_units(self, gates: &[[i16; 4]; 8], cells: &mut [i32; 8], hidden: &mut [i16; 8]) {
        let avx2 = self.0.avx2;
        let [input, forget, candidate, output] =
            [0, 1, 2, 3].map(|gate: usize| -> Sums { cast(gates.map(|gates| i32::from(gates[gate]))) });
        let [inputs, forgets, candidates]: [[i32; 8]; 3] =
            [self.sigmoid(input), self.sigmoid(forget), self.tanh(candidate)].map(cast);
        for (cell, ((input, forget), candidate)) in
            cells.iter_mut().zip(inputs.into_iter().zip(forgets).zip(candidates))
        {
            *cell = next_cell(input as i16, forget as i16, candidate as i16, *cell);
        }
        let half = 1 << 11;
        let rounded =
            avx2._mm256_add_epi32(avx2._mm256_min_epi32(cast(*cells), cast([i32::MAX - half; 8])), cast([half; 8]));
        let cell = avx2._mm256_srai_epi32::<12>(rounded);
        let (least, most) = (cast([i32::from(i16::MIN); 8]), cast([i32::from(i16::MAX); 8]));
        let squashed = self.tanh(avx2._mm256_max_epi32(avx2._mm256_min_epi32(cell, most), least));
        let product = avx2._mm256_mullo_epi32(self.sigmoid(output), squashed);
        let values: [i32; 8] = cast(avx2._mm256_srai_epi32::<15>(avx2._mm256_add_epi32(product, cast([1 << 14; 8]))));
        hidden.iter_mut().zip(values).for_each(|(to, value)| *to = value as i16);
    }
}

impl Products for Avx2 {
    #[inline(always)]
    fn advance(self, gates: &[[i16; 4]; UNITS_AT_A_TIME], cells: &mut [i32], hidden: &mut [i16]) {
        match (<&mut [i32; 8]>::try_from(&mut *cells), <&mut [i16; 8]>::try_from(&mut *hidden)) {
            (Ok(cells), Ok(hidden)) => self.advance_units(gates, cells, hidden),
            _ => gates
                .iter()
                .zip(cells.iter_mut().zip(hidden))
                .for_each(|(gates, (cell, hidden))| advance(*gates, cell, hidden)),
        }
    }

    #[inline(always)]
    fn four_rows(self, block: &[u8], x: &[i16]) -> [i32; 4] {
        let avx2 = self.0.avx2;
        // Of a word the lower bytes of its halves are columns 0 and 1, the upper ones 2 and 3; a chain of additions for
        // each.
        let (mut lower, mut upper): (Sums, Sums) = (cast([0i32; 8]), cast([0i32; 8]));
        let mut add = |groups: [u8; 32], octet: [i16; 8]| {
            let groups = cast(groups);
            let x = avx2._mm256_broadcastsi128_si256(cast(octet));
            let lower_weights = avx2._mm256_srai_epi16::<8>(avx2._mm256_slli_epi16::<8>(groups));
            let upper_weights = avx2._mm256_srai_epi16::<8>(groups);
            let lower_products = avx2._mm256_madd_epi16(lower_weights, avx2._mm256_shuffle_epi8(x, cast(FIRST_PAIRS)));
            let upper_products = avx2._mm256_madd_epi16(upper_weights, avx2._mm256_shuffle_epi8(x, cast(SECOND_PAIRS)));
            (lower, upper) =
                (avx2._mm256_add_epi32(lower, lower_products), avx2._mm256_add_epi32(upper, upper_products));
        };
        let (two_groups, last_group) = block.as_chunks::<32>();
        let (octets, rest) = x.as_chunks::<8>();
        two_groups.iter().zip(octets).for_each(|(groups, octet)| add(*groups, *octet));
        if !rest.is_empty() {
            let mut groups = [0; 32];
            let left = two_groups.get(octets.len()).map_or(last_group, |groups| groups);
            groups.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
            let mut octet = [0; 8];
            octet.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            add(groups, octet);
        }
        let [a, b, c, d, e, f, g, h]: [i32; 8] = cast(avx2._mm256_add_epi32(lower, upper));
        [a + e, b + f, c + g, d + h]
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
        let mut outputs = rows.zip(first_quads.iter_mut().zip(second_quads));
        let mut blocks = conv.weights.chunks_exact(block_len(pair.len() / 2).max(1));
        while let Some(block) = blocks.next() {
            let sums = match blocks.next() {
                Some(next) => self.pair_sums_of_two([block, next], pair).map(Some),
                None => [Some(self.pair_sums(block, pair)), None],
            };
            for sums in sums.into_iter().flatten() {
                let Some((((bias, mantissa), shift), (first, second))) = outputs.next() else { return };
                let sums = avx2._mm256_add_epi32(sums, self.twice(bias));
                let shift = avx2._mm256_cvtepu8_epi32(cast([*shift, *shift, [0; 4], [0; 4]]));
                let codes = avx2._mm256_add_epi32(self.requantize(sums, self.twice(mantissa), shift), zero_point);
                let codes = avx2._mm256_min_epi32(avx2._mm256_max_epi32(codes, zero_point), cast([127i32; 8]));
                let [a, _, _, _, b, ..]: [[i8; 4]; 8] = cast(avx2._mm256_shuffle_epi8(codes, cast([LOW_BYTES; 2])));
                (*first, *second) = (a, b);
            }
        }
    }
}
