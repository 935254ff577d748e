//! The Arduino library: archives for its processors, the header, and the example sketch with its model.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::library::{cpu, folder, library, program, right};
use crate::repo::{self, root};

/// Folders of `src` as Arduino names them: {build.mcu}, and below it {build.fpu}-{build.float-abi}; Rust's target. Code
/// for softfp is linked with the soft archive, which the build finds in the folder of the processor alone.
const ARCHIVES: [(&str, &str); 5] = [
    ("cortex-m0plus", "thumbv6m-none-eabi"),
    ("cortex-m4", "thumbv7em-none-eabi"),
    ("cortex-m4/fpv4-sp-d16-hard", "thumbv7em-none-eabihf"),
    ("cortex-m7", "thumbv7em-none-eabi"),
    ("cortex-m33/fpv5-sp-d16-hard", "thumbv8m.main-none-eabihf"),
];

/// The compiler's flags for each archive, as Arduino's cores have them.
const FLAGS: [(&str, &[&str]); 5] = [
    ("cortex-m0plus", &["-mcpu=cortex-m0plus"]),
    ("cortex-m4", &["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=softfp"]),
    ("cortex-m4/fpv4-sp-d16-hard", &["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"]),
    ("cortex-m7", &["-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=softfp"]),
    ("cortex-m33/fpv5-sp-d16-hard", &["-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"]),
];

const PROPERTIES: [&str; 11] = [
    "name",
    "version",
    "author",
    "maintainer",
    "sentence",
    "paragraph",
    "category",
    "architectures",
    "includes",
    "precompiled",
    "ldflags",
];

/// Lays out the library as `to`/ser with this model's header; gives its folder.
pub fn pack(to: &Path, edge_h: &Path) -> Result<PathBuf> {
    let place = to.join("ser");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot replace {}", place.display()))?;
    }
    for (name, target) in ARCHIVES {
        let archive = library(target, cpu(target), &[])?;
        let folder = place.join("src").join(name);
        fs::create_dir_all(&folder)?;
        copy(&archive, &folder.join("libser.a"))?;
    }
    let sketch = place.join("examples/listen");
    fs::create_dir_all(&sketch)?;
    copy(&folder().join("ser.h"), &place.join("src/ser.h"))?;
    copy(&folder().join("arduino/examples/listen/listen.ino"), &sketch.join("listen.ino"))?;
    copy(edge_h, &sketch.join("edge.h"))?;
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&root().join(licence), &place.join(licence))?;
    }
    let properties = repo::read("core/capi/arduino/library.properties")?.replace("@VERSION@", &version()?);
    fs::write(place.join("library.properties"), properties)?;
    println!("the Arduino library is in {}", place.display());
    Ok(place)
}

/// Lays the library out, then compiles and links the sketch with each of its archives.
pub fn check(out: &Path) -> Result<()> {
    let place = pack(&out.join("arduino"), &right(out).join("edge.h"))?;
    let properties = repo::read(place.join("library.properties"))?;
    for field in PROPERTIES {
        let has = |line: &str| {
            line.strip_prefix(field).and_then(|rest| rest.strip_prefix('=')).is_some_and(|value| !value.is_empty())
        };
        ensure!(properties.lines().any(has), "library.properties lacks {field}");
    }
    let (object, elf) = (out.join("listen.o"), out.join("listen.elf"));
    for (name, flags) in FLAGS {
        let mut compiler = program("arm-none-eabi-g++");
        compiler.arg("-mthumb").args(flags).args([
            "-std=gnu++17",
            "-Os",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fno-exceptions",
        ]);
        compiler.args(["-ffunction-sections", "-Iarduino/stubs", "-I"]).arg(place.join("src"));
        compiler.args(["-include", "Arduino.h", "-x", "c++", "-c"]).arg(place.join("examples/listen/listen.ino"));
        repo::output(compiler.arg("-o").arg(&object))?;
        let mut linker = program("arm-none-eabi-gcc");
        linker.arg("-mthumb").args(flags).args([
            "-nostartfiles",
            "--specs=nano.specs",
            "-Wl,-z,noexecstack",
            "-Wl,--gc-sections",
        ]);
        linker.args(["-Wl,-e,_Z5setupv", "-Wl,-u,_Z4loopv"]).arg(&object).arg("-L").arg(place.join("src").join(name));
        repo::output(linker.arg("-lser").arg("-o").arg(&elf))?;
    }
    println!("the Arduino sketch compiles and links with each archive of the library");
    Ok(())
}

/// The version that `ser.h` states.
fn version() -> Result<String> {
    let header = repo::read("core/capi/ser.h")?;
    let value = header.lines().find_map(|line| line.strip_prefix("#define SER_VERSION \"")?.strip_suffix('"'));
    value.map(str::to_owned).context("ser.h must define SER_VERSION as a string")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
