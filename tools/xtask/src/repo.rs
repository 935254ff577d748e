//! The repository: where things are, and how programs are run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Workspaces beside the main one, each with its own lock file.
pub const NESTED: [&str; 5] =
    ["fuzz", "firmware-sim/image", "firmware-sim/no-panic", "firmware/bare", "firmware/embassy"];

/// The repository's root.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        package.ancestors().nth(2).unwrap_or(package).to_owned()
    })
}

/// The folder of what cargo builds for the main workspace.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Cargo in the root with these words.
pub fn cargo(arguments: &[&str]) -> Command {
    cargo_in(root(), arguments)
}

/// Cargo in a folder of the repository, where it finds the folder's configuration.
pub fn cargo_in(folder: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root().join(folder)).args(arguments);
    command
}

/// A program in a folder.
pub fn program(program: impl AsRef<OsStr>, folder: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root().join(folder));
    command
}

/// Prints the command and runs it; an error if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", in_words(command));
    let status = command.status().with_context(|| format!("cannot run {}", in_words(command)))?;
    ensure!(status.success(), "{} ended with {status}", in_words(command));
    Ok(())
}

/// Runs the command and gives what it wrote; an error with its messages if it fails.
pub fn output(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot run {}", in_words(command)))?;
    ensure!(
        output.status.success(),
        "{} ended with {}:\n{}{}",
        in_words(command),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}

/// Runs the command and gives its standard output as text.
pub fn stdout(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    String::from_utf8(output.stdout).with_context(|| format!("{} wrote something else than text", in_words(command)))
}

/// The main workspace as `cargo metadata` describes it, with all packages that it depends on.
pub fn metadata() -> Result<Value> {
    let text = stdout(&mut cargo(&["metadata", "--locked", "--format-version", "1"]))?;
    serde_json::from_str(&text).context("cargo metadata wrote something else than JSON")
}

/// Reads a text file of the repository.
pub fn read(path: impl AsRef<Path>) -> Result<String> {
    let path = root().join(path);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn in_words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program()).to_string_lossy();
    let words = command.get_args().map(|argument| argument.to_string_lossy());
    let words: Vec<_> = std::iter::once(program).chain(words).collect();
    match command.get_current_dir() {
        Some(folder) if folder != root() => {
            format!("(cd {} && {})", folder.strip_prefix(root()).unwrap_or(folder).display(), words.join(" "))
        }
        _ => words.join(" "),
    }
}

/// Builds the examples of all packages, with the features that the tests build them with, so that nothing is compiled
/// twice.
pub fn build_examples() -> Result<()> {
    run(&mut cargo(&["build", "--locked", "--workspace", "--examples"]))
}

/// Where an example is after [`build_examples`].
pub fn example(name: &str) -> PathBuf {
    target_dir().join("debug/examples").join(name)
}
