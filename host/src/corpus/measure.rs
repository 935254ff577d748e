//! Measures of one recording that do not depend on what is said.

use anyhow::Result;
use ser_fourier::forward_f64;

use crate::corpus::audio::SAMPLE_RATE_HZ;

/// Levels are measured in frames of this many samples, 10 ms.
const FRAME_LEN: usize = SAMPLE_RATE_HZ as usize / 100;
/// The noise floor is the level below which this share of the frames lies.
const FLOOR_SHARE: f64 = 0.05;
/// Frames more than this below the loudest are silence.
const SILENCE_DB: f64 = 30.0;
/// Samples from here on are at full scale: the last two steps of 16 bits.
const FULL_SCALE: f32 = 32_766.0 / 32_768.0;
/// As many samples at full scale in a row are clipped. A tone of 20 Hz and more that just reaches full scale has fewer
/// at 16 kHz.
pub(super) const CLIPPED_RUN: usize = 3;
/// Samples of a spectrum, 32 ms.
const SPECTRUM_LEN: usize = 512;
/// Lower levels count as this; one step of 16 bits is at -90.
const LOWEST_DB: f64 = -100.0;

/// Levels are relative to full scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measures {
    pub duration_s: f64,
    pub peak_db: f64,
    /// RMS about the mean.
    pub level_db: f64,
    /// Mean, as a fraction of full scale.
    pub dc: f64,
    /// The level of the loudest frame, RMS about the mean.
    pub loudest_db: f64,
    /// The level that 5 % of the frames lie below.
    pub noise_floor_db: f64,
    pub lead_s: f64,
    pub trail_s: f64,
    /// Power of what lies above half of the band, 4 kHz, relative to all.
    pub treble_db: f64,
}

/// Measures a recording of at least one sample.
pub(super) fn measure(samples: &[i16]) -> Result<Measures> {
    let samples: Vec<f64> = samples.iter().map(|&sample| f64::from(sample) / 32_768.0).collect();
    let dc = samples.iter().sum::<f64>() / samples.len() as f64;
    let level = |samples: &[f64]| {
        let power = samples.iter().map(|sample| (sample - dc).powi(2)).sum::<f64>() / samples.len() as f64;
        decibels(power.sqrt())
    };
    let frames: Vec<f64> = samples.chunks(FRAME_LEN).map(level).collect();
    let loudest = frames.iter().copied().fold(LOWEST_DB, f64::max);
    let silent = |frame: &&f64| **frame < loudest - SILENCE_DB;
    let seconds = |frames: usize| (frames * FRAME_LEN) as f64 / f64::from(SAMPLE_RATE_HZ);
    let mut sorted = frames.clone();
    sorted.sort_by(f64::total_cmp);
    Ok(Measures {
        duration_s: samples.len() as f64 / f64::from(SAMPLE_RATE_HZ),
        peak_db: decibels(samples.iter().fold(0.0, |peak, sample| sample.abs().max(peak))),
        level_db: level(&samples),
        dc,
        loudest_db: loudest,
        noise_floor_db: sorted[((sorted.len() - 1) as f64 * FLOOR_SHARE) as usize],
        lead_s: seconds(frames.iter().take_while(silent).count()),
        trail_s: seconds(frames.iter().rev().take_while(silent).count()),
        treble_db: treble_db(&samples)?,
    })
}

/// The power of the upper half of the spectrum, relative to all but the mean, in frames with a Hann window.
fn treble_db(samples: &[f64]) -> Result<f64> {
    let fft = forward_f64(SPECTRUM_LEN);
    let (mut frame, mut bins) = (fft.make_input_vec(), fft.make_output_vec());
    let (mut all, mut above) = (0.0, 0.0);
    for samples in samples.chunks(SPECTRUM_LEN) {
        frame.fill(0.0);
        for (n, (windowed, sample)) in frame.iter_mut().zip(samples).enumerate() {
            *windowed = sample * (std::f64::consts::PI * n as f64 / SPECTRUM_LEN as f64).sin().powi(2);
        }
        fft.process(&mut frame, &mut bins)?;
        // The window spreads the mean over the first two bins.
        for (bin, value) in bins.iter().enumerate().skip(2) {
            all += value.norm_sqr();
            above += if 2 * bin > bins.len() { value.norm_sqr() } else { 0.0 };
        }
    }
    Ok(if above > 0.0 { decibels((above / all).sqrt()) } else { LOWEST_DB })
}

/// Runs of at least [`CLIPPED_RUN`] samples at the same end of full scale. The samples have the recording's own rate:
/// resampling rounds what was cut off.
pub(super) fn clipped_runs(samples: impl IntoIterator<Item = f32>) -> usize {
    let (mut runs, mut len, mut end) = (0, 0, 0.0);
    for sample in samples {
        let at = if sample.abs() >= FULL_SCALE { sample.signum() } else { 0.0 };
        len = if at == end { len + 1 } else { 1 };
        end = at;
        runs += usize::from(at != 0.0 && len == CLIPPED_RUN);
    }
    runs
}

fn decibels(amplitude: f64) -> f64 {
    (20.0 * amplitude.log10()).max(LOWEST_DB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_wave_between_silences_measures_what_it_is() {
        let tone = (0..16_000).map(|n| if n % 2 == 0 { 3_577 } else { -2_977 });
        let samples: Vec<i16> = [300; 1_600].into_iter().chain(tone).chain([300; 3_200]).collect();
        let measures = measure(&samples).unwrap();
        assert_eq!(measures.duration_s, 1.3);
        assert!((measures.peak_db - 20.0 * (3_577.0_f64 / 32_768.0).log10()).abs() < 1e-9);
        assert!((measures.dc - 300.0 / 32_768.0).abs() < 1e-9);
        // 3277 of 32768 is -20 dB; it sounds for 1 of 1.3 s.
        assert!((measures.level_db - (-20.0 + 10.0 * (1.0_f64 / 1.3).log10())).abs() < 0.01, "{}", measures.level_db);
        assert_eq!((measures.lead_s, measures.trail_s), (0.1, 0.2));
        assert_eq!(measures.noise_floor_db, LOWEST_DB);
    }

    #[test]
    fn a_run_at_full_scale_is_clipped_and_a_peak_that_just_reaches_it_is_not() {
        let sine = |gain: f32, hz: f32| {
            (0..16_000).map(move |n| gain * (n as f32 * hz * std::f32::consts::TAU / 16_000.0).sin())
        };
        for hz in [50.0, 100.0, 440.0] {
            assert_eq!(clipped_runs(sine(1.0, hz)), 0, "{hz}");
            // Both halves of each period.
            assert_eq!(clipped_runs(sine(2.0, hz).map(|s| s.clamp(-1.0, 1.0))), 2 * hz as usize, "{hz}");
        }
        let square = [1.0, 1.0, -1.0, -1.0].repeat(8);
        assert_eq!(clipped_runs(square), 0, "two samples at each end");
        assert_eq!(clipped_runs([0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]), 1);
    }

    #[test]
    fn a_tone_above_4_khz_is_treble_and_one_below_is_not() {
        let tone = |hz: f64| -> Vec<i16> {
            (0..16_000)
                .map(|n| (8_000.0 * (f64::from(n) * hz * std::f64::consts::TAU / 16_000.0).sin()) as i16)
                .collect()
        };
        let treble = |hz| measure(&tone(hz)).unwrap().treble_db;
        assert!(treble(5_000.0) > -0.01 && treble(1_000.0) < -60.0, "{} {}", treble(5_000.0), treble(1_000.0));
        let both: Vec<i16> = tone(1_000.0).into_iter().zip(tone(5_000.0)).map(|(low, high)| low + high).collect();
        assert!((measure(&both).unwrap().treble_db + 10.0 * 2f64.log10()).abs() < 0.1);
    }

    #[test]
    fn silence_and_a_single_sample_have_finite_measures() {
        for samples in [&[0; 16_000][..], &[0], &[i16::MIN]] {
            let m = measure(samples).unwrap();
            let all = [m.duration_s, m.peak_db, m.level_db, m.dc, m.noise_floor_db, m.lead_s, m.trail_s, m.treble_db];
            assert!(all.iter().all(|value| value.is_finite()), "{m:?}");
        }
    }
}
