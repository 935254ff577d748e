//! Reports for people: one HTML page that needs no other file, and its pictures as SVG and PNG files.
//!
//! Runs that differ only in fold and seed form a [`Group`] and are shown together. The same runs give the same bytes.
//!
//! `figures` computes what is shown, and `sections` draws it. `page` writes HTML, `plot` and `spectrogram` draw, `text`
//! formats numbers. [`Report`] stands on top of these, and so does [`paper`], the page on the paper.

mod figures;
mod page;
pub mod paper;
mod plot;
mod sections;
pub mod spectrogram;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;

use anyhow::{Result, bail, ensure};
use serde::Serialize;

use crate::corpus::Problem;
use crate::corpus::skipped::{grouped, lines};
use crate::files;
pub use figures::Group;
pub use figures::curves::Curve;
use figures::{gather, group};
pub use page::Written;
use page::{Part, Section, Table, write_page};
pub use plot::Picture;
use sections::{bars, conditions, curves, headline, matrix, reliability, robustness, scatter, wrong};

/// The figures behind a report. `host report --json` writes them as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the run or of the folder of runs.
    pub title: String,
    /// Runs that could not be shown, and why.
    pub skipped: Vec<String>,
    /// Runs that are shown before their last epoch.
    pub unfinished: Vec<String>,
    /// The groups of runs; each group is shown together.
    pub groups: Vec<Group>,
}

impl Report {
    /// Reads the run in `path`, or all runs below it. If a run lacks its answers, computes them and writes them to its
    /// `predictions.json`. The recordings are in `corpus`, or without it where the runs found them.
    ///
    /// # Errors
    ///
    /// If there is no run, or if none can be shown. The error gives the reason of the first.
    pub fn read(path: &Path, corpus: Option<&Path>) -> Result<Self> {
        let folders = gather::find(path)?;
        let mut runs = Vec::with_capacity(folders.len());
        let mut skipped = Vec::new();
        for folder in &folders {
            match gather::load(path, folder, corpus) {
                Ok(run) => runs.push(run),
                Err(reason) if folders.len() == 1 => {
                    return Err(reason.context(format!("cannot show {}", folder.display())));
                }
                Err(reason) => {
                    let folder = folder.strip_prefix(path).unwrap_or(folder).display().to_string();
                    skipped.push(Problem { path: folder, reason: format!("{reason:#}") });
                }
            }
        }
        if let (true, Some(reason)) = (runs.is_empty(), skipped.first()) {
            bail!("none of the {} runs below {} can be shown; the first: {reason}", folders.len(), path.display());
        }
        let unfinished: Vec<String> = runs
            .iter()
            .filter(|run| !run.progress().are_done())
            .map(|run| format!("{} is unfinished: shown after {}", run.name, run.progress()))
            .collect();
        lines(&skipped).iter().chain(&unfinished).for_each(|line| eprintln!("{line}"));
        let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let title = resolved.file_name().map_or_else(|| "runs".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Self { title, skipped: grouped(&skipped), unfinished, groups: group(runs) })
    }

    /// Writes `report.html` and the pictures to `folder`. Makes the folder if it does not exist.
    ///
    /// # Errors
    ///
    /// If a picture can't be drawn or a file can't be written.
    pub fn write(&self, folder: &Path) -> Result<Written> {
        let sections = self.sections()?;
        write_page(folder, "report.html", &self.page(&sections), &sections)
    }

    fn page(&self, sections: &[Section]) -> String {
        let mut notes = vec![
            "Test parts only: nothing shown here was seen in training, except for the training curves.".to_owned(),
        ];
        notes.extend(self.skipped.iter().map(|skipped| format!("Left out: {skipped}.")));
        notes.extend(self.unfinished.iter().map(|unfinished| format!("{unfinished}.")));
        let mut tables: Vec<Table> = vec![conditions::table(&self.groups), headline::table(&self.groups)];
        tables.extend(headline::corpora(&self.groups));
        tables.extend(headline::speakers(&self.groups));
        tables.extend(headline::runs(&self.groups));
        page::page(&format!("Report: {}", self.title), &notes, &tables, sections)
    }

    fn sections(&self) -> Result<Vec<Section>> {
        type Of<T> = fn(&Group) -> T;
        let section = |id,
                       heading,
                       how,
                       seen: Of<String>,
                       pictures: Of<Result<Vec<Picture>>>,
                       table: Of<Option<Table>>|
         -> Result<Section> {
            let part = |group: &Group| {
                Ok(Part {
                    group: group.name.clone(),
                    seen: seen(group),
                    pictures: pictures(group)?,
                    table: table(group),
                })
            };
            Ok(Section { id, heading, how, parts: self.groups.iter().map(part).collect::<Result<_>>()? })
        };
        Ok(vec![
            section(
                "curves",
                "Training curves",
                "Each epoch is a pass over the training part. The training part is shown as augmented, so its accuracy \
                 is not that of the recordings; the test part is looked at once, after the last epoch.",
                curves::seen,
                curves::pictures,
                |_| None,
            )?,
            section(
                "confusion",
                "Confusion matrices",
                "A row is a true class, a column what the int8 core took it for: right answers lie on the diagonal. \
                 The first matrix has numbers of utterances, the second shares of each row; the darker, the more.",
                matrix::seen,
                matrix::pictures,
                |_| None,
            )?,
            section(
                "recall",
                "Recall of each class",
                "The height of a bar is the share of a class's utterances that is recognised; the whisker is the \
                 95\u{a0}% interval, where it can be known. Classes whose whiskers overlap widely may not differ.",
                bars::seen,
                bars::pictures,
                |group| Some(bars::table(group)),
            )?,
            section(
                "reliability",
                "Reliability",
                "Answers are sorted by how sure they are; each mark is a tenth of the scale. On the diagonal an answer \
                 that is 70\u{a0}% sure is right 70\u{a0}% of the time; below it the model is too sure, above it too \
                 modest. The expected calibration error (ECE) is the mean distance from the diagonal, each answer \
                 counting alike. The bars below count the answers.",
                reliability::seen,
                reliability::pictures,
                |_| None,
            )?,
            section(
                "robustness",
                "Robustness",
                "Each picture is one kind of disturbance, from value to value of its parameter. Unbroken: how many \
                 utterances are recognised; dotted: how many of the test part, undisturbed. Broken: how many get no \
                 answer that the model itself is sure of; it should rise where the other falls.",
                robustness::seen,
                robustness::pictures,
                robustness::table,
            )?,
            section(
                "float-int8",
                "Float against int8",
                "Each mark is a test utterance: to the right the probability that the float model gives to the true \
                 label, upwards that of the int8 core. On the diagonal both say the same.",
                scatter::seen,
                scatter::pictures,
                |_| None,
            )?,
            section(
                "wrong",
                "Most wrong utterances",
                "Wrong answers with the largest probability. The spectrograms show what the network hears, silence \
                 left out: time to the right, frequency upwards, the darker the louder; all on one scale.",
                wrong::seen,
                wrong::pictures,
                wrong::table,
            )?,
        ])
    }
}

/// Writes the figures behind a report as JSON.
///
/// # Errors
///
/// If the file can't be written.
pub fn write_json(report: &Report, file: &Path) -> Result<()> {
    ensure!(!file.is_dir(), "{} is a folder, wanted a file for the JSON", file.display());
    files::write_json(file, report)
}
