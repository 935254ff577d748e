//! Reliability diagram of the int8 core, before and after a temperature.
//!
//! Over several folds the temperature for one is fitted to the answers of the others, so that no answer had a say in
//! its own.

use anyhow::Result;
use plotters::prelude::*;
use serde::Serialize;

use super::Group;
use super::gather::Run;
use super::plot::{Area, Axis, DARK, GREY, Look, MIDDLE, Marker, Picture, Stroke, axes, heading, point, series};
use super::text::percent;
use crate::predictions::Prediction;
use crate::reliability::{Answer, Bin, expected_calibration_error, fit_temperature, reliability};

/// A reliability diagram.
#[derive(Clone, Debug, Serialize)]
pub struct Diagram {
    /// Bins of equal width over confidences from 0 to 1.
    pub bins: Vec<Bin>,
    /// Expected calibration error, 0 to 1.
    pub calibration_error: f64,
}

/// How far confidences can be believed.
#[derive(Clone, Debug, Serialize)]
pub struct Reliability {
    /// At temperature 1.
    pub before: Diagram,
    /// At the temperatures; None if there is none but 1.
    pub after: Option<Diagram>,
    /// The temperature of each run.
    pub temperatures: Vec<f64>,
    /// Whether they were fitted to other folds; otherwise they are the model files'.
    pub fitted: bool,
}

impl Reliability {
    /// Of one run with its model file's temperature, of several with temperatures fitted across folds.
    pub fn of(runs: &[Run]) -> Self {
        let before = diagram(runs, &vec![1.0; runs.len()]);
        let fold = |run: &Run| (run.split.fold, run.split.folds);
        let fitted = runs.iter().any(|run| runs.iter().any(|other| fold(other) != fold(run)));
        let temperatures: Vec<f64> = if fitted {
            let others = |run: &Run| -> Vec<Answer<'_>> {
                let others = runs.iter().filter(|other| fold(other) != fold(run));
                others.flat_map(|other| other.predictions.utterances.iter()).filter_map(answer).collect()
            };
            runs.iter().map(|run| fit_temperature(&others(run))).collect()
        } else {
            runs.iter().map(Run::temperature).collect()
        };
        let changed = temperatures.iter().any(|&temperature| temperature != 1.0);
        Self { before, after: changed.then(|| diagram(runs, &temperatures)), temperatures, fitted }
    }
}

fn answer(prediction: &Prediction) -> Option<Answer<'_>> {
    Some((prediction.int8.as_deref()?, prediction.truth))
}

/// The diagram of all runs, each at its temperature.
fn diagram(runs: &[Run], temperatures: &[f64]) -> Diagram {
    let scaled: Vec<(Vec<f32>, usize)> = runs
        .iter()
        .zip(temperatures)
        .flat_map(|(run, temperature)| {
            let answers = run.predictions.utterances.iter().filter_map(answer);
            answers.map(move |(values, truth)| {
                (values.iter().map(|value| (f64::from(*value) / temperature) as f32).collect(), truth)
            })
        })
        .collect();
    let answers: Vec<Answer<'_>> = scaled.iter().map(|(values, truth)| (values.as_slice(), *truth)).collect();
    let bins = reliability(&answers, 1.0);
    Diagram { calibration_error: expected_calibration_error(&bins), bins: bins.to_vec() }
}

/// What is seen.
pub fn seen(group: &Group) -> String {
    let Reliability { before, after, temperatures, fitted } = &group.reliability;
    let sign = |diagram: &Diagram| {
        let gap: f64 = diagram.bins.iter().map(|bin| bin.count as f64 * (bin.accuracy - bin.confidence)).sum();
        if gap < 0.0 { "more sure than right" } else { "less sure than right" }
    };
    let first = format!(
        "At temperature 1 the int8 core is on the whole {}; the expected calibration error is {}.",
        sign(before),
        percent(before.calibration_error)
    );
    let (low, high) = temperatures.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), &t| (low.min(t), high.max(t)));
    let temperature = if high - low < 5e-3 { format!("{low:.2}") } else { format!("{low:.2} to {high:.2}") };
    match after {
        Some(after) if *fitted => format!(
            "{first} With the temperature ({temperature}), for each fold fitted to the answers of the others, it is {}.",
            percent(after.calibration_error)
        ),
        Some(after) => {
            format!(
                "{first} With the temperature of the model file ({temperature}) it is {}.",
                percent(after.calibration_error)
            )
        }
        None => format!("{first} The model file has no other temperature."),
    }
}

/// The picture.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    let title = "Reliability, int8";
    let draw = |area: &Area<'_>| -> Result<()> {
        let before = Look::line(MIDDLE, Stroke::Dashed, Marker::Ring);
        let after = Look::line(DARK, Stroke::Solid, Marker::Disc);
        let ideal = Look { width: 3, ..Look::line(GREY, Stroke::Dotted, Marker::None) };
        let label = |name: &str, diagram: &Diagram| format!("{name} (ECE {})", percent(diagram.calibration_error));
        let mut diagrams = vec![(label("temperature 1", &group.reliability.before), &group.reliability.before, before)];
        if let Some(diagram) = &group.reliability.after {
            diagrams.push((label("with temperature", diagram), diagram, after));
        }
        let mut entries: Vec<(&str, Look)> = diagrams.iter().map(|(label, _, look)| (label.as_str(), *look)).collect();
        entries.push(("as sure as right", ideal));
        let top = heading(area, title, &entries)?;
        let (above, below) = area.split_vertically(area.dim_in_pixel().1 as i32 - 190);
        let chart = axes(&above, top, &Axis { label: "", ..Axis::share("") }, &Axis::share("share that is right"))?;
        series(&above, &chart, &[(0.0, 0.0), (1.0, 1.0)], &ideal)?;
        for (_, diagram, look) in &diagrams {
            let points: Vec<(f64, f64)> =
                diagram.bins.iter().filter(|bin| bin.count > 0).map(|bin| (bin.confidence, bin.accuracy)).collect();
            series(&above, &chart, &points, look)?;
        }
        counts(&below, &diagrams.iter().map(|(_, diagram, look)| (*diagram, *look)).collect::<Vec<_>>())
    };
    Ok(vec![Picture::draw(
        group.picture_name("reliability"),
        format!("{title}, {}", group.name),
        description(group),
        (420, 480),
        draw,
    )?])
}

/// How many answers lie in each bin.
fn counts(area: &Area<'_>, diagrams: &[(&Diagram, Look)]) -> Result<()> {
    let largest =
        diagrams.iter().flat_map(|(diagram, _)| &diagram.bins).map(|bin| bin.count).max().unwrap_or_default().max(1)
            as f64;
    let x = Axis::share("confidence: probability of the leading label");
    let y = Axis { label: "answers", range: (0.0, 1.1 * largest), ticks: 3, format: |count| format!("{count:.0}") };
    let chart = axes(area, 0, &x, &y)?;
    for (index, (diagram, look)) in diagrams.iter().enumerate() {
        for (bin, place) in diagram.bins.iter().zip(0..) {
            if bin.count > 0 {
                let width = 0.8 / diagrams.len() as f64;
                let left = (f64::from(place) + 0.1 + width * index as f64) / diagram.bins.len() as f64;
                let right = left + width / diagram.bins.len() as f64;
                let corners = [(left, bin.count as f64), (right, 0.0)].map(|corner| point(area, &chart, corner));
                if look.marker == Marker::Disc {
                    area.draw(&Rectangle::new(corners, look.colour.filled()))?;
                } else {
                    let [(x0, y0), (x1, y1)] = corners;
                    area.draw(&PathElement::new(
                        [(x0, y1), (x0, y0), (x1, y0), (x1, y1)],
                        look.colour.stroke_width(3),
                    ))?;
                }
            }
        }
    }
    Ok(())
}

fn description(group: &Group) -> String {
    let bins = |diagram: &Diagram| {
        let bins = diagram.bins.iter().filter(|bin| bin.count > 0);
        let bins: Vec<String> = bins
            .map(|bin| format!("{} sure: {} right of {}", percent(bin.confidence), percent(bin.accuracy), bin.count))
            .collect();
        bins.join("; ")
    };
    let before = format!("{} At temperature 1: {}.", seen(group), bins(&group.reliability.before));
    match &group.reliability.after {
        Some(after) => format!("{before} With temperature: {}.", bins(after)),
        None => before,
    }
}
