//! The core on a workstation: over a corpus, beside the float model, or over single files; and as machine code in an
//! emulated microcontroller.
//!
//! Exit code: 0 when all went well, 1 when the two models agree too rarely or a board differs from the workstation, 2
//! for an error.

mod conditions;
mod device;
mod eval;
mod models;
mod report;
mod run;
mod stream;
mod sweep;
mod tally;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(version, about = "Runs the speech emotion core on a workstation, bit for bit as on a device")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Eval(eval::EvalArgs),
    Run(run::RunArgs),
    Device(device::DeviceArgs),
}

/// What a command that ended without an error has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Passed,
    /// The check that was asked for failed.
    Failed,
}

fn main() -> ExitCode {
    // Whoever reads the output may stop early: `| head` is no reason to panic.
    sigpipe::reset();
    let result = match Cli::parse().command {
        Command::Eval(args) => eval::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Device(args) => device::run(&args),
    };
    match result {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
