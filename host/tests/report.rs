//! Tests `host report` as a user calls it, on a run with random weights.

use std::fs;
use std::process::{Command, Output};

use crate::common::make_run;
use ser_host::corpus::split::Part;
use ser_host::evaluation::predictions::Predictions;

fn host(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host")).args(arguments).output().unwrap()
}

#[test]
fn a_run_without_answers_gets_them_and_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let tested =
        make_run(&run).split().unwrap().utterances.iter().filter(|utterance| utterance.part == Part::Test).count();
    let path = run.to_str().unwrap();

    let output = host(&["report", path]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("host export"));

    assert!(host(&["export", path, "--cache", run.join("cache").to_str().unwrap()]).status.success());
    fs::remove_file(run.join("metrics.csv")).unwrap();
    let json = run.join("figures.json");
    let output = host(&["report", path, "--json", json.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = Predictions::load(&run.join("predictions.json")).unwrap();
    assert_eq!(answers.utterances.len(), tested);
    assert!(answers.utterances.iter().all(|answer| answer.int8.is_some() && answer.float.is_some()));
    let page = fs::read_to_string(run.join("report/report.html")).unwrap();
    // A network without metrics has no curve, but its size is known.
    assert!(page.contains("no metrics.csv") && page.contains("96,934"));
    let unfinished = "run is unfinished: shown after 0 of 1 epochs";
    assert!(page.contains(unfinished) && String::from_utf8_lossy(&output.stderr).contains(unfinished));
    let figures: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(figures["groups"][0]["scatter"].as_array().unwrap().len(), tested);
    assert!(figures["groups"][0]["agreement"]["share"].as_f64().unwrap() > 0.5);
}
