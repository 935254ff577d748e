//! Two confusion matrices side by side.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::evaluation::metrics::Confusion;
use crate::report::plot::{Area, Picture, TEXT, UNITS, fitting, heading, text_style, write};
use crate::report::sections::matrix::{self, Cells};
use crate::report::text::percent;

/// Draws two matrices, each with its name. In both a row is a true class and a column the class of the answers.
///
/// # Errors
///
/// If the picture can't be drawn.
pub fn confusion(name: &str, title: &str, cells: Cells, matrices: [(&str, &Confusion); 2]) -> Result<Picture> {
    let draw = |area: &Area<'_>| -> Result<()> {
        let (_, below) = area.split_vertically(heading(area, title, &[])?);
        let right = matrices.map(|(of, confusion)| right(of, confusion));
        let size = fitting(right.iter().map(String::as_str), (matrix::WIDTH * UNITS) as i32 - 24);
        for ((half, (_, confusion)), right) in below.split_evenly((1, 2)).iter().zip(matrices).zip(&right) {
            write(half, right, (12, 8), text_style(size, BLACK, HPos::Left, VPos::Top))?;
            matrix::draw(half, TEXT + 24, confusion, cells)?;
        }
        Ok(())
    };
    let description: Vec<String> = matrices
        .iter()
        .map(|(of, confusion)| format!("{} {}", right(of, confusion), matrix::description(confusion)))
        .collect();
    let height = matrices.iter().map(|(_, confusion)| matrix::height(confusion)).max().unwrap_or_default()
        + (TEXT as u32 + 24) / UNITS;
    Picture::draw(name.to_owned(), title.to_owned(), description.join(" "), (2 * matrix::WIDTH, height), draw)
}

fn right(of: &str, confusion: &Confusion) -> String {
    format!("{of}: {} of {} right, {}.", confusion.correct(), confusion.total(), percent(confusion.war()))
}
