//! The emulated boards: how to build an image for a board, and how to run it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use ser_host::interrupt::Stop;

/// Folder of the image's source.
const IMAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/image");

/// An emulated board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Board {
    /// Cortex-M3 (QEMU mps2-an385).
    An385,
    /// Cortex-M4F (QEMU mps2-an386).
    An386,
    /// Cortex-M7 (QEMU mps2-an500).
    An500,
    /// Cortex-M33 (QEMU mps2-an505).
    An505,
    /// Cortex-M0 with 16 KB of RAM (QEMU microbit).
    Microbit,
    /// RV32IMC (QEMU virt).
    Riscv,
}

/// A microcontroller that can be bought.
#[derive(Clone, Copy, Debug)]
pub struct Chip {
    /// Its name.
    pub name: &'static str,
    /// Its usual clock, MHz.
    pub mhz: f64,
}

impl Board {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::An385 => "an385",
            Self::An386 => "an386",
            Self::An500 => "an500",
            Self::An505 => "an505",
            Self::Microbit => "microbit",
            Self::Riscv => "riscv",
        }
    }

    /// The processor.
    pub fn core(self) -> &'static str {
        match self {
            Self::An385 => "Cortex-M3",
            Self::An386 => "Cortex-M4F",
            Self::An500 => "Cortex-M7",
            Self::An505 => "Cortex-M33",
            Self::Microbit => "Cortex-M0",
            Self::Riscv => "RV32IMC",
        }
    }

    /// Rust's name of the target.
    pub fn target(self) -> &'static str {
        match self {
            Self::An385 => "thumbv7m-none-eabi",
            Self::An386 | Self::An500 => "thumbv7em-none-eabihf",
            Self::An505 => "thumbv8m.main-none-eabihf",
            Self::Microbit => "thumbv6m-none-eabi",
            Self::Riscv => "riscv32imc-unknown-none-elf",
        }
    }

    /// Microcontrollers with the same core.
    pub fn chips(self) -> &'static [Chip] {
        match self {
            Self::An385 => &[Chip { name: "STM32F1", mhz: 72.0 }],
            Self::An386 => &[Chip { name: "nRF52840", mhz: 64.0 }, Chip { name: "STM32F4", mhz: 168.0 }],
            Self::An500 => &[Chip { name: "STM32F7", mhz: 216.0 }],
            Self::An505 => &[Chip { name: "RP2350", mhz: 150.0 }],
            Self::Microbit => &[Chip { name: "RP2040", mhz: 133.0 }],
            Self::Riscv => &[Chip { name: "ESP32-C3", mhz: 160.0 }],
        }
    }

    /// Whether the core has kernels for this processor.
    pub fn has_kernels(self) -> bool {
        matches!(self, Self::An386 | Self::An500 | Self::An505)
    }

    /// Compiler flags.
    fn rustflags(self) -> &'static str {
        match self {
            Self::An505 => "-Ctarget-cpu=cortex-m33",
            _ => "",
        }
    }

    fn machine(self) -> &'static str {
        match self {
            Self::An385 => "mps2-an385",
            Self::An386 => "mps2-an386",
            Self::An500 => "mps2-an500",
            Self::An505 => "mps2-an505",
            Self::Microbit => "microbit",
            Self::Riscv => "virt",
        }
    }

    fn emulator(self) -> &'static str {
        match self {
            Self::Riscv => "qemu-system-riscv32",
            _ => "qemu-system-arm",
        }
    }

    /// Builds a program of the image (`ser-image`, `kernels` or `least`) with the model in flash, at an opt-level (3 or
    /// s), with these features of the core. Returns the program's path.
    pub fn build(
        self,
        program: &str,
        opt_level: &str,
        features: &[&str],
        model: &Path,
        target_dir: &Path,
        stop: &Stop,
    ) -> Result<PathBuf> {
        ensure!(Path::new(IMAGE).is_dir(), "the image's source is not in {IMAGE}; name a built image with --image");
        std::fs::create_dir_all(target_dir).with_context(|| format!("cannot make {}", target_dir.display()))?;
        let target_dir = target_dir.canonicalize().with_context(|| format!("cannot open {}", target_dir.display()))?;
        let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        command
            .current_dir(IMAGE)
            .args([
                "build",
                "--release",
                "--locked",
                "--bin",
                program,
                "--target",
                self.target(),
                "--features",
                &features.join(","),
            ])
            .arg("--target-dir")
            .arg(&target_dir)
            .env("SER_BOARD", self.name())
            .env("SER_MODEL", model)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", opt_level)
            .env("RUSTFLAGS", self.rustflags())
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        let output = stop.run(&mut command).context("cannot build the image with cargo")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "the image for {} could not be built (is the target installed? rustup target add {}):\n{errors}",
            self.name(),
            self.target()
        );
        Ok(target_dir.join(self.target()).join("release").join(program))
    }

    /// Runs an image in `folder`, where it finds its audio and leaves its answers. Returns its output.
    pub fn emulate(self, image: &Path, folder: &Path, stop: &Stop) -> Result<String> {
        let image = image.canonicalize().with_context(|| format!("cannot open {}", image.display()))?;
        let is_elf = std::fs::read(&image).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"));
        ensure!(is_elf, "{} is no ELF file, wanted an image for {}", image.display(), self.name());
        let mut command = Command::new(self.emulator());
        command
            .current_dir(folder)
            .args([
                "-M",
                self.machine(),
                "-nographic",
                "-monitor",
                "none",
                "-serial",
                "none",
                "-icount",
                "shift=6,sleep=off",
            ])
            .args(["-semihosting-config", "enable=on,target=native"])
            .arg("-kernel")
            .arg(&image);
        if self == Self::Riscv {
            command.args(["-bios", "none"]);
        }
        let output = stop.run(&mut command).with_context(|| {
            format!("cannot run {}; on Debian it is in qemu-system-arm or qemu-system-misc", self.emulator())
        })?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let reason = match output.status.code() {
            Some(0) => return Ok(printed.into_owned()),
            Some(1) => "it found a difference",
            Some(2) => "it could not read its audio or write its answers",
            Some(3) => "the memory for the model is too small",
            Some(4) => "the audio ends within an utterance",
            Some(5) => "the stack ran into the program's data: the board has too little RAM for this model",
            _ => "it panicked, or the emulator could not run it",
        };
        bail!(
            "the image on {} failed: {reason} ({}) {printed}{}",
            self.name(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )
    }
}
