//! Programs and Rust targets that a step needs: found, or installed where that is possible.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::repo;

/// Whether a program is there, after an attempt to install Debian's packages if it is not.
pub fn ensure_program(name: &str, packages: &[&str]) -> bool {
    find(name).is_some() || (install(packages) && find(name).is_some())
}

/// Whether the target's standard library is there, after an attempt to install it if it is not.
pub fn ensure_target(target: &str) -> bool {
    has_target(target) || {
        let added = Command::new("rustup").args(["target", "add", target]).status();
        added.is_ok_and(|status| status.success()) && has_target(target)
    }
}

/// Where a program is.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn has_target(target: &str) -> bool {
    repo::stdout(Command::new("rustc").args(["--print", "sysroot"]))
        .is_ok_and(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib").join(target).is_dir())
}

/// Installs packages of Debian; whether that succeeded.
pub fn install(packages: &[&str]) -> bool {
    let apt = |arguments: &[&str]| {
        let status = Command::new("apt-get").args(arguments).args(["-qq"]).status();
        status.is_ok_and(|status| status.success())
    };
    println!("apt-get install {}", packages.join(" "));
    let arguments: Vec<&str> = ["install", "-y", "--no-install-recommends"].iter().chain(packages).copied().collect();
    apt(&["update"]) && apt(&arguments)
}
