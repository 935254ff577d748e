//! `cargo xtask ci`: the gate.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::repo::{self, NESTED, cargo, cargo_in, run};
use crate::steps::Steps;
use crate::tools::ensure_target;
use crate::{capi, deny, device, firmware, fuzz, layers, prove, readme};

/// The gate: what must pass before a change lands.
#[derive(Args, Debug)]
#[command(after_help = "Example: cargo xtask ci fast")]
pub struct CiArgs {
    /// How much of it.
    #[arg(value_enum)]
    extent: Extent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Extent {
    /// Formatting, layers, lints, the tests of the core and of xtask, documentation: some minutes.
    Fast,
    /// All: also every test, feature and licence, the emulated boards, the firmware examples, the C interface, and some
    /// seconds of fuzzing.
    Full,
}

/// Sets of host's features that are linted beside the default set. The table has features that need a graphics
/// processor too: linting type-checks and runs nothing.
const HOST_FEATURES: [&str; 6] = ["", "baseline", "report", "train", "ndarray", "wgpu"];

/// A dependency of Burn's backend for NVIDIA. Its build script downloads LLVM.
const LLVM_BUNDLER: &str = "tracel-llvm-bundler";

/// Targets that the core is linted and built for.
const CORTEX_M: [&str; 4] =
    ["thumbv7em-none-eabihf", "thumbv7m-none-eabi", "thumbv6m-none-eabi", "thumbv8m.base-none-eabi"];

/// Packages whose tests compile neither Burn nor tract.
const CHEAP: [&str; 2] = ["ser-core", "xtask"];

const DENY: [&str; 3] = ["--", "-D", "warnings"];

/// Runs the gate up to the first step that fails.
pub fn run_gate(steps: &mut Steps, args: &CiArgs) -> Result<()> {
    steps.run("formatting", |_| formatting())?;
    steps.run("lock files", |_| lock_files())?;
    steps.run("layers", |_| layers::check())?;
    if args.extent == Extent::Full {
        steps.run("declared Rust version", declared_rust_version)?;
        steps.run("licences, duplicates, sources, advisories", deny::check)?;
    }
    steps.run("lints", |_| run(clippy(&["--workspace", "--all-targets"]).args(DENY)))?;
    match args.extent {
        Extent::Fast => fast(steps),
        Extent::Full => full(steps),
    }
}

fn fast(steps: &mut Steps) -> Result<()> {
    steps.run("tests without training", |_| {
        let mut command = cargo(&["test", "--locked", "--quiet"]);
        run(command.args(CHEAP.map(|package| format!("--package={package}"))))
    })?;
    steps.run("documentation", |_| documentation())
}

fn full(steps: &mut Steps) -> Result<()> {
    let commands = readme::commands()?;
    steps.run("lints of the core without its features", |_| {
        run(clippy(&["--package", "ser-core", "--no-default-features", "--all-targets"]).args(DENY))
    })?;
    for features in HOST_FEATURES {
        steps.run(&format!("lints of host with features [{features}]"), |_| run(&mut host_lints(features)))?;
    }
    steps.run("lints of host with features [cuda]", |steps| match repo::output(&mut host_lints("cuda")) {
        Err(error) if error.to_string().contains(LLVM_BUNDLER) => {
            steps.skip(format!("lints of host with the feature cuda: {LLVM_BUNDLER} can't download LLVM"));
            Ok(())
        }
        result => result.map(drop),
    })?;
    for target in CORTEX_M {
        if ensure_target(target) {
            steps.run(&format!("core for {target}"), |_| {
                run(clippy(&["--package", "ser-core", "--target", target]).args(DENY))?;
                run(&mut cargo(&["build", "--locked", "--release", "--package", "ser-core", "--target", target]))
            })?;
        } else {
            steps.skip(format!("core for {target}: the target can't be installed here"));
        }
    }
    steps.run("documentation", |_| documentation())?;

    steps.run(&format!("README: {}", commands.test), |_| shell(&commands.test))?;
    steps.run("tests of the core without its features", |_| {
        run(&mut cargo(&["test", "--locked", "--package", "ser-core", "--no-default-features"]))
    })?;
    // The whole workspace, so that the test is the program that was built before.
    steps.run("a day of listening", |_| {
        run(&mut cargo(&[
            "test",
            "--locked",
            "--workspace",
            "--test",
            "crossing",
            "listening",
            "--",
            "--ignored",
            "--nocapture",
        ]))
    })?;
    steps.run(&format!("README: {}", commands.first), |_| shell(&commands.first))?;

    prove::all(steps)?;
    device::all(steps)?;
    firmware::check(steps)?;
    capi::check(steps)?;
    fuzz::all(steps)?;
    if is_root() {
        steps.skip("writing to a folder without permission: root may write everywhere");
    }
    Ok(())
}

fn formatting() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    NESTED.into_iter().try_for_each(|folder| run(&mut cargo_in(folder, &["fmt", "--check"])))
}

/// Each lock file fits its manifests, so that no later command, be it without `--locked`, changes one.
fn lock_files() -> Result<()> {
    let words = ["metadata", "--locked", "--format-version", "1"];
    std::iter::once("").chain(NESTED).try_for_each(|folder| repo::output(&mut cargo_in(folder, &words)).map(drop))
}

/// The workspace compiles with the Rust that `rust-version` declares: all that follows shows it if that is the one in
/// use; else the declared one is asked for.
fn declared_rust_version(steps: &mut Steps) -> Result<()> {
    let metadata = repo::metadata()?;
    let declared = metadata["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == "ser-core"))
        .and_then(|package| package["rust_version"].as_str())
        .context("core/Cargo.toml must declare rust-version")?;
    let used = repo::stdout(Command::new("rustc").arg("--version"))?;
    if is_version(&used, declared) {
        println!("Rust {declared} is declared and in use");
        return Ok(());
    }
    let install = ["toolchain", "install", declared, "--profile", "minimal"];
    if repo::output(Command::new("rustup").args(install)).is_err() {
        steps.skip(format!(
            "check with the declared Rust {declared}: rustup can't fetch it, and in use is {}",
            used.trim()
        ));
        return Ok(());
    }
    let check = ["run", declared, "cargo", "check", "--locked", "--workspace"];
    run(repo::program("rustup", "").args(check).env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN"))
}

/// Whether `rustc --version` wrote this version: `1.95` fits `rustc 1.95.0 (...)`.
fn is_version(rustc: &str, declared: &str) -> bool {
    let Some(version) = rustc.split_whitespace().nth(1) else { return false };
    version.strip_prefix(declared).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn documentation() -> Result<()> {
    run(cargo(&["doc", "--locked", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn clippy(words: &[&str]) -> Command {
    let mut command = cargo(&["clippy", "--locked"]);
    command.args(words);
    command
}

/// Lints of host's library with these features alone.
fn host_lints(features: &str) -> Command {
    let mut command = clippy(&["--package", "host", "--lib", "--no-default-features", "--features", features]);
    command.args(DENY);
    command
}

/// A command of README, as a reader's shell runs it.
fn shell(command: &str) -> Result<()> {
    println!("$ {command}");
    let status = repo::program("sh", "").args(["-euc", command]).status().context("cannot run sh")?;
    ensure!(status.success(), "README's command ended with {status}: {command}");
    Ok(())
}

fn is_root() -> bool {
    repo::stdout(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_fits_its_patches_and_no_other_version() {
        assert!(is_version("rustc 1.95.0 (59807616e 2026-03-21)", "1.95"));
        assert!(is_version("rustc 1.95.0 (59807616e 2026-03-21)", "1.95.0"));
        assert!(!is_version("rustc 1.95.0", "1.9"));
        assert!(!is_version("rustc 1.96.0", "1.95"));
        assert!(!is_version("", "1.95"));
    }
}
