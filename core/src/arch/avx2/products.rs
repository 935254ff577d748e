//! Products and codes of rows: 16 products in one instruction (VPMADDWD), requantisation of eight sums at once.

use bytemuck::cast;

use super::super::portable;
use super::super::rows::CodeRows;
use super::token::{Avx2, Vector};
use crate::packed::block_len;
use crate::quant::Multipliers;

/// A shuffle that puts the bytes of each packed word into the order of the columns.
const IN_ORDER: [u8; 16] = [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15];

/// A shuffle of eight values: the first pair four times in the lower half, the third pair in the upper.
const FIRST_PAIRS: [u8; 32] =
    [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11];

/// The same for the second pair and the fourth.
const SECOND_PAIRS: [u8; 32] =
    [4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15];

/// A shuffle that joins the lowest bytes of four words.
const LOW_BYTES: [u8; 16] = [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12];

/// Two sums for each of four rows: one of the even pairs of columns, one of the odd.
type Sums = Vector;

impl Avx2 {
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

    /// The sums of four rows for two vectors: those of the first vector, then those of the second.
    #[inline(always)]
    fn join(self, first: Sums, second: Sums) -> Sums {
        self.0.avx2._mm256_permute4x64_epi64::<0b11_01_10_00>(self.0.avx2._mm256_hadd_epi32(first, second))
    }

    /// The sums of a block with both vectors of a pair, over whole groups.
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

    /// The same for two blocks: the vectors are read once for both.
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

    /// Four numbers in each half.
    #[inline(always)]
    fn twice(self, numbers: &[[u8; 4]; 4]) -> Sums {
        self.0.avx2._mm256_broadcastsi128_si256(cast(*numbers))
    }

    /// The products of a block of four rows with one vector.
    #[inline(always)]
    pub fn products(self, block: &[u8], x: &[i16]) -> [i32; 4] {
        let avx2 = self.0.avx2;
        // In a word of weights the low bytes of its halves are columns 0 and 1, the high bytes columns 2 and 3. Each
        // pair of columns has its own chain of additions.
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

    /// The products of a block of four rows with both vectors of a pair.
    #[inline(always)]
    pub fn products_of_pair(self, block: &[u8], pair: &[i16]) -> [[i32; 4]; 2] {
        cast(self.pair_sums(block, pair))
    }

    /// The codes of rows for both vectors of a pair, or for the first alone.
    #[inline(always)]
    pub fn codes_of_pair(self, rows: &CodeRows<'_>, pair: &[i16], outputs: &mut [i8]) {
        let Multipliers { mantissa, shift } = rows.multipliers;
        let (avx2, zero_point) = (self.0.avx2, cast([i32::from(rows.zero_point); 8]));
        let (first, second) = outputs.split_at_mut_checked(rows.len()).unwrap_or_default();
        let (first_quads, first_rest) = first.as_chunks_mut::<4>();
        let (second_quads, _) = second.as_chunks_mut::<4>();
        if !first_rest.is_empty() || first_quads.len() != second_quads.len() {
            return portable::codes(rows, pair, outputs, |block, pair| self.products_of_pair(block, pair));
        }
        let mut blocks = rows.weights.chunks_exact(block_len(pair.len() / 2).max(1));
        let rows = rows.bias.as_chunks::<4>().0.iter().zip(mantissa.as_chunks::<4>().0).zip(shift.as_chunks::<4>().0);
        let mut outputs = rows.zip(first_quads.iter_mut().zip(second_quads));
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
