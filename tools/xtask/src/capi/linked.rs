//! All functions of `ser.h` in one program: what is not among its symbols can't be reached.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::library::{TARGETS, cpu, library, program};
use crate::repo;

/// For each target at opt-level 3 and s: no panic, no heap, no static data.
pub fn check(out: &Path) -> Result<()> {
    let functions = functions(&repo::read("core/capi/ser.h")?);
    for (target, flags) in TARGETS {
        for level in ["3", "\"s\""] {
            let program = link(out, target, flags, &functions, &format!("profile.firmware.opt-level={level}"))?;
            let reachable = reachable(&program)?;
            ensure!(reachable.is_empty(), "{target}: a panic or the heap can be reached: {}", reachable.join(", "));
            let (code, bytes) = size(&program)?;
            ensure!(bytes == 0, "{target}: {bytes} bytes of static data");
            println!(
                "no panic, heap or static data: {target}, opt-level {}, all {} functions, {code} bytes of code",
                level.trim_matches('"'),
                functions.len()
            );
        }
    }
    // Overflow checks panic.
    let (target, flags) = TARGETS[0];
    let program = link(out, target, flags, &functions, "profile.firmware.overflow-checks=true")?;
    ensure!(
        !reachable(&program)?.is_empty(),
        "with overflow checks no panic is found: what is looked for has another name"
    );
    Ok(())
}

/// Names of the functions that a header declares.
fn functions(header: &str) -> BTreeSet<String> {
    header
        .split('(')
        .filter_map(|before| before.rsplit(|c: char| !c.is_ascii_lowercase() && c != '_').next())
        .filter(|name| name.starts_with("ser_"))
        .map(str::to_owned)
        .collect()
}

fn link(out: &Path, target: &str, flags: &[&str], functions: &BTreeSet<String>, config: &str) -> Result<PathBuf> {
    let archive = library(target, cpu(target), &["--config".to_owned(), config.to_owned()])?;
    let elf = out.join("all.elf");
    let mut compiler = program("arm-none-eabi-gcc");
    compiler.arg("-mthumb").args(flags).args([
        "-nostartfiles",
        "--specs=nano.specs",
        "-Wl,--gc-sections",
        "-Wl,-e,ser_version",
    ]);
    compiler.args(functions.iter().map(|function| format!("-Wl,-u,{function}"))).arg(archive).arg("-o").arg(&elf);
    repo::output(&mut compiler)?;
    Ok(elf)
}

/// Symbols of panics and of the heap.
fn reachable(elf: &Path) -> Result<Vec<String>> {
    let symbols = repo::stdout(program("arm-none-eabi-nm").arg(elf))?;
    let is_bad =
        |symbol: &&str| ["panic", "unwind", "alloc", "_sbrk"].iter().any(|word| symbol.to_lowercase().contains(word));
    Ok(symbols.lines().filter_map(|line| line.split_whitespace().last()).filter(is_bad).map(str::to_owned).collect())
}

/// Bytes of code and tables, and of static data.
fn size(elf: &Path) -> Result<(u64, u64)> {
    let printed = repo::stdout(program("arm-none-eabi-size").arg(elf))?;
    let numbers = printed.lines().last().unwrap_or_default().split_whitespace().take(3).map(str::parse);
    let numbers: Vec<u64> = numbers.collect::<Result<_, _>>().context("arm-none-eabi-size wrote no numbers")?;
    match numbers[..] {
        [code, data, zeros] => Ok((code, data + zeros)),
        _ => anyhow::bail!("arm-none-eabi-size must write three numbers, wrote {printed}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_a_header_are_named_once_each() {
        let header =
            "/* ser_a() */ ser_status_t ser_a(int);\nuint32_t *ser_b_c(void);\n#define SER_X(x) (x)\nint other(int);";
        assert_eq!(functions(header).into_iter().collect::<Vec<_>>(), ["ser_a", "ser_b_c"]);
    }
}
