//! Linear spectrograms of one utterance for each emotion, on the same axes and one scale.

use anyhow::{Context, Result, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::report::plot::{Area, Axis, Picture, TEXT, heading, text_style, write};
use crate::report::spectrogram::{BAR_WIDTH, Levels, Spectrogram};
use crate::report::text::number;

/// Number of spectrograms side by side.
const COLUMNS: usize = 3;
/// Width of the picture, CSS pixels.
const WIDTH: u32 = 1080;
/// Height of a spectrogram with its axes and its name, CSS pixels.
const ROW: u32 = 250;
/// Height of the title, CSS pixels.
const TITLE: u32 = 32;

/// Draws utterances, three in a row. Each is the name of an emotion and 16 kHz samples.
///
/// # Errors
///
/// If there is no utterance, or one is shorter than a frame.
pub fn emotions(name: &str, title: &str, utterances: &[(&str, &[i16])]) -> Result<Picture> {
    ensure!(!utterances.is_empty(), "{name}: wanted an utterance at least, got none");
    let linear = |(emotion, samples): &(&str, &[i16])| {
        Spectrogram::linear(samples).with_context(|| format!("{name}: {emotion}"))
    };
    let spectrograms: Vec<Spectrogram> = utterances.iter().map(linear).collect::<Result<_>>()?;
    let levels = Levels::of(&spectrograms);
    let longest = spectrograms.iter().map(|spectrogram| spectrogram.seconds().1).fold(0.0, f64::max);
    let rows = utterances.len().div_ceil(COLUMNS);
    let mut images = Vec::with_capacity(utterances.len());
    let draw = |area: &Area<'_>| -> Result<()> {
        let (_, below) = area.split_vertically(heading(area, title, &[])?);
        let (grid, bar) = below.split_horizontally(below.dim_in_pixel().0 as i32 - BAR_WIDTH);
        for ((panel, (emotion, _)), spectrogram) in
            grid.split_evenly((rows, COLUMNS)).iter().zip(utterances).zip(&spectrograms)
        {
            let x = Axis { label: "time, s", range: (0.0, longest), ticks: 6, format: number };
            let image = spectrogram.panel(panel, TEXT + 4, &x, &levels)?;
            // The name stands above the axes, at their left end.
            let left = image.left - panel.get_base_pixel().0;
            write(panel, emotion, (left, 4), text_style(TEXT, BLACK, HPos::Left, VPos::Top))?;
            images.push(image);
        }
        let (top, bottom) = images
            .iter()
            .fold((i32::MAX, 0), |(top, bottom), image| (top.min(image.top), bottom.max(image.top + image.height)));
        levels.bar(&bar, top, bottom)
    };
    let seconds = |((emotion, _), spectrogram): (&(&str, &[i16]), &Spectrogram)| {
        format!("{emotion} {:.2} s", spectrogram.seconds().1)
    };
    let lengths: Vec<String> = utterances.iter().zip(&spectrograms).map(seconds).collect();
    let analysis = spectrograms.first().map_or("", Spectrogram::analysis);
    let description =
        format!("Spectrograms ({analysis}), {} to {} dBFS: {}.", levels.low, levels.high, lengths.join(", "));
    let size = (WIDTH, TITLE + ROW * rows as u32);
    let picture = Picture::draw(name.to_owned(), title.to_owned(), description, size, draw)?;
    Ok(picture.with_images(images))
}
