//! Chooses the kernels of the target.

/// Armv8-M processors with the DSP extension. It is optional there, so the processor must be named.
const ARMV8M_WITH_DSP: [&str; 5] = ["cortex-m33", "cortex-m35p", "cortex-m52", "cortex-m55", "cortex-m85"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(arm_dsp, armv8m, short_multiply)");
    let target = std::env::var("TARGET").unwrap_or_default();
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let processor =
        |name: &str| flags.split('\x1f').any(|flag| flag.trim_start_matches("-C") == format!("target-cpu={name}"));
    if target.starts_with("thumbv8m") {
        println!("cargo::rustc-cfg=armv8m");
    }
    // These processors have no product of more than 32 bits.
    if target.starts_with("thumbv6m") || target.starts_with("thumbv8m.base") {
        println!("cargo::rustc-cfg=short_multiply");
    }
    // Rust has no name for the extension on its stable channel: cfg(target_feature = "dsp") is never set.
    if target.starts_with("thumbv7em")
        || (target.starts_with("thumbv8m.main") && ARMV8M_WITH_DSP.into_iter().any(processor))
    {
        println!("cargo::rustc-cfg=arm_dsp");
    }
}
