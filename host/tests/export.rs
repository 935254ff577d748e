//! Tests `host export` and `host inspect` as a user calls them, on a run with random weights.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::make_run;
use ser_core::Model;
use ser_host::corpus::labels::EMOTIONS;
use ser_host::evaluation::predictions::{Prediction, Predictions};

/// `host export` with a feature cache beside the run, so that tests don't share one.
fn export(run: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
    command.arg("export").arg(run).arg("--cache").arg(run.join("cache"));
    command
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_becomes_a_model_file_of_at_most_100_kilobytes_and_an_onnx_file() {
    let run = tempfile::tempdir().unwrap();
    make_run(run.path());
    let output = export(run.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = fs::read(run.path().join("model.ser")).unwrap();
    assert!(bytes.len() <= 100_000, "{} bytes", bytes.len());
    let model = Model::parse(&bytes).unwrap();
    assert_eq!(model.labels(), ["angry", "fear", "happy", "neutral", "sad", "surprise"]);
    assert!(4 * model.state_words() <= 16 * 1024);
    assert!(run.path().join("model.onnx").is_file());

    let output =
        Command::new(env!("CARGO_BIN_EXE_host")).arg("inspect").arg(run.path().join("model.ser")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(&format!("{} bytes (model file)", bytes.len())), "{text}");
}

#[test]
fn the_temperature_is_1_or_given_or_fitted_to_the_answers_of_a_cross_validation() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("cues-removed/seed-1/fold-0");
    let folder = make_run(&run);
    let temperature = |arguments: &[&str]| {
        let output = export(&run).arg("--int8").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (
            Model::parse(&fs::read(folder.model_path()).unwrap()).unwrap().temperature(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(temperature(&[]).0, 1.0);
    assert_eq!(temperature(&["--temperature", "2.5"]).0, 2.5);

    // 80 of 100 answers are right, all at a confidence of 0.96.
    let mut answer = vec![(0.04f32 / 5.0).ln(); 6];
    answer[0] = 0.96f32.ln();
    let prediction = |n: usize| Prediction {
        id: n.to_string(),
        corpus: String::new(),
        speaker: String::new(),
        truth: usize::from(n >= 80),
        int8: Some(answer.clone()),
        float: None,
    };
    let labels = EMOTIONS.map(str::to_owned).to_vec();
    Predictions { labels, utterances: (0..100).map(prediction).collect(), skipped: 0 }
        .save(&folder.predictions_path())
        .unwrap();
    let (fitted, said) = temperature(&["--calibrate", root.path().to_str().unwrap()]);
    // The best temperature gives the leading label 0.8 and each other label 0.04, odds of 20; the answers have 0.96 and
    // 0.008, odds of 120.
    assert!((f64::from(fitted) - (120.0f64).ln() / (20.0f64).ln()).abs() < 1e-3, "{fitted}");
    assert!(said.contains("error 0.000, at temperature 1 0.160"), "{said}");

    let output = export(&run).args(["--temperature", "0"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("wanted 0.01..=100"), "{output:?}");
    let output = export(&run).arg("--calibrate").arg(run.join("cache")).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("no finished fold"), "{output:?}");
}

#[test]
fn an_unfinished_run_is_exported_only_when_asked_for() {
    let run = tempfile::tempdir().unwrap();
    let folder = make_run(run.path());
    folder.save_metrics(&[]).unwrap();
    let output = export(run.path()).arg("--int8").output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("0 of 1 epochs") && message.contains("--unfinished"), "{message}");
    assert!(!folder.model_path().exists());
    let output = export(run.path()).args(["--int8", "--unfinished"]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && message.contains("0 of 1 epochs"), "{message}");
    assert!(folder.model_path().is_file());
}

#[test]
fn a_damaged_network_is_an_error_that_names_the_file_and_the_fault() {
    let run = tempfile::tempdir().unwrap();
    make_run(run.path());
    let file = run.path().join("network.bin");
    let whole = fs::read(&file).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let output = export(run.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let mut changed = whole.clone();
    // The third byte is in the length of a frame.
    changed[2] ^= 1;
    let mut no_number = whole.clone();
    let end = no_number.len() - 4;
    no_number[end..].copy_from_slice(&f32::NAN.to_le_bytes());
    for (bytes, fault) in [
        (&whole[..5000], "its 5000 bytes are no network"),
        (&changed, "frame_len is"),
        (&no_number, "has a value that is no number"),
    ] {
        let message = refused(bytes);
        assert!(message.contains("network.bin is damaged") && message.contains(fault), "{message}");
    }
}

#[test]
fn a_configuration_without_a_backend_is_an_error_that_names_the_backends() {
    let run = tempfile::tempdir().unwrap();
    make_run(run.path());
    let file = run.path().join("config.json");
    let config = fs::read_to_string(&file).unwrap();
    fs::write(&file, config.replace("  \"backend\": \"fast\",\n", "")).unwrap();
    let output = export(run.path()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        message.contains("config.json") && message.contains("`backend` is missing, wanted one of fast, flex"),
        "{message}"
    );
    // Entries of a later version are no reason to refuse a run; a slip is.
    fs::write(&file, config.replace("\"seed\":", "\"sede\":")).unwrap();
    let message = String::from_utf8_lossy(&export(run.path()).output().unwrap().stderr).into_owned();
    assert!(message.contains("the entry `seed` is missing: is it `sede`?"), "{message}");
    fs::write(&file, config.replace("  \"backend\":", "  \"later\": 1,\n  \"backend\":")).unwrap();
    assert!(export(run.path()).status().unwrap().success());
}

#[test]
fn only_the_files_asked_for_are_written() {
    let run = tempfile::tempdir().unwrap();
    make_run(run.path());
    assert!(export(run.path()).arg("--int8").status().unwrap().success());
    assert!(run.path().join("model.ser").is_file());
    assert!(!run.path().join("model.onnx").exists());
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_half_written_file_and_the_old_one_as_it_was() {
    let run = tempfile::tempdir().unwrap();
    make_run(run.path());
    fs::write(run.path().join("model.ser"), "the old model").unwrap();
    assert!(export(run.path()).args(["--onnx"]).status().unwrap().success());
    let before = names(run.path());
    // No file may grow beyond 16 blocks: a write fails in the middle of the model, as it does on a full disk.
    let script = format!(
        "trap '' XFSZ; ulimit -f 16; exec {} export {} --int8 --cache {}",
        env!("CARGO_BIN_EXE_host"),
        run.path().display(),
        run.path().join("cache").display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{message}");
    assert!(message.contains("model.ser"), "{message}");
    assert_eq!(fs::read_to_string(run.path().join("model.ser")).unwrap(), "the old model");
    assert_eq!(names(run.path()), before);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_to_is_an_error_that_names_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let run = tempfile::tempdir().unwrap();
    make_run(run.path());
    let out = run.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(out.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    let output = export(run.path()).arg("--out").arg(&out).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("model.ser"));
}

#[test]
fn an_output_folder_that_does_not_exist_is_an_error_that_names_the_file() {
    let run = tempfile::tempdir().unwrap();
    make_run(run.path());
    let output = export(run.path()).arg("--out").arg(run.path().join("nowhere")).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("nowhere") && message.contains("model.ser"), "{message}");
}

#[test]
fn a_folder_without_a_run_and_a_run_without_an_epoch_are_told_apart() {
    let empty = tempfile::tempdir().unwrap();
    let output = export(empty.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds no run"), "{output:?}");

    let run = tempfile::tempdir().unwrap();
    make_run(run.path());
    fs::remove_file(run.path().join("network.bin")).unwrap();
    let output = export(run.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("no trained network yet"), "{output:?}");
}

#[test]
fn inspecting_what_is_neither_preset_nor_model_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("noise.ser");
    fs::write(&file, [7; 300]).unwrap();
    for (argument, wanted) in [(file.to_str().unwrap(), "not a model file"), ("nothing-there", "neither a preset")] {
        let output = Command::new(env!("CARGO_BIN_EXE_host")).args(["inspect", argument]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains(wanted), "{output:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_early_is_no_reason_to_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_host")).args(["inspect", "edge"]).stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
