//! The values of each stage, without any drawing. They come from the core's own filter, tables and rows.

use anyhow::{Context, Result, ensure};
use ser_core::frontend::InputFilter;
use ser_core::spec::{FrontEnd, LevelMode, Window};

use crate::features::rows::{Normalization, Rows};
use crate::features::spectrum::PowerSpectrum;
use crate::features::tables::{OwnedTables, mel_corners_hz};
use crate::report::spectrogram::Spectrogram;
use crate::report::text::number;

/// Full scale, in steps of 16-bit samples.
const FULL_SCALE: f64 = 32_768.0;
/// Full scale of the filter's output, which is halved.
const HALVED_FULL_SCALE: f64 = FULL_SCALE / 2.0;

/// The values of each stage for one utterance.
pub struct Stages {
    /// The front end that computed them.
    pub front_end: FrontEnd,
    /// The samples; full scale is 1.
    pub waveform: Vec<f64>,
    /// The samples after DC block and pre-emphasis; full scale is 1.
    pub filtered: Vec<f64>,
    /// Begin of the loudest frame, samples.
    pub at: usize,
    /// The loudest frame, before the window, `[frame_len]`.
    pub frame: Vec<f64>,
    /// The weights of the window, `[frame_len]`.
    pub window: Vec<f64>,
    /// Power spectrum of that frame, `10 log10(2 |X|² / (N Σw²))`, dBFS, `[fft_len / 2 + 1]`. The powers of all bins
    /// add up to the mean square of the frame, weighted by the squared window.
    pub power_db: Vec<f64>,
    /// Corners of the mel triangles, Hz, `[mel_bands + 2]`.
    pub corners_hz: Vec<f64>,
    /// The log-mel rows, dBFS.
    pub log_mel: Spectrogram,
    /// The log-mel rows minus the mean of each band, in standard deviations of the band.
    pub normalised: Spectrogram,
}

impl Stages {
    /// Computes the stages of 16 kHz samples. Without a `normalization` the utterance gives its own.
    ///
    /// # Errors
    ///
    /// If the description of the front end is unusable, the normalisation has another number of bands, or there are
    /// fewer samples than one frame has.
    pub fn of(front_end: &FrontEnd, samples: &[i16], normalization: Option<&Normalization>) -> Result<Self> {
        ensure!(front_end.image.is_none(), "wanted a front end of mel bands, got one of images");
        let log_mel = Spectrogram::mel(front_end, samples)?;
        let own;
        let normalization = match normalization {
            Some(normalization) => normalization,
            None => {
                own = Normalization::fit(&FrontEnd { level: LevelMode::Absolute, ..*front_end }, [Ok(log_mel.rows())])?;
                &own
            }
        };
        let (wanted, got) = (front_end.mel_bands, normalization.mean.len());
        ensure!(got == wanted, "the front end has {wanted} bands, the normalisation {got}");
        let mut halved = vec![0; samples.len()];
        InputFilter::new(front_end).process(samples, &mut halved);
        let filtered: Vec<f64> = halved.iter().map(|sample| f64::from(*sample) / HALVED_FULL_SCALE).collect();
        let at = loudest(log_mel.rows()) * front_end.hop_len;
        let frame = filtered.get(at..at + front_end.frame_len).context("a row without its samples")?.to_vec();
        let codes = OwnedTables::new(front_end)?.window;
        let weight = |n: usize| {
            codes
                .get(n.min(front_end.frame_len - n))
                .map_or(0.0, |code| f64::from(i16::from_le_bytes(*code)) / FULL_SCALE)
        };
        let window: Vec<f64> = (0..front_end.frame_len).map(weight).collect();
        let energy: f64 = window.iter().map(|weight| weight * weight).sum();
        let scale = 2.0 / (front_end.fft_len as f64 * energy);
        let power = PowerSpectrum::new(window.clone(), front_end.fft_len).of(frame.iter().copied())?;
        Ok(Self {
            front_end: *front_end,
            waveform: samples.iter().map(|sample| f64::from(*sample) / FULL_SCALE).collect(),
            filtered,
            at,
            frame,
            window,
            power_db: power.iter().map(|power| 10.0 * (scale * power + f64::MIN_POSITIVE).log10()).collect(),
            corners_hz: mel_corners_hz(front_end),
            normalised: log_mel.with_rows(normalization.apply(log_mel.rows())),
            log_mel,
        })
    }

    /// What the filter does, in words.
    pub fn filter(&self) -> String {
        let FrontEnd { dc_block_pole, pre_emphasis, .. } = self.front_end;
        match (dc_block_pole > 0.0, pre_emphasis > 0.0) {
            (true, true) => format!("DC block and pre-emphasis {}", number(&f64::from(pre_emphasis))),
            (true, false) => "DC block; no pre-emphasis".to_owned(),
            (false, true) => format!("pre-emphasis {}", number(&f64::from(pre_emphasis))),
            (false, false) => "neither DC block nor pre-emphasis".to_owned(),
        }
    }

    /// Name of the window.
    pub fn window_name(&self) -> &'static str {
        match self.front_end.window {
            Window::Hann => "Hann",
            Window::Hamming => "Hamming",
            Window::HannSymmetric => "symmetric Hann",
        }
    }

    /// Duration of a number of samples, s.
    pub fn seconds(&self, samples: usize) -> f64 {
        samples as f64 / f64::from(self.front_end.sample_rate_hz)
    }
}

/// Index of the row with the largest power, summed over all bands.
fn loudest(rows: &Rows) -> usize {
    let power = |row: &[f32]| row.iter().map(|db| 10f64.powf(f64::from(*db) / 10.0)).sum::<f64>();
    let loudest = rows.iter().map(power).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    loudest.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ser_core::spec::edge;

    #[test]
    fn the_filterbank_shown_over_the_spectrum_shown_gives_the_row_shown() {
        let tone = |n: usize| ((n % 97) as f64 - 48.0) * 150.0 * (n as f64 * 4e-4).sin();
        let samples: Vec<i16> = (0..12_000).map(|n| tone(n) as i16).collect();
        for pre_emphasis in [0.0, 0.97] {
            let front_end = FrontEnd { pre_emphasis, ..edge().front_end };
            let stages = Stages::of(&front_end, &samples, None).unwrap();
            let bin_hz = f64::from(front_end.sample_rate_hz) / front_end.fft_len as f64;
            let shown = stages.log_mel.rows().iter().nth(stages.at / front_end.hop_len).unwrap();
            let floor = 10f64.powf(f64::from(front_end.floor_db) / 10.0);
            for (corners, shown) in stages.corners_hz.windows(3).zip(shown) {
                let weight = |hz: f64| {
                    ((hz - corners[0]) / (corners[1] - corners[0]))
                        .min((corners[2] - hz) / (corners[2] - corners[1]))
                        .max(0.0)
                };
                let power = |(bin, db): (usize, &f64)| weight(bin as f64 * bin_hz) * 10f64.powf(db / 10.0);
                let wanted = 10.0 * (stages.power_db.iter().enumerate().map(power).sum::<f64>() + floor).log10();
                assert!((f64::from(*shown) - wanted).abs() < 0.1, "{corners:?}: {shown}, wanted {wanted}");
            }
        }
    }

    #[test]
    fn without_a_normalisation_each_band_has_mean_0_and_deviation_1() {
        let samples: Vec<i16> =
            (0..16_000).map(|n| ((n * n) % 20_011 - 10_000) as i16 / (1 + (n / 2000) as i16)).collect();
        let front_end = edge().front_end;
        let stages = Stages::of(&front_end, &samples, None).unwrap();
        let (rows, bands) = (stages.normalised.rows(), front_end.mel_bands);
        for band in 0..bands {
            let column: Vec<f64> = rows.iter().map(|row| f64::from(row[band])).collect();
            let mean = column.iter().sum::<f64>() / column.len() as f64;
            let variance = column.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>() / column.len() as f64;
            assert!(mean.abs() < 1e-3 && (variance - 1.0).abs() < 1e-2, "band {band}: {mean}, {variance}");
        }
    }
}
