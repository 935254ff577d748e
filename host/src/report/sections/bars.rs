//! Section `recall`: recall of each class, int8 and float, as bars with 95 % intervals.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::evaluation::interval::shown;
use crate::report::figures::Group;
use crate::report::figures::accuracy::Figure;
use crate::report::page::Table;
use crate::report::plot::{Area, Axis, DARK, MIDDLE, Picture, TEXT, UNITS, axes, fitting, heading, text_style, write};
use crate::report::text::percent;

/// Half the width of a bar, as a share of the width of a class.
const HALF: f64 = 0.17;

/// What is seen: the class of the largest and of the smallest recall.
pub fn seen(group: &Group) -> String {
    let mut recalls: Vec<(&str, f64)> = group
        .labels
        .iter()
        .zip(&group.int8.recalls)
        .filter_map(|(label, recall)| recall.map(|recall| (label.as_str(), recall.value)))
        .collect();
    recalls.sort_by(|a, b| a.1.total_cmp(&b.1));
    match (recalls.first(), recalls.last()) {
        (Some((hardest, low)), Some((easiest, high))) if low < high => {
            format!(
                "The int8 core recognises {easiest} best ({}) and {hardest} least ({}).",
                percent(*high),
                percent(*low)
            )
        }
        (Some((_, recall)), _) => format!("The int8 core recognises every class as often: {}.", percent(*recall)),
        _ => "There is no utterance.".to_owned(),
    }
}

/// The recalls of the picture as a table.
pub fn table(group: &Group) -> Table {
    let cell = |recall: &Option<Figure>| recall.map_or_else(|| "no utterance".to_owned(), |recall| interval(&recall));
    let rows = group.labels.iter().zip(group.int8.recalls.iter().zip(&group.float.recalls));
    Table {
        caption: "Recall of each class with its 95\u{a0}% interval".to_owned(),
        head: ["class", "int8", "float"].map(str::to_owned).to_vec(),
        rows: rows.map(|(label, (int8, float))| vec![label.clone(), cell(int8), cell(float)]).collect(),
    }
}

/// `81.2 % (75.1 to 86.1)`, or `81.2 %` without an interval. Its only ordinary space is before the parenthesis, so a
/// line breaks there or nowhere.
pub fn interval(figure: &Figure) -> String {
    let interval = figure.interval.map(|_| format!(" ({})", shown(figure.interval).replace(' ', "\u{a0}")));
    percent(figure.value) + &interval.unwrap_or_default()
}

/// One picture: two bars for each class.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    let classes = group.labels.len();
    let title = "Recall of each class";
    let draw = |area: &Area<'_>| -> Result<()> {
        let top = heading(area, title, &[])?;
        legend(area, top)?;
        let x = Axis { label: "", range: (0.0, classes as f64), ticks: 0, format: |_| String::new() };
        let chart = axes(area, top + 46, &x, &Axis::share("recall"))?;
        let column = chart.backend_coord(&(1.0, 0.0)).0 - chart.backend_coord(&(0.0, 0.0)).0;
        let size = fitting(group.labels.iter().map(String::as_str), column - 4);
        for (index, label) in group.labels.iter().enumerate() {
            let middle = index as f64 + 0.5;
            for (recalls, offset, filled) in [(&group.int8.recalls, -0.2, true), (&group.float.recalls, 0.2, false)] {
                if let Some(Some(recall)) = recalls.get(index) {
                    let x = middle + offset;
                    let from = chart.backend_coord(&(x - HALF, recall.value));
                    let to = chart.backend_coord(&(x + HALF, 0.0));
                    bar(area, from, to, filled)?;
                    if let Some((low, high)) = recall.interval {
                        whisker(area, [low, high].map(|share| chart.backend_coord(&(x, share))))?;
                    }
                }
            }
            let (x, y) = chart.backend_coord(&(middle, 0.0));
            write(area, label, (x, y + 14), text_style(size, BLACK, HPos::Center, VPos::Top))?;
        }
        Ok(())
    };
    Ok(vec![Picture::draw(
        group.picture_name("recall"),
        format!("{title}, {}", group.name),
        description(group),
        (420, 330),
        draw,
    )?])
}

/// A bar between two opposite corners: filled for int8, hatched for float.
fn bar(area: &Area<'_>, from: (i32, i32), to: (i32, i32), filled: bool) -> Result<()> {
    if filled {
        return Ok(area.draw(&Rectangle::new([from, to], DARK.filled()))?);
    }
    area.draw(&Rectangle::new([from, to], WHITE.filled()))?;
    let style = MIDDLE.stroke_width(3);
    let mut y = to.1 - 10;
    while y > from.1 {
        area.draw(&PathElement::new([(from.0, y), (to.0, y)], MIDDLE.stroke_width(2)))?;
        y -= 12;
    }
    Ok(area.draw(&PathElement::new([from, (to.0, from.1), to, (from.0, to.1), from], style))?)
}

fn whisker(area: &Area<'_>, [low, high]: [(i32, i32); 2]) -> Result<()> {
    // A white rim keeps the whisker visible on a dark bar.
    for (colour, width) in [(WHITE, 8), (BLACK, 3)] {
        let style = colour.stroke_width(width);
        area.draw(&PathElement::new([low, high], style))?;
        for (x, y) in [low, high] {
            area.draw(&PathElement::new([(x - 8, y), (x + 8, y)], style))?;
        }
    }
    Ok(())
}

fn legend(area: &Area<'_>, top: i32) -> Result<()> {
    let size = 14 * UNITS as i32;
    for (x, text, filled) in [(12, "int8 core", true), (250, "float model", false)] {
        bar(area, (x, top), (x + size, top + size), filled)?;
        write(area, text, (x + size + 12, top + size / 2), text_style(TEXT, BLACK, HPos::Left, VPos::Center))?;
    }
    whisker(area, [(520, top + size), (520, top)])?;
    write(area, "95 % interval", (542, top + size / 2), text_style(TEXT, BLACK, HPos::Left, VPos::Center))
}

fn description(group: &Group) -> String {
    let rows = table(group).rows;
    let rows: Vec<String> = rows.iter().map(|row| row.join(", ")).collect();
    format!("Class, int8, float: {}.", rows.join("; "))
}
