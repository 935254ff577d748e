//! Section `reliability`: the reliability diagram of the int8 core, before and after a temperature.

use anyhow::Result;
use plotters::prelude::*;

use crate::report::figures::Group;
use crate::report::figures::reliability::{Diagram, Reliability};
use crate::report::plot::{
    Area, Axis, DARK, GREY, Look, MIDDLE, Marker, Picture, Stroke, axes, heading, point, series,
};
use crate::report::text::percent;

/// What is seen: the calibration error before and after the temperature.
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
            "{first} With the temperature ({temperature}), for each fold fitted to the answers of the others, it is \
             {}.",
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

/// One picture: the diagram, and below it the number of answers in each bin.
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

/// Draws the number of answers in each bin as bars: filled after the temperature, hollow before.
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
