//! `host report`: pictures and a page about runs.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::report::{Report, write_json};

/// Write a report: one HTML page that needs no other file, and its pictures as SVG and PNG files.
///
/// The report is about one run, or about all runs in a folder such as `host crossval` makes. Runs that differ only in
/// fold and seed are shown together. If a run has no predictions.json, its model.ser and model.onnx recognise the test
/// part, and a new predictions.json keeps their answers.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: host report runs/casia-edge-sentence-0")]
pub struct ReportArgs {
    /// Folder of a run, or a folder of such folders.
    #[arg(default_value = "runs/synthetic-1-edge-speaker-0", value_name = "RUN|DIR")]
    run: PathBuf,
    /// Folder to write to [default: RUN/report].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Corpus of the recordings [default: where the run found it].
    #[arg(long, value_name = "PATH")]
    corpus: Option<PathBuf>,
    /// Also write the figures to this JSON file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
///
/// If there is no run to show, a file of it is damaged, or a file can't be written.
pub fn run(args: &ReportArgs) -> Result<()> {
    if let Some(corpus) = &args.corpus {
        ensure!(corpus.exists(), "cannot open corpus {}: there is nothing", corpus.display());
    }
    let report = Report::read(&args.run, args.corpus.as_deref())?;
    let out = args.out.clone().unwrap_or_else(|| args.run.join("report"));
    let written = report.write(&out)?;
    if let Some(file) = &args.json {
        write_json(&report, file)?;
        println!("{}: the figures", file.display());
    }
    println!("{}: the page, and {} pictures beside it as SVG and PNG", written.page.display(), written.pictures);
    Ok(())
}
