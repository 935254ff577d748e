//! `firmware-sim device --kernels`: compares the processor's kernels with the portable code, in the emulator.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ser_host::files::write_atomic;
use ser_host::interrupt::Stop;

use super::board::Board;
use crate::outcome::Outcome;

/// Builds and runs the image's program `kernels`, which compares the kernels; prints its counts.
pub fn run(board: Board, model: &[u8], target_dir: &Path, stop: &Stop) -> Result<Outcome> {
    ensure!(
        board.has_kernels(),
        "{} ({}) runs the portable code: there are no kernels to compare it with",
        board.name(),
        board.core()
    );
    // A program that ends at once leaves the folder behind.
    let _guard = stop.guard();
    let work = tempfile::tempdir().context("cannot make a folder for the image's model")?;
    let flash = work.path().join("model.ser");
    write_atomic(&flash, model)?;
    let image = board.build("kernels", "3", &["denoise", "image"], &flash, target_dir, stop)?;
    let printed = board.emulate(&image, work.path(), stop)?;
    println!("{}: every kernel gives what the portable code gives, on random and extreme data\n", board.core());
    println!("{:<52} {:>10} {:>13} {:>8}", "kernel", "MACs", "instructions", "per MAC");
    for line in printed.lines() {
        let (kernel, macs, instructions) = counts(line)?;
        println!("{kernel:<52} {macs:>10} {instructions:>13} {:>8.2}", instructions as f64 / macs as f64);
    }
    Ok(Outcome::Passed)
}

/// Parses a line `name: MACs instructions`.
fn counts(line: &str) -> Result<(&str, u64, u64)> {
    if let Some((kernel, numbers)) = line.rsplit_once(": ")
        && let Some((macs, instructions)) = numbers.split_once(' ')
        && let (Ok(macs), Ok(instructions)) = (macs.parse(), instructions.parse())
    {
        return Ok((kernel, macs, instructions));
    }
    bail!("the image printed {line:?}, wanted a name, a number of MACs and one of instructions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_and_two_numbers() {
        assert_eq!(counts("LSTM step, 72 inputs: 10 20").unwrap(), ("LSTM step, 72 inputs", 10, 20));
        for line in ["", "LSTM", "LSTM: 10", "LSTM: 10 many"] {
            assert!(counts(line).unwrap_err().to_string().contains("wanted a name"), "{line:?}");
        }
    }
}
