//! Tests `host baseline` as a user calls it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ser_host::corpus::Corpus;
use ser_host::experiments::baseline::Baseline;
use ser_host::experiments::baseline::report::BaselineReport;

/// Runs `host baseline` with a feature cache beside the corpus, so that tests don't share one.
fn baseline(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
    command
        .arg("baseline")
        .args(arguments)
        .arg("--cache")
        .arg(dir.join("cache"))
        .arg("--corpus")
        .arg(dir.join("corpus"));
    command.output().unwrap()
}

/// Four synthetic voices say three sentences in each emotion.
fn write_corpus(dir: &Path) {
    let mut corpus = Corpus::synthetic(1);
    corpus.utterances.retain(|utterance| utterance.sentence.as_str() <= "203");
    corpus.write(&dir.join("corpus"), |_| {}).unwrap();
}

#[test]
fn all_baselines_are_in_one_report_and_the_file_is_what_json_prints() {
    let dir = tempfile::tempdir().unwrap();
    write_corpus(dir.path());
    let file = dir.path().join("figures.json");
    let output = baseline(
        dir.path(),
        &["all", "--protocol", "sentence", "--folds", "3", "--json", "--out", file.to_str().unwrap()],
    );
    let progress = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{progress}");
    assert!(Baseline::ALL.iter().all(|name| progress.contains(&format!("{name}: fold 3 of 3"))), "{progress}");
    assert_eq!(output.stdout, fs::read(&file).unwrap());
    let report: BaselineReport = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report.utterances, report.folds, report.seed), (72, 3, 1));
    assert!(report.baselines.iter().map(|of| of.baseline).eq(Baseline::ALL));
    assert!(report.baselines.iter().all(|of| of.figures.confusion.total() == 72));
}

#[test]
fn without_json_there_is_a_table() {
    let dir = tempfile::tempdir().unwrap();
    write_corpus(dir.path());
    let output = baseline(dir.path(), &["knn", "--protocol", "sentence", "--folds", "3"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("protocol sentence, 3 folds; seed 1; cues-removed"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("knn ") && line.contains('±')), "{text}");
}

#[test]
fn speakers_are_held_out_and_a_protocol_that_the_corpus_cannot_have_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_corpus(dir.path());
    let output =
        baseline(dir.path(), &["knn", "--protocol", "speaker", "--condition", "as-recorded", "--seed", "2", "--json"]);
    let report: BaselineReport = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report.folds, report.seed, report.condition.to_string().as_str()), (4, 2, "as-recorded"));
    let output = baseline(dir.path(), &["knn", "--protocol", "sentence", "--folds", "4"]);
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("4 folds need at least as many sentences, the corpus has 3"), "{error}");
}
