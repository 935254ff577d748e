//! The binary `host`: reads the command line and runs one command of [`ser_host::cli`].

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ser_host::cli::{baseline, corpus, crossval, embed, eval, export, inspect, paper, report, spectrogram, train};

/// Trains, tests and exports the networks of ser, and shows what they do.
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
    // A reader of the output may stop early, as `| head` does: that must not end in a panic.
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
