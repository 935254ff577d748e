use super::*;
use crate::cli::tones::write_tones;
use crate::corpus::labels::EMOTIONS;
use crate::corpus::split::Protocol;
use crate::features::condition::Condition;

/// Options for a corpus of tones in five sentences, and for these systems alone.
fn args(dir: &Path, only: &[&str]) -> PaperArgs {
    let corpus = dir.join("corpus");
    write_tones(&corpus, &[("low", 1.0), ("high", 1.1)]);
    for folder in ["low", "high"].iter().flat_map(|speaker| EMOTIONS.map(|emotion| corpus.join(speaker).join(emotion)))
    {
        std::fs::copy(folder.join("1.wav"), folder.join("5.wav")).unwrap();
    }
    PaperArgs {
        corpus: CorpusOption { paths: vec![corpus], ..CorpusOption::default() },
        out: Some(dir.join("paper")),
        only: only.iter().map(|name| (*name).to_owned()).collect(),
        epochs: Some(1),
        jobs: NonZeroUsize::new(2),
        page: false,
        json: Some(dir.join("figures.json")),
        cache: CacheOption { folder: dir.join("cache") },
    }
}

#[test]
fn the_page_has_what_is_finished_and_says_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    run(&args(dir.path(), &["knn"]), &Stop::default()).unwrap();
    let html = std::fs::read_to_string(dir.path().join("paper/paper.html")).unwrap();
    let page = roxmltree::Document::parse_with_options(
        &html,
        roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() },
    )
    .unwrap();
    let text: String = page.descendants().filter_map(|node| node.text()).collect();
    for wanted in [
        "78.9\u{a0}%",
        "65.4\u{a0}%",
        "4,540,642",
        "knn",
        "Not finished",
        "edge (as-recorded), sentence",
        "not measured",
    ] {
        assert!(text.contains(wanted), "{wanted}");
    }
    assert!(!html.contains("http://") || html.matches("http://").all(|_| html.contains("http://www.w3.org")));
    let figures: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("figures.json")).unwrap()).unwrap();
    assert_eq!(figures["comparison"]["rows"].as_array().unwrap().len(), 4);
    assert!(dir.path().join("paper/emotions.png").is_file());
}

#[test]
fn what_is_finished_is_not_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path(), &["knn"]);
    run(&args, &Stop::default()).unwrap();
    let answers = dir.path().join("paper/random/knn/cues-removed/seed-2/fold-0.json");
    let marked = std::fs::read_to_string(&answers).unwrap().replace("\"speaker\": \"low\"", "\"speaker\": \"marked\"");
    assert!(marked.contains("marked"), "{marked}");
    std::fs::write(&answers, &marked).unwrap();
    run(&args, &Stop::default()).unwrap();
    assert_eq!(std::fs::read_to_string(&answers).unwrap(), marked);
}

#[test]
fn answers_to_another_corpus_are_an_error_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path(), &["knn"]);
    run(&args, &Stop::default()).unwrap();
    let answers = dir.path().join("paper/random/knn/cues-removed/seed-1/fold-0.json");
    let before = std::fs::read_to_string(&answers).unwrap();
    std::fs::remove_file(dir.path().join("corpus/high/sad/5.wav")).unwrap();
    let error = format!("{:#}", run(&args, &Stop::default()).unwrap_err());
    assert!(error.contains("fold-0.json") && error.contains("other utterances"), "{error}");
    assert_eq!(std::fs::read_to_string(&answers).unwrap(), before);
}

#[test]
fn a_network_is_trained_on_all_splits_and_stands_in_the_table_as_float_and_int8_with_the_others_tested_against_it() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path(), &["knn", "edge"]);
    run(&args, &Stop::default()).unwrap();
    let comparison = gather(&dir.path().join("paper")).unwrap();
    let row = comparison.row(Protocol::Sentence, "edge", Condition::AsRecorded).unwrap();
    let int8 = &row.int8.as_ref().unwrap().confusion;
    assert_eq!((int8.total(), row.float.confusion.total()), (60, 60));
    assert!(row.against_reference.is_none());
    let knn = comparison.row(Protocol::Sentence, "knn", Condition::AsRecorded).unwrap();
    let tested = knn.against_reference.unwrap();
    assert_eq!(tested.only_first + int8.correct(), tested.only_second + knn.float.confusion.correct());
    assert!(tested.only_first + tested.only_second > 0, "{tested:?}");
}

#[test]
fn a_system_by_each_name_of_the_command_line_is_in_the_comparison() {
    for name in NAMES {
        assert!(systems().iter().any(|system| system.name == name && !system.describe().is_empty()), "{name}");
    }
}

#[test]
fn a_page_of_nothing_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = run(&PaperArgs { page: true, ..args(dir.path(), &[]) }, &Stop::default()).unwrap_err().to_string();
    assert!(error.contains("nothing is finished"), "{error}");
}
