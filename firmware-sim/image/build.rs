//! Chooses the memory of the board (`SER_BOARD`) and the model (`SER_MODEL`, a path).

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let variable = |name: &str| {
        println!("cargo:rerun-if-env-changed={name}");
        env::var(name).unwrap_or_else(|_| panic!("the environment lacks {name}; firmware-sim device sets it"))
    };
    let out = PathBuf::from(variable("OUT_DIR"));
    let memory = format!("memory/{}.x", variable("SER_BOARD"));
    println!("cargo:rerun-if-changed={memory}");
    fs::copy(&memory, out.join("memory.x")).unwrap_or_else(|error| panic!("cannot copy {memory}: {error}"));
    println!("cargo:rustc-link-search={}", out.display());

    let model = variable("SER_MODEL");
    println!("cargo:rerun-if-changed={model}");
    fs::copy(&model, out.join("model.ser")).unwrap_or_else(|error| panic!("cannot copy {model}: {error}"));

    if variable("TARGET").starts_with("riscv") {
        println!("cargo:rustc-link-arg=-Tmemory.x");
    } else {
        println!("cargo:rustc-link-arg=--nmagic");
    }
    println!("cargo:rustc-link-arg=-Tlink.x");
}
