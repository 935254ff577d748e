//! `cargo xtask device` and `size`: the core on emulated boards.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::repo::{self, run};
use crate::steps::Steps;
use crate::tools::{ensure_program, ensure_target};

/// Run the core on emulated boards, compare it bit for bit with the workstation and its figures with the snapshots.
#[derive(Args, Debug)]
#[command(after_help = "Example: cargo xtask device --board microbit")]
pub struct DeviceArgs {
    /// The board.
    #[arg(long, value_enum, default_value_t = Choice::All)]
    board: Choice,
    /// Keep the figures as the new snapshots in place of comparing them.
    #[arg(long)]
    update: bool,
}

/// Print flash, RAM, stack and instructions of all emulated boards as a table.
#[derive(Args, Debug)]
#[command(after_help = "Example: cargo xtask size")]
pub struct SizeArgs {
    /// The board.
    #[arg(long, value_enum, default_value_t = Choice::All)]
    board: Choice,
}

/// Which boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    All,
    An385,
    An386,
    An500,
    An505,
    Microbit,
    Riscv,
}

/// What `firmware-sim device --board` emulates, and what that needs here.
struct Board {
    choice: Choice,
    name: &'static str,
    target: &'static str,
    /// The emulator, and the package of Debian that has it.
    emulator: (&'static str, &'static str),
    /// Utterances that its snapshot was taken with.
    utterances: &'static str,
    /// Whether it has kernels of its own; others run the portable code.
    kernels: bool,
}

const ARM: (&str, &str) = ("qemu-system-arm", "qemu-system-arm");
const RISCV: (&str, &str) = ("qemu-system-riscv32", "qemu-system-misc");

const BOARDS: [Board; 6] = [
    Board {
        choice: Choice::An385,
        name: "an385",
        target: "thumbv7m-none-eabi",
        emulator: ARM,
        utterances: "6",
        kernels: false,
    },
    Board {
        choice: Choice::An386,
        name: "an386",
        target: "thumbv7em-none-eabihf",
        emulator: ARM,
        utterances: "6",
        kernels: true,
    },
    Board {
        choice: Choice::An500,
        name: "an500",
        target: "thumbv7em-none-eabihf",
        emulator: ARM,
        utterances: "6",
        kernels: true,
    },
    Board {
        choice: Choice::An505,
        name: "an505",
        target: "thumbv8m.main-none-eabihf",
        emulator: ARM,
        utterances: "6",
        kernels: true,
    },
    Board {
        choice: Choice::Microbit,
        name: "microbit",
        target: "thumbv6m-none-eabi",
        emulator: ARM,
        utterances: "6",
        kernels: false,
    },
    Board {
        choice: Choice::Riscv,
        name: "riscv",
        target: "riscv32imc-unknown-none-elf",
        emulator: RISCV,
        utterances: "3",
        kernels: false,
    },
];

/// Runs `device`.
pub fn device(steps: &mut Steps, args: &DeviceArgs) -> Result<()> {
    for board in available(steps, args.board) {
        let snapshot = format!("tests/snapshots/{}.json", board.name);
        let mut words = vec!["--utterances", board.utterances, "--snapshot", &snapshot];
        words.extend(args.update.then_some("--update"));
        steps.run(&format!("board {}", board.name), |_| simulator(board, &words))?;
        if board.kernels {
            steps.run(&format!("kernels on {}", board.name), |_| simulator(board, &["--kernels"]))?;
        }
    }
    Ok(())
}

/// All boards, against their snapshots.
pub fn all(steps: &mut Steps) -> Result<()> {
    device(steps, &DeviceArgs { board: Choice::All, update: false })
}

/// Runs `size`.
pub fn size(steps: &mut Steps, args: &SizeArgs) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder for the figures")?;
    let mut lines = Vec::new();
    for board in available(steps, args.board) {
        let path = folder.path().join(board.name);
        let path = path.to_string_lossy();
        let words = ["--utterances", board.utterances, "--json", path.as_ref()];
        repo::output(repo::cargo(&SIMULATOR).args(["--board", board.name]).args(words))?;
        let figures: Value = serde_json::from_str(&repo::read(path.as_ref())?)?;
        lines.push(line(&figures)?);
    }
    println!(
        "{}",
        ["board", "core", "code", "tables", "model", "state", "stack", "instr./hop", "worst hop"].map(cell).join("")
    );
    lines.iter().for_each(|line| println!("{line}"));
    println!("bytes; code and tables are those of the least firmware at opt-level s, instructions are counted at 3");
    Ok(())
}

fn line(figures: &Value) -> Result<String> {
    let text = |name: &str| {
        let value = figures.get(name).with_context(|| format!("firmware-sim's figures lack {name}"))?;
        Ok(match value {
            Value::String(text) => cell(text),
            number => cell(&format!("{:.0}", number.as_f64().with_context(|| format!("{name} must be a number"))?)),
        })
    };
    let names = [
        "board",
        "core",
        "code_bytes",
        "table_bytes",
        "model_bytes",
        "state_bytes",
        "stack_bytes",
        "instructions_per_hop",
        "instructions_in_worst_hop",
    ];
    Ok(names.into_iter().map(text).collect::<Result<Vec<_>>>()?.join(""))
}

fn cell(text: &str) -> String {
    format!("{text:<12}")
}

const SIMULATOR: [&str; 8] = ["run", "--release", "--locked", "--quiet", "--package", "firmware-sim", "--", "device"];

fn simulator(board: &Board, words: &[&str]) -> Result<()> {
    run(repo::cargo(&SIMULATOR).args(["--board", board.name]).args(words))
}

/// The chosen boards that can be emulated here; the others are noted as skipped.
fn available(steps: &mut Steps, choice: Choice) -> Vec<&'static Board> {
    let mut boards = Vec::new();
    for board in BOARDS.iter().filter(|board| choice == Choice::All || board.choice == choice) {
        let (emulator, package) = board.emulator;
        if !ensure_program(emulator, &[package]) {
            steps.skip(format!("board {}: {emulator} is not here and can't be installed", board.name));
        } else if !ensure_target(board.target) {
            steps.skip(format!("board {}: the target {} can't be installed here", board.name, board.target));
        } else {
            boards.push(board);
        }
    }
    boards
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_of_the_table_has_all_figures_and_a_missing_one_is_named() {
        let mut figures = json!({
            "board": "an386", "core": "Cortex-M4F", "code_bytes": 1, "table_bytes": 2, "model_bytes": 3,
            "state_bytes": 4, "stack_bytes": 5, "instructions_per_hop": 6.4, "instructions_in_worst_hop": 7
        });
        let words: Vec<String> = line(&figures).unwrap().split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["an386", "Cortex-M4F", "1", "2", "3", "4", "5", "6", "7"]);
        figures.as_object_mut().unwrap().remove("stack_bytes");
        assert!(line(&figures).unwrap_err().to_string().contains("stack_bytes"));
    }
}
