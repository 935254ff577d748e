//! The front end over a whole utterance in `f64`, with the DFT from its definition.

use std::f64::consts::TAU;

use super::FrontEnd;

/// The exact result of the front end for an utterance, without rounding; one entry for each frame.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Power of each windowed frame over all frequencies, full scale = 1.
    pub total_power: Vec<f64>,
    /// Band powers of each frame, full scale = 1, before the floor: `[frame][mel_bands]`.
    pub powers: Vec<Vec<f64>>,
    /// `10 log10` of powers with the floor: `[frame][mel_bands]`.
    pub log_mel_db: Vec<Vec<f64>>,
}

/// Analyses a whole utterance.
pub fn analyse(spec: &FrontEnd, samples: &[i16]) -> Analysis {
    let filtered = filtered(spec, samples);
    let frames = frames(spec, &filtered);
    let total_power = frames.iter().map(|frame| total_power(spec, frame)).collect();
    let powers: Vec<Vec<f64>> = frames.iter().map(|frame| band_powers(spec, frame)).collect();
    let floor = spec.floor as f64 * step(spec);
    let log_mel_db: Vec<Vec<f64>> =
        powers.iter().map(|row| row.iter().map(|power| 10.0 * (power + floor).log10()).collect()).collect();
    Analysis { total_power, powers, log_mel_db }
}

/// Audio after the DC block and the pre-emphasis, in PCM steps.
pub fn filtered(spec: &FrontEnd, samples: &[i16]) -> Vec<f64> {
    let q15 = |value: f32| (f64::from(value) * 32768.0).round().min(32767.0) / 32768.0;
    let (pole, emphasis) = (q15(spec.dc_block_pole), q15(spec.pre_emphasis));
    let x: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
    let mut y = Vec::new();
    for n in 0..x.len() {
        if pole == 0.0 {
            y.push(x[n]);
        } else if n == 0 {
            y.push(0.0);
        } else {
            y.push((x[n] - x[n - 1]) + pole * y[n - 1]);
        }
    }
    // All samples before the first one count as equal to it.
    let mut before = if pole == 0.0 { x.first().copied().unwrap_or(0.0) } else { 0.0 };
    let pre_emphasised = y.iter().map(|&y| y - emphasis * std::mem::replace(&mut before, y));
    pre_emphasised.collect()
}

/// Power of one step of a band's sum, full scale = 1.
pub fn step(spec: &FrontEnd) -> f64 {
    let energy: f64 = window(spec).iter().map(|code| code * code).sum();
    f64::from(spec.fft_len) / 2f64.powi(30) / energy
}

/// The first frame is complete after `frame_len` samples; a further frame follows each `hop_len` samples.
fn frames<'a>(spec: &FrontEnd, samples: &'a [f64]) -> Vec<&'a [f64]> {
    samples.windows(usize::from(spec.frame_len)).step_by(usize::from(spec.hop_len)).collect()
}

/// Window codes of a whole frame.
fn window(spec: &FrontEnd) -> Vec<f64> {
    let len = usize::from(spec.frame_len);
    (0..len).map(|n| f64::from(spec.window_table[n.min(len - n)])).collect()
}

fn total_power(spec: &FrontEnd, frame: &[f64]) -> f64 {
    let window = window(spec);
    let energy: f64 = frame.iter().zip(&window).map(|(sample, code)| (sample * code).powi(2)).sum();
    energy / window.iter().map(|code| code * code).sum::<f64>() / 2_f64.powi(30)
}

fn band_powers(spec: &FrontEnd, frame: &[f64]) -> Vec<f64> {
    let window = window(spec);
    let fft_len = usize::from(spec.fft_len);
    let windowed: Vec<f64> = frame.iter().zip(&window).map(|(sample, code)| sample * code).collect();
    let twiddles: Vec<(f64, f64)> = (0..fft_len).map(|i| (TAU * i as f64 / fft_len as f64).sin_cos()).collect();
    let power = |bin: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in windowed.iter().enumerate() {
            let (sin, cos) = twiddles[bin * n % fft_len];
            re += sample * cos;
            im -= sample * sin;
        }
        re * re + im * im
    };
    let full_scale = 2.0 / (fft_len as f64 * window.iter().map(|code| code * code).sum::<f64>()) / 2_f64.powi(30);
    let bands = usize::from(spec.mel_bands);
    let mut powers = vec![0.0; bands];
    for b in 0..=bands {
        for bin in spec.edges[b]..spec.edges[b + 1] {
            let rising = f64::from(spec.rising[usize::from(bin - spec.edges[0])]) / 32768.0;
            let power = power(usize::from(bin)) * full_scale;
            if b < bands {
                powers[b] += rising * power;
            }
            if b > 0 {
                powers[b - 1] += (1.0 - rising) * power;
            }
        }
    }
    powers
}
