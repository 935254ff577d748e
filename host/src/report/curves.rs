//! Training curves: loss, accuracy, learning rate.

use anyhow::Result;
use plotters::style::Color;
use serde::Serialize;

use super::Group;
use super::gather::Run;
use super::plot::{Area, Axis, DARK, GREY, Look, MIDDLE, Marker, Picture, Stroke, axes, heading, range, series};
use super::text::{number, percent, thousands};
use crate::run::EpochMetrics;

/// The epochs of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// Name of the run.
    pub run: String,
    /// Each epoch.
    pub epochs: Vec<EpochMetrics>,
}

/// The epochs of all runs that have any.
pub fn curves(runs: &[Run]) -> Vec<Curve> {
    let runs = runs.iter().filter(|run| !run.epochs.is_empty());
    runs.map(|run| Curve { run: run.name.clone(), epochs: run.epochs.clone() }).collect()
}

/// Epochs and values.
type Line = Vec<(f64, f64)>;

/// A quantity over the epochs.
struct Quantity {
    label: &'static str,
    value: fn(&EpochMetrics) -> Option<f64>,
    look: Look,
}

/// What is seen.
pub fn seen(group: &Group) -> String {
    let last: Vec<&EpochMetrics> = group.curves.iter().filter_map(|curve| curve.epochs.last()).collect();
    if last.is_empty() {
        return "There is no metrics.csv, so there is nothing to draw.".to_owned();
    }
    let mean = |value: fn(&EpochMetrics) -> f64| last.iter().map(|epoch| value(epoch)).sum::<f64>() / last.len() as f64;
    format!(
        "After the last epoch ({}) the training loss is {:.3} and {} of the augmented training utterances are recognised; the int8 core recognises {} of the test part.",
        thousands(last.iter().map(|epoch| epoch.epoch).max().unwrap_or_default()),
        mean(|epoch| epoch.train_loss),
        percent(mean(|epoch| epoch.train_accuracy)),
        percent(group.int8.war.value)
    )
}

/// The three pictures; none without an epoch.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    if group.curves.is_empty() {
        return Ok(Vec::new());
    }
    let loss = Quantity {
        label: "training loss, nat",
        value: |epoch| Some(epoch.train_loss),
        look: Look::line(DARK, Stroke::Solid, Marker::None),
    };
    let training = Quantity {
        label: "training part, augmented",
        value: |epoch| Some(epoch.train_accuracy),
        look: Look::line(MIDDLE, Stroke::Dashed, Marker::None),
    };
    let validation = Quantity {
        label: "validation part (WAR)",
        value: |epoch| epoch.validation_war,
        look: Look::line(DARK, Stroke::Solid, Marker::None),
    };
    let rate =
        Quantity { label: "learning rate", value: |epoch| Some(epoch.learning_rate), look: Look::line(DARK, Stroke::Solid, Marker::None) };
    let thousandths = Axis { label: "learning rate, thousandths", range: (0.0, 0.0), ticks: 6, format: |rate| number(&(1000.0 * rate)) };
    let loss_axis = Axis { label: "cross-entropy, nat", range: (0.0, 0.0), ticks: 6, format: number };
    Ok(vec![
        picture(group, "loss", "Training loss", loss_axis, &[loss], None)?,
        picture(group, "accuracy", "Accuracy", Axis::share("recognised"), &[training, validation], Some(group.int8.war.value))?,
        picture(group, "learning-rate", "Learning rate", thousandths, &[rate], None)?,
    ])
}

fn picture(group: &Group, name: &str, title: &str, y: Axis<'_>, quantities: &[Quantity], level: Option<f64>) -> Result<Picture> {
    let lines = |quantity: &Quantity| -> Vec<Line> {
        let line = |epochs: &[EpochMetrics]| {
            let points = epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, (quantity.value)(epoch)?)));
            points.filter(|(_, value)| value.is_finite()).collect::<Line>()
        };
        group.curves.iter().map(|curve| line(&curve.epochs)).filter(|line| !line.is_empty()).collect()
    };
    let drawn: Vec<(&Quantity, Vec<Line>)> =
        quantities.iter().map(|quantity| (quantity, lines(quantity))).filter(|(_, lines)| !lines.is_empty()).collect();
    let points = || drawn.iter().flat_map(|(_, lines)| lines.iter().flatten().copied());
    let x = Axis { label: "epoch", range: range(points().map(|(epoch, _)| epoch), (0.0, 1.0)), ticks: 6, format: number };
    let least = if y.range == (0.0, 0.0) { (0.0, f64::MIN_POSITIVE) } else { y.range };
    let (low, high) = range(points().map(|(_, value)| value), least);
    // A little air above the highest point, except where the axis ends by its nature; a loss that diverged leaves the picture.
    let y = Axis { range: (low, if y.range.1 == high { high } else { (1.04 * high).clamp(1e-6, 1e12) }), ..y };
    let many = group.curves.len() > 1;
    let draw = |area: &Area<'_>| -> Result<()> {
        let mut entries: Vec<(String, Look)> = Vec::new();
        for (quantity, _) in &drawn {
            let label = if many { format!("{}: mean", quantity.label) } else { quantity.label.to_owned() };
            entries.push((label, quantity.look));
        }
        if many {
            entries.push(("each run".to_owned(), Look::faint(DARK)));
        }
        let test = Look::line(GREY, Stroke::Dotted, Marker::None);
        if level.is_some() {
            entries.push(("test part, int8, at the end".to_owned(), test));
        }
        // A single line is named by its axis.
        let shown = if entries.len() > 1 { entries.as_slice() } else { &[] };
        let entries: Vec<(&str, Look)> = shown.iter().map(|(label, look)| (label.as_str(), *look)).collect();
        let top = heading(area, title, &entries)?;
        let mut chart = axes(area, top, &x, &y)?;
        if let Some(level) = level {
            series(area, &mut chart, &[(x.range.0, level), (x.range.1, level)], &test)?;
        }
        for (quantity, lines) in &drawn {
            if many {
                let faint = Look { colour: quantity.look.colour.mix(0.45), ..Look::faint(DARK) };
                lines.iter().try_for_each(|line| series(area, &mut chart, line, &faint))?;
                series(area, &mut chart, &mean(lines), &quantity.look)?;
            } else {
                lines.iter().try_for_each(|line| series(area, &mut chart, line, &quantity.look))?;
            }
        }
        Ok(())
    };
    Picture::draw(group.picture_name(name), format!("{title}, {}", group.name), seen(group), (420, 310), draw)
}

/// The mean of lines at each epoch that one of them has.
fn mean(lines: &[Line]) -> Line {
    let mut points: Line = lines.iter().flatten().copied().collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let of_epoch = points.chunk_by(|a, b| a.0 == b.0);
    of_epoch
        .filter_map(|points| Some((points.first()?.0, points.iter().map(|(_, value)| value).sum::<f64>() / points.len() as f64)))
        .collect()
}
