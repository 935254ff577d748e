//! `cargo xtask capi`: the C interface as firmware, and the Arduino library.

mod arduino;
mod library;
mod linked;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};

use crate::repo::{self, output, root};
use crate::steps::Steps;
use crate::tools::{ensure_program, ensure_target, install};
use library::{TARGETS, folder, program, right};

/// Check the C interface as firmware, or lay out the Arduino library.
#[derive(Args, Debug)]
#[command(after_help = "Example: cargo xtask capi check")]
pub struct CapiArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Build the C example for the workstation and for Cortex-M, and compare it with the Rust core (the default).
    Check,
    /// Lay out the Arduino library as FOLDER/ser.
    ArduinoPack {
        /// Where it goes.
        folder: PathBuf,
        /// The model: the header that `host embed models/casia/edge.ser --out edge.h` writes.
        edge_h: PathBuf,
    },
}

/// Bytes of stack that README.md of the C interface promises for the functions that parse a model.
const STACK_TO_MAKE: u32 = 4096;
/// Bytes of stack that it promises for all others.
const STACK: u32 = 2048;

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"];

/// Runs the command.
pub fn run(steps: &mut Steps, args: &CapiArgs) -> Result<()> {
    match &args.verb {
        None | Some(Verb::Check) => check(steps),
        Some(Verb::ArduinoPack { folder, edge_h }) => arduino::pack(folder, edge_h).map(drop),
    }
}

/// All checks; skipped if a tool is missing that can't be installed.
pub fn check(steps: &mut Steps) -> Result<()> {
    let missing = missing();
    if !missing.is_empty() {
        steps.skip(format!("the C interface: missing {}", missing.join(", ")));
        return Ok(());
    }
    let out = repo::target_dir().join("capi");
    steps.run("C interface: headers", |_| headers(&out))?;
    steps.run("C interface: the same bits as Rust", |_| {
        ["workstation", "hard", "soft"].into_iter().try_for_each(|build| same_bits(&out, build))
    })?;
    steps.run("C interface: stack", |_| ["hard", "soft"].into_iter().try_for_each(|build| stack(&out, build)))?;
    steps.run("C interface: no panic, no heap, no static data", |_| linked::check(&out))?;
    steps.run("C interface: Zephyr module", |_| zephyr(&out))?;
    steps.run("C interface: Arduino library", |_| arduino::check(&out))
}

/// The tools that are not here and cannot be installed.
fn missing() -> Vec<String> {
    let tools = [
        ("cmake", "cmake"),
        ("cc", "gcc"),
        ("make", "make"),
        ("arm-none-eabi-gcc", "gcc-arm-none-eabi"),
        ("arm-none-eabi-g++", "gcc-arm-none-eabi"),
        ("qemu-system-arm", "qemu-system-arm"),
    ];
    let mut missing: Vec<String> = tools
        .iter()
        .filter(|(program, package)| !ensure_program(program, &[package]))
        .map(|(program, _)| (*program).to_owned())
        .collect();
    let newlib = has_newlib() || (install(&["libnewlib-arm-none-eabi"]) && has_newlib());
    if !newlib {
        missing.push("newlib (nano.specs)".to_owned());
    }
    let targets = TARGETS.iter().filter(|(target, _)| !ensure_target(target));
    missing.extend(targets.map(|(target, _)| format!("Rust target {target}")));
    missing
}

fn has_newlib() -> bool {
    repo::stdout(Command::new("arm-none-eabi-gcc").arg("-print-file-name=nano.specs"))
        .is_ok_and(|path| Path::new(path.trim()).is_file())
}

/// The header in all its languages, the program in README.md, and CMake's names of targets. Makes the audio and the
/// expected answers for what follows.
fn headers(out: &Path) -> Result<()> {
    let (right, wrong) = (right(out), out.join("wrong"));
    std::fs::create_dir_all(&right)?;
    std::fs::create_dir_all(&wrong)?;
    repo::build_examples()?;
    output(Command::new(repo::example("expected")).arg(&right))?;
    // The same audio but for the sign of one sample in the midst of the first utterance.
    let mut audio = std::fs::read(right.join("audio.bin"))?;
    *audio.get_mut(20_005).context("audio.bin must have more than 20,005 bytes")? = 0x80;
    std::fs::write(wrong.join("audio.bin"), audio)?;

    for compiler in ["cc", "arm-none-eabi-gcc"] {
        for standard in ["-std=c99", "-std=c11"] {
            output(program(compiler).arg(standard).args(STRICT).args(["-x", "c", "ser.h"]))?;
        }
    }
    output(program("arm-none-eabi-g++").arg("-std=c++17").args(STRICT).args(["-x", "c++", "ser.h"]))?;
    println!("ser.h is C99, C11 and C++17");

    output(program("cmake").args(["-P", "cmake/rust-target-test.cmake"]))?;
    println!("CMake gives each compiler's flags the right Rust target");

    let readme = out.join("readme.c");
    std::fs::write(&readme, c_block(&repo::read("core/capi/README.md")?)?)?;
    for compiler in ["cc", "arm-none-eabi-gcc"] {
        output(program(compiler).arg("-std=c11").args(STRICT).args(["-I.", "-I"]).arg(&right).arg(&readme))?;
    }
    println!("README.md's program compiles");
    Ok(())
}

/// The C code blocks of a Markdown text.
fn c_block(markdown: &str) -> Result<String> {
    let mut code = String::new();
    let mut inside = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            inside = line.trim() == "```c";
        } else if inside {
            code.push_str(line);
            code.push('\n');
        }
    }
    ensure!(!code.is_empty(), "core/capi/README.md has no C program");
    Ok(code)
}

/// Configures and builds a CMake project.
fn cmake(source: &Path, build: &Path, words: &[String]) -> Result<()> {
    output(program("cmake").arg("-S").arg(source).arg("-B").arg(build).args(words))?;
    output(program("cmake").arg("--build").arg(build)).map(drop)
}

fn toolchain(float_abi: &str) -> [String; 3] {
    let file = folder().join("examples/qemu/cortex-m4.cmake");
    ["--toolchain".to_owned(), file.to_string_lossy().into_owned(), format!("-DFLOAT_ABI={float_abi}")]
}

/// Runs a program in a folder with `audio.bin`, in QEMU unless it is the workstation's, and gives its output.
/// The example leaves `answers.txt` in the folder.
fn execute(program: &Path, folder: &Path, on_workstation: bool) -> Result<String> {
    let answers = folder.join("answers.txt");
    if answers.exists() {
        std::fs::remove_file(&answers)?;
    }
    let mut command = repo::program(if on_workstation { program.as_os_str() } else { "timeout".as_ref() }, folder);
    if !on_workstation {
        command.args([
            "120",
            "qemu-system-arm",
            "-M",
            "mps2-an386",
            "-nographic",
            "-monitor",
            "none",
            "-serial",
            "none",
        ]);
        command.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(program);
    }
    repo::stdout(&mut command)
}

/// What the Rust core says, and what the example that ran last in a folder said.
fn answers(out: &Path, folder: &Path) -> Result<(String, String)> {
    Ok((repo::read(right(out).join("expected.txt"))?, repo::read(folder.join("answers.txt"))?))
}

fn ensure_same(out: &Path, who: &str) -> Result<usize> {
    let (expected, got) = answers(out, &right(out))?;
    if let Some((wanted, got)) = expected.lines().zip(got.lines()).find(|(wanted, got)| wanted != got) {
        bail!("{who} says something else than Rust on the workstation: wanted\n{wanted}\ngot\n{got}");
    }
    ensure!(expected == got, "{who} says more or less than Rust on the workstation");
    Ok(got.lines().filter(|line| line.contains("logits")).count())
}

fn same_bits(out: &Path, build: &str) -> Result<()> {
    let on_workstation = build == "workstation";
    let mut words = vec![format!("-DMODEL_HEADER_DIR={}", right(out).display())];
    if !on_workstation {
        words.extend(toolchain(build));
    }
    cmake(&folder().join("examples/qemu"), &out.join(build), &words)?;
    let example = out.join(build).join("example");
    execute(&example, &right(out), on_workstation)?;
    let predictions = ensure_same(out, &format!("C on {build}"))?;
    execute(&example, &out.join("wrong"), on_workstation)?;
    let (expected, got) = answers(out, &out.join("wrong"))?;
    ensure!(expected != got, "a changed sample changes no answer: the comparison compares nothing");
    println!("C on {build} = Rust on the workstation: {predictions} predictions, bit for bit");
    Ok(())
}

fn stack(out: &Path, build: &str) -> Result<()> {
    let printed = execute(&out.join(build).join("stack"), &right(out), false)?;
    let uses = stack_uses(&printed)?;
    for (function, bytes) in &uses {
        let limit = if function.ends_with("create") || function.ends_with("info") { STACK_TO_MAKE } else { STACK };
        ensure!(*bytes <= limit, "{function} takes {bytes} bytes of stack, wanted at most {limit}");
    }
    let uses: Vec<String> = uses.iter().map(|(function, bytes)| format!("{function} {bytes}")).collect();
    println!("stack on {build}, bytes: {}", uses.join(", "));
    Ok(())
}

/// Lines of a function's name and the bytes of stack that it takes.
fn stack_uses(printed: &str) -> Result<Vec<(String, u32)>> {
    let uses: Vec<(String, u32)> = printed
        .lines()
        .map(|line| {
            let (function, bytes) = line.split_once(' ').with_context(|| format!("no bytes of stack in `{line}`"))?;
            Ok((function.to_owned(), bytes.trim().parse().with_context(|| format!("no bytes of stack in `{line}`"))?))
        })
        .collect::<Result<_>>()?;
    ensure!(!uses.is_empty(), "no function's stack was measured");
    Ok(uses)
}

/// As Zephyr includes the module, with the configuration of a Cortex-M4 without FPU.
fn zephyr(out: &Path) -> Result<()> {
    let module = repo::read("zephyr/module.yml")?;
    let module = module
        .lines()
        .find_map(|line| line.trim().strip_prefix("cmake: "))
        .context("zephyr/module.yml names no cmake")?;
    let source = out.join("zephyr");
    std::fs::create_dir_all(&source)?;
    let lists = format!(
        "cmake_minimum_required(VERSION 3.21)\n\
         project(application LANGUAGES C)\n\
         set(CONFIG_SER y)\n\
         set(CONFIG_SER_RUST_TARGET thumbv7em-none-eabi)\n\
         set(CONFIG_SER_RUST_CPU \"\")\n\
         set(CONFIG_SER_SIZE y)\n\
         add_subdirectory({module} module)\n\
         add_executable(app {example}/main.c {example}/startup.c)\n\
         target_include_directories(app PRIVATE {right})\n\
         target_link_options(app PRIVATE --specs=nano.specs --specs=rdimon.specs -nostartfiles -T{example}/link.ld)\n\
         target_link_libraries(app PRIVATE ser::ser)\n",
        module = root().join(module).display(),
        example = folder().join("examples/qemu").display(),
        right = right(out).display(),
    );
    std::fs::write(source.join("CMakeLists.txt"), lists)?;
    cmake(&source, &source.join("build"), &toolchain("soft"))?;
    execute(&source.join("build/app"), &right(out), false)?;
    ensure_same(out, "the library of the Zephyr module")?;
    println!("the Zephyr module's CMake file gives a library with the same bits, at opt-level s");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_program_is_taken_out_of_an_indented_block() {
        let text = "1. a\n   ```c\n   int x;\n   ```\n   ```sh\n   ls\n   ```\n";
        assert_eq!(c_block(text).unwrap(), "   int x;\n");
        assert!(c_block("```sh\nls\n```").is_err());
    }

    #[test]
    fn stack_is_read_by_function_and_nothing_at_all_is_an_error() {
        let uses = stack_uses("ser_recognizer_push 1200\nser_model_info 3000\n").unwrap();
        assert_eq!(uses, [("ser_recognizer_push".to_owned(), 1200), ("ser_model_info".to_owned(), 3000)]);
        assert!(stack_uses("").is_err());
        assert!(stack_uses("ser_recognizer_push many").is_err());
    }
}
