//! `firmware-sim run` over single files.

use crate::common::{add, corpus, float_wav, run, simulator, text};
use ser_host::emotion::EMOTIONS;
use ser_host::synth;
use serde_json::Value;

#[test]
fn each_file_gets_a_line_with_its_label_and_all_probabilities() {
    let corpus = corpus();
    let files = ["angry", "sad"].map(|emotion| corpus.path().join("f1").join(emotion).join("201.wav"));
    let (code, output, errors) = run(&["run", text(&files[0]), text(&files[1])]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(output.lines().count(), 2, "{output}");
    for (line, file) in output.lines().zip(&files) {
        assert!(line.starts_with(text(file)), "{line}");
        assert!(EMOTIONS.iter().all(|emotion| line.contains(emotion)), "{line}");
    }
}

#[test]
fn json_has_probabilities_that_sum_to_one_and_lead_with_the_label() {
    let corpus = corpus();
    let file = corpus.path().join("f1/fear/201.wav");
    let (code, output, errors) = run(&["run", "--json", text(&file)]);
    assert_eq!(code, 0, "{errors}");
    let json: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(json["file"], text(&file));
    assert!(json["confident"].is_boolean());
    let probabilities = json["probabilities"].as_array().unwrap();
    let value = |entry: &Value| entry["probability"].as_f64().unwrap();
    assert!((probabilities.iter().map(value).sum::<f64>() - 1.0).abs() < 1e-5);
    let leading = probabilities.iter().max_by(|a, b| value(a).total_cmp(&value(b))).unwrap();
    assert_eq!(leading["label"], json["label"]);
}

#[test]
fn a_stream_tells_each_change_and_ends_with_the_same_prediction() {
    let corpus = corpus();
    let samples: Vec<i16> = [0, 4, 2].into_iter().flat_map(|emotion| synth::render(3, 1, emotion, 5)).collect();
    let file = add(corpus.path(), "happy", &samples);
    let result = |arguments: &[&str]| -> Value {
        let (code, output, errors) = run(&[&["run", "--json", text(&file)], arguments].concat());
        assert_eq!(code, 0, "{errors}");
        serde_json::from_str(&output).unwrap()
    };
    let (streamed, whole) = (result(&["--stream"]), result(&[]));
    assert_eq!(whole["changes"], Value::Null);
    assert_eq!(streamed["probabilities"], whole["probabilities"]);
    let changes = streamed["changes"].as_array().unwrap();
    assert!(!changes.is_empty());
    assert_eq!(changes.last().unwrap()["label"], whole["label"]);
    let length = samples.len() as f64 / 16_000.0;
    for (change, next) in changes.iter().zip(&changes[1..]) {
        assert_ne!(change["label"], next["label"]);
        assert!(change["seconds"].as_f64() < next["seconds"].as_f64());
    }
    assert!(changes.iter().all(|change| (0.0..=length).contains(&change["seconds"].as_f64().unwrap())));

    let (_, output, _) = run(&["run", "--stream", text(&file)]);
    assert_eq!(output.lines().count(), changes.len() + 1, "{output}");
}

#[test]
fn silence_and_a_single_sample_are_too_little_speech() {
    let corpus = corpus();
    for samples in [vec![0; 960_000], vec![1], vec![12; 4000]] {
        let file = add(corpus.path(), "sad", &samples);
        for stream in [&["run"][..], &["run", "--stream"]] {
            let (code, output, errors) = run(&[stream, &[text(&file)]].concat());
            assert_eq!(code, 0, "{errors}");
            assert_eq!(output, format!("{}: too little speech\n", text(&file)));
        }
    }
}

#[test]
fn a_bad_file_is_told_and_the_others_are_recognised_all_the_same() {
    let corpus = corpus();
    let good = corpus.path().join("f1/sad/201.wav");
    let bytes = std::fs::read(&good).unwrap();
    let bad: [(&str, Vec<u8>); 5] = [
        ("empty", Vec::new()),
        ("not a WAV", b"This is a text, and no recording at all.".to_vec()),
        ("truncated", bytes[..bytes.len() / 2].to_vec()),
        ("no samples", float_wav(&[])),
        ("NaN", float_wav(&[0.0, f32::NAN])),
    ];
    for (reason, bytes) in &bad {
        let file = corpus.path().join("bad.wav");
        std::fs::write(&file, bytes).unwrap();
        let (code, output, errors) = run(&["run", text(&file), text(&good)]);
        assert_eq!(code, 2);
        assert!(errors.contains(text(&file)) && errors.contains(reason), "{errors}");
        assert!(errors.contains("1 of 2 files could not be read"), "{errors}");
        assert!(output.starts_with(text(&good)), "{output}");
    }
}

#[test]
fn help_shows_an_example() {
    for command in ["eval", "run", "device"] {
        let output = simulator().args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains(&format!("Examples:\n  firmware-sim {command}")), "{help}");
    }
}
