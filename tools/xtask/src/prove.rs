//! `cargo xtask prove`: no panic can be reached from any public entry of the core.

use anyhow::{Result, ensure};
use clap::Args;

use crate::repo;
use crate::steps::Steps;
use crate::tools::ensure_target;

/// Link the proof that no panic can be reached in the core, at opt-level 3 and s. With a panic put in it must not link.
#[derive(Args, Debug)]
#[command(after_help = "Example: cargo xtask prove thumbv6m-none-eabi")]
pub struct ProveArgs {
    /// The targets [default: all three].
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

const TARGETS: [&str; 3] = ["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "thumbv8m.main-none-eabihf"];

/// The symbol that the program's panic handler calls and nobody defines.
const SYMBOL: &str = "a_panic_can_be_reached";

/// Runs the command.
pub fn run(steps: &mut Steps, args: &ProveArgs) -> Result<()> {
    let targets: Vec<&str> = args.targets.iter().map(String::as_str).collect();
    prove(steps, if targets.is_empty() { &TARGETS } else { &targets })
}

/// Proves it for these targets; those that can't be installed are noted as skipped.
fn prove(steps: &mut Steps, targets: &[&str]) -> Result<()> {
    for target in targets {
        if !ensure_target(target) {
            steps.skip(format!("proof that nothing panics on {target}: the target can't be installed here"));
            continue;
        }
        steps.run(&format!("no panic on {target}"), |_| {
            for level in ["3", "s"] {
                repo::output(&mut link(target, level, &[]))?;
                println!("no panic can be reached: {target}, opt-level {level}");
                let with_panic = link(target, level, &["--features", "deliberate"]).output()?;
                ensure!(
                    !with_panic.status.success(),
                    "the proof proves nothing: it links with a panic in it ({target}, opt-level {level})"
                );
                let messages = String::from_utf8_lossy(&with_panic.stderr);
                ensure!(
                    messages.contains(SYMBOL),
                    "with a panic the linker must miss {SYMBOL}, it failed otherwise ({target}, opt-level {level}):\n{messages}"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// All three targets.
pub fn all(steps: &mut Steps) -> Result<()> {
    prove(steps, &TARGETS)
}

fn link(target: &str, level: &str, words: &[&str]) -> std::process::Command {
    let mut command =
        repo::cargo_in("firmware-sim/no-panic", &["build", "--release", "--locked", "--quiet", "--target", target]);
    let flags = if target == "thumbv8m.main-none-eabihf" { "-Ctarget-cpu=cortex-m33" } else { "" };
    command.arg("--target-dir").arg(repo::target_dir().join("no-panic")).args(words);
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level).env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}
