//! `host report`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::report::{Report, write_json};

/// Writes a report for people: one HTML page that needs no network, and its pictures as SVG and PNG files.
///
/// Of a run, or of a folder of runs such as `host crossval` makes: runs that differ in fold and seed only are shown
/// together. Answers that a run lacks are computed with its model.ser and model.onnx and kept in its predictions.json.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: host report runs/casia-edge-sentence-0")]
pub struct ReportArgs {
    /// The folder of a run, or a folder of such folders.
    #[arg(default_value = "runs/synthetic-1-edge-sentence-0", value_name = "RUN|DIR")]
    run: PathBuf,
    /// Folder to write to [default: RUN/report].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the recordings are, if not where the run found them.
    #[arg(long, value_name = "PATH")]
    corpus: Option<PathBuf>,
    /// Write the figures behind the pictures as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
///
/// If there is no run to show, a file of it is damaged, or a file can't be written.
pub fn run(args: &ReportArgs) -> Result<()> {
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
