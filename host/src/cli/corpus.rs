//! `host corpus`: looks at a corpus, lists it, or makes a synthetic one.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

use crate::cli::data_options::{CorpusOption, LabelOptions, layouts, tell_corpus};
use crate::corpus::choice::{Choice, Classes};
use crate::corpus::origin::Origin;
use crate::corpus::synth;
use crate::corpus::{Corpus, check::check};

/// Number of files between two lines of progress.
const PROGRESS_STEP: usize = 100;

/// Check a corpus, write its manifest, or write the synthetic corpus.
#[derive(Args, Debug)]
pub struct CorpusArgs {
    #[command(subcommand)]
    command: CorpusCommand,
}

#[derive(Debug, Subcommand)]
enum CorpusCommand {
    /// Count the utterances, and find broken files and cues that give labels or corpora away. Fails if something is broken
    /// or skipped, or if the corpus cannot be trained on.
    #[command(after_help = "Examples:\n  host corpus check recordings/\n  \
                            host corpus check downloads/RAVDESS downloads/EMOVO --labels all")]
    Check(CheckArgs),
    /// Write the manifest of a folder: a table of its recordings that can be read, changed and given as --corpus.
    #[command(after_help = "Examples:\n  host corpus manifest downloads/RAVDESS\n  \
                            host corpus manifest recordings/ --layout EMO-DB --out emodb.csv\n  \
                            host corpus manifest recordings/ --layout folders --map joy=elated,notes=")]
    Manifest(ManifestArgs),
    /// Write the synthetic corpus: 4 voices, 6 emotions, 50 sentences, 1200 WAV files (62 MB).
    #[command(after_help = "Example: host corpus synth synthetic/ --seed 7")]
    Synth(SynthArgs),
}

#[derive(Args, Debug)]
struct CheckArgs {
    /// A known corpus as it is downloaded, a folder with speaker/emotion/name.wav or emotion/name.wav, a CSV manifest
    /// path,speaker,emotion,sentence, or a TOML list of corpora. Several are checked as one.
    #[arg(value_name = "DIR|CSV|TOML", required = true)]
    corpora: Vec<PathBuf>,
    /// How folders are read: as folders named after emotions, or as a known corpus [default: as the names in them say].
    #[arg(long, value_name = "NAME", ignore_case = true, value_parser = layouts())]
    layout: Option<String>,
    #[command(flatten)]
    labels: LabelOptions,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
#[command(mut_arg("labels", |labels| labels.help("Only the recordings with these labels [default: all]")))]
struct ManifestArgs {
    /// The folder.
    dir: PathBuf,
    /// How it is read: as folders named after emotions, or as a known corpus [default: as the names in it say].
    #[arg(long, value_name = "NAME", ignore_case = true, value_parser = layouts())]
    layout: Option<String>,
    #[command(flatten)]
    labels: LabelOptions,
    /// The manifest [default: DIR/manifest.csv].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a manifest that is there.
    #[arg(long)]
    force: bool,
}

#[derive(Args, Debug)]
struct SynthArgs {
    /// Folder for the files voice/emotion/sentence.wav. Complete files in it are kept.
    dir: PathBuf,
    /// Seed of the voices; the same seed gives the same files.
    #[arg(long, default_value_t = synth::DEFAULT_SEED)]
    seed: u64,
}

/// Runs the command.
///
/// # Errors
///
/// If the corpus cannot be opened or written, or a checked corpus has a broken file or cannot be trained on.
pub fn run(args: &CorpusArgs) -> Result<()> {
    match &args.command {
        CorpusCommand::Check(args) => run_check(args),
        CorpusCommand::Manifest(args) => run_manifest(args),
        CorpusCommand::Synth(args) => run_synth(args),
    }
}

fn run_check(args: &CheckArgs) -> Result<()> {
    let CheckArgs { corpora, layout, labels, .. } = args;
    let option = CorpusOption { paths: corpora.clone(), layout: layout.clone(), ..CorpusOption::default() };
    let all = Choice { classes: Classes::All, ..Choice::default() };
    let corpus = Corpus::open_all(&option.origins()?, &all)?;
    let report = check(&corpus, &labels.choice(Classes::Usual)?)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    let mut faults = Vec::new();
    if !report.broken.is_empty() {
        faults.push(format!(
            "{} broken or skipped beside {} readable utterances",
            report.broken.len(),
            report.utterances
        ));
    }
    if let Some(fault) = &report.fault {
        faults.push(format!("it cannot be trained on: {fault}"));
    }
    ensure!(faults.is_empty(), "{}: {}", corpus.name, faults.join("; "));
    Ok(())
}

fn run_manifest(args: &ManifestArgs) -> Result<()> {
    ensure!(args.dir.is_dir(), "{} is no folder: a manifest lists the recordings of one", args.dir.display());
    let out = args.out.clone().unwrap_or_else(|| args.dir.join("manifest.csv"));
    ensure!(args.force || !out.exists(), "{} is there already; --force replaces it", out.display());
    let origin = Origin { layout: args.layout.clone(), ..Origin::new(&args.dir) };
    let corpus = Corpus::open_all(&[origin], &args.labels.choice(Classes::All)?)?;
    tell_corpus(&corpus);
    corpus.write_manifest(&args.dir, &out)?;
    println!("{} recordings with the labels {} in {}", corpus.utterances.len(), corpus.labels, out.display());
    Ok(())
}

fn run_synth(args: &SynthArgs) -> Result<()> {
    let corpus = Corpus::synthetic(args.seed);
    let total = corpus.utterances.len();
    let written = corpus.write(&args.dir, |done| {
        if done % PROGRESS_STEP == 0 {
            eprintln!("{done} of {total} files");
        }
    })?;
    println!(
        "{total} utterances of seed {} in {}: {} written, {} were there",
        args.seed,
        args.dir.display(),
        written.new,
        written.kept
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::audio::write_wav;
    use crate::corpus::labels::EMOTIONS;

    #[test]
    fn a_check_fails_exactly_when_something_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        for emotion in EMOTIONS {
            let folder = dir.path().join("li").join(emotion);
            std::fs::create_dir_all(&folder).unwrap();
            write_wav(&folder.join("1.wav"), &[1, 2, 3]).unwrap();
        }
        let folder = dir.path().join("li/sad");
        let args = CheckArgs {
            corpora: vec![dir.path().to_owned()],
            layout: None,
            labels: LabelOptions::default(),
            json: false,
        };
        run_check(&args).unwrap();
        std::fs::write(folder.join("2.wav"), "").unwrap();
        let error = run_check(&args).unwrap_err().to_string();
        assert!(error.contains("1 broken or skipped beside 6 readable"), "{error}");
        let corpora = args.corpora.clone();
        assert!(run_check(&CheckArgs { json: true, corpora, layout: None, labels: LabelOptions::default() }).is_err());
        std::fs::remove_file(folder.join("2.wav")).unwrap();
        std::fs::write(folder.join("1.wav"), "").unwrap();
        let error = run_check(&args).unwrap_err().to_string();
        assert!(error.contains("it cannot be trained on: no recording of sad can be read"), "{error}");
        std::fs::remove_file(folder.join("1.wav")).unwrap();
        run_check(&args).expect("five labels can be trained on");
        let labels = LabelOptions { labels: vec!["sad".to_owned(), "fear".to_owned()], ..LabelOptions::default() };
        let error = run_check(&CheckArgs { labels, ..args }).unwrap_err().to_string();
        assert!(error.contains("no label 'sad' that --labels"), "{error}");
    }
}
