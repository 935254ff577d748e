//! The utterances that are most wrong, with what the network hears of them: log-mel rows of the core's own front end.

use anyhow::{Context, Result};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use resvg::tiny_skia;
use ser_core::spec::FrontEnd;
use serde::Serialize;

use super::Group;
use super::gather::Run;
use super::plot::{Area, Axis, Picture, TEXT, axes, heading, text_style, write};
use super::text::{ending, number, percent};
use crate::cache::FeatureCache;
use crate::corpus::Utterance;
use crate::features::Rows;
use crate::predictions::{leading, probabilities};
use crate::tables::mel;

/// Utterances shown.
const SHOWN: usize = 12;
/// Frequencies that may be written at the axis, Hz.
const TICKS_HZ: [f64; 9] = [50.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 12_000.0, 16_000.0];
/// Between the levels written at the bar, dB.
const LEVEL_STEP_DB: f32 = 15.0;
/// Letters of an id in a title.
const ID_LETTERS: usize = 44;

/// A wrong answer.
#[derive(Clone, Debug, Serialize)]
pub struct Wrong {
    /// The utterance.
    pub id: String,
    /// Name of the run that tested it.
    pub run: String,
    /// The true label.
    pub truth: String,
    /// The label said.
    pub said: String,
    /// Its probability, at the device's temperature.
    pub probability: f64,
    /// The probability of the true label.
    pub probability_of_truth: f64,
    /// Log-mel rows, dBFS, or why there are none; None until they are read.
    #[serde(skip)]
    pub rows: Option<Result<Rows, String>>,
}

/// The wrong answers of the largest probabilities, an utterance once.
pub fn most_wrong(runs: &[Run]) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = runs.iter().flat_map(wrong_of).collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.id.cmp(&b.id)));
    let mut shown: Vec<Wrong> = Vec::with_capacity(SHOWN);
    for answer in wrong {
        if shown.len() < SHOWN && shown.iter().all(|other| other.id != answer.id) {
            shown.push(answer);
        }
    }
    shown
}

fn wrong_of(run: &Run) -> Vec<Wrong> {
    let wrong = run.predictions.utterances.iter().filter_map(|utterance| {
        let values = utterance.int8.as_deref()?;
        let said = leading(values).filter(|said| *said != utterance.truth)?;
        let probabilities = probabilities(values, run.temperature());
        Some(Wrong {
            id: utterance.id.clone(),
            run: run.name.clone(),
            truth: run.predictions.labels.get(utterance.truth)?.clone(),
            said: run.predictions.labels.get(said)?.clone(),
            probability: *probabilities.get(said)?,
            probability_of_truth: *probabilities.get(utterance.truth)?,
            rows: None,
        })
    });
    wrong.collect()
}

/// Reads the recordings of wrong answers; what can't be read keeps the reason.
pub fn read(wrong: &mut [Wrong], run: &Run) {
    let read = || -> Result<Vec<Result<Rows, String>>> {
        let corpus = run.config.open_corpus()?;
        let by_id = corpus.by_id();
        let found: Vec<&Utterance> = wrong.iter().filter_map(|wrong| by_id.get(wrong.id.as_str()).copied()).collect();
        let mut rows = FeatureCache::new(&run.config.network.front_end, None)?.log_mel(&found, 1.0)?.into_iter();
        let missing = || format!("corpus {} has no such utterance", corpus.name);
        Ok(wrong
            .iter()
            .map(|wrong| if by_id.contains_key(wrong.id.as_str()) { rows.next().unwrap_or_else(|| Err(missing())) } else { Err(missing()) })
            .collect())
    };
    match read() {
        Ok(rows) => wrong.iter_mut().zip(rows).for_each(|(wrong, rows)| wrong.rows = Some(rows)),
        Err(reason) => wrong.iter_mut().for_each(|wrong| wrong.rows = Some(Err(format!("{reason:#}")))),
    }
}

/// What is seen.
pub fn seen(group: &Group) -> String {
    let Some(first) = group.worst.first() else {
        return "No answer of the int8 core is wrong.".to_owned();
    };
    let unread = group.worst.iter().find_map(|wrong| match &wrong.rows {
        Some(Err(reason)) => Some(format!(" Not every recording could be read: {reason}.")),
        _ => None,
    });
    format!(
        "The surest mistake of the int8 core: {}, which is {}, is taken for {} with a probability of {}.{}",
        first.id,
        first.truth,
        first.said,
        percent(first.probability),
        unread.unwrap_or_default()
    )
}

/// The answers as a table; None if none is wrong.
pub fn table(group: &Group) -> Option<super::page::Table> {
    let row = |wrong: &Wrong| {
        let cells =
            [wrong.id.clone(), wrong.truth.clone(), wrong.said.clone(), percent(wrong.probability), percent(wrong.probability_of_truth)];
        cells.to_vec()
    };
    (!group.worst.is_empty()).then(|| super::page::Table {
        caption: "The surest mistakes".to_owned(),
        head: ["utterance", "truth", "said", "how surely", "probability of the truth"].map(str::to_owned).to_vec(),
        rows: group.worst.iter().map(row).collect(),
    })
}

/// A spectrogram of each utterance that could be read, all on the same scale.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    let read = || group.worst.iter().enumerate().filter_map(|(index, wrong)| Some((index, wrong, wrong.rows.as_ref()?.as_ref().ok()?)));
    let loudest = read().flat_map(|(_, _, rows)| rows.values.iter().copied()).fold(f32::NEG_INFINITY, f32::max);
    let floor = group.front_end.floor_db;
    let levels = (floor, if loudest.is_finite() { (loudest / 5.0).ceil() * 5.0 } else { 0.0 }.max(floor + 5.0));
    read().filter(|(_, _, rows)| !rows.is_empty()).map(|(index, wrong, rows)| picture(group, index, wrong, rows, levels)).collect()
}

fn picture(group: &Group, index: usize, wrong: &Wrong, rows: &Rows, levels: (f32, f32)) -> Result<Picture> {
    let front_end = &group.front_end;
    let seconds = rows.len() as f64 * front_end.hop_len as f64 / f64::from(front_end.sample_rate_hz);
    let (low, high) = band_edges(front_end);
    let title = ending(&wrong.id, ID_LETTERS);
    let subtitle = format!("{} taken for {}, {}", wrong.truth, wrong.said, percent(wrong.probability));
    let mut place = (0, 0, 0, 0);
    let draw = |area: &Area<'_>| -> Result<()> {
        let top = heading(area, &title, &[])?;
        write(area, &subtitle, (12, top - 4), text_style(TEXT, BLACK, HPos::Left, VPos::Top))?;
        let (left, bar) = area.split_horizontally(area.dim_in_pixel().0 as i32 - 150);
        let x = Axis { label: "speech, s", range: (0.0, seconds), ticks: 6, format: number };
        let y = Axis { label: "Hz", range: (low, high), ticks: 0, format: |_| String::new() };
        let chart = axes(&left, top + TEXT, &x, &y)?;
        for hz in TICKS_HZ {
            let (_, at) = chart.backend_coord(&(0.0, mel(hz)));
            if (low..=high).contains(&mel(hz)) {
                let (x, _) = chart.backend_coord(&(0.0, low));
                left.draw(&PathElement::new([(x - 8, at), (x, at)], BLACK))?;
                write(&left, &format!("{hz:.0}"), (x - 12, at), text_style(TEXT, BLACK, HPos::Right, VPos::Center))?;
            }
        }
        let (x0, y0) = chart.backend_coord(&(0.0, high));
        let (x1, y1) = chart.backend_coord(&(seconds, low));
        place = (x0, y0, x1 - x0, y1 - y0);
        level_bar(&bar, levels, y0, y1)
    };
    let description = format!(
        "Log-mel spectrogram of {}, {} s of speech. It is {}; the int8 core says {} with a probability of {}, and gives {} to {}.",
        wrong.id,
        format_args!("{seconds:.2}"),
        wrong.truth,
        wrong.said,
        percent(wrong.probability),
        percent(wrong.probability_of_truth),
        wrong.truth
    );
    let name = group.picture_name(&format!("wrong-{:02}", index + 1));
    let picture = Picture::draw(name, format!("{}: {subtitle}", wrong.id), description, (420, 280), draw)?;
    Ok(picture.with_image(place, &image(rows, levels)?))
}

/// Lower edge of the lowest band's middle half and upper edge of the highest's, mel: bands are blocks of equal height.
fn band_edges(front_end: &FrontEnd) -> (f64, f64) {
    let (low, high) = (mel(f64::from(front_end.mel_low_hz)), mel(f64::from(front_end.mel_high_hz)));
    let half = (high - low) / (front_end.mel_bands + 1) as f64 / 2.0;
    (low + half, high - half)
}

/// Grey of a level: white is quiet, black is loud.
fn grey(level: f32, (low, high): (f32, f32)) -> u8 {
    (255.0 * (1.0 - ((level - low) / (high - low)).clamp(0.0, 1.0))).round() as u8
}

/// A pixel for each row and band, low bands below, as PNG.
fn image(rows: &Rows, levels: (f32, f32)) -> Result<Vec<u8>> {
    let (width, height) = (u32::try_from(rows.len())?, u32::try_from(rows.bands)?);
    let mut pixels = tiny_skia::Pixmap::new(width, height).context("a spectrogram without rows")?;
    for (x, row) in rows.iter().enumerate() {
        for (band, level) in row.iter().rev().enumerate() {
            let grey = grey(*level, levels);
            if let Some(pixel) = pixels.pixels_mut().get_mut(band * rows.len() + x) {
                *pixel = tiny_skia::ColorU8::from_rgba(grey, grey, grey, 255).premultiply();
            }
        }
    }
    pixels.encode_png().context("cannot encode a PNG")
}

/// What grey is which level.
fn level_bar(area: &Area<'_>, (low, high): (f32, f32), top: i32, bottom: i32) -> Result<()> {
    const STEPS: i32 = 32;
    let at = |step: i32| bottom + (top - bottom) * step / STEPS;
    for step in 0..STEPS {
        let level = grey((step as f32 + 0.5) / STEPS as f32, (0.0, 1.0));
        area.draw(&Rectangle::new([(4, at(step + 1)), (30, at(step))], RGBColor(level, level, level).filled()))?;
    }
    area.draw(&Rectangle::new([(4, top), (30, bottom)], BLACK))?;
    let mut level = (low / LEVEL_STEP_DB).ceil() * LEVEL_STEP_DB;
    while level <= high {
        let y = bottom + ((top - bottom) as f32 * (level - low) / (high - low)) as i32;
        area.draw(&PathElement::new([(30, y), (36, y)], BLACK))?;
        write(area, &number(&f64::from(level)), (40, y), text_style(TEXT, BLACK, HPos::Left, VPos::Center))?;
        level += LEVEL_STEP_DB;
    }
    write(area, "dBFS", (4, bottom + 24), text_style(TEXT, BLACK, HPos::Left, VPos::Top))
}
