use super::*;
use crate::corpus::audio::write_wav;
use crate::corpus::choice::Choice;
use crate::corpus::split::Protocol;
use crate::features::condition::Condition;
use report::{BaselineFigures, BaselineReport, evaluate_all, splits};
use ser_core::spec::edge;
use std::collections::BTreeSet;

/// Two synthetic voices say six sentences in each emotion.
fn corpus() -> Corpus {
    let mut corpus = Corpus::synthetic(1);
    let speakers: BTreeSet<String> = corpus.utterances.iter().map(|utterance| utterance.speaker.clone()).collect();
    let two: Vec<&String> = speakers.iter().take(2).collect();
    corpus.utterances.retain(|utterance| two.contains(&&utterance.speaker) && utterance.sentence.as_str() <= "206");
    assert_eq!(corpus.utterances.len(), 72);
    corpus
}

/// Keeps rows in a folder, because each evaluation asks for them again.
fn cache(dir: &tempfile::TempDir) -> FeatureCache {
    FeatureCache::new(&edge().front_end, &dir.path().join("cache")).unwrap()
}

fn split(corpus: &Corpus) -> Split {
    Split::new(corpus, Protocol::Sentence, Some(3), 0, 1).unwrap()
}

#[test]
fn every_baseline_tells_synthetic_emotions_apart_and_says_the_same_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (corpus, cache) = (corpus(), cache(&dir));
    let split = split(&corpus);
    for baseline in Baseline::ALL {
        let evaluation = evaluate(baseline, &corpus, &cache, &split).unwrap();
        assert_eq!(evaluation.confusion.total(), 24);
        // By chance, one answer in six is right.
        assert!(evaluation.confusion.war() > 0.4, "{baseline}\n{}", evaluation.confusion);
        assert_eq!(evaluate(baseline, &corpus, &cache, &split).unwrap(), evaluation, "{baseline}");
    }
}

#[test]
fn an_answer_does_not_depend_on_the_other_test_utterances() {
    let dir = tempfile::tempdir().unwrap();
    let (corpus, cache) = (corpus(), cache(&dir));
    let whole = split(&corpus);
    let mut single = whole.clone();
    let last = single.utterances.iter().rposition(|entry| entry.part == Part::Test).unwrap();
    let mut place = 0;
    single.utterances.retain(|entry| {
        place += 1;
        entry.part != Part::Test || place - 1 == last
    });
    for baseline in Baseline::ALL {
        let all = evaluate(baseline, &corpus, &cache, &whole).unwrap();
        let alone = evaluate(baseline, &corpus, &cache, &single).unwrap();
        assert_eq!(alone.answers.as_slice(), &all.answers[all.answers.len() - 1..], "{baseline}");
    }
}

#[test]
fn what_cannot_be_read_is_skipped_and_told_and_silence_has_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    corpus().write(dir.path(), |_| {}).unwrap();
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    let split = split(&corpus);
    let ids = |part: Part| -> Vec<&str> {
        split.utterances.iter().filter(|entry| entry.part == part).map(|entry| entry.id.as_str()).collect()
    };
    let (train, test) = (ids(Part::Train), ids(Part::Test));
    for id in [train[0], test[0]] {
        std::fs::write(dir.path().join(id), b"").unwrap();
    }
    for id in [train[1], test[1]] {
        write_wav(&dir.path().join(id), &[0; 16_000]).unwrap();
    }
    for baseline in [Baseline::Gmm, Baseline::Knn] {
        let evaluation = evaluate(baseline, &corpus, &cache(&dir), &split).unwrap();
        let paths = |problems: &[Problem]| problems.iter().map(|problem| problem.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&evaluation.skipped_training), train[..2]);
        assert_eq!(paths(&evaluation.skipped), test[..1]);
        assert_eq!(evaluation.answers.len(), test.len() - 1);
        assert_eq!((evaluation.answers[0].id.as_str(), evaluation.answers[0].label), (test[1], None));
        assert!(evaluation.answers[1..].iter().all(|answer| answer.label.is_some()));
        let figures = BaselineFigures::new(baseline, Protocol::Sentence, &[evaluation], None).unwrap();
        assert_eq!(figures.skipped, test[..1]);
        assert_eq!(figures.figures.confusion.unanswered.iter().sum::<u64>(), 1);
    }
}

#[test]
fn a_class_without_a_usable_training_utterance_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (mut corpus, cache) = (corpus(), cache(&dir));
    let split = split(&corpus);
    let mut without = split.clone();
    without.utterances.retain(|entry| entry.emotion != "happy" || entry.part == Part::Test);
    let error = evaluate(Baseline::Svm, &corpus, &cache, &without).unwrap_err().to_string();
    assert!(error.contains("'happy'"), "{error}");
    corpus.utterances.remove(0);
    assert!(evaluate(Baseline::Svm, &corpus, &cache, &split).is_err());
}

#[test]
fn the_report_of_all_folds_has_each_utterance_once_and_a_line_for_each_baseline() {
    let dir = tempfile::tempdir().unwrap();
    let (corpus, cache) = (corpus(), cache(&dir));
    let splits = splits(&corpus, Protocol::Random, Some(2), 1).unwrap();
    let mut folds = Vec::new();
    let evaluations =
        evaluate_all(Baseline::Knn, &corpus, &cache, &splits, &mut |split, _| folds.push(split.fold)).unwrap();
    assert_eq!(folds, [0, 1]);
    let tested: BTreeSet<&str> =
        evaluations.iter().flat_map(|fold| &fold.answers).map(|answer| answer.id.as_str()).collect();
    assert_eq!(tested.len(), corpus.utterances.len());
    let ambiguous = BTreeSet::from([corpus.utterances[0].id.clone()]);
    let figures = BaselineFigures::new(Baseline::Knn, Protocol::Sentence, &evaluations, Some(&ambiguous)).unwrap();
    assert_eq!(figures.figures.unambiguous.unwrap().without, 1);
    let war = evaluations.iter().map(|fold| fold.confusion.war()).sum::<f64>() / 2.0;
    assert!((figures.figures.war.mean - war).abs() < 1e-12);
    let report = BaselineReport {
        corpus: corpus.name.clone(),
        utterances: corpus.utterances.len(),
        condition: Condition::CuesRemoved,
        protocol: Protocol::Random,
        folds: 2,
        seed: 1,
        baselines: vec![figures],
    };
    let text = report.to_string();
    assert!(text.starts_with("synthetic-1, 72 utterances; protocol random, 2 folds; seed 1; cues-removed\n"), "{text}");
    assert!(
        text.lines().any(|line| line.starts_with("knn ") && line.contains(&format!("{:.1} ±", 100.0 * war))),
        "{text}"
    );
}

#[test]
fn names_are_those_of_the_command_line_and_of_json() {
    for baseline in Baseline::ALL {
        assert_eq!(serde_json::to_string(&baseline).unwrap(), format!("\"{baseline}\""));
        assert_eq!(Baseline::from_str(&baseline.to_string(), false), Ok(baseline));
    }
}
