//! Tests `host spectrogram` as a user calls it.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ser_host::corpus::audio::write_wav;

/// Writes half a second of a tone of 2 kHz, with a pause of a quarter second before and after it.
fn write_tone(path: &Path) {
    let tone =
        |n: usize| if (4000..12_000).contains(&n) { (16_000.0 * (TAU * n as f64 / 8.0).sin()) as i16 } else { 0 };
    write_wav(path, &(0..16_000).map(tone).collect::<Vec<_>>()).unwrap();
}

fn host(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host")).current_dir(folder).arg("spectrogram").args(arguments).output().unwrap()
}

fn succeed(folder: &Path, arguments: &[&str]) {
    let output = host(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn error(folder: &Path, arguments: &[&str]) -> String {
    let output = host(folder, arguments);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_png_of_the_mel_spectrogram_is_put_into_the_current_folder() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("day.1")).unwrap();
    write_tone(&dir.path().join("day.1/my tone.wav"));
    succeed(dir.path(), &["day.1/my tone.wav"]);
    let first = fs::read(dir.path().join("my tone.png")).unwrap();
    assert!(first.starts_with(b"\x89PNG"));
    succeed(dir.path(), &["day.1/my tone.wav", "--kind", "mel", "--out", "again.PNG"]);
    assert!(first == fs::read(dir.path().join("again.PNG")).unwrap());
}

#[test]
fn both_kinds_have_axes_with_units_and_the_name_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    write_tone(&dir.path().join("a&b.wav"));
    for (kind, frequency, ticks) in [
        ("mel", "band centre, Hz", &["250", "1000", "4000"][..]),
        ("linear", "frequency, kHz", &["0", "2", "4", "6", "8"]),
    ] {
        succeed(dir.path(), &["a&b.wav", "--kind", kind, "--out", "a.svg"]);
        let svg = fs::read_to_string(dir.path().join("a.svg")).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<&str> = document
            .descendants()
            .filter(|node| node.tag_name().name() == "text")
            .filter_map(|node| Some(node.text()?.trim()))
            .collect();
        for wanted in ["a&b.wav", "time, s", frequency, "dBFS"].iter().chain(ticks) {
            assert!(texts.contains(wanted), "{kind}: {wanted}: {texts:?}");
        }
        succeed(dir.path(), &["a&b.wav", "--kind", kind, "--out", "b.svg"]);
        assert_eq!(svg, fs::read_to_string(dir.path().join("b.svg")).unwrap());
    }
}

#[test]
fn an_error_names_the_file_and_the_reason_and_leaves_no_picture() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    fs::write(folder.join("text.wav"), "no sound at all").unwrap();
    write_wav(&folder.join("short.wav"), &[0; 100]).unwrap();
    write_tone(&folder.join("tone.wav"));
    let missing = error(folder, &["none.wav"]);
    assert!(missing.contains("none.wav: cannot be read"), "{missing}");
    let text = error(folder, &["text.wav"]);
    assert!(text.contains("text.wav: not a WAV file"), "{text}");
    for (kind, frame) in [("mel", "1024"), ("linear", "256")] {
        let short = error(folder, &["short.wav", "--kind", kind]);
        assert!(short.contains("short.wav: too short") && short.contains(frame) && short.contains("100"), "{short}");
    }
    let other = error(folder, &["tone.wav", "--out", "tone.jpg"]);
    assert!(other.contains("tone.jpg") && other.contains(".png or .svg"), "{other}");
    let nowhere = error(folder, &["tone.wav", "--out", "none/tone.png"]);
    assert!(nowhere.contains("none/tone.png"), "{nowhere}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 3);
}

#[test]
fn help_has_an_example() {
    let output = host(Path::new("."), &["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && help.contains("Example: host spectrogram") && help.contains("--kind"), "{help}");
}
