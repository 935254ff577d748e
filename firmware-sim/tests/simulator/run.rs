//! `firmware-sim run` over single files.

use crate::common::{MODEL, add, corpus, float_wav, run, simulator, text};
use ser_core::spec::paper;
use ser_host::corpus::labels::EMOTIONS;
use ser_host::corpus::synth;
use ser_host::model::inspect::untrained_model;
use ser_tests::containers::{Encoding, Lengths, flac, wav};
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

/// Three utterances, each followed by a second of silence.
fn conversation() -> Vec<i16> {
    [0, 4, 2].into_iter().flat_map(|emotion| [synth::render(3, 1, emotion, 5), vec![0; 16_000]].concat()).collect()
}

#[test]
fn a_stream_tells_where_each_utterance_starts_and_ends() {
    let corpus = corpus();
    let samples = conversation();
    let file = add(corpus.path(), "happy", &samples);
    let (code, output, errors) = run(&["run", "--json", "--stream", text(&file)]);
    assert_eq!(code, 0, "{errors}");
    let events: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 6, "{output}");
    let mut last = 0.0;
    for pair in events.chunks(2) {
        assert_eq!((&pair[0]["event"], &pair[1]["event"]), (&"started".into(), &"ended".into()));
        let (start, end) = (pair[1]["start_s"].as_f64().unwrap(), pair[1]["end_s"].as_f64().unwrap());
        assert_eq!(pair[0]["start_s"], pair[1]["start_s"]);
        assert!(last < start && start < end, "{output}");
        assert!(EMOTIONS.iter().any(|emotion| pair[1]["label"] == *emotion), "{output}");
        last = end;
    }
    assert!(last < samples.len() as f64 / 16_000.0);
    let (_, output, _) = run(&["run", "--stream", text(&file)]);
    assert_eq!(output.lines().count(), 6, "{output}");
}

#[test]
fn a_pipe_is_heard_as_the_file_is() {
    let corpus = corpus();
    let samples = conversation();
    let file = add(corpus.path(), "happy", &samples);
    let (_, from_file, _) = run(&["run", "--stream", text(&file)]);
    let mut bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let piped = simulator().args(["run", "--stream", "-"]).write_stdin(bytes.clone()).output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), from_file.replace(text(&file), "-"));
    assert!(piped.status.success());

    for (recording, name) in [
        (wav(&samples, 16_000, 1, Encoding::Integer(16), Lengths::True), "WAV"),
        (wav(&samples, 16_000, 2, Encoding::Float(32), Lengths::AllOnes), "WAV from a pipe"),
        (flac(&samples, 16_000, 1, 16, 4096), "FLAC"),
    ] {
        let piped = simulator().args(["run", "--stream", "-"]).write_stdin(recording).output().unwrap();
        assert_eq!(String::from_utf8(piped.stdout).unwrap(), from_file.replace(text(&file), "-"), "{name}");
    }
    // Every sample twice.
    let twice: Vec<u8> = bytes.chunks(2).flat_map(|sample| [sample, sample].concat()).collect();
    let piped = simulator().args(["run", "--stream", "--rate", "32000", "-"]).write_stdin(twice).output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap().lines().count(), from_file.lines().count());
    for (arguments, reason) in [
        (&["--rate", "100", "--stream", "-"][..], "wanted 4000 to 384000"),
        (&["--rate", "8000", text(&file)], "--stream"),
    ] {
        let (code, _, errors) = run(&[&["run"], arguments].concat());
        assert!(code == 2 && errors.contains(reason), "{errors}");
    }

    bytes.pop();
    let odd = simulator().args(["run", "--stream", "-"]).write_stdin(bytes).output().unwrap();
    assert_eq!(odd.status.code(), Some(2));
    assert!(String::from_utf8(odd.stderr).unwrap().contains("in the middle of a sample"));
    let (code, _, errors) = run(&["run", "-"]);
    assert!(code == 2 && errors.contains("--stream"), "{errors}");
}

#[test]
fn silence_and_a_single_sample_are_too_little_speech() {
    let corpus = corpus();
    for (samples, reason) in [
        (vec![0; 960_000], "nothing but silence"),
        (vec![1], "too short: 1 samples at 16000 Hz, a frame has 1024"),
        (vec![12; 4000], "nothing but silence"),
    ] {
        let file = add(corpus.path(), "sad", &samples);
        let (code, output, errors) = run(&["run", text(&file)]);
        assert_eq!(code, 0, "{errors}");
        assert_eq!(output, format!("{}: too little speech ({reason})\n", text(&file)));
        let (code, output, errors) = run(&["run", "--stream", text(&file)]);
        assert_eq!((code, output.as_str()), (0, ""), "{errors}");
        assert_eq!(errors, format!("{}: no utterance; {reason}\n", text(&file)));
    }
}

#[test]
fn a_recording_that_is_too_quiet_says_how_loud_it_is_and_should_be() {
    let corpus = corpus();
    let quiet: Vec<i16> = synth::render(7, 0, 0, 3).iter().map(|sample| sample / 64).collect();
    let file = add(corpus.path(), "angry", &quiet);
    let (code, output, errors) = run(&["run", "--json", text(&file)]);
    assert_eq!(code, 0, "{errors}");
    let json: Value = serde_json::from_str(&output).unwrap();
    let reason = json["reason"].as_str().unwrap();
    let loudest: f64 =
        reason.strip_prefix("too quiet: the loudest frame is at ").unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((-70.0..-50.0).contains(&loudest), "{reason}");
    assert!(reason.contains("the silence gate wants more than -50;"), "{reason}");
    let (code, _, errors) = run(&["eval", "--all", "--model", MODEL, "--corpus", text(corpus.path())]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(errors, format!("no answer to f1/angry/202.wav: {reason}\n"));
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

#[test]
fn a_model_for_images_recognises_files_and_refuses_streams_and_devices() {
    let corpus = corpus();
    let file = corpus.path().join("f1/fear/201.wav");
    let model = corpus.path().join("paper.ser");
    std::fs::write(&model, untrained_model(&paper()).unwrap()).unwrap();
    let short = add(corpus.path(), "happy", &[100; 255]);
    let (code, output, errors) = run(&["run", "--model", text(&model), text(&file), text(&short)]);
    assert_eq!(code, 0, "{errors}");
    let lines: Vec<&str> = output.lines().collect();
    assert!(
        lines[0].contains("angry 0.17") && lines[1].contains("too little speech (too short: 255 samples"),
        "{output}"
    );
    for command in [&["run", "--stream"][..], &["device"]] {
        let (code, _, errors) = run(&[command, &["--model", text(&model), text(&file)]].concat());
        assert!(code == 2 && errors.contains("wants a model for streams"), "{code}: {errors}");
    }
}
