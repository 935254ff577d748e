//! How an utterance becomes the input of the network, stage by stage.

mod computed;
mod panels;

use anyhow::{Context, Result};
use ser_core::spec::FrontEnd;

use crate::features::rows::Normalization;
use crate::report::plot::{Area, Picture, heading};
use crate::report::spectrogram::Levels;
use computed::Stages;

/// Size of the picture, CSS pixels.
const SIZE: (u32, u32) = (1080, 1060);

/// Draws eight stages of one utterance (16 kHz samples): waveform, filter, the loudest frame, its window, its power
/// spectrum, the mel filterbank, log-mel rows, normalised rows. Silence is kept, so that the time axis is true.
///
/// Without a `normalization` each band is normalised over the utterance itself, at absolute levels. A normalisation of
/// levels relative to the peak so far shows the silence before the speech as loud, because that silence is not trimmed
/// here.
///
/// # Errors
///
/// If the description of the front end is unusable, the normalisation has another number of bands, or there are fewer
/// samples than one frame has.
pub fn stages(
    name: &str,
    title: &str,
    front_end: &FrontEnd,
    samples: &[i16],
    normalization: Option<&Normalization>,
) -> Result<Picture> {
    let normalised_over = if normalization.is_some() { "training part" } else { "utterance" };
    let stages = Stages::of(front_end, samples, normalization).with_context(|| name.to_owned())?;
    let mut images = Vec::new();
    let draw = |area: &Area<'_>| -> Result<()> {
        let (_, below) = area.split_vertically(heading(area, title, &[])?);
        let levels = Levels::of([&stages.log_mel]);
        for (index, panel) in below.split_evenly((4, 2)).iter().enumerate() {
            match index {
                0 => stages.draw_wave(panel, "1  Waveform", &stages.waveform)?,
                1 => stages.draw_wave(panel, &format!("2  After {}", stages.filter()), &stages.filtered)?,
                2 => stages.draw_frame(panel)?,
                3 => stages.draw_windowed(panel)?,
                4 => stages.draw_power(panel)?,
                5 => stages.draw_filterbank(panel)?,
                6 => images.push(stages.draw_rows(panel, "7  Log-mel spectrogram", &stages.log_mel, &levels)?),
                _ => {
                    let title = format!("8  Normalised over the {normalised_over}");
                    images.push(stages.draw_rows(
                        panel,
                        &title,
                        &stages.normalised,
                        &Levels { low: -3.0, high: 3.0, step: 1.0, unit: "sd" },
                    )?);
                }
            }
        }
        Ok(())
    };
    let description = format!(
        "Eight stages of an utterance of {:.2} s: waveform; after {}; the loudest frame, {} samples from {:.2} s on; \
         that frame under a {} window; its power spectrum, FFT of {}; {} triangular mel filters from {} to {} Hz; \
         log-mel spectrogram, {} rows; the same, normalised over the {normalised_over}.",
        stages.seconds(samples.len()),
        stages.filter(),
        front_end.frame_len,
        stages.seconds(stages.at),
        stages.window_name(),
        front_end.fft_len,
        front_end.mel_bands,
        front_end.mel_low_hz,
        front_end.mel_high_hz,
        stages.log_mel.rows().len()
    );
    let picture = Picture::draw(name.to_owned(), title.to_owned(), description, SIZE, draw)?;
    Ok(picture.with_images(images))
}
