//! Window and FFT, four complex values at a time. The additions and products are those of the portable code, so the
//! bits are the same.

use bytemuck::cast;

use super::super::fft::{CIRCLE, Complex, Frame, QUARTER, input_shift, sine_table, split_bins};
use super::token::{Avx2, Vector};

/// Four complex values, or four products of 64 bits.
type Four = Vector;

/// Most complex values of a frame.
const MAX_VALUES: usize = CIRCLE / 2;

/// Cosines and sines of four neighbouring angles, Q0.15 in 32 bits. The cosine of angle 0 is exactly 1, so halving is a
/// product too.
type Turns = [Complex; 4];

/// The turns of four angles that are `step` apart.
const fn turns(first: usize, step: usize) -> Turns {
    let sine = sine_table();
    let mut turns = [[0; 2]; 4];
    let mut lane = 0;
    while lane < 4 {
        let angle = first + lane * step;
        let at = angle % QUARTER;
        let (sin, cos) = (sine[at] as i32, if angle == 0 { 1 << 15 } else { sine[QUARTER - at] as i32 });
        turns[lane] = match angle / QUARTER {
            0 => [cos, sin],
            1 => [-sin, cos],
            _ => [-cos, -sin],
        };
        lane += 1;
    }
    turns
}

/// The twiddles of a radix-4 pass over transforms of `4 FOURS` values: for each four values those of the third, the
/// second and the fourth part.
const fn pass<const FOURS: usize>() -> [[Turns; 3]; FOURS] {
    let mut table = [[[[0; 2]; 4]; 3]; FOURS];
    let step = CIRCLE / (16 * FOURS);
    let mut four = 0;
    while four < FOURS {
        let mut times = 1;
        while times <= 3 {
            table[four][times - 1] = turns(4 * four * times * step, times * step);
            times += 1;
        }
        four += 1;
    }
    table
}

/// The twiddles of consecutive angles, `first` steps and up.
const fn line<const FOURS: usize>(first: usize, step: usize) -> [Turns; FOURS] {
    let mut table = [[[0; 2]; 4]; FOURS];
    let mut four = 0;
    while four < FOURS {
        table[four] = turns((first + 4 * four) * step, step);
        four += 1;
    }
    table
}

static PASS_OF_1: [[Turns; 3]; 1] = pass();
static PASS_OF_4: [[Turns; 3]; 4] = pass();
static PASS_OF_16: [[Turns; 3]; 16] = pass();
static PASS_OF_64: [[Turns; 3]; 64] = pass();

/// Twiddles of the last pass, of radix 2, over 128 and 512 values.
static LAST_OF_128: [Turns; 16] = line(0, 16);
static LAST_OF_512: [Turns; 64] = line(0, 4);

/// Twiddles that take the spectra of 128 to 1024 complex values apart, from bin 1 on.
static SPLIT_OF_128: [Turns; 15] = line(1, 8);
static SPLIT_OF_256: [Turns; 31] = line(1, 4);
static SPLIT_OF_512: [Turns; 63] = line(1, 2);
static SPLIT_OF_1024: [Turns; 127] = line(1, 1);

impl Avx2 {
    /// The power spectrum of a frame, as [`super::super::fft::power_spectrum`] forms it.
    #[inline(always)]
    pub fn frame_spectrum(self, Frame { pieces, window, spectrum }: Frame<'_>) {
        let Some((nyquist, z)) = spectrum.split_last_mut() else { return };
        let mut values = [[0; 2]; MAX_VALUES];
        window_samples(pieces, window, input_shift(2 * z.len()), values.as_flattened_mut());
        self.first_pass(&values, z);
        for turns in [&PASS_OF_1[..], &PASS_OF_4, &PASS_OF_16, &PASS_OF_64] {
            if 16 * turns.len() <= z.len() {
                self.radix_4_pass(z, turns);
            }
        }
        let (last, split): (&[Turns], &[Turns]) = match z.len() {
            128 => (&LAST_OF_128, &SPLIT_OF_128),
            256 => (&[], &SPLIT_OF_256),
            512 => (&LAST_OF_512, &SPLIT_OF_512),
            _ => (&[], &SPLIT_OF_1024),
        };
        self.radix_2_pass(z, last);
        self.split(z, nyquist, split);
    }

    /// Half of a product, as [`super::super::fft::Twiddle::half_product`]: bits 16 and up of each product. They go into
    /// the lower word for the real part, into the upper word for the imaginary part.
    #[inline(always)]
    fn half_product(self, x: Four, turns: Four) -> Four {
        let avx2 = self.0.avx2;
        let (im, sin) = (avx2._mm256_srli_epi64::<32>(x), avx2._mm256_srli_epi64::<32>(turns));
        let minus_sin = avx2._mm256_sub_epi32(cast([0i32; 8]), sin);
        let real = |product| avx2._mm256_srli_epi64::<16>(product);
        let imaginary = |product| avx2._mm256_slli_epi64::<16>(product);
        let re = avx2._mm256_add_epi32(real(avx2._mm256_mul_epi32(x, turns)), real(avx2._mm256_mul_epi32(im, sin)));
        let im = avx2._mm256_add_epi32(
            imaginary(avx2._mm256_mul_epi32(im, turns)),
            imaginary(avx2._mm256_mul_epi32(x, minus_sin)),
        );
        avx2._mm256_blend_epi32::<0b1010_1010>(re, im)
    }

    #[inline(always)]
    fn halved(self, x: Four) -> Four {
        self.0.avx2._mm256_srai_epi32::<1>(x)
    }

    #[inline(always)]
    fn sum(self, a: Four, b: Four) -> Four {
        self.0.avx2._mm256_add_epi32(a, b)
    }

    #[inline(always)]
    fn difference(self, a: Four, b: Four) -> Four {
        self.0.avx2._mm256_sub_epi32(a, b)
    }

    /// A radix-4 butterfly, as in the portable code.
    #[inline(always)]
    fn butterfly(self, [a, b, c, d]: [Four; 4]) -> [Four; 4] {
        let (t0, t1) = (self.sum(a, b), self.difference(a, b));
        let (t2, t3) = (self.sum(c, d), self.difference(c, d));
        let swapped = self.0.avx2._mm256_shuffle_epi32::<0b10_11_00_01>(t3);
        let turned = self.0.avx2._mm256_sign_epi32(swapped, cast([1, -1, 1, -1, 1, -1, 1, -1]));
        [self.sum(t0, t2), self.sum(t1, turned), self.difference(t0, t2), self.difference(t1, turned)]
    }

    /// The first pass reads the values in their order and writes each block where decimation in time wants it.
    #[inline(always)]
    fn first_pass(self, values: &[Complex], z: &mut [Complex]) {
        let quarter = z.len() / 4;
        let quads = |index: usize| {
            values.get(index * quarter..).and_then(|from| from.get(..quarter)).unwrap_or_default().as_chunks::<4>().0
        };
        let parts = quads(0).iter().zip(quads(1)).zip(quads(2).iter().zip(quads(3)));
        let blocks = z.as_chunks_mut::<4>().0;
        let bits = 32 - quarter.trailing_zeros().clamp(1, 31);
        for (index, ((x0, x2), (x1, x3))) in parts.enumerate() {
            let rows = self.butterfly([*x0, *x1, *x2, *x3].map(|x| self.halved(cast(x))));
            for (lane, block) in self.transposed(rows).into_iter().enumerate() {
                let place = ((4 * index + lane) as u32).reverse_bits() >> bits;
                if let Some(to) = blocks.get_mut(place as usize) {
                    *to = cast(block);
                }
            }
        }
    }

    /// Rows of four complex values to columns.
    #[inline(always)]
    fn transposed(self, [a, b, c, d]: [Four; 4]) -> [Four; 4] {
        let avx2 = self.0.avx2;
        let (ab_even, ab_odd) = (avx2._mm256_unpacklo_epi64(a, b), avx2._mm256_unpackhi_epi64(a, b));
        let (cd_even, cd_odd) = (avx2._mm256_unpacklo_epi64(c, d), avx2._mm256_unpackhi_epi64(c, d));
        [
            avx2._mm256_permute2x128_si256::<0x20>(ab_even, cd_even),
            avx2._mm256_permute2x128_si256::<0x20>(ab_odd, cd_odd),
            avx2._mm256_permute2x128_si256::<0x31>(ab_even, cd_even),
            avx2._mm256_permute2x128_si256::<0x31>(ab_odd, cd_odd),
        ]
    }

    #[inline(always)]
    fn radix_4_pass(self, z: &mut [Complex], turns: &[[Turns; 3]]) {
        for block in z.as_chunks_mut::<4>().0.chunks_exact_mut((4 * turns.len()).max(1)) {
            let Some((first, second)) = block.split_at_mut_checked(2 * turns.len()) else { return };
            let (Some((x0, x1)), Some((x2, x3))) =
                (first.split_at_mut_checked(turns.len()), second.split_at_mut_checked(turns.len()))
            else {
                return;
            };
            let parts = x0.iter_mut().zip(x1).zip(x2.iter_mut().zip(x3));
            for (((x0, x1), (x2, x3)), [w1, w2, w3]) in parts.zip(turns) {
                let turned = [
                    self.halved(cast(*x0)),
                    self.half_product(cast(*x1), cast(*w2)),
                    self.half_product(cast(*x2), cast(*w1)),
                    self.half_product(cast(*x3), cast(*w3)),
                ];
                let [y0, y1, y2, y3] = self.butterfly(turned);
                (*x0, *x1, *x2, *x3) = (cast(y0), cast(y1), cast(y2), cast(y3));
            }
        }
    }

    #[inline(always)]
    fn radix_2_pass(self, z: &mut [Complex], turns: &[Turns]) {
        let Some((first, second)) = z.as_chunks_mut::<4>().0.split_at_mut_checked(turns.len()) else { return };
        for ((x0, x1), turns) in first.iter_mut().zip(second).zip(turns) {
            let (a, b) = (self.halved(cast(*x0)), self.half_product(cast(*x1), cast(*turns)));
            (*x0, *x1) = (cast(self.sum(a, b)), cast(self.difference(a, b)));
        }
    }

    /// `floor((re² + im²) / 2¹²)`.
    #[inline(always)]
    fn power(self, x: Four) -> Four {
        let avx2 = self.0.avx2;
        let im = avx2._mm256_srli_epi64::<32>(x);
        avx2._mm256_srli_epi64::<12>(avx2._mm256_add_epi64(avx2._mm256_mul_epi32(x, x), avx2._mm256_mul_epi32(im, im)))
    }

    #[inline(always)]
    fn reversed(self, x: Four) -> Four {
        self.0.avx2._mm256_permute4x64_epi64::<0b00_01_10_11>(x)
    }

    /// [`split_bins`], which also does the bins that fill no whole four.
    #[inline(always)]
    fn split(self, z: &mut [Complex], nyquist: &mut Complex, turns: &[Turns]) {
        let avx2 = self.0.avx2;
        let fours = turns.len();
        let signs: Four = cast([1, -1, 1, -1, 1, -1, 1, -1]);
        if let Some((_, bins)) = z.split_first_mut()
            && let Some((low, rest)) = bins.split_at_mut_checked(4 * fours)
            && let Some(high) = rest.len().checked_sub(4 * fours).and_then(|middle| rest.get_mut(middle..))
        {
            let high = high.as_chunks_mut::<4>().0.iter_mut().rev();
            for ((x, y), turns) in low.as_chunks_mut::<4>().0.iter_mut().zip(high).zip(turns) {
                let (a, b) = (cast(*x), self.reversed(cast(*y)));
                // The conjugate of b.
                let b = avx2._mm256_sign_epi32(b, signs);
                let even = self.halved(self.sum(a, b));
                let odd = self.half_product(self.difference(a, b), cast(*turns));
                // -i odd.
                let odd = avx2._mm256_sign_epi32(avx2._mm256_shuffle_epi32::<0b10_11_00_01>(odd), signs);
                *x = cast(self.power(self.sum(even, odd)));
                *y = cast(self.reversed(self.power(self.difference(even, odd))));
            }
        }
        split_bins(z, nyquist, 4 * fours);
    }
}

/// The windowed values of a frame, rounded.
#[inline(always)]
fn window_samples(pieces: [&[i16]; 2], window: &[[u8; 2]], shift: u32, values: &mut [i32]) {
    let half_step = (1 << shift) >> 1;
    let product = |sample: i16, weight: &[u8; 2]| {
        (i32::from(sample) * i32::from(i16::from_le_bytes(*weight)) + half_step) >> shift
    };
    let half = window.len().saturating_sub(1);
    let (rising_weights, falling_weights) =
        (window.get(..half).unwrap_or_default(), window.get(1..).unwrap_or_default());
    let mut values = values;
    let mut at = 0;
    for piece in pieces {
        let (rising, falling) = piece.split_at_checked(half.saturating_sub(at)).unwrap_or((piece, &[]));
        let to = values.split_off_mut(..rising.len()).unwrap_or_default();
        let weights = rising_weights.get(at..).unwrap_or_default();
        to.iter_mut().zip(rising).zip(weights).for_each(|((to, sample), weight)| *to = product(*sample, weight));
        at += rising.len();
        let to = values.split_off_mut(..falling.len()).unwrap_or_default();
        let weights = falling_weights.get(..(2 * half).saturating_sub(at)).unwrap_or_default().iter().rev();
        to.iter_mut().zip(falling).zip(weights).for_each(|((to, sample), weight)| *to = product(*sample, weight));
        at += falling.len();
    }
}
