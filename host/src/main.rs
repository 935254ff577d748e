//! The binary `host`: reads the command line and runs one command of [`ser_host::cli`].
//!
//! Exit code: 0 if all went well, 1 for an error, 2 for a wrong command line, 130 if Ctrl-C or SIGTERM stopped it.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use ser_host::cli::{
    baseline, corpus, crossval, embed, eval, export, inspect, paper, predict, report, spectrogram, train,
};
use ser_host::interrupt::{self, Stop};
use ser_host::training::session::Outcome;

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
    Predict(predict::PredictArgs),
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
    let command = Cli::parse().command;
    match Stop::listen().and_then(|stop| run(&command, &stop)) {
        Ok(Outcome::Finished) => ExitCode::SUCCESS,
        Ok(Outcome::Stopped) => ExitCode::from(interrupt::EXIT_CODE),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. Those that train stop when `stop` is asked and save what they have.
fn run(command: &Command, stop: &Stop) -> Result<Outcome> {
    match command {
        Command::Train(args) => return train::run(args, stop),
        Command::Crossval(args) => return crossval::run(args, stop),
        Command::Paper(args) => return paper::run(args, stop),
        Command::Corpus(args) => corpus::run(args),
        Command::Baseline(args) => baseline::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Export(args) => export::run(args),
        Command::Embed(args) => embed::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Report(args) => report::run(args),
        Command::Spectrogram(args) => spectrogram::run(args),
    }?;
    Ok(Outcome::Finished)
}
