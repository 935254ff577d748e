//! Tests `host predict`, and `host eval` on another corpus, as a user calls them.

use std::path::Path;
use std::process::{Command, Output};

use ser_host::corpus::audio::write_wav;
use ser_host::corpus::synth;

use crate::common::make_run;

fn host(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host")).current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder `emotion/n.wav` with two recordings of each of these emotions, by their number.
fn corpus(folder: &Path, emotions: &[(&str, usize)]) {
    for (name, emotion) in emotions {
        std::fs::create_dir_all(folder.join(name)).unwrap();
        for sentence in 0..2 {
            let samples = synth::render(3, sentence, *emotion, sentence);
            write_wav(&folder.join(name).join(format!("{sentence}.wav")), &samples).unwrap();
        }
    }
}

#[test]
fn each_recording_has_an_answer_and_what_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    make_run(&dir.path().join("run"));
    corpus(dir.path(), &[("sad", 4)]);
    std::fs::write(dir.path().join("no.wav"), "a text").unwrap();
    let output = host(dir.path(), &["predict", "run", "sad/0.wav", "sad/1.wav"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    let lines: Vec<&str> = lines.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("sad/0.wav: ") && lines[0].matches(" %").count() == 3,
        "{lines:?}"
    );

    let output = host(dir.path(), &["predict", "run", "--json", "sad/0.wav", "no.wav"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no.wav") && text(&output.stderr).contains("1 of 2"), "{output:?}");
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [answer, nothing] = &lines[..] else { panic!("{lines:?}") };
    assert!(nothing["label"].is_null() && nothing["reason"].is_string() && nothing["file"] == "no.wav", "{nothing}");
    let probabilities = answer["probabilities"].as_array().unwrap();
    let sum: f64 = probabilities.iter().map(|of| of["probability"].as_f64().unwrap()).sum();
    assert!(probabilities.len() == 6 && (sum - 1.0).abs() < 1e-6, "{answer}");
    assert!(probabilities.iter().any(|of| of["label"] == answer["label"]));
}

#[test]
fn another_corpus_is_evaluated_with_the_labels_that_the_network_knows() {
    let dir = tempfile::tempdir().unwrap();
    make_run(&dir.path().join("run"));
    corpus(&dir.path().join("other"), &[("anger", 0), ("boredom", 4), ("trauer", 4)]);
    let output = host(dir.path(), &["eval", "run", "--corpus", "other", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("left out: boredom 2"), "{}", text(&output.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&figures["utterances"], &figures["trained_on"]), (&4.into(), &0.into()));
    let output = host(dir.path(), &["eval", "run", "--corpus", "other", "--labels", "boredom,sad"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the labels differ: run knows angry, fear"), "{}", text(&output.stderr));
    let output = host(dir.path(), &["eval", "run", "--corpus", "other", "--map", "boredom=sad", "--json"]);
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["utterances"], 6);
}

#[test]
fn what_a_network_was_trained_on_is_no_test() {
    let dir = tempfile::tempdir().unwrap();
    let split = make_run(&dir.path().join("run")).split().unwrap();
    let corpus = ser_host::corpus::Corpus::synthetic(synth::DEFAULT_SEED);
    for utterance in split.part(&corpus, ser_host::corpus::split::Part::Train).unwrap().into_iter().take(3) {
        let path = dir.path().join("other").join(&utterance.id);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_wav(&path, &utterance.samples(16_000).unwrap()).unwrap();
    }
    let output = host(dir.path(), &["eval", "run", "--corpus", "other"]);
    assert!(text(&output.stdout).contains("NO TEST: the network was trained on 3 of these"), "{output:?}");
}
