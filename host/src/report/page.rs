//! The HTML page: headings, tables, sentences and pictures, in one file that needs no other.
//!
//! The page is also well-formed XML.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::plot::Picture;
use super::text::escape;
use crate::files::write_atomic;

/// The style of the page: it stays readable on paper, on a telephone and in black and white.
const STYLE: &str = "
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 76rem; padding: 0 .75rem 3rem; font: 1rem/1.5 system-ui, sans-serif; color: #111; background: #fff; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 2px solid #111; }
h3 { font-size: 1.1rem; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere; }
p { max-width: 46rem; margin: .5rem 0; overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .5rem 0; padding: 0; }
a { color: #0b3d6e; }
.pictures { display: grid; gap: 1rem; margin: 1rem 0; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); align-items: start; }
figure { margin: 0; }
figure.wide { grid-column: 1 / -1; }
figure svg { display: block; width: 100%; max-width: 34rem; height: auto; border: 1px solid #bbb; }
figure.wide svg { max-width: 100%; }
.tables { display: flex; flex-wrap: wrap; gap: 0 2.5rem; }
.table { max-width: 100%; overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; }
caption { text-align: left; max-width: min(34rem, calc(100vw - 1.5rem)); font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #bbb; }
thead th { border-bottom: 2px solid #111; }
tbody th { font-weight: 400; }
@media print { figure, tr { break-inside: avoid; } nav { display: none; } }
";

/// A table. The first cell of each row names the row.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it holds.
    pub caption: String,
    /// Names of the columns.
    pub head: Vec<String>,
    /// Rows, each as long as the head.
    pub rows: Vec<Vec<String>>,
}

/// What a section shows of one group of runs.
#[derive(Clone, Debug)]
pub struct Part {
    /// Name of the group.
    pub group: String,
    /// What the pictures show, in a sentence or two.
    pub seen: String,
    /// The pictures, in order.
    pub pictures: Vec<Picture>,
    /// The figures as a table.
    pub table: Option<Table>,
}

/// A section of the page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Id of the element, the target of links.
    pub id: &'static str,
    /// The heading.
    pub heading: &'static str,
    /// How to read the pictures.
    pub how: &'static str,
    /// One part for each group of runs.
    pub parts: Vec<Part>,
}

/// What was written to a folder.
#[derive(Clone, Debug)]
pub struct Written {
    /// Path of the page.
    pub page: PathBuf,
    /// Number of pictures beside the page, each as SVG and as PNG.
    pub pictures: usize,
}

/// The page as HTML. All text is escaped.
pub fn page(title: &str, notes: &[String], tables: &[Table], sections: &[Section]) -> String {
    let mut page = String::new();
    // Writing to a string never fails.
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<header>\n<h1>{title}</h1>\n",
        title = escape(title)
    );
    notes.iter().for_each(|note| paragraph(&mut page, note));
    page.push_str("<nav aria-label=\"Sections\">\n<ul>\n");
    for section in sections {
        let _ = writeln!(page, "<li><a href=\"#{}\">{}</a></li>", section.id, escape(section.heading));
    }
    page.push_str("</ul>\n</nav>\n</header>\n<main>\n");
    page.push_str("<div class=\"tables\">\n");
    tables.iter().for_each(|table| add_table(&mut page, table));
    page.push_str("</div>\n");
    sections.iter().for_each(|section| add_section(&mut page, section));
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn paragraph(page: &mut String, text: &str) {
    let _ = writeln!(page, "<p>{}</p>", escape(text));
}

fn add_section(page: &mut String, section: &Section) {
    let _ = writeln!(
        page,
        "<section id=\"{0}\" aria-labelledby=\"{0}-heading\">\n<h2 id=\"{0}-heading\">{1}</h2>",
        section.id,
        escape(section.heading)
    );
    paragraph(page, section.how);
    for part in &section.parts {
        if section.parts.len() > 1 {
            let _ = writeln!(page, "<h3>{}</h3>", escape(&part.group));
        }
        paragraph(page, &part.seen);
        if !part.pictures.is_empty() {
            page.push_str("<div class=\"pictures\">\n");
            for picture in &part.pictures {
                let class = if picture.is_wide() { " class=\"wide\"" } else { "" };
                let _ = write!(page, "<figure{class}>\n{}</figure>\n", picture.svg());
            }
        }
        // A single picture leaves room beside it.
        let beside = part.pictures.len() == 1;
        if beside {
            part.table.iter().for_each(|table| add_table(page, table));
        }
        if !part.pictures.is_empty() {
            page.push_str("</div>\n");
        }
        if !beside {
            part.table.iter().for_each(|table| add_table(page, table));
        }
    }
    page.push_str("</section>\n");
}

fn add_table(page: &mut String, table: &Table) {
    // A wide table scrolls by itself, so the keyboard must reach it: hence `tabindex`.
    let _ = write!(
        page,
        "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\">\n\
         <table>\n<caption>{0}</caption>\n<thead><tr>",
        escape(&table.caption)
    );
    for cell in &table.head {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escape(cell));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        page.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let _ = match index {
                0 => write!(page, "<th scope=\"row\">{}</th>", escape(cell)),
                _ => write!(page, "<td>{}</td>", escape(cell)),
            };
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
}

/// Writes a page and the pictures of its sections to `folder`. Makes the folder if it does not exist.
///
/// # Errors
///
/// If a picture can't be drawn as PNG or a file can't be written.
pub fn write_page(folder: &Path, name: &str, html: &str, sections: &[Section]) -> Result<Written> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let pictures: Vec<&Picture> =
        sections.iter().flat_map(|section| &section.parts).flat_map(|part| &part.pictures).collect();
    pictures.par_iter().try_for_each(|picture| -> Result<()> {
        write_atomic(&folder.join(format!("{}.svg", picture.name)), picture.svg().as_bytes())?;
        write_atomic(&folder.join(format!("{}.png", picture.name)), &picture.png()?)
    })?;
    let page = folder.join(name);
    write_atomic(&page, html.as_bytes())?;
    Ok(Written { page, pictures: pictures.len() })
}
