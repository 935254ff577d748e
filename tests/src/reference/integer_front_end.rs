//! The front end over a whole utterance, bit for bit as `docs/model-format.md` defines it: in `i128`, with a recursive
//! transform.

use std::f64::consts::TAU;

use super::{FrontEnd, Multiplier};

/// The result of the front end for an utterance, one entry for each frame.
#[derive(Clone, Debug)]
pub struct IntegerAnalysis {
    /// Level of each frame, 1/128 dB.
    pub levels: Vec<i128>,
    /// Log-mel rows, 1/128 dB: `[frame][mel_bands]`.
    pub log_mel: Vec<Vec<i128>>,
    /// Frames that the silence gate lets through, ascending.
    pub kept: Vec<usize>,
    /// Codes of the kept frames: `[kept][mel_bands]`.
    pub rows: Vec<Vec<i8>>,
}

/// Analyses a whole utterance.
pub fn analyse_in_integers(spec: &FrontEnd, samples: &[i16]) -> IntegerAnalysis {
    let filtered = filtered(spec, samples);
    let frames = filtered.windows(usize::from(spec.frame_len)).step_by(usize::from(spec.hop_len));
    let mut sums: Vec<Vec<i128>> = frames.map(|frame| band_sums(spec, frame)).collect();
    if spec.subtraction_tenths > 0 {
        subtract_noise(spec, &mut sums);
    }
    let (log_mel, levels): (Vec<_>, Vec<_>) = sums.iter().map(|sums| log_mel(spec, sums)).unzip();
    let kept = gated(spec, &levels);
    let mut peak = None;
    let rows = kept
        .iter()
        .map(|&frame| {
            let row: &Vec<i128> = &log_mel[frame];
            peak = peak.max(row.iter().max().copied());
            let reference = if spec.level == 0 { 0 } else { peak.unwrap_or(0) };
            let bands = row.iter().zip(&spec.mean).zip(&spec.multipliers);
            bands
                .map(|((band, mean), by)| {
                    requantize((band - reference) * 512 - i128::from(*mean), *by).clamp(-128, 127) as i8
                })
                .collect()
        })
        .collect();
    IntegerAnalysis { levels, log_mel, kept, rows }
}

/// `floor(value · multiplier + 1/2)`.
fn requantize(value: i128, by: Multiplier) -> i128 {
    let bits = 32 + u32::from(by.shift);
    (value * i128::from(by.mantissa) + (1 << (bits - 1))) >> bits
}

fn sixteen_bits(value: i128) -> i128 {
    value.clamp(-32768, 32767)
}

/// Half of the filtered audio, in PCM steps.
fn filtered(spec: &FrontEnd, samples: &[i16]) -> Vec<i128> {
    let q15 = |value: f32| ((f64::from(value) * 32768.0).round() as i128).min(32767);
    let (pole, emphasis) = (q15(spec.dc_block_pole), q15(spec.pre_emphasis));
    let twice = |value: i128, factor: i128| 2 * ((value * factor) >> 16);
    let x: Vec<i128> = samples.iter().map(|&sample| i128::from(sample)).collect();
    let mut before = if pole == 0 { x.first().map_or(0, |first| first << 12) } else { 0 };
    let mut half = Vec::new();
    for n in 0..x.len() {
        let y = if pole == 0 { x[n] << 12 } else { ((x[n] - x[n.saturating_sub(1)]) << 12) + twice(before, pole) };
        let z = y - twice(before, emphasis);
        half.push(sixteen_bits((z + (1 << 12)) >> 13));
        before = y;
    }
    half
}

type Complex = (i128, i128);

fn halved((re, im): Complex) -> Complex {
    (re >> 1, im >> 1)
}

fn sum(a: Complex, b: Complex) -> Complex {
    (a.0 + b.0, a.1 + b.1)
}

fn difference(a: Complex, b: Complex) -> Complex {
    (a.0 - b.0, a.1 - b.1)
}

/// `e^(-2πi k / n)` times a value, halved; the factor 1 is exact.
fn half_turned((re, im): Complex, k: usize, n: usize) -> Complex {
    if k == 0 {
        return halved((re, im));
    }
    let turn = TAU * k as f64 / n as f64;
    let q15 = |value: f64| (value.signum() * (32768.0 * value.abs()).round().min(32767.0)) as i128;
    let (cos, sin) = (q15(turn.cos()), q15(turn.sin()));
    (((re * cos) >> 16) + ((im * sin) >> 16), ((im * cos) >> 16) + ((re * -sin) >> 16))
}

/// The transform of values, input and output in natural order.
fn transform(values: &[Complex]) -> Vec<Complex> {
    let n = values.len();
    if n == 1 {
        return values.to_vec();
    }
    let part =
        |from: usize, step: usize| transform(&values.iter().copied().skip(from).step_by(step).collect::<Vec<_>>());
    let mut result = vec![(0, 0); n];
    if n.trailing_zeros() % 2 == 1 {
        let (even, odd) = (part(0, 2), part(1, 2));
        for k in 0..n / 2 {
            let (a, b) = (halved(even[k]), half_turned(odd[k], k, n));
            (result[k], result[k + n / 2]) = (sum(a, b), difference(a, b));
        }
        return result;
    }
    let parts: Vec<_> = (0..4).map(|from| part(from, 4)).collect();
    for k in 0..n / 4 {
        let [a, c, b, d] = [0, 1, 2, 3].map(|i| half_turned(parts[i][k], i * k, n));
        let minus_i = |(re, im): Complex| (im, -re);
        result[k] = sum(sum(a, b), sum(c, d));
        result[k + n / 4] = sum(difference(a, b), minus_i(difference(c, d)));
        result[k + n / 2] = difference(sum(a, b), sum(c, d));
        result[k + 3 * n / 4] = difference(difference(a, b), minus_i(difference(c, d)));
    }
    result
}

/// `floor(|X|² / 2¹²)` of bins `0 ..= N/2` of a frame padded to `N`.
fn power_spectrum(spec: &FrontEnd, frame: &[i128]) -> Vec<i128> {
    let (len, fft_len) = (frame.len(), usize::from(spec.fft_len));
    let shift = input_shift(fft_len);
    let window = |n: usize| i128::from(spec.window_table[n.min(len - n)]);
    let mut x: Vec<i128> =
        frame.iter().enumerate().map(|(n, sample)| (sample * window(n) + (1 << (shift - 1))) >> shift).collect();
    x.resize(fft_len, 0);
    power_spectrum_of(&x)
}

/// The right shift of the products of samples and window codes, bits.
pub fn input_shift(fft_len: usize) -> u32 {
    (fft_len.trailing_zeros() - 1) / 2 + 1
}

/// `floor(|X|² / 2¹²)` of bins `0 ..= N/2` of `N` windowed values.
pub fn power_spectrum_of(x: &[i128]) -> Vec<i128> {
    let fft_len = x.len();
    let z = transform(&x.chunks(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>());
    let half = z.len();
    let power = |(re, im): Complex| (re * re + im * im) >> 12;
    (0..=half)
        .map(|k| match k {
            0 => power((z[0].0 + z[0].1, 0)),
            k if k == half => power((z[0].0 - z[0].1, 0)),
            k if 2 * k == half => power(z[k]),
            k => {
                // Both bins of a mirrored pair use the twiddle of the lower bin.
                let low = k.min(half - k);
                let (a, b) = (z[low], z[half - low]);
                let even = ((a.0 + b.0) >> 1, (a.1 - b.1) >> 1);
                let (re, im) = half_turned((a.0 - b.0, a.1 + b.1), low, fft_len);
                power(if k == low { (even.0 + im, even.1 - re) } else { (even.0 - im, even.1 + re) })
            }
        })
        .collect()
}

/// `log2`, Q.16, interpolated linearly between 32 points in each octave.
fn log2(value: i128) -> i128 {
    let exponent = value.max(1).ilog2();
    let fraction = ((value.max(1) << 16) >> exponent) - (1 << 16);
    let bulge = |i: i128| (65536.0 * (1.0 + i as f64 / 32.0).log2()).round() as i128 - 2048 * i;
    let (segment, within) = (fraction >> 11, fraction % 2048);
    (i128::from(exponent) << 16) + fraction + bulge(segment) + (((bulge(segment + 1) - bulge(segment)) * within) >> 11)
}

/// A power of `steps` steps of a band's sum, in 1/128 dB.
fn decibels(spec: &FrontEnd, steps: i128) -> i128 {
    let len = usize::from(spec.frame_len);
    let energy: i128 = (0..len).map(|n| i128::from(spec.window_table[n.min(len - n)]).pow(2)).sum();
    let log2 = log2(steps) + log2(i128::from(spec.fft_len)) - (30 << 16) - log2(energy);
    sixteen_bits(requantize(log2, Multiplier { mantissa: 1_616_142_483, shift: 6 }))
}

/// The weighted sum of powers of each band of a frame.
fn band_sums(spec: &FrontEnd, frame: &[i128]) -> Vec<i128> {
    let power = power_spectrum(spec, frame);
    let bands = usize::from(spec.mel_bands);
    let mut sums = vec![0; bands];
    for b in 0..=bands {
        for bin in spec.edges[b]..spec.edges[b + 1] {
            let rising = i128::from(spec.rising[usize::from(bin - spec.edges[0])]);
            if b < bands {
                sums[b] += power[usize::from(bin)] * rising;
            }
            if b > 0 {
                sums[b - 1] += power[usize::from(bin)] * (32768 - rising);
            }
        }
    }
    sums
}

/// Spectral subtraction, band by band over the whole utterance: `[frame][mel_bands]`.
fn subtract_noise(spec: &FrontEnd, sums: &mut [Vec<i128>]) {
    let frames = i128::from(spec.sample_rate_hz) * 640 / 1000 / i128::from(spec.hop_len);
    let k = frames.max(1).ilog2().clamp(3, 24);
    let least = (i128::from(spec.floor) >> 4).max(1 << 26);
    let factor = (i128::from(spec.subtraction_tenths) * 71 + 5) / 10;
    let share = (0..spec.depth_db).fold(1_i128 << 30, |share, _| (share * 3_411_613_790 + (1 << 31)) >> 32);
    for band in 0..usize::from(spec.mel_bands) {
        let first = sums.first().map_or(0, |sums| sums[band]);
        let (mut smoothed, mut noise) = (first, first.max(least));
        for (frame, sums) in sums.iter_mut().enumerate() {
            let power = sums[band];
            if frame > 0 {
                // Division rounds towards 0.
                smoothed += (power - smoothed) / (1 << (k - 3));
                let rise = (smoothed - noise).min(noise / 2);
                noise += if rise > 0 { rise / (1 << k) } else { rise / (1 << (k - 2)) };
                noise = noise.max(least);
            }
            sums[band] = (power - noise / 64 * factor).max((power * share) >> 30);
        }
    }
}

/// A log-mel row, and the level of its frame.
fn log_mel(spec: &FrontEnd, sums: &[i128]) -> (Vec<i128>, i128) {
    let row = sums.iter().map(|sum| decibels(spec, sum + i128::from(spec.floor))).collect();
    let all: i128 = sums.iter().sum();
    (row, if all == 0 { -32768 } else { decibels(spec, all) })
}

/// Frames that the silence gate lets through; levels in 1/128 dB.
fn gated(spec: &FrontEnd, levels: &[i128]) -> Vec<usize> {
    if spec.gate == 0 {
        return (0..levels.len()).collect();
    }
    let steps = |db: f32| (f64::from(db) * 128.0).round() as i128;
    let mut largest = -32768;
    let mut speech = Vec::new();
    for &level in levels {
        largest = largest.max(level);
        speech.push(level > steps(spec.gate_threshold_db) && level > (largest - steps(spec.gate_range_db)).max(-32768));
    }
    // A silent row stays if speech comes both before and after it, and if it is among the first rows of its pause.
    let first = speech.iter().position(|&is_speech| is_speech);
    let last = speech.iter().rposition(|&is_speech| is_speech);
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let mut pause = 0;
    (first..=last)
        .filter(|&row| {
            pause = if speech[row] { 0 } else { pause + 1 };
            pause <= spec.longest_pause
        })
        .collect()
}
