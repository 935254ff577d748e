//! `host`: corpora, training, evaluation, export.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ser_host::cli::{baseline, corpus, crossval, embed, eval, export, inspect, paper, report, spectrogram, train};

/// The workstation side of ser: corpora, training, evaluation, export.
#[derive(Parser, Debug)]
#[command(version, after_help = "Example: host train --corpus casia --out runs/casia && host export runs/casia")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Corpus(corpus::CorpusArgs),
    Train(train::TrainArgs),
    Crossval(crossval::CrossvalArgs),
    Baseline(baseline::BaselineArgs),
    Eval(eval::EvalArgs),
    Export(export::ExportArgs),
    Embed(embed::EmbedArgs),
    Inspect(inspect::InspectArgs),
    Paper(paper::PaperArgs),
    Report(report::ReportArgs),
    Spectrogram(spectrogram::SpectrogramArgs),
}

fn main() -> ExitCode {
    // Whoever reads the output may stop early: `| head` is no reason to panic.
    sigpipe::reset();
    let result = match Cli::parse().command {
        Command::Corpus(args) => corpus::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Crossval(args) => crossval::run(&args),
        Command::Baseline(args) => baseline::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Embed(args) => embed::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Paper(args) => paper::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Spectrogram(args) => spectrogram::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
