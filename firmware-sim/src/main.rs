//! Runs the core on a workstation, over a corpus and beside the float model, or over single files. Also runs it as
//! machine code in an emulated microcontroller.
//!
//! Exit code: 0 if all went well; 1 if the two models agree too rarely, a board differs from the workstation, or a
//! board's figure has grown beyond its snapshot; 2 for an error.

mod answer;
mod conditions;
mod device;
mod eval;
mod models;
mod outcome;
mod report;
mod run;
mod stream;
mod sweep;
mod tally;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use outcome::Outcome;

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

fn main() -> ExitCode {
    // A reader may stop early: `| head` must not cause a panic.
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
