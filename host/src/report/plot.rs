//! What all pictures share: size, colours, line styles, axes and legend.
//!
//! plotters draws the SVG, and resvg makes the PNG from that very SVG. plotters draws at whole units, so a picture has
//! [`UNITS`] of them for each CSS pixel. A font for PNG files is compiled in, so their text looks the same on every
//! machine, even on one without fonts.

use std::fmt::Write as _;
use std::ops::Range;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use resvg::{tiny_skia, usvg};

use super::text::{clean, escape};

/// Units of the drawing for each CSS pixel; also pixels of the PNG for each CSS pixel.
pub const UNITS: u32 = 2;
/// Bitstream Vera Sans; its licence lies beside the file.
const FONT: &[u8] = include_bytes!("../../fonts/Vera.ttf");
/// The font of the PNG comes first, then fonts of the same widths.
const FAMILY: &str = "Bitstream Vera Sans, DejaVu Sans, Verdana, sans-serif";
/// A picture wider than this needs more than one column of the page, CSS pixels.
const WIDE: u32 = 544;
/// Height of text, units.
pub const TEXT: i32 = 13 * UNITS as i32;
/// Height of titles, units.
const TITLE: i32 = 15 * UNITS as i32;
/// Line height over font size: plotters expects the height of a line where it says font size.
const LINE_HEIGHT: f64 = 1.24;

/// The dark colour: the int8 core, or what matters most.
pub const DARK: RGBColor = RGBColor(11, 61, 110);
/// The colour of middle lightness: the float model, or what is compared.
pub const MIDDLE: RGBColor = RGBColor(208, 112, 20);
/// The colour of frames, diagonals and notes.
pub const GREY: RGBColor = RGBColor(95, 95, 95);
/// The colour of the grid.
const PALE: RGBColor = RGBColor(222, 222, 222);

/// What a picture is drawn on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// An area with axes.
pub type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// One picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Name of its files without extension; must be unique in a report.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// The content in words, for readers who can't see the picture.
    pub description: String,
    size: (u32, u32),
    drawing: String,
}

impl Picture {
    /// Draws a picture. `size` is width and height in CSS pixels.
    ///
    /// # Errors
    ///
    /// If `draw` fails or plotters gives no SVG.
    pub fn draw(
        name: String,
        title: String,
        description: String,
        size: (u32, u32),
        draw: impl for<'a> FnOnce(&Area<'a>) -> Result<()>,
    ) -> Result<Self> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (size.0 * UNITS, size.1 * UNITS)).into_drawing_area();
            area.fill(&WHITE)?;
            draw(&area)?;
            area.present()?;
        }
        // The opening tag of plotters has no place for a title, so `svg` writes its own.
        let drawing =
            svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>")).map(|(drawing, _)| drawing.to_owned());
        Ok(Self { name, title, description, size, drawing: drawing.context("plotters gave no SVG")? })
    }

    /// Lays images over the drawing. Each of their pixels becomes a sharp block.
    pub fn with_images(mut self, images: impl IntoIterator<Item = Image>) -> Self {
        for Image { left, top, width, height, png } in images {
            let data = STANDARD.encode(png);
            // Writing to a string never fails.
            let _ = writeln!(
                self.drawing,
                "<image x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
                 style=\"image-rendering: pixelated\" href=\"data:image/png;base64,{data}\"/>"
            );
        }
        self
    }

    /// Whether the picture needs more than one column of the page.
    pub fn is_wide(&self) -> bool {
        self.size.0 > WIDE
    }

    /// The picture as an SVG document, which is also an element of a page.
    pub fn svg(&self) -> String {
        let Self { name, size: (width, height), drawing, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
             role=\"img\" aria-labelledby=\"{name}-title {name}-text\">\n\
             <title id=\"{name}-title\">{}</title>\n\
             <desc id=\"{name}-text\">{}</desc>{drawing}</svg>\n",
            width * UNITS,
            height * UNITS,
            escape(&self.title),
            escape(&self.description)
        )
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    ///
    /// If resvg can't read the SVG of plotters or can't encode the PNG.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut options = usvg::Options::default();
        options.fontdb_mut().load_font_data(FONT.to_vec());
        let tree = usvg::Tree::from_str(&self.svg(), &options).context("plotters gave an SVG that can't be read")?;
        let (width, height) = (self.size.0 * UNITS, self.size.1 * UNITS);
        let mut pixels = tiny_skia::Pixmap::new(width, height).context("a picture without pixels")?;
        resvg::render(&tree, tiny_skia::Transform::from_scale(UNITS as f32, UNITS as f32), &mut pixels.as_mut());
        pixels.encode_png().context("cannot encode a PNG")
    }
}

/// A PNG and its place in a picture, in units.
#[derive(Clone, Debug)]
pub struct Image {
    /// Distance from the picture's left side.
    pub left: i32,
    /// Distance from the picture's top.
    pub top: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
    /// The PNG file.
    pub png: Vec<u8>,
}

impl Image {
    /// An image between its left upper and its right lower corner.
    pub fn between((left, top): (i32, i32), (right, bottom): (i32, i32), png: Vec<u8>) -> Self {
        Self { left, top, width: right - left, height: bottom - top, png }
    }
}

/// How a line is drawn. Strokes differ without colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// No line, markers only.
    None,
    /// An unbroken line.
    Solid,
    /// A broken line.
    Dashed,
    /// A line of dots.
    Dotted,
}

/// What marks a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Nothing.
    None,
    /// A filled circle.
    Disc,
    /// An empty circle.
    Ring,
    /// A cross, thick enough to be seen on top of circles.
    Cross,
}

/// How one series looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Colour with opacity.
    pub colour: RGBAColor,
    /// How the line is drawn.
    pub stroke: Stroke,
    /// How the points are marked.
    pub marker: Marker,
    /// Width of the line, units.
    pub width: u32,
}

impl Look {
    /// A line of the usual width.
    pub fn line(colour: RGBColor, stroke: Stroke, marker: Marker) -> Self {
        Self { colour: colour.into(), stroke, marker, width: 4 }
    }

    /// A thin, faint line, for one of many.
    pub fn faint(colour: RGBColor) -> Self {
        Self { colour: colour.mix(0.45), stroke: Stroke::Solid, marker: Marker::None, width: 2 }
    }

    fn style(&self) -> ShapeStyle {
        ShapeStyle { color: self.colour, filled: false, stroke_width: self.width }
    }
}

/// An axis.
#[derive(Clone, Copy)]
pub struct Axis<'a> {
    /// Quantity and unit.
    pub label: &'a str,
    /// Lower and upper end; both must be finite, and they must differ.
    pub range: (f64, f64),
    /// About how many ticks it has; 0 for none.
    pub ticks: usize,
    /// Makes the text of a tick.
    pub format: fn(&f64) -> String,
}

impl<'a> Axis<'a> {
    /// An axis of shares, 0 to 100 %.
    pub fn share(label: &'a str) -> Self {
        Self { label, range: (0.0, 1.0), ticks: 6, format: |share| format!("{:.0} %", 100.0 * share) }
    }
}

/// The smallest range that holds `least` and all finite values.
pub fn range(values: impl IntoIterator<Item = f64>, least: (f64, f64)) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(least, |(low, high), value| (low.min(value), high.max(value)))
}

/// The style of text. `size` is the font size in units; `horizontal` and `vertical` say which point of the text is at
/// the given position.
pub fn text_style(size: i32, colour: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    (FAMILY, f64::from(size) * LINE_HEIGHT).into_font().color(&colour).pos(Pos::new(horizontal, vertical))
}

/// Writes a line of text.
pub fn write(area: &Area<'_>, text: &str, at: (i32, i32), style: TextStyle<'static>) -> Result<()> {
    // The no-break space of the font is twice as wide as its space.
    Ok(area.draw_text(&clean(text).replace('\u{a0}', " "), &style, at)?)
}

/// The estimated width of a line of text, rather too large: a letter of the font is on average 0.6 of its size wide.
fn text_width(text: &str, size: i32) -> i32 {
    text.chars().count() as i32 * size * 6 / 10
}

/// The largest font size up to [`TEXT`] at which each of the texts fits into a width; all in units.
pub fn fitting<'t>(texts: impl IntoIterator<Item = &'t str>, width: i32) -> i32 {
    let longest = texts.into_iter().map(|text| text_width(text, TEXT)).max().unwrap_or_default().max(1);
    TEXT.min(TEXT * width / longest)
}

/// How many letters fit into the title of a picture of this width, CSS pixels.
pub fn title_letters(width: u32) -> usize {
    (width * UNITS).saturating_sub(24) as usize * 10 / (6 * TITLE as usize)
}

/// Draws title and legend at the top. Returns the height where they end, units.
pub fn heading(area: &Area<'_>, title: &str, entries: &[(&str, Look)]) -> Result<i32> {
    write(area, title, (12, 14), text_style(TITLE, BLACK, HPos::Left, VPos::Top))?;
    let (swatch, gap) = (56, 28);
    let (mut x, mut y) = (12, 14 + TITLE + 24);
    let right = area.dim_in_pixel().0 as i32;
    for (label, look) in entries {
        let width = swatch + 12 + text_width(label, TEXT);
        if x > 12 && x + width > right {
            (x, y) = (12, y + TEXT + 14);
        }
        path(area, vec![(x, y), (x + swatch, y)], look)?;
        marker(area, (x + swatch / 2, y), look)?;
        write(area, label, (x + swatch + 12, y), text_style(TEXT, BLACK, HPos::Left, VPos::Center))?;
        x += width + gap;
    }
    Ok(if entries.is_empty() { 14 + TITLE + 12 } else { y + TEXT / 2 + 14 })
}

/// Draws axes below `top`, units.
pub fn axes<'a>(area: &Area<'a>, top: i32, x: &Axis<'_>, y: &Axis<'_>) -> Result<Chart<'a>> {
    let ends = |axis: &Axis<'_>| -> Range<f64> { axis.range.0..axis.range.1 };
    let mut chart = ChartBuilder::on(area)
        .margin_top(top + 10)
        .margin_right(42)
        .margin_bottom(10)
        .margin_left(10)
        .x_label_area_size(if x.label.is_empty() { 46 } else { 80 })
        .y_label_area_size(112)
        .build_cartesian_2d(ends(x), ends(y))?;
    let (mut x_label, mut y_label) = (x.format, y.format);
    let (x_label, y_label) = (&mut x_label, &mut y_label);
    chart
        .configure_mesh()
        .max_light_lines(1)
        .light_line_style(TRANSPARENT)
        .bold_line_style(PALE)
        .axis_style(GREY)
        .label_style(text_style(TEXT, BLACK, HPos::Center, VPos::Center))
        .axis_desc_style(text_style(TEXT, BLACK, HPos::Center, VPos::Center))
        .x_labels(x.ticks)
        .y_labels(y.ticks)
        .x_label_formatter(&|value| x_label(value))
        .y_label_formatter(&|value| y_label(value))
        .x_desc(x.label)
        .y_desc(y.label)
        .draw()?;
    Ok(chart)
}

/// The place of a point of a chart, in units of the area that the chart was drawn on.
pub fn point(area: &Area<'_>, chart: &Chart<'_>, at: (f64, f64)) -> (i32, i32) {
    // A chart counts from the corner of the picture, an area from its own corner.
    let ((x, y), (left, top)) = (chart.backend_coord(&at), area.get_base_pixel());
    (x - left, y - top)
}

/// Draws a line through the points, and their markers.
pub fn series(area: &Area<'_>, chart: &Chart<'_>, points: &[(f64, f64)], look: &Look) -> Result<()> {
    let points: Vec<(i32, i32)> = points.iter().map(|at| point(area, chart, *at)).collect();
    path(area, points.clone(), look)?;
    points.into_iter().try_for_each(|point| marker(area, point, look))
}

fn path(area: &Area<'_>, points: Vec<(i32, i32)>, look: &Look) -> Result<()> {
    match look.stroke {
        Stroke::None => {}
        Stroke::Solid => area.draw(&PathElement::new(points, look.style()))?,
        Stroke::Dashed => area.draw(&DashedPathElement::new(points, 14, 8, look.style()))?,
        Stroke::Dotted => area.draw(&DashedPathElement::new(points, 4, 8, look.style()))?,
    }
    Ok(())
}

/// Draws the marker of a point.
pub fn marker(area: &Area<'_>, at: (i32, i32), look: &Look) -> Result<()> {
    let outline = ShapeStyle { stroke_width: 3, ..look.style() };
    match look.marker {
        Marker::None => {}
        Marker::Disc => area.draw(&Circle::new(at, 8, look.style().filled()))?,
        Marker::Ring => {
            area.draw(&Circle::new(at, 8, WHITE.filled()))?;
            area.draw(&Circle::new(at, 8, outline))?;
        }
        Marker::Cross => {
            for (colour, width) in [(WHITE.into(), 11), (look.colour, 6)] {
                area.draw(&Cross::new(at, 11, ShapeStyle { color: colour, filled: false, stroke_width: width }))?;
            }
        }
    }
    Ok(())
}

/// A colour from white at 0 to dark blue at 1. A larger share is always darker.
pub fn shade(share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0);
    let mix = |dark: u8| (255.0 + (f64::from(dark) - 255.0) * share).round() as u8;
    RGBColor(mix(8), mix(48), mix(107))
}

/// The colour of text that is readable on [`shade`] of the same share.
pub fn ink_on(share: f64) -> RGBColor {
    if share > 0.62 { WHITE } else { BLACK }
}
