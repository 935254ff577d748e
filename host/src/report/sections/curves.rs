//! Section `curves`: loss, accuracy and learning rate over the epochs.

use anyhow::Result;
use plotters::style::Color;

use crate::report::figures::Group;
use crate::report::figures::curves::Curve;
use crate::report::plot::{
    Area, Axis, DARK, GREY, Look, MIDDLE, Marker, Picture, Stroke, axes, heading, range, series,
};
use crate::report::text::{number, percent, picture_name, thousands};
use crate::training::run::EpochMetrics;

/// A line: epochs and values.
type Line = Vec<(f64, f64)>;

/// A quantity that is drawn over the epochs.
struct Quantity<'a> {
    label: &'a str,
    value: fn(&EpochMetrics) -> Option<f64>,
    look: Look,
}

/// What is seen: loss and accuracy after the last epoch.
pub fn seen(group: &Group) -> String {
    training(group).seen()
}

/// Three pictures, or none if no run has an epoch.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    training(group).pictures()
}

fn training(group: &Group) -> Training<'_> {
    Training {
        prefix: &group.prefix,
        name: &group.name,
        curves: &group.curves,
        heard: "augmented training utterances",
        tested: "int8 core",
        war: group.int8.war.value,
    }
}

/// The training curves of one run or several, with the words around them.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// What the names of the picture files start with; may be empty.
    pub prefix: &'a str,
    /// What was trained.
    pub name: &'a str,
    /// The runs; each has at least one epoch.
    pub curves: &'a [Curve],
    /// What it was trained on, for instance `augmented training utterances`.
    pub heard: &'a str,
    /// What was tested, for instance `int8 core`.
    pub tested: &'a str,
    /// The share of the test part that is recognised, over all runs, 0 to 1.
    pub war: f64,
}

impl Training<'_> {
    /// What is seen: loss and accuracy after the last epoch.
    pub fn seen(&self) -> String {
        let last: Vec<&EpochMetrics> = self.curves.iter().filter_map(|curve| curve.epochs.last()).collect();
        if last.is_empty() {
            return "There is no metrics.csv, so there is nothing to draw.".to_owned();
        }
        let mean =
            |value: fn(&EpochMetrics) -> f64| last.iter().map(|epoch| value(epoch)).sum::<f64>() / last.len() as f64;
        format!(
            "After the last epoch ({}) the training loss is {:.3} and {} of the {} are recognised; the {} recognises \
             {} of the test part.",
            thousands(last.iter().map(|epoch| epoch.epoch).max().unwrap_or_default()),
            mean(|epoch| epoch.train_loss),
            percent(mean(|epoch| epoch.train_accuracy)),
            self.heard,
            self.tested,
            percent(self.war)
        )
    }

    /// Loss, accuracy and learning rate over the epochs; no picture without a run. With several runs, each run is a
    /// thin line and their mean a thick one.
    ///
    /// # Errors
    ///
    /// If a picture can't be drawn.
    pub fn pictures(&self) -> Result<Vec<Picture>> {
        if self.curves.is_empty() {
            return Ok(Vec::new());
        }
        let solid = Look::line(DARK, Stroke::Solid, Marker::None);
        let loss = Quantity { label: "training loss, nat", value: |epoch| Some(epoch.train_loss), look: solid };
        let training = Quantity {
            label: self.heard,
            value: |epoch| Some(epoch.train_accuracy),
            look: Look::line(MIDDLE, Stroke::Dashed, Marker::None),
        };
        let validation = Quantity { label: "validation part (WAR)", value: |epoch| epoch.validation_war, look: solid };
        let rate = Quantity { label: "learning rate", value: |epoch| Some(epoch.learning_rate), look: solid };
        let thousandths = Axis {
            label: "learning rate, thousandths",
            range: (0.0, 0.0),
            ticks: 6,
            format: |rate| number(&(1000.0 * rate)),
        };
        let loss_axis = Axis { label: "cross-entropy, nat", range: (0.0, 0.0), ticks: 6, format: number };
        Ok(vec![
            self.picture("loss", "Training loss", loss_axis, &[loss], None)?,
            self.picture("accuracy", "Accuracy", Axis::share("recognised"), &[training, validation], Some(self.war))?,
            self.picture("learning-rate", "Learning rate", thousandths, &[rate], None)?,
        ])
    }

    fn picture(
        &self,
        name: &str,
        title: &str,
        y: Axis<'_>,
        quantities: &[Quantity<'_>],
        level: Option<f64>,
    ) -> Result<Picture> {
        let lines = |quantity: &Quantity<'_>| -> Vec<Line> {
            let line = |epochs: &[EpochMetrics]| {
                let points = epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, (quantity.value)(epoch)?)));
                points.filter(|(_, value)| value.is_finite()).collect::<Line>()
            };
            self.curves.iter().map(|curve| line(&curve.epochs)).filter(|line| !line.is_empty()).collect()
        };
        let drawn: Vec<(&Quantity<'_>, Vec<Line>)> = quantities
            .iter()
            .map(|quantity| (quantity, lines(quantity)))
            .filter(|(_, lines)| !lines.is_empty())
            .collect();
        let points = || drawn.iter().flat_map(|(_, lines)| lines.iter().flatten().copied());
        let x = Axis {
            label: "epoch",
            range: range(points().map(|(epoch, _)| epoch), (0.0, 1.0)),
            ticks: 6,
            format: number,
        };
        let least = if y.range == (0.0, 0.0) { (0.0, f64::MIN_POSITIVE) } else { y.range };
        let (low, high) = range(points().map(|(_, value)| value), least);
        // A share ends at 1; any other axis has a little air above the highest point. The limit keeps the axis finite
        // when a loss diverges, which then leaves the picture.
        let y = Axis { range: (low, if y.range.1 == high { high } else { (1.04 * high).clamp(1e-6, 1e12) }), ..y };
        let many = self.curves.len() > 1;
        let faint = |quantity: &Quantity<'_>| Look { colour: quantity.look.colour.mix(0.45), ..Look::faint(DARK) };
        let draw = |area: &Area<'_>| -> Result<()> {
            let mut entries: Vec<(String, Look)> = Vec::new();
            for (quantity, _) in &drawn {
                let label = if many { format!("{}: mean", quantity.label) } else { quantity.label.to_owned() };
                entries.push((label, quantity.look));
            }
            if let Some((quantity, _)) = drawn.first().filter(|_| many) {
                entries.push(("each run".to_owned(), faint(quantity)));
            }
            let test = Look::line(GREY, Stroke::Dotted, Marker::None);
            if level.is_some() {
                entries.push((format!("test part, {}, at the end", self.tested), test));
            }
            // The axis names a single line.
            let shown = if entries.len() > 1 { entries.as_slice() } else { &[] };
            let entries: Vec<(&str, Look)> = shown.iter().map(|(label, look)| (label.as_str(), *look)).collect();
            let top = heading(area, title, &entries)?;
            let chart = axes(area, top, &x, &y)?;
            if let Some(level) = level {
                series(area, &chart, &[(x.range.0, level), (x.range.1, level)], &test)?;
            }
            for (quantity, lines) in &drawn {
                if many {
                    lines.iter().try_for_each(|line| series(area, &chart, line, &faint(quantity)))?;
                    series(area, &chart, &mean(lines), &quantity.look)?;
                } else {
                    lines.iter().try_for_each(|line| series(area, &chart, line, &quantity.look))?;
                }
            }
            Ok(())
        };
        Picture::draw(picture_name(self.prefix, name), format!("{title}, {}", self.name), self.seen(), (420, 310), draw)
    }
}

/// The mean of the lines, at each epoch that at least one of them has.
fn mean(lines: &[Line]) -> Line {
    let mut points: Line = lines.iter().flatten().copied().collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let of_epoch = points.chunk_by(|a, b| a.0 == b.0);
    of_epoch
        .filter_map(|points| {
            Some((points.first()?.0, points.iter().map(|(_, value)| value).sum::<f64>() / points.len() as f64))
        })
        .collect()
}
