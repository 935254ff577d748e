//! Which kernels a build gets, by the flags of the compiler: `build.rs` reads them.

#[path = "../build.rs"]
#[allow(dead_code)]
mod build;

fn options(flags: &[&str]) -> Vec<String> {
    build::codegen_options(&flags.join("\x1f"))
}

#[test]
fn every_spelling_names_the_processor() {
    let spellings: [&[&str]; 5] = [
        &["-Ctarget-cpu=cortex-m33"],
        &["-C", "target-cpu=cortex-m33"],
        &["--codegen=target-cpu=cortex-m33"],
        &["--codegen", "target-cpu=cortex-m33"],
        &["-Copt-level=3", "-C", "target-cpu=cortex-m23", "-Dwarnings", "-Ctarget-cpu=cortex-m33"],
    ];
    for flags in spellings {
        assert_eq!(build::processor(&options(flags)), "cortex-m33", "{flags:?}");
    }
    assert_eq!(build::processor(&options(&["-Clink-arg=-Tlink.x", "--cfg", "target-cpu=cortex-m33"])), "");
    assert_eq!(build::processor(&options(&[])), "");
}

#[test]
fn the_last_word_on_the_extension_counts() {
    assert_eq!(build::dsp_feature(&options(&["-Ctarget-feature=+fp16,-dsp"])), Some(false));
    assert_eq!(build::dsp_feature(&options(&["-C", "target-feature=-dsp", "-Ctarget-feature=+dsp"])), Some(true));
    assert_eq!(build::dsp_feature(&options(&["-Ctarget-cpu=cortex-m33"])), None);
}
