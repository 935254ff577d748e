//! `cargo xtask fuzz`: libFuzzer passes bytes that nobody vouches for to all that reads bytes.
//!
//! All lies below `target/fuzz`: `seeds` are valid inputs, `corpus` the inputs that reached new code, which the next run
//! starts from, and `findings` those that broke something.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::repo::{self, cargo_in, run};
use crate::steps::Steps;
use crate::tools::ensure_program;

/// Pass bytes that nobody vouches for to all that reads bytes, and keep what breaks it.
#[derive(Args, Debug)]
#[command(after_help = "Example: cargo xtask fuzz recording --seconds 600")]
pub struct FuzzArgs {
    /// What reads the bytes [default: all of them].
    #[arg(value_name = "TARGET", value_parser = PossibleValuesParser::new(TARGETS))]
    targets: Vec<String>,
    /// How long each of them runs.
    #[arg(long, value_name = "N", default_value_t = SECONDS)]
    seconds: u32,
}

const TARGETS: [&str; 5] = ["model", "snapshot", "recording", "text", "calls"];

/// Seconds for each target in the gate.
const SECONDS: u32 = 10;

/// The packages whose code is watched: the inputs that reach new code of theirs are kept, and each access to memory is
/// checked. The others are not, tract above all: it reads none of the bytes, and would take minutes.
const WATCHED: [&str; 11] = [
    "host",
    "ser-capi",
    "ser-core",
    "ser-fuzz",
    "ser-tests",
    "csv-core",
    "symphonia-bundle-flac",
    "symphonia-bundle-mp3",
    "symphonia-codec-vorbis",
    "symphonia-core",
    "symphonia-format-ogg",
];

/// What the watching needs from the compiler, as `cargo fuzz` has it.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
];

/// libFuzzer's limits: bytes of an input, seconds for one, MiB of memory.
const LIMITS: [&str; 3] = ["-max_len=8192", "-timeout=20", "-rss_limit_mb=2048"];

/// Runs the command.
pub fn fuzz(steps: &mut Steps, args: &FuzzArgs) -> Result<()> {
    let targets: Vec<&str> = args.targets.iter().map(String::as_str).collect();
    all_of(steps, if targets.is_empty() { &TARGETS } else { &targets }, args.seconds)
}

/// All targets, some seconds each; noted as skipped where libFuzzer can't be built.
pub fn all(steps: &mut Steps) -> Result<()> {
    all_of(steps, &TARGETS, SECONDS)
}

fn all_of(steps: &mut Steps, targets: &[&str], seconds: u32) -> Result<()> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        steps.skip("fuzzing: Rust's sanitizers are used on x86-64 with Linux alone");
        return Ok(());
    }
    if !ensure_program("c++", &["g++"]) {
        steps.skip("fuzzing: libFuzzer needs a C++ compiler, and none can be installed here");
        return Ok(());
    }
    let folder = repo::target_dir().join("fuzz");
    steps.run("fuzzing: build", |_| {
        run(&mut build(&folder))?;
        run(program(&folder, "seeds").arg(folder.join("seeds")))
    })?;
    for target in targets {
        steps.run(&format!("fuzzing: {target}"), |_| search(&folder, target, seconds))?;
    }
    Ok(())
}

/// Looks for an input that breaks the target.
fn search(folder: &Path, target: &str, seconds: u32) -> Result<()> {
    let [seeds, corpus, findings] = ["seeds", "corpus", "findings"].map(|part| folder.join(part).join(target));
    for folder in [&corpus, &findings] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut command = program(folder, target);
    command.args([&corpus, &seeds]).args(LIMITS).args(["-verbosity=0", "-print_funcs=0", "-print_final_stats=1"]);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", findings.display()));
    if run(&mut command).is_err() {
        bail!("{target} broke: the input is the newest file in {0}; {target} FILE repeats it", findings.display());
    }
    Ok(())
}

/// Builds all targets. Sanitizer and coverage are not stable yet, so the stable compiler is told to allow them.
fn build(folder: &Path) -> Command {
    let mut command = cargo_in("fuzz", &["build", "--release", "--locked", "-Zprofile-rustflags", "--target-dir"]);
    command.arg(folder).env("RUSTC_BOOTSTRAP", "1");
    for package in WATCHED {
        command.arg("--config").arg(format!("profile.release.package.{package}.rustflags={FLAGS:?}"));
    }
    command
}

fn program(folder: &Path, name: &str) -> Command {
    repo::program(folder.join("release").join(name), PathBuf::new())
}
