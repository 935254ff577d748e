//! `firmware-sim eval --sweep`.

use std::path::Path;

use crate::common::{FLOAT, MODEL, corpus, place, run, text};
use ser_host::evaluation::sweep::SweepReport;
use serde_json::Value;

/// Sweeps over all of a corpus. Returns the sweep, the JSON of the whole report, standard output and standard error.
fn sweep(corpus: &Path, more: &[&str]) -> (SweepReport, Value, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let (sweep, json) = (dir.path().join("sweep.json"), dir.path().join("report.json"));
    let files = ["--sweep-out", text(&sweep), "--json", text(&json)];
    let models = ["--model", MODEL, "--float", FLOAT];
    let arguments = ["eval", "--all", "--min-agreement", "0", "--corpus", text(corpus), "--sweep"];
    let (code, output, errors) = run(&[&arguments[..], &models, &files, more].concat());
    assert_eq!(code, 0, "{errors}");
    (
        SweepReport::load(&sweep).unwrap(),
        serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap(),
        output,
        errors,
    )
}

#[test]
fn a_sweep_tells_every_family_and_its_clean_points_are_the_plain_figures() {
    let (sweep, json, output, _) = sweep(corpus().path(), &[]);
    let names: Vec<&str> = sweep.families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "gain",
            "white noise",
            "babble",
            "hum",
            "sample rate",
            "bandwidth",
            "clipping",
            "digital silence around",
            "noise at -60 dBFS around"
        ]
    );
    assert!(sweep.families.iter().flat_map(|family| &family.points).all(|point| point.utterances == 6));
    for (family, clean) in
        [("gain", 0.0), ("sample rate", 16.0), ("bandwidth", 8.0), ("clipping", 0.0), ("digital silence around", 0.0)]
    {
        let family = sweep.families.iter().find(|other| other.name == family).unwrap();
        let point = family.points.iter().find(|point| point.value == clean).unwrap();
        assert_eq!(point.war, json["int8"]["war"], "{}", family.name);
        assert_eq!(point.not_sure, json["not_sure_share"], "{}", family.name);
        assert_eq!(point.calibration_error, json["calibration_error"], "{}", family.name);
    }
    assert_eq!(json["sweep"], serde_json::to_value(&sweep).unwrap());
    for name in names {
        assert!(output.contains(name), "{output}");
    }
}

#[test]
fn each_sound_that_is_no_speech_is_counted_once_and_silence_gets_no_answer() {
    let (sweep, ..) = sweep(corpus().path(), &[]);
    assert_eq!(sweep.non_speech.len(), 6);
    for kind in &sweep.non_speech {
        assert_eq!(kind.unanswered + kind.not_sure + kind.sure, kind.sounds, "{}", kind.name);
        assert_eq!(kind.labels.iter().map(|(_, count)| count).sum::<usize>(), kind.sure, "{}", kind.name);
        if kind.name == "digital silence" {
            assert_eq!(kind.unanswered, kind.sounds);
        }
    }
}

#[test]
fn a_sweep_depends_neither_on_threads_nor_on_chunks() {
    let corpus = corpus();
    let (one, ..) = sweep(corpus.path(), &["--threads", "1"]);
    let (three, ..) = sweep(corpus.path(), &["--threads", "3", "--chunk", "1000"]);
    assert_eq!(one, three);
}

#[test]
fn what_cannot_be_read_is_told_once_and_left_out_of_every_condition() {
    let corpus = corpus();
    std::fs::write(place(corpus.path(), "f1", "sad"), "no WAV").unwrap();
    let (sweep, json, _, errors) = sweep(corpus.path(), &[]);
    assert_eq!(json["skipped"], 1);
    assert_eq!(errors.lines().filter(|line| line.starts_with("skipped")).count(), 1, "{errors}");
    assert!(sweep.families.iter().flat_map(|family| &family.points).all(|point| point.utterances == 6));
}

#[test]
fn a_single_utterance_has_nobody_to_babble_behind_it() {
    let corpus = corpus();
    for emotion in ["angry", "fear", "happy", "neutral", "sad"] {
        std::fs::remove_dir_all(corpus.path().join("f1").join(emotion)).unwrap();
    }
    let (sweep, ..) = sweep(corpus.path(), &[]);
    assert!(sweep.families.iter().all(|family| family.name != "babble"));
    assert!(sweep.families.iter().flat_map(|family| &family.points).all(|point| point.utterances == 1));
}

#[test]
fn a_place_for_the_sweep_without_a_sweep_is_refused_and_an_unwritable_one_named() {
    let (code, _, errors) = run(&["eval", "--sweep-out", "sweep.json"]);
    assert_eq!(code, 2);
    assert!(errors.contains("--sweep"), "{errors}");
    let corpus = corpus();
    let (code, _, errors) = run(&[
        "eval",
        "--all",
        "--corpus",
        text(corpus.path()),
        "--model",
        MODEL,
        "--sweep",
        "--sweep-out",
        "/no/such/folder/sweep.json",
    ]);
    assert_eq!(code, 2);
    assert!(errors.contains("/no/such/folder/sweep.json"), "{errors}");
}
