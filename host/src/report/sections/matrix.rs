//! Section `confusion`: the confusion matrix, in utterances and in shares of the true class.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::evaluation::metrics::Confusion;
use crate::report::figures::Group;
use crate::report::plot::{Area, GREY, Picture, TEXT, UNITS, fitting, heading, ink_on, shade, text_style, write};
use crate::report::text::percent;

/// Distance of the cells from the left side, units.
const LEFT: i32 = 170;
/// Width of a picture with one matrix, CSS pixels.
pub const WIDTH: u32 = 420;
/// Height of a row, units.
const ROW: i32 = 76;

/// Name of the column for utterances without an answer.
const UNANSWERED: &str = "none";

/// Columns of the matrix: one for each label, and one more if some utterances got no answer.
fn columns(confusion: &Confusion) -> Vec<&str> {
    let unanswered = confusion.unanswered.iter().any(|&count| count > 0);
    confusion.labels.iter().map(String::as_str).chain(unanswered.then_some(UNANSWERED)).collect()
}

/// Each true class with its counts, one for each label and the last for utterances without an answer.
fn rows(confusion: &Confusion) -> impl Iterator<Item = (&str, Vec<u64>)> {
    let counts = confusion.counts.iter().zip(&confusion.unanswered);
    confusion
        .labels
        .iter()
        .zip(counts)
        .map(|(label, (counts, none))| (label.as_str(), counts.iter().chain([none]).copied().collect()))
}

/// What is seen: how many answers are right, and the commonest confusion.
pub fn seen(group: &Group) -> String {
    let confusion = &group.int8.confusion;
    let mut worst: Option<(u64, u64, &str, &str)> = None;
    for (truth, (label, counts)) in rows(confusion).enumerate() {
        let total: u64 = counts.iter().sum();
        for (said, (count, name)) in counts.iter().zip(&confusion.labels).enumerate() {
            if said != truth && worst.is_none_or(|(largest, ..)| *count > largest) && *count > 0 {
                worst = Some((*count, total, label, name));
            }
        }
    }
    let right = format!("The int8 core recognises {} of {} test utterances.", confusion.correct(), confusion.total());
    match worst {
        Some((count, total, truth, said)) => {
            format!("{right} The commonest confusion is {truth} taken for {said}: {count} of {total}.")
        }
        None => format!("{right} No class is taken for another."),
    }
}

/// Two pictures: the matrix in utterances and in shares.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    let picture = |name: &str, title: &str, cells: Cells| {
        let confusion = &group.int8.confusion;
        let draw = |area: &Area<'_>| draw(area, heading(area, title, &[])?, confusion, cells);
        let size = (WIDTH, height(confusion));
        Picture::draw(group.picture_name(name), format!("{title}, {}", group.name), description(confusion), size, draw)
    };
    Ok(vec![
        picture("confusion-counts", "Confusion matrix, int8: utterances", Cells::Utterances)?,
        picture("confusion-shares", "Confusion matrix, int8: share of the true class", Cells::Shares)?,
    ])
}

/// The quantity in the cells: it is written there, and a larger one is darker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Numbers of utterances.
    Utterances,
    /// Shares of the true class.
    Shares,
}

/// Height of a picture with one matrix and a heading, CSS pixels.
pub fn height(confusion: &Confusion) -> u32 {
    (170 + confusion.labels.len() as u32 * ROW as u32) / UNITS
}

/// Draws a matrix below `top`, as wide as the area. A row is a true class, a column the class of the answers.
pub fn draw(area: &Area<'_>, top: i32, confusion: &Confusion, cells: Cells) -> Result<()> {
    let columns = columns(confusion);
    let column = (area.dim_in_pixel().0 as i32 - LEFT - 12) / columns.len().max(1) as i32;
    let largest = rows(confusion).flat_map(|(_, counts)| counts).max().unwrap_or_default().max(1) as f64;
    let cell = |count: u64, total: u64| match cells {
        Cells::Utterances => (count as f64 / largest, count.to_string()),
        Cells::Shares => {
            let share = count as f64 / total.max(1) as f64;
            (share, format!("{:.0} %", 100.0 * share))
        }
    };
    let top = top + 84;
    let size = fitting(columns.iter().copied(), column - 4);
    write(
        area,
        "recognised as",
        (LEFT + column * columns.len() as i32 / 2, top - 78),
        text_style(TEXT, GREY, HPos::Center, VPos::Top),
    )?;
    write(area, "true class", (LEFT - 14, top - 38), text_style(TEXT, GREY, HPos::Right, VPos::Top))?;
    for (index, label) in columns.iter().enumerate() {
        write(
            area,
            label,
            (LEFT + column * index as i32 + column / 2, top - 38),
            text_style(size, BLACK, HPos::Center, VPos::Top),
        )?;
    }
    for (row, (label, counts)) in rows(confusion).enumerate() {
        let y = top + ROW * row as i32;
        write(area, label, (LEFT - 14, y + ROW / 2), text_style(size, BLACK, HPos::Right, VPos::Center))?;
        let total: u64 = counts.iter().sum();
        for (index, (count, _)) in counts.iter().zip(&columns).enumerate() {
            let x = LEFT + column * index as i32;
            let (share, text) = cell(*count, total);
            let corners = [(x, y), (x + column, y + ROW)];
            area.draw(&Rectangle::new(corners, shade(share).filled()))?;
            area.draw(&Rectangle::new(corners, GREY.mix(0.6)))?;
            let ink = if *count == 0 { GREY } else { ink_on(share) };
            write(area, &text, (x + column / 2, y + ROW / 2), text_style(TEXT, ink, HPos::Center, VPos::Center))?;
        }
    }
    Ok(())
}

/// The whole matrix in words.
pub fn description(confusion: &Confusion) -> String {
    let columns = columns(confusion);
    let row = |(label, counts): (&str, Vec<u64>)| {
        let counts: Vec<String> = columns.iter().zip(counts).map(|(name, count)| format!("{name} {count}")).collect();
        format!("True {label}: {}.", counts.join(", "))
    };
    let rows: Vec<String> = rows(confusion).map(row).collect();
    format!("{} WAR {}.", rows.join(" "), percent(confusion.war()))
}
