//! The library for a target, and where things are: what all checks of the C interface share.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::repo::{self, output, root};

/// Rust's targets with the flags of the C compiler.
pub const TARGETS: [(&str, &[&str]); 4] = [
    ("thumbv7em-none-eabihf", &["-mcpu=cortex-m4", "-mfloat-abi=hard"]),
    ("thumbv7em-none-eabi", &["-mcpu=cortex-m4", "-mfloat-abi=soft"]),
    ("thumbv6m-none-eabi", &["-mcpu=cortex-m0plus", "-mfloat-abi=soft"]),
    ("thumbv8m.main-none-eabihf", &["-mcpu=cortex-m33", "-mfloat-abi=hard"]),
];

/// The folder of the C interface.
pub fn folder() -> PathBuf {
    root().join("core/capi")
}

/// A program in the folder of the C interface.
pub fn program(name: &str) -> Command {
    repo::program(name, folder())
}

/// Where the audio, the model's header and the expected answers are.
pub fn right(out: &Path) -> PathBuf {
    out.join("right")
}

/// `libser.a` for a target; `cpu` names the processor to Rust where that matters. Gives its path.
pub fn library(target: &str, cpu: Option<&str>, words: &[String]) -> Result<PathBuf> {
    let folder = repo::target_dir().join("capi/cargo");
    let flags = cpu.map_or_else(String::new, |cpu| format!("-Ctarget-cpu={cpu}"));
    let mut command =
        repo::cargo(&["rustc", "--quiet", "--locked", "--package", "ser-capi", "--lib", "--crate-type", "staticlib"]);
    command.args(["--profile", "firmware", "--target", target, "--target-dir"]).arg(&folder).args(words);
    output(command.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    Ok(folder.join(target).join("firmware/libser.a"))
}

/// The processor that Rust must be told of.
pub fn cpu(target: &str) -> Option<&'static str> {
    (target == "thumbv8m.main-none-eabihf").then_some("cortex-m33")
}
