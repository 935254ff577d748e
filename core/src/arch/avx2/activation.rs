//! Gates of eight LSTM units at once.

use bytemuck::cast;

use super::super::cell::{advance, next_cell};
use super::token::{Avx2, Vector};
use crate::activation::TANH;
use crate::fixed::{Q0_15, Q3_12};

impl Avx2 {
    /// The magnitude of tanh as in [`crate::activation`]: for each of eight values it reads four neighbours of the
    /// table.
    #[inline(always)]
    fn tanh_magnitude<const SEGMENT_BITS: i32>(self, x: Vector) -> Vector {
        let (avx2, one) = (self.0.avx2, 1 << SEGMENT_BITS);
        let magnitude = avx2._mm256_abs_epi32(x);
        let fraction = avx2._mm256_and_si256(magnitude, cast([one - 1; 8]));
        let segments: [u32; 8] = cast(avx2._mm256_srli_epi32::<SEGMENT_BITS>(magnitude));
        let neighbours = |lane: usize| -> [i32; 4] {
            let from = segments.get(lane).and_then(|segment| TANH.get(*segment as usize..));
            from.and_then(|from| from.first_chunk()).copied().unwrap_or_default()
        };
        let [a, b, c, d]: [Vector; 4] = [0, 1, 2, 3].map(|lane| cast([neighbours(lane), neighbours(lane + 4)]));
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
    fn tanh(self, x: Vector) -> Vector {
        let avx2 = self.0.avx2;
        let rounded =
            avx2._mm256_srai_epi32::<14>(avx2._mm256_add_epi32(self.tanh_magnitude::<8>(x), cast([1 << 13; 8])));
        avx2._mm256_sign_epi32(avx2._mm256_min_epi32(rounded, cast([i32::from(i16::MAX); 8])), x)
    }

    /// See [`crate::activation::sigmoid`].
    #[inline(always)]
    fn sigmoid(self, x: Vector) -> Vector {
        let avx2 = self.0.avx2;
        let half = avx2._mm256_srai_epi32::<16>(avx2._mm256_add_epi32(self.tanh_magnitude::<9>(x), cast([1 << 15; 8])));
        let value = avx2._mm256_add_epi32(avx2._mm256_sign_epi32(half, x), cast([1 << 14; 8]));
        avx2._mm256_max_epi32(avx2._mm256_min_epi32(value, cast([i32::from(i16::MAX); 8])), cast([0i32; 8]))
    }

    /// The new cells and hidden states of at most eight units from their gates, as many units as there are cells.
    #[inline(always)]
    pub fn advance(self, gates: &[[Q3_12; 4]; 8], cells: &mut [i32], hidden: &mut [i16]) {
        match (<&mut [i32; 8]>::try_from(&mut *cells), <&mut [i16; 8]>::try_from(&mut *hidden)) {
            (Ok(cells), Ok(hidden)) => self.advance_eight(gates, cells, hidden),
            _ => {
                let units = cells.iter_mut().zip(hidden);
                gates.iter().zip(units).for_each(|(gates, (cell, hidden))| advance(*gates, cell, hidden));
            }
        }
    }

    /// [`advance`] for eight units.
    #[inline(always)]
    fn advance_eight(self, gates: &[[Q3_12; 4]; 8], cells: &mut [i32; 8], hidden: &mut [i16; 8]) {
        let avx2 = self.0.avx2;
        let [input, forget, candidate, output] =
            [0, 1, 2, 3].map(|gate: usize| -> Vector { cast(gates.map(|gates| i32::from(gates[gate].0))) });
        let [inputs, forgets, candidates]: [[i32; 8]; 3] =
            [self.sigmoid(input), self.sigmoid(forget), self.tanh(candidate)].map(cast);
        for (cell, ((input, forget), candidate)) in
            cells.iter_mut().zip(inputs.into_iter().zip(forgets).zip(candidates))
        {
            let [input, forget, candidate] = [input, forget, candidate].map(|value| Q0_15(value as i16));
            *cell = next_cell(input, forget, candidate, *cell);
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
