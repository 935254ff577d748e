//! Passes the memory map of the board to the linker.

use std::env;
use std::path::PathBuf;

fn main() {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let board = if env::var_os("CARGO_FEATURE_NRF52840").is_some() { "nrf52840" } else { "mps2" };
    println!("cargo:rerun-if-changed=memory");
    println!("cargo:rustc-link-search={}", package.join("memory").join(board).display());
    println!("cargo:rustc-link-arg=--nmagic");
    println!("cargo:rustc-link-arg=-Tlink.x");
}
