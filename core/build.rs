//! Chooses the kernels of the target, and says so where it can't know.

use std::env;

/// Armv8-M processors that come with the DSP extension unless it was left out. It is optional there.
const ARMV8M_WITH_DSP: [&str; 5] = ["cortex-m33", "cortex-m35p", "cortex-m52", "cortex-m55", "cortex-m85"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(arm_dsp, armv8m, short_multiply)");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let target = variable("TARGET");
    if target.starts_with("thumbv8m") {
        println!("cargo::rustc-cfg=armv8m");
    }
    // These processors have no product of more than 32 bits.
    if target.starts_with("thumbv6m") || target.starts_with("thumbv8m.base") {
        println!("cargo::rustc-cfg=short_multiply");
    }
    if !target.starts_with("thumb") {
        return;
    }
    let options = codegen_options(&variable("CARGO_ENCODED_RUSTFLAGS"));
    let feature = env::var_os("CARGO_FEATURE_DSP").is_some();
    let always = target.starts_with("thumbv7em");
    let optional = target.starts_with("thumbv8m.main");
    if feature && !always && !optional {
        println!("cargo::error=ser-core: the feature `dsp` is on, but no processor of {target} has the DSP extension");
        return;
    }
    let dsp = match (dsp_feature(&options), feature) {
        (Some(false), true) => {
            println!("cargo::error=ser-core: the feature `dsp` is on, but -Ctarget-feature=-dsp takes it away");
            return;
        }
        (Some(told), _) => told,
        (None, true) => true,
        (None, false) => always || (optional && ARMV8M_WITH_DSP.contains(&processor(&options))),
    };
    if dsp {
        println!("cargo::rustc-cfg=arm_dsp");
    } else if optional && dsp_feature(&options).is_none() {
        println!(
            "cargo::warning=ser-core: portable kernels for {target}, 2.3 times the instructions: the feature `dsp` of \
             ser-core, or -Ctarget-cpu, says that the processor has the DSP extension; -Ctarget-feature=-dsp says that \
             it has not"
        );
    }
}

/// What stands behind `-C` or `--codegen`, with a space or an equals sign or nothing between.
pub(crate) fn codegen_options(flags: &str) -> Vec<String> {
    let mut options = Vec::new();
    let mut flags = flags.split('\x1f');
    while let Some(flag) = flags.next() {
        let option = match flag {
            "-C" | "--codegen" => flags.next(),
            _ => flag.strip_prefix("--codegen=").or(flag.strip_prefix("-C")),
        };
        options.extend(option.map(str::to_owned));
    }
    options
}

/// The processor that was named last.
pub(crate) fn processor(options: &[String]) -> &str {
    options.iter().rev().find_map(|option| option.strip_prefix("target-cpu=")).unwrap_or_default()
}

/// What the flags say of the DSP extension, the last mention. Rust has no name for it on its stable channel, so
/// `cfg(target_feature = "dsp")` is never set.
pub(crate) fn dsp_feature(options: &[String]) -> Option<bool> {
    let features = options.iter().filter_map(|option| option.strip_prefix("target-feature="));
    features
        .flat_map(|features| features.split(','))
        .filter_map(|feature| match feature.trim() {
            "+dsp" => Some(true),
            "-dsp" => Some(false),
            _ => None,
        })
        .next_back()
}
