//! A network as boxes, from the input down to the classes, drawn from its description.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use ser_core::spec::{Network, Shape};

use crate::report::plot::{Area, GREY, Picture, TEXT, UNITS, fitting, heading, ink_on, shade, text_style, write};
use crate::report::text::thousands;

/// Width of the picture, CSS pixels.
const WIDTH: u32 = 420;
/// Height of a box, units.
const BOX: i32 = 56;
/// Height of an arrow between two boxes, units.
const ARROW: i32 = 28;
/// Left and right end of the boxes, units.
const SIDES: (i32, i32) = (12, 828);

/// One box.
struct Stage {
    name: String,
    /// Shape of its output.
    output: String,
    /// Number of weights and biases; None for the input, which is no layer.
    parameters: Option<usize>,
}

/// Draws a network: each layer with the shape of its output and the number of its parameters (weights and biases). A
/// darker box has a larger share of the parameters.
///
/// `rows` has the number of time steps of the input and of each layer's output, in order. If it is empty, the shapes
/// are those of one time step.
///
/// # Errors
///
/// If `rows` is not empty and has another length than the number of layers plus one.
pub fn diagram(name: &str, title: &str, network: &Network, rows: &[usize]) -> Result<Picture> {
    let stages = stages(network, rows);
    let wanted = stages.len();
    ensure!(
        rows.is_empty() || rows.len() == wanted,
        "{name}: wanted the time steps of {wanted} outputs or none, got {}",
        rows.len()
    );
    let total: usize = stages.iter().filter_map(|stage| stage.parameters).sum();
    let labels: Vec<&str> = network.labels.iter().map(|label| label.as_str()).collect();
    let classes = format!("softmax: {}", labels.join(", "));
    let columns =
        if rows.is_empty() { "output of a step: bands × channels" } else { "output: steps × bands × channels" };
    let (left, right) = SIDES;
    let draw = |area: &Area<'_>| -> Result<()> {
        let mut y = heading(area, title, &[])?;
        for (text, x, side) in [
            ("layer", left + 16, HPos::Left),
            (columns, (left + right) / 2, HPos::Center),
            ("parameters", right - 16, HPos::Right),
        ] {
            write(area, text, (x, y), text_style(fitting([columns], 420), GREY, side, VPos::Top))?;
        }
        y += TEXT + 14;
        for stage in &stages {
            let share = stage.parameters.unwrap_or_default() as f64 / total.max(1) as f64;
            let parameters =
                stage.parameters.map(|parameters| if parameters > 0 { thousands(parameters) } else { "–".to_owned() });
            let cells = [
                (stage.name.as_str(), left + 16, HPos::Left),
                (&stage.output, (left + right) / 2, HPos::Center),
                (parameters.as_deref().unwrap_or_default(), right - 16, HPos::Right),
            ];
            boxed(area, y, shade(share))?;
            for (text, x, side) in cells {
                write(area, text, (x, y + BOX / 2), text_style(TEXT, ink_on(share), side, VPos::Center))?;
            }
            y += BOX;
            arrow(area, y)?;
            y += ARROW;
        }
        boxed(area, y, WHITE)?;
        let size = fitting([classes.as_str()], right - left - 32);
        write(area, &classes, ((left + right) / 2, y + BOX / 2), text_style(size, BLACK, HPos::Center, VPos::Center))?;
        let sum = format!("{} parameters", thousands(total));
        write(area, &sum, (right - 16, y + BOX + 14), text_style(TEXT, BLACK, HPos::Right, VPos::Top))
    };
    let height = 100 + (BOX + ARROW) * stages.len() as i32 + BOX + 14 + TEXT + 20;
    Picture::draw(
        name.to_owned(),
        title.to_owned(),
        description(&stages, &classes, total),
        (WIDTH, height as u32 / UNITS),
        draw,
    )
}

fn stages(network: &Network, rows: &[usize]) -> Vec<Stage> {
    let output = |index: usize, shape: Shape| dimensions(rows.get(index).copied(), shape);
    let input = Stage { name: "input".to_owned(), output: output(0, network.input()), parameters: None };
    let layers = network.shapes().enumerate().map(|(index, (layer, enters, leaves))| Stage {
        name: layer.name().to_owned(),
        output: output(index + 1, leaves),
        parameters: Some(layer.parameters(enters)),
    });
    std::iter::once(input).chain(layers).collect()
}

/// A shape such as `109 × 109 × 16`. Time steps and bands are left out where they are 1.
fn dimensions(rows: Option<usize>, shape: Shape) -> String {
    let outer = rows.into_iter().chain([shape.bands]).filter(|&len| len != 1);
    outer.chain([shape.channels]).map(|len| len.to_string()).collect::<Vec<_>>().join(" × ")
}

fn boxed(area: &Area<'_>, y: i32, colour: RGBColor) -> Result<()> {
    let corners = [(SIDES.0, y), (SIDES.1, y + BOX)];
    area.draw(&Rectangle::new(corners, colour.filled()))?;
    Ok(area.draw(&Rectangle::new(corners, GREY.stroke_width(2)))?)
}

fn arrow(area: &Area<'_>, y: i32) -> Result<()> {
    let (x, tip) = ((SIDES.0 + SIDES.1) / 2, y + ARROW - 2);
    area.draw(&PathElement::new([(x, y), (x, tip - 8)], GREY.stroke_width(2)))?;
    Ok(area.draw(&Polygon::new([(x - 7, tip - 12), (x + 7, tip - 12), (x, tip)], GREY.filled()))?)
}

/// The network in words.
fn description(stages: &[Stage], classes: &str, total: usize) -> String {
    let words = |stage: &Stage| match stage.parameters {
        Some(parameters) if parameters > 0 => {
            format!("{} to {} with {} parameters", stage.name, stage.output, thousands(parameters))
        }
        Some(_) => format!("{} to {}", stage.name, stage.output),
        None => format!("{} of {}", stage.name, stage.output),
    };
    let layers: Vec<String> = stages.iter().map(words).collect();
    format!("{}; {classes}. {} parameters in all.", layers.join("; "), thousands(total))
}
