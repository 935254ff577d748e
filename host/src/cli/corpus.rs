//! `host corpus`: looks at a corpus, or makes a synthetic one.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

use crate::corpus::synth;
use crate::corpus::{Corpus, check::check};

/// Number of files between two lines of progress.
const PROGRESS_STEP: usize = 100;

/// Check a corpus, or write the synthetic one.
#[derive(Args, Debug)]
pub struct CorpusArgs {
    #[command(subcommand)]
    command: CorpusCommand,
}

#[derive(Debug, Subcommand)]
enum CorpusCommand {
    /// Count the utterances, and find broken files and cues that give labels away. Fails if a file is broken or
    /// an emotion is missing.
    #[command(after_help = "Example: host corpus check recordings/")]
    Check(CheckArgs),
    /// Write the synthetic corpus: 4 voices, 6 emotions, 50 sentences, 1200 WAV files (62 MB).
    #[command(after_help = "Example: host corpus synth synthetic/ --seed 7")]
    Synth(SynthArgs),
}

#[derive(Args, Debug)]
struct CheckArgs {
    /// Folder with speaker/emotion/name.wav or emotion/name.wav, or a CSV manifest path,speaker,emotion,sentence.
    #[arg(value_name = "DIR")]
    corpus: PathBuf,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
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
/// If the corpus cannot be opened or written, or a checked corpus has a broken file or
/// lacks an emotion.
pub fn run(args: &CorpusArgs) -> Result<()> {
    match &args.command {
        CorpusCommand::Check(args) => run_check(args),
        CorpusCommand::Synth(args) => run_synth(args),
    }
}

fn run_check(args: &CheckArgs) -> Result<()> {
    let report = check(&Corpus::open(&args.corpus)?)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    let corpus = args.corpus.display();
    let mut faults = Vec::new();
    if !report.broken.is_empty() {
        faults.push(format!("{} broken beside {} readable utterances", report.broken.len(), report.utterances));
    }
    if !report.missing.is_empty() {
        faults.push(format!("it cannot be trained on without a readable utterance of {}", report.missing.join(", ")));
    }
    ensure!(faults.is_empty(), "{corpus}: {}", faults.join("; "));
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
        let args = CheckArgs { corpus: dir.path().to_owned(), json: false };
        run_check(&args).unwrap();
        std::fs::write(folder.join("2.wav"), "").unwrap();
        let error = run_check(&args).unwrap_err().to_string();
        assert!(error.contains("1 broken beside 6 readable"), "{error}");
        assert!(run_check(&CheckArgs { json: true, corpus: args.corpus.clone() }).is_err());
        std::fs::remove_file(folder.join("2.wav")).unwrap();
        std::fs::remove_file(folder.join("1.wav")).unwrap();
        let error = run_check(&args).unwrap_err().to_string();
        assert!(error.contains("cannot be trained on without a readable utterance of sad"), "{error}");
    }
}
