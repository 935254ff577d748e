//! `host report` as a user calls it, on a run whose weights are random.
#![cfg(all(feature = "train", feature = "report"))]

use std::fs;
use std::process::{Command, Output};

use ser_core::spec::{Level, edge};
use ser_host::corpus::Corpus;
use ser_host::features::Normalization;
use ser_host::graph::Graph;
use ser_host::predictions::Predictions;
use ser_host::run::{Backend, Config, Recipe, RunFolder};
use ser_host::split::{Part, Protocol, Split};
use ser_host::synth::DEFAULT_SEED;
use ser_host::train::device;

fn host(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host")).args(arguments).output().unwrap()
}

#[test]
fn a_run_without_answers_gets_them_and_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let network = edge();
    let graph = Graph::new(&network, 7, &device(Backend::Flex).unwrap()).unwrap();
    let normalization = Normalization { level: Level::Absolute, mean: vec![-45.0; 40], sd: vec![12.0; 40] };
    let corpus = Corpus::synthetic(DEFAULT_SEED);
    let mut split = Split::new(&corpus, Protocol::Sentence, None, 0, 1).unwrap();
    let mut count = 0;
    split.utterances.retain(|_| {
        count += 1;
        count % 40 == 0
    });
    let tested = split.utterances.iter().filter(|utterance| utterance.part == Part::Test).count();
    assert!(tested > 0);
    let config = Config {
        corpus: corpus.name,
        corpus_path: None,
        preset: "edge".to_owned(),
        seed: 1,
        backend: Backend::Flex,
        recipe: Recipe::default(),
        network: network.clone(),
    };
    let run = dir.path().join("run");
    let folder = RunFolder::create(&run, &config, &split, false).unwrap();
    folder.save_network(&graph.to_float_network(&network, &normalization).unwrap()).unwrap();
    let path = run.to_str().unwrap();

    let output = host(&["report", path]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("host export"));

    assert!(host(&["export", path, "--cache", run.join("cache").to_str().unwrap()]).status.success());
    let json = run.join("figures.json");
    let output = host(&["report", path, "--json", json.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = Predictions::load(&run.join("predictions.json")).unwrap();
    assert_eq!(answers.utterances.len(), tested);
    assert!(answers.utterances.iter().all(|answer| answer.int8.is_some() && answer.float.is_some()));
    let page = fs::read_to_string(run.join("report/report.html")).unwrap();
    // Of an untrained network there is no curve, but its size is known.
    assert!(page.contains("no metrics.csv") && page.contains("96,742"));
    let figures: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(figures["groups"][0]["scatter"].as_array().unwrap().len(), tested);
    assert!(figures["groups"][0]["agreement"]["share"].as_f64().unwrap() > 0.5);
}
