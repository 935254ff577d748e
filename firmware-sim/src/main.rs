//! Runs the core on a workstation, over a corpus and beside the float model, or over single files. Also runs it as
//! machine code in an emulated microcontroller.
//!
//! Exit code: 0 if all went well; 1 if the two models agree too rarely, a board differs from the workstation, or a
//! board's figure has grown beyond its snapshot; 2 for an error; 130 if Ctrl-C or SIGTERM stopped it.

mod answer;
mod conditions;
mod device;
mod eval;
mod models;
mod outcome;
mod report;
mod run;
mod selection;
mod stream;
mod sweep;
mod tally;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use outcome::Outcome;
use ser_host::interrupt::{self, Interrupted, Stop};

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
    let command = Cli::parse().command;
    let result = Stop::listen().and_then(|stop| match command {
        Command::Eval(args) => eval::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Device(args) => device::run(&args, &stop),
    });
    match result {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Interrupted>() { interrupt::EXIT_CODE } else { 2 })
        }
    }
}
