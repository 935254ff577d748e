//! Helpers that the tests of the program share.

use std::path::Path;

use ser_core::spec::{LevelMode, edge};
use ser_host::corpus::Corpus;
use ser_host::corpus::choice::Choice;
use ser_host::corpus::split::{Part, Protocol, Split};
use ser_host::corpus::synth::DEFAULT_SEED;
use ser_host::features::rows::Normalization;
use ser_host::training::graph::{Compute, Graph, Style};
use ser_host::training::recipe::Recipe;
use ser_host::training::run::{Backend, Config, EpochMetrics, RunFolder};

/// Makes a finished run like one of `host train`, with random weights. Its split has one utterance in forty of the synthetic
/// corpus.
pub fn make_run(path: &Path) -> RunFolder {
    let network = edge();
    let graph = Graph::new(&network, Style::default(), 7, &Compute::new(Backend::Fast).unwrap()).unwrap();
    let normalization = Normalization { level: LevelMode::Absolute, mean: vec![-45.0; 40], sd: vec![12.0; 40] };
    let corpus = Corpus::synthetic(DEFAULT_SEED);
    let mut split = Split::new(&corpus, Protocol::Sentence, None, 0, 1).unwrap();
    let mut count = 0;
    split.utterances.retain(|_| {
        count += 1;
        count % 40 == 0
    });
    assert!(split.utterances.iter().any(|utterance| utterance.part == Part::Test));
    let config = Config {
        corpus: corpus.name,
        corpora: Vec::new(),
        choice: Choice::default(),
        preset: "edge".to_owned(),
        seed: 1,
        backend: Backend::Fast,
        recipe: Recipe { epochs: 1, ..Recipe::default() },
        network: network.clone(),
    };
    let folder = RunFolder::create(path, &config, &split, false).unwrap();
    folder.save_network(&graph.to_float_network(&network, &normalization).unwrap()).unwrap();
    let epoch = EpochMetrics {
        epoch: 1,
        learning_rate: 1e-3,
        train_loss: 1.0,
        train_accuracy: 0.5,
        validation_war: None,
        validation_uar: None,
        seconds: 1.0,
    };
    folder.save_metrics(&[epoch]).unwrap();
    folder
}
