//! Reports for people: one HTML page that needs nothing else, and its pictures as SVG and PNG files.
//!
//! A [`Report`] holds the figures; each picture is drawn from them by a module of its own, and `page` sets them into
//! HTML. Runs that differ in nothing but fold and seed form a [`Group`] and are shown together. The same runs give the
//! same bytes.

mod bars;
mod conditions;
mod curves;
mod figures;
mod gather;
mod headline;
mod matrix;
mod page;
pub mod paper;
mod plot;
mod reliability;
mod robustness;
mod scatter;
pub mod spectrogram;
#[cfg(test)]
mod tests;
mod text;
mod wrong;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use ser_core::spec::FrontEnd;
use serde::Serialize;

use crate::files::write_atomic;
use crate::sweep::SweepReport;
use conditions::{Conditions, same_training};
pub use curves::Curve;
use figures::{Agreement, ModelFigures, Said};
use gather::Run;
use page::{Part, Section, Table};
pub use plot::Picture;
use reliability::Reliability;
use scatter::Point;
use wrong::Wrong;

/// The figures behind a report; as JSON what `host report --json` writes.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the run or of the folder of runs.
    pub title: String,
    /// Runs that could not be shown, and why.
    pub skipped: Vec<String>,
    /// Runs that are shown together.
    pub groups: Vec<Group>,
}

/// Runs of the same corpus, protocol, network and recipe: folds and seeds of one training.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The condition, or what was trained on what.
    pub name: String,
    /// What the names of its pictures start with; empty for an only group.
    #[serde(skip)]
    prefix: String,
    #[serde(skip)]
    front_end: FrontEnd,
    conditions: Conditions,
    labels: Vec<String>,
    int8: ModelFigures,
    float: ModelFigures,
    agreement: Agreement,
    curves: Vec<Curve>,
    reliability: Reliability,
    robustness: Option<SweepReport>,
    scatter: Vec<Point>,
    worst: Vec<Wrong>,
}

/// What [`Report::write`] wrote.
#[derive(Clone, Debug)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// Number of pictures beside it, each as SVG and as PNG.
    pub pictures: usize,
}

impl Report {
    /// Reads the run in `path`, or all runs below it. Answers that a run lacks are computed and written to its
    /// `predictions.json`; recordings are looked for in `corpus`, or where the runs found them.
    ///
    /// # Errors
    ///
    /// If there is no run, or none that can be shown; for a single run the reason.
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
                    eprintln!("skipped {}: {reason:#}", folder.display());
                    skipped.push(format!("{}: {reason:#}", folder.strip_prefix(path).unwrap_or(folder).display()));
                }
            }
        }
        if let (true, Some(reason)) = (runs.is_empty(), skipped.first()) {
            bail!("none of the {} runs below {} can be shown; the first: {reason}", folders.len(), path.display());
        }
        let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let title = resolved.file_name().map_or_else(|| "runs".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Self { title, skipped, groups: group(runs) })
    }

    /// Writes `report.html` and the pictures to `folder`, which is made if need be.
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
        let mut tables: Vec<Table> = vec![conditions::table(&self.groups), headline::table(&self.groups)];
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
                "Each epoch is a pass over the training part. The training part is shown as augmented, so its accuracy is not that of the recordings; \
                 the test part is looked at once, after the last epoch.",
                curves::seen,
                curves::pictures,
                |_| None,
            )?,
            section(
                "confusion",
                "Confusion matrices",
                "A row is a true class, a column what the int8 core took it for: right answers lie on the diagonal. The first \
                 matrix has numbers of utterances, the second shares of each row; the darker, the more.",
                matrix::seen,
                matrix::pictures,
                |_| None,
            )?,
            section(
                "recall",
                "Recall of each class",
                "The height of a bar is the share of a class's utterances that is recognised; the whisker is the 95\u{a0}% interval (Wilson). Classes whose \
                 whiskers overlap widely may not differ.",
                bars::seen,
                bars::pictures,
                |group| Some(bars::table(group)),
            )?,
            section(
                "reliability",
                "Reliability",
                "Answers are sorted by how sure they are; each mark is a tenth of the scale. On the diagonal an answer that is 70\u{a0}% sure is right 70\u{a0}% of \
                 the time; below it the model is too sure, above it too modest. The expected calibration error (ECE) is the mean distance from the diagonal, \
                 each answer counting alike. The bars below count the answers.",
                reliability::seen,
                reliability::pictures,
                |_| None,
            )?,
            section(
                "robustness",
                "Robustness",
                "Each picture is one kind of disturbance, from value to value of its parameter. Unbroken: how many utterances are recognised; dotted: how many \
                 of the test part, undisturbed. Broken: how many get no answer that the model itself is sure of; it should rise where the other falls.",
                robustness::seen,
                robustness::pictures,
                robustness::table,
            )?,
            section(
                "float-int8",
                "Float against int8",
                "Each mark is a test utterance: to the right the probability that the float model gives to the true label, upwards that of the int8 core. On the \
                 diagonal both say the same.",
                scatter::seen,
                scatter::pictures,
                |_| None,
            )?,
            section(
                "wrong",
                "Most wrong utterances",
                "Wrong answers with the largest probability. The spectrograms show what the network hears, silence left out: time to the right, frequency upwards, \
                 the darker the louder; all on one scale.",
                wrong::seen,
                wrong::pictures,
                wrong::table,
            )?,
        ])
    }
}

/// Writes a page to `folder`, which is made if need be, and the pictures of its sections beside it.
fn write_page(folder: &Path, name: &str, html: &str, sections: &[Section]) -> Result<Written> {
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

/// Runs that differ in nothing but fold and seed, together, in the order of their first.
fn group(runs: Vec<Run>) -> Vec<Group> {
    let mut groups: Vec<Vec<Run>> = Vec::new();
    for run in runs {
        match groups.iter_mut().find(|group| group.iter().all(|other| same_training(other, &run))) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    let only = groups.len() == 1;
    let mut named: Vec<Group> = Vec::with_capacity(groups.len());
    for (index, runs) in groups.iter().enumerate() {
        let Some(mut group) = runs.first().map(|first| Group::of(first, runs)) else { continue };
        if named.iter().any(|other| other.name == group.name) {
            group.name = format!("{} ({})", group.name, index + 1);
        }
        let prefix = text::slug(&group.name);
        let taken = prefix.is_empty() || named.iter().any(|other| other.prefix == prefix);
        group.prefix = match (only, taken) {
            (true, _) => String::new(),
            (false, false) => prefix,
            (false, true) => format!("{prefix}-group-{}", index + 1),
        };
        named.push(group);
    }
    named
}

impl Group {
    fn of(first: &Run, runs: &[Run]) -> Self {
        let labels = first.predictions.labels.clone();
        let figures = |answer: fn(&crate::predictions::Prediction) -> Option<&Vec<f32>>| {
            let utterances = runs.iter().flat_map(|run| &run.predictions.utterances);
            let said = utterances.map(|utterance| Said {
                id: &utterance.id,
                truth: utterance.truth,
                said: answer(utterance).and_then(|values| crate::predictions::leading(values)),
            });
            ModelFigures::new(&labels, &said.collect::<Vec<_>>())
        };
        let mut worst = wrong::most_wrong(runs);
        wrong::read(&mut worst, first);
        Self {
            name: conditions::name(first),
            prefix: String::new(),
            front_end: first.config.network.front_end,
            conditions: Conditions::of(first, runs),
            int8: figures(|utterance| utterance.int8.as_ref()),
            float: figures(|utterance| utterance.float.as_ref()),
            labels,
            agreement: Agreement::of(runs),
            curves: curves::curves(runs),
            reliability: Reliability::of(runs),
            robustness: robustness::pool(runs),
            scatter: scatter::points(runs),
            worst,
        }
    }

    /// Name of a picture's files.
    fn picture_name(&self, name: &str) -> String {
        picture_name(&self.prefix, name)
    }
}

/// Name of a picture's files.
fn picture_name(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}-{name}") }
}

/// Writes the figures behind a report as JSON.
///
/// # Errors
///
/// If the file can't be written.
pub fn write_json(report: &Report, file: &Path) -> Result<()> {
    ensure!(!file.is_dir(), "{} is a folder, wanted a file for the JSON", file.display());
    let mut json = serde_json::to_vec_pretty(report)?;
    json.push(b'\n');
    write_atomic(file, &json)
}
