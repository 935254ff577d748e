use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::right::Right;
use super::*;
use crate::corpus::audio::SAMPLE_RATE_HZ;
use crate::corpus::split::Protocol;
use crate::corpus::{Corpus, Problem};
use crate::evaluation::metrics::Confusion;
use crate::experiments::baseline::{Answer, Evaluation};
use crate::features::condition::Condition;

const HEARD: Condition = Condition::AsRecorded;

/// Ten answers, of which `right` are right, and an utterance that could not be read.
fn evaluation(right: usize) -> Evaluation {
    let mut confusion = Confusion::new(PRINTED.labels);
    let answer = |utterance: usize| {
        let label = Some(usize::from(utterance >= right));
        confusion.add(0, label);
        Answer { id: utterance.to_string(), speaker: String::new(), sentence: String::new(), truth: 0, label }
    };
    let answers = (0..10).map(answer).collect();
    let skipped = vec![Problem { path: "10".into(), reason: "not a WAV file".into() }];
    Evaluation { confusion, answers, skipped_training: Vec::new(), skipped }
}

fn save(system: &System, root: &Path, splits: &Splits, right: usize) {
    let folder = splits.folder(root, system);
    for (seed, fold) in splits.each() {
        evaluation(right).save(&system.answers(&folder, seed, fold)).unwrap();
    }
}

fn system(name: &str) -> System {
    systems().into_iter().find(|system| system.name == name && system.condition == HEARD).unwrap()
}

#[test]
fn the_printed_matrix_is_that_of_the_lowest_printed_accuracy() {
    let printed = PRINTED.confusion();
    assert_eq!((printed.correct(), printed.total()), (187, 240));
    assert!((printed.war() - PRINTED.accuracies[0].1).abs() < 5e-4);
    assert!(printed.counts.iter().all(|truth| truth.iter().sum::<u64>() == 40));
}

#[test]
fn the_table_has_the_systems_that_are_finished_and_names_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let [random, sentence] = PROTOCOLS;
    save(&system("knn"), dir.path(), &random, 7);
    save(&system("svm"), dir.path(), &random, 9);
    save(&system("svm"), dir.path(), &sentence, 8);
    let comparison = gather(dir.path()).unwrap();
    assert_eq!(comparison.rows.len(), 3);
    let knn = comparison.row(Protocol::Random, "knn", HEARD).unwrap();
    assert!((knn.float.war.mean - 0.7).abs() < 1e-12, "{:?}", knn.float.war);
    assert_eq!((knn.float.confusion.total(), knn.skipped), (30, 3));
    assert!(knn.int8.is_none());
    assert_eq!(comparison.row(Protocol::Sentence, "svm", HEARD).unwrap().float.confusion.total(), 50);
    assert!(comparison.row(Protocol::Sentence, "knn", HEARD).is_none());
    assert!(comparison.row(Protocol::Random, "svm", Condition::CuesRemoved).is_none());
    assert_eq!(comparison.of(Protocol::Random, HEARD).count(), 2);
    let all = 2 * systems().len() + 1;
    assert_eq!(comparison.rows.len() + comparison.missing.len(), all);
    assert!(
        comparison.missing.contains(&"paper (as-recorded), repeated recordings".to_owned()),
        "{:?}",
        comparison.missing
    );
}

#[test]
fn systems_are_tested_against_each_other_on_what_both_answered() {
    let (mut first, mut second) = (Right::default(), Right::default());
    first.add(1, 0, evaluation(7).verdicts(Protocol::Random));
    second.add(1, 0, evaluation(9).verdicts(Protocol::Random));
    second.add(2, 0, evaluation(9).verdicts(Protocol::Random));
    let tested = first.against(&second);
    assert_eq!((tested.only_first, tested.only_second, tested.p), (0, 2, 0.5));
    let turned = second.against(&first);
    assert_eq!((turned.only_first, turned.only_second, turned.p), (2, 0, 0.5));
}

#[test]
fn a_system_that_lacks_a_split_is_not_finished() {
    let dir = tempfile::tempdir().unwrap();
    let [random, _] = PROTOCOLS;
    save(&system("knn"), dir.path(), &random, 7);
    std::fs::remove_file(system("knn").answers(&random.folder(dir.path(), &system("knn")), 3, 0)).unwrap();
    assert!(gather(dir.path()).unwrap().rows.is_empty());
}

#[test]
fn repeated_recordings_are_of_anger_and_each_has_one_label() {
    let corpus = Corpus::synthetic(1);
    let repeated = repeated(&corpus).unwrap();
    let angry: BTreeSet<&str> =
        corpus.utterances.iter().filter(|utterance| utterance.emotion == 0).map(|u| u.id.as_str()).collect();
    let mut labels: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for utterance in &repeated.utterances {
        labels.entry(&utterance.sentence).or_default().insert(utterance.emotion);
    }
    assert_eq!(repeated.by_id().len(), 1200);
    assert_eq!(labels.len(), angry.len().min(DISTINCT));
    assert!(labels.iter().all(|(recording, labels)| angry.contains(recording) && labels.len() == 1));
    let [first, ..] = repeated.utterances.as_slice() else { panic!() };
    assert_eq!(
        first.samples(SAMPLE_RATE_HZ).unwrap(),
        corpus.by_id()[first.sentence.as_str()].samples(SAMPLE_RATE_HZ).unwrap()
    );

    let few = Corpus { utterances: corpus.utterances.iter().filter(|u| u.emotion != 0).cloned().collect(), ..corpus };
    assert!(super::repeated(&few).is_none());
}

#[test]
fn a_damaged_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let [random, _] = PROTOCOLS;
    save(&system("knn"), dir.path(), &random, 7);
    let path = system("knn").answers(&random.folder(dir.path(), &system("knn")), 1, 0);
    std::fs::write(&path, "{").unwrap();
    let error = format!("{:#}", gather(dir.path()).unwrap_err());
    assert!(error.contains("fold-0.json is damaged"), "{error}");
}

#[test]
fn every_network_is_a_preset_and_every_protocol_has_its_splits() {
    for system in systems().iter().filter(|system| system.kind == Kind::Network) {
        assert!(ser_core::spec::preset(&system.name).is_some(), "{system}");
        assert!(!system.describe().is_empty(), "{system}");
    }
    let [random, sentence] = PROTOCOLS;
    assert_eq!(random.each().collect::<Vec<_>>(), [(1, 0), (2, 0), (3, 0)]);
    assert_eq!(sentence.each().collect::<Vec<_>>(), [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4)]);
}
