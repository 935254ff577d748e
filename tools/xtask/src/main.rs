//! `cargo xtask`: what CI and people run.

mod capi;
mod ci;
mod deny;
mod device;
mod firmware;
mod fuzz;
mod layers;
mod prove;
mod readme;
mod repo;
mod steps;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use steps::Steps;

/// What CI and people run.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = "Example: cargo xtask ci fast")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Ci(ci::CiArgs),
    Layers(layers::LayersArgs),
    Device(device::DeviceArgs),
    Size(device::SizeArgs),
    Prove(prove::ProveArgs),
    /// Build the firmware examples, and run one in the emulator beside the simulator.
    #[command(after_help = "Example: cargo xtask firmware")]
    Firmware,
    Capi(capi::CapiArgs),
    Fuzz(fuzz::FuzzArgs),
}

fn main() -> ExitCode {
    let mut steps = Steps::default();
    let command = Arguments::parse().command;
    let result = match &command {
        Command::Ci(args) => ci::run_gate(&mut steps, args),
        Command::Layers(args) => layers::run(args),
        Command::Device(args) => device::device(&mut steps, args),
        Command::Size(args) => device::size(&mut steps, args),
        Command::Prove(args) => prove::run(&mut steps, args),
        Command::Firmware => firmware::check(&mut steps),
        Command::Capi(args) => capi::run(&mut steps, args),
        Command::Fuzz(args) => fuzz::fuzz(&mut steps, args),
    };
    // The gate passes without what can't be done here; who asks for one thing alone wants that thing.
    let result = match command {
        Command::Ci(_) => result,
        _ => result.and_then(|()| steps.ensure_nothing_skipped()),
    };
    print!("{}", steps.summary());
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}
