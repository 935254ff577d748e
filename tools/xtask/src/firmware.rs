//! `cargo xtask firmware`: the firmware examples.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use crate::repo::{self, run};
use crate::steps::Steps;
use crate::tools::{ensure_program, ensure_target};

const TARGET: &str = "thumbv7em-none-eabihf";

/// Folder of the example, and the features it is built with. The last one runs in the emulator.
const EXAMPLES: [(&str, &[&str]); 3] = [
    ("firmware/bare", &["--no-default-features", "--features", "nrf52840"]),
    ("firmware/embassy", &[]),
    ("firmware/bare", &[]),
];

/// An instruction takes 2^4 ns, so the processor is about as fast as one of 64 MHz; 2^8 ns is 16 times as slow.
const FAST: u32 = 4;
const SLOW: u32 = 8;

/// Checks formatting, lints and builds the examples, and shows that a damaged model stops the build. Then compares what
/// the bare example says in the emulator with what the simulator says on the workstation.
pub fn check(steps: &mut Steps) -> Result<()> {
    if !ensure_target(TARGET) {
        steps.skip(format!("firmware examples: the target {TARGET} can't be installed here"));
        return Ok(());
    }
    steps.run("firmware examples", |_| {
        for (folder, features) in EXAMPLES {
            run(&mut repo::cargo_in(folder, &["fmt", "--check"]))?;
            run(cargo(folder, "clippy").args(features).args(["--", "-D", "warnings"]))?;
            run(cargo(folder, "build").args(features))?;
        }
        ["firmware/bare", "firmware/embassy"].into_iter().try_for_each(a_damaged_model_stops_the_build)
    })?;
    if !ensure_program("qemu-system-arm", &["qemu-system-arm"]) {
        steps.skip("firmware example in the emulator: qemu-system-arm is not here and can't be installed");
        return Ok(());
    }
    steps.run("firmware example in the emulator", |_| in_the_emulator())
}

fn cargo(folder: &str, verb: &str) -> Command {
    let mut command = repo::cargo_in(folder, &[verb, "--release", "--locked", "--quiet", "--target-dir"]);
    command.arg(repo::target_dir().join("firmware"));
    command
}

fn a_damaged_model_stops_the_build(folder: &str) -> Result<()> {
    const WANTED: &str = "the model file is damaged: its checksum does not fit";
    let mut model = std::fs::read(repo::root().join("models/casia/edge.ser")).context("cannot read the model")?;
    let middle = model.len() / 2;
    model[middle] ^= 1;
    let work = tempfile::tempdir()?;
    let path = work.path().join("damaged.ser");
    std::fs::write(&path, model)?;
    let output = cargo(folder, "check").env("SER_MODEL", &path).output()?;
    ensure!(!output.status.success(), "{folder} compiles with a damaged model");
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(errors.contains(WANTED), "{folder} with a damaged model: wanted the error `{WANTED}`, got:\n{errors}");
    println!("{folder}: a damaged model is a compile error");
    Ok(())
}

fn in_the_emulator() -> Result<()> {
    let work = tempfile::tempdir()?;
    repo::build_examples()?;
    let audio = repo::output(&mut Command::new(repo::example("synthetic_stream")))?.stdout;
    let audio_path = work.path().join("audio.raw");
    std::fs::write(&audio_path, &audio)?;
    let simulator = [
        "run",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "firmware-sim",
        "--",
        "run",
        "--model",
        "models/casia/edge.ser",
        "--stream",
        "-",
    ];
    let workstation = repo::stdout(repo::cargo(&simulator).stdin(std::fs::File::open(&audio_path)?))?;
    let workstation: String = workstation.lines().map(|line| as_firmware_prints(line) + "\n").collect();
    ensure!(
        workstation.contains(" end after "),
        "the simulator found no utterance in the synthetic stream:\n{workstation}"
    );

    let printed = emulate(work.path(), FAST)?;
    let (levels, events): (Vec<&str>, Vec<&str>) = printed.lines().partition(|line| line.ends_with(" dBFS"));
    let firmware: String = events.iter().map(|line| format!("{line}\n")).collect();
    ensure!(
        firmware == workstation,
        "the firmware says something else than the workstation. Workstation:\n{workstation}Firmware:\n{firmware}"
    );
    print!("{printed}");
    levels_are_right(&levels, &audio)?;

    // Blocks are lost on a processor that is much too slow, and the firmware says so.
    let overruns = emulate(work.path(), SLOW)?.lines().filter(|line| line.starts_with("overrun: ")).count();
    ensure!(overruns > 0, "bare on a slow processor lost nothing, or did not tell");
    println!("on a processor 16 times as slow: {overruns} overruns reported");
    Ok(())
}

/// The level meter says what an exact one does, but for the rounding of its last decimal.
fn levels_are_right(lines: &[&str], audio: &[u8]) -> Result<()> {
    /// Samples of a measurement.
    const MEASURED: usize = 64 * 256;
    let samples: Vec<f64> = audio.as_chunks().0.iter().map(|&bytes| f64::from(i16::from_le_bytes(bytes))).collect();
    let exact: Vec<f64> = samples.chunks_exact(MEASURED).map(level_dbfs).collect();
    ensure!(
        !exact.is_empty() && lines.len() >= exact.len(),
        "the level must be told {} times, was told {} times",
        exact.len(),
        lines.len()
    );
    for (line, exact) in lines.iter().zip(exact) {
        let level = line.trim_end_matches(" dBFS").rsplit(' ').next().unwrap_or_default();
        let level: f64 = level.parse().with_context(|| format!("no level in `{line}`"))?;
        ensure!((level - exact).abs() <= 0.06, "the level must be {exact:.2} dBFS, the meter says {level}");
    }
    Ok(())
}

/// Mean square of samples, dB of full scale; at least that of samples of 1.
fn level_dbfs(samples: &[f64]) -> f64 {
    let mean = samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len() as f64;
    10.0 * (mean.max(1.0) / 2_f64.powi(30)).log10()
}

/// Without the stream's name and without probabilities, which the firmware does not print.
fn as_firmware_prints(line: &str) -> String {
    let line = line.strip_prefix("-: ").unwrap_or(line);
    line.split_once(" (").map_or(line, |(event, _)| event).to_owned()
}

/// Runs the bare example in a folder with `audio.raw`; an instruction takes 2^shift ns. Gives what it printed.
fn emulate(folder: &Path, shift: u32) -> Result<String> {
    let image = repo::target_dir().join("firmware").join(TARGET).join("release/ser-firmware-bare");
    let mut command = repo::program("qemu-system-arm", folder);
    command.args(["-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"]);
    command.args([
        "-semihosting-config",
        "enable=on,target=native",
        "-icount",
        &format!("shift={shift},sleep=off"),
        "-kernel",
    ]);
    let Output { stdout, .. } = repo::output(command.arg(image))?;
    String::from_utf8(stdout).context("the firmware wrote something else than text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_loses_the_name_of_its_stream_and_its_probabilities() {
        assert_eq!(
            as_firmware_prints("-:      1.07 s  end after 0.88 s: angry (91 %, sad 3 %)"),
            "     1.07 s  end after 0.88 s: angry"
        );
        assert_eq!(as_firmware_prints("-:      0.19 s  speech"), "     0.19 s  speech");
    }

    #[test]
    fn a_level_is_compared_with_the_exact_one() {
        let full: Vec<u8> = [i16::MIN; 64 * 256].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        levels_are_right(&["1.02 s  level 0.0 dBFS"], &full).unwrap();
        assert!(levels_are_right(&["1.02 s  level -0.1 dBFS"], &full).unwrap_err().to_string().contains("0.00 dBFS"));
        assert!(levels_are_right(&[], &full).is_err());
    }
}
