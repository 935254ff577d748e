use std::path::Path;

use super::*;
use crate::metrics::Confusion;
use crate::split::Protocol;

/// Answers of which so many of ten are right.
fn save(system: &System, root: &Path, splits: &Splits, right: u64) {
    let folder = splits.folder(root, system);
    for (seed, fold) in splits.each() {
        let mut confusion = Confusion::new(PRINTED.labels);
        (0..10).for_each(|utterance| confusion.add(0, Some(usize::from(utterance >= right))));
        Answers { confusion, skipped: 1 }.save(&system.answers(&folder, seed, fold)).unwrap();
    }
}

fn system(name: &str) -> System {
    systems().into_iter().find(|system| system.name == name).unwrap()
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
    let knn = comparison.row(Protocol::Random, "knn").unwrap();
    assert!((knn.float.war.mean - 0.7).abs() < 1e-12, "{:?}", knn.float.war);
    assert_eq!((knn.float.each.len(), knn.skipped), (3, 3));
    assert!(knn.int8.is_none());
    assert_eq!(comparison.row(Protocol::Sentence, "svm").unwrap().float.confusion.total(), 50);
    assert!(comparison.row(Protocol::Sentence, "knn").is_none());
    assert_eq!(comparison.rows.len() + comparison.missing.len(), 2 * systems().len());
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
