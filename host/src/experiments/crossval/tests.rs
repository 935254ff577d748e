//! Tests the figures on answers made up by hand.

use std::collections::BTreeSet;
use std::path::Path;

use ser_core::spec::edge;

use super::*;
use crate::corpus::choice::Choice;
use crate::corpus::copies::{self, Copies, Recording};
use crate::corpus::split::{Part, Protocol, Split};
use crate::corpus::{Corpus, Utterance};
use crate::evaluation::predictions::{Prediction, Predictions};
use crate::training::recipe::Recipe;
use crate::training::run::{Backend, Config, EpochMetrics, RunFolder};

/// Log probabilities that give `label` the probability `share` and divide the rest evenly.
fn answer(label: usize, share: f32) -> Vec<f32> {
    (0..6).map(|index| if index == label { share.ln() } else { ((1.0 - share) / 5.0).ln() }).collect()
}

/// Makes the folder of a finished fold; `said` makes the int8 and the float answer from emotion and id.
fn finish(
    root: &Path,
    id: FoldId,
    protocol: Protocol,
    folds: Option<usize>,
    said: impl Fn(usize, &str) -> (Option<usize>, Option<usize>),
) {
    let corpus = Corpus::synthetic(1);
    let split = Split::new(&corpus, protocol, folds, id.fold, id.seed).unwrap();
    let mut network = edge();
    network.front_end = id.condition.front_end(network.front_end);
    let config = Config {
        corpus: corpus.name.clone(),
        corpora: Vec::new(),
        choice: Choice::default(),
        preset: "edge".into(),
        seed: id.seed,
        backend: Backend::Fast,
        recipe: Recipe::default(),
        network,
    };
    let folder = RunFolder::create(&id.folder(root), &config, &split, false).unwrap();
    let metrics = (1..=config.recipe.epochs).map(|epoch| EpochMetrics {
        epoch,
        learning_rate: 1e-3,
        train_loss: 1.0,
        train_accuracy: 0.5,
        validation_war: None,
        validation_uar: None,
        seconds: 0.0,
    });
    folder.save_metrics(&metrics.collect::<Vec<_>>()).unwrap();
    std::fs::write(folder.model_path(), vec![0; 1000 + id.fold]).unwrap();
    let utterances = split.part(&corpus, Part::Test).unwrap();
    let utterances = utterances.iter().map(|utterance| {
        let (int8, float) = said(utterance.emotion, &utterance.id);
        let [int8, float] = [int8, float].map(|label| label.map(|label| answer(label, 0.7)));
        Prediction {
            id: utterance.id.clone(),
            corpus: String::new(),
            speaker: utterance.speaker.clone(),
            truth: utterance.emotion,
            int8,
            float,
        }
    });
    let predictions = Predictions { labels: split.labels.clone(), utterances: utterances.collect(), skipped: 0 };
    predictions.save(&folder.predictions_path()).unwrap();
}

fn id(fold: usize) -> FoldId {
    FoldId { condition: Condition::CuesRemoved, seed: 1, fold }
}

/// Makes both folds of a cross-validation. int8 takes sad for fear and gives surprise no answer; float is always right.
fn two_folds(root: &Path) {
    for fold in 0..2 {
        finish(root, id(fold), Protocol::Sentence, Some(2), |truth, _| {
            (
                match truth {
                    4 => Some(1),
                    5 => None,
                    other => Some(other),
                },
                Some(truth),
            )
        });
    }
}

#[test]
fn figures_are_those_worked_out_by_hand() {
    let root = tempfile::tempdir().unwrap();
    two_folds(root.path());
    let report = CrossvalReport::new(&gather(root.path()).unwrap()).unwrap();
    assert!(report.missing.is_empty());
    let [condition] = &report.conditions[..] else { panic!("{:?}", report.conditions) };
    let n = report.utterances as u64;
    assert_eq!(condition.int8.confusion.total(), n);
    assert!(
        (condition.int8.war.mean - 4.0 / 6.0).abs() < 1e-12 && condition.int8.war.sd.unwrap() < 1e-12,
        "{:?}",
        condition.int8.war
    );
    // The recall is 1 except for sad and surprise. F1 of fear is 2 / (2 + 1), of sad and surprise 0.
    assert!((condition.int8.macro_f1.mean - (3.0 + 2.0 / 3.0) / 6.0).abs() < 1e-12);
    assert_eq!(condition.int8.recalls, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0].map(Some));
    assert_eq!(condition.int8.confusion.counts[4][1], n / 6);
    assert_eq!(condition.int8.confusion.unanswered[5], n / 6);
    // Every sentence has the same share of right answers, so nothing tells how others would do.
    assert_eq!((condition.int8.war_interval, condition.int8.units), (None, 50));
    assert_eq!((condition.mcnemar.only_first, condition.mcnemar.only_second), (n / 3, 0));
    assert!((condition.agreement - 4.0 / 6.0).abs() < 1e-12);
    assert!((condition.max_probability_difference - (0.7 - 0.06)).abs() < 1e-6);
    assert_eq!(condition.model_bytes, 1001);
    // Of the answers at 0.7, 4 of 5 are right; a temperature can correct that.
    assert!((condition.calibration_error - 0.1).abs() < 1e-6);
    assert!(condition.calibration_error_at_temperature.unwrap() < 1e-3);
    assert!(condition.speakers.is_empty());
}

#[test]
fn utterances_with_two_labels_are_left_out_of_a_figure_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    two_folds(root.path());
    let report = || CrossvalReport::new(&gather(root.path()).unwrap()).unwrap();
    let before = report();
    assert_eq!((before.ambiguous, before.conditions[0].int8.unambiguous), (None, None));

    // All sad utterances of one voice are in the corpus as fear too; int8 takes sad for fear.
    let recording = |utterance: &Utterance| Recording {
        id: utterance.id.clone(),
        corpus: String::new(),
        speaker: utterance.speaker.clone(),
        emotion: utterance.emotion_name().to_owned(),
        sentence: utterance.sentence.clone(),
    };
    let corpus = Corpus::synthetic(1);
    let of = |emotion| {
        corpus.utterances.iter().filter(move |utterance| utterance.speaker == "male1" && utterance.emotion == emotion)
    };
    let copies = of(1).zip(of(4)).map(|(fear, sad)| Copies {
        labels_differ: true,
        recordings: vec![recording(fear), recording(sad)],
        pairs: Vec::new(),
    });
    let mut copies: Vec<Copies> = copies.collect();
    let alike = of(0).take(2).map(recording).collect();
    copies.push(Copies { labels_differ: false, recordings: alike, pairs: Vec::new() });
    copies::save(&copies, &root.path().join("copies.json")).unwrap();

    let after = report();
    let n = after.utterances as f64;
    assert_eq!(after.ambiguous.as_ref().map(BTreeSet::len), Some(100));
    let ModelReport { war, unambiguous, .. } = &after.conditions[0].int8;
    assert_eq!(*war, before.conditions[0].int8.war);
    let unambiguous = unambiguous.unwrap();
    assert_eq!(unambiguous.without, 100);
    // The figure leaves out 50 right answers to fear and 50 wrong ones to sad; the recalls stay.
    assert!((unambiguous.war.mean - (4.0 / 6.0 * n - 50.0) / (n - 100.0)).abs() < 1e-12, "{unambiguous:?}");
    assert!((unambiguous.uar.mean - 4.0 / 6.0).abs() < 1e-12, "{unambiguous:?}");
    assert_eq!(after.conditions[0].float.unambiguous.unwrap().war.mean, 1.0);
    assert!(after.to_string().contains("without 100 utterances that are in the corpus under two labels"));
}

#[test]
fn a_report_of_an_older_version_is_still_read() {
    let root = tempfile::tempdir().unwrap();
    two_folds(root.path());
    let report = CrossvalReport::new(&gather(root.path()).unwrap()).unwrap();
    let mut json = serde_json::to_value(&report).unwrap();
    json.as_object_mut().unwrap().remove("ambiguous").unwrap();
    for model in ["int8", "float"] {
        json["conditions"][0][model].as_object_mut().unwrap().remove("unambiguous").unwrap();
    }
    assert_eq!(serde_json::from_value::<CrossvalReport>(json).unwrap(), report);
}

#[test]
fn an_utterance_with_several_answers_is_one_utterance_to_the_interval() {
    let root = tempfile::tempdir().unwrap();
    let half = |truth: usize, id: &str| {
        let said = if id.contains("/2") && id.ends_with("1.wav") { Some((truth + 1) % 6) } else { Some(truth) };
        (said, said)
    };
    let interval = |seeds: &[u64]| {
        for &seed in seeds {
            for fold in 0..2 {
                finish(root.path(), FoldId { seed, ..id(fold) }, Protocol::Sentence, Some(2), half);
            }
        }
        let report = CrossvalReport::new(&gather(root.path()).unwrap()).unwrap();
        (report.conditions[0].int8.war_interval, report.conditions[0].int8.confusion.total(), report.seeds)
    };
    let (one, answers, _) = interval(&[1]);
    let (three, three_answers, seeds) = interval(&[2, 3]);
    assert_eq!((one, three_answers, seeds), (three, 3 * answers, vec![1, 2, 3]));
    let (low, high) = one.unwrap();
    assert!(low < high, "{low} to {high}");
}

#[test]
fn speakers_that_differ_make_a_wide_interval_and_their_recordings_do_not_narrow_it() {
    let root = tempfile::tempdir().unwrap();
    // Of two speakers every answer is right, of the other two every second one.
    let said = |truth: usize, id: &str| {
        let wrong = id.starts_with("male") && id.ends_with(['0', '2', '4', '6', '8']);
        let said = if id.contains('/') && wrong { Some((truth + 1) % 6) } else { Some(truth) };
        (said, said)
    };
    for fold in 0..4 {
        finish(root.path(), id(fold), Protocol::Speaker, None, |truth, id| said(truth, id.trim_end_matches(".wav")));
    }
    let report = CrossvalReport::new(&gather(root.path()).unwrap()).unwrap();
    let ModelReport { pooled_war, war_interval: Some((low, high)), units: 4, .. } = report.conditions[0].int8 else {
        panic!("{:?}", report.conditions[0].int8)
    };
    // Speakers of 1, 1, 0.5 and 0.5: 3.1824 · 0.2887 / 2 = 0.459.
    assert!((pooled_war - 0.75).abs() < 1e-12 && (low - 0.291).abs() < 0.01 && high == 1.0, "{low} to {high}");
    assert!(report.to_string().contains("95 % (4 speakers)"), "{report}");
}

#[test]
fn trainings_with_several_seeds_may_share_a_split_but_not_some_of_them() {
    let root = tempfile::tempdir().unwrap();
    let right = |truth: usize, _: &str| (Some(truth), Some(truth));
    let share = |seed: u64| {
        let path = FoldId { seed, ..id(0) }.folder(root.path()).join("split.json");
        let split = Split { seed: 1, ..Split::load(&path).unwrap() };
        split.save(&path).unwrap();
    };
    finish(root.path(), id(0), Protocol::Sentence, Some(2), right);
    finish(root.path(), FoldId { seed: 2, ..id(0) }, Protocol::Sentence, Some(2), right);
    assert_eq!(CrossvalReport::new(&gather(root.path()).unwrap()).unwrap().split_seed, None);
    finish(root.path(), FoldId { seed: 3, ..id(0) }, Protocol::Sentence, Some(2), right);
    share(3);
    let error = gather(root.path()).unwrap_err().to_string();
    assert!(error.contains("seed of the split"), "{error}");
    share(2);
    let report = CrossvalReport::new(&gather(root.path()).unwrap()).unwrap();
    assert_eq!((report.split_seed, report.seeds.len()), (Some(1), 3));
    assert!(report.to_string().contains("seeds 1, 2, 3, all on the split of seed 1"), "{report}");
}

#[test]
fn the_temperature_of_a_fold_does_not_depend_on_its_own_answers() {
    let labels = vec!["a".to_owned(), "b".to_owned()];
    // `right` of 100 answers are right, all at a confidence of 0.95.
    let fold = |right: usize| {
        let one = |n: usize| Prediction {
            id: n.to_string(),
            corpus: String::new(),
            speaker: String::new(),
            truth: usize::from(n >= right),
            int8: Some(vec![0.95f32.ln(), 0.05f32.ln()]),
            float: None,
        };
        Predictions { labels: labels.clone(), utterances: (0..100).map(one).collect(), skipped: 0 }
    };
    let (first, second, third) = (fold(80), fold(90), fold(70));
    let before = fold_temperatures(&[&first, &second, &third]);
    let changed = fold(0);
    let after = fold_temperatures(&[&changed, &second, &third]);
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    assert_eq!(fold_temperatures(&[&first]), [None]);
}

#[test]
fn missing_folds_are_named_and_the_rest_still_makes_a_table() {
    let root = tempfile::tempdir().unwrap();
    assert!(gather(root.path()).unwrap_err().to_string().contains("no finished fold"));
    two_folds(root.path());
    std::fs::remove_file(id(1).folder(root.path()).join("predictions.json")).unwrap();
    let gathered = gather(root.path()).unwrap();
    assert_eq!(gathered.missing, [id(1)]);
    let report = CrossvalReport::new(&gathered).unwrap();
    assert_eq!((report.conditions[0].folds.len(), report.conditions[0].int8.war.sd), (1, None));
    assert_eq!(report.conditions[0].calibration_error_at_temperature, None);
    let text = report.to_string();
    assert!(text.contains("without: fold 1 seed 1 cues-removed"), "{text}");
}

#[test]
fn folds_of_different_cross_validations_are_not_put_together() {
    let root = tempfile::tempdir().unwrap();
    two_folds(root.path());
    finish(root.path(), FoldId { seed: 2, ..id(0) }, Protocol::Random, Some(2), |truth, _| (Some(truth), Some(truth)));
    let error = gather(root.path()).unwrap_err().to_string();
    assert!(error.contains("protocol: sentence and random") && error.contains("seed-2"), "{error}");
}

#[test]
fn both_conditions_stand_side_by_side_and_a_report_is_read_as_it_was_written() {
    let root = tempfile::tempdir().unwrap();
    let speakers = Split::new(&Corpus::synthetic(1), Protocol::Speaker, None, 0, 1).unwrap().folds;
    for condition in Condition::ALL {
        for fold in 0..speakers {
            finish(root.path(), FoldId { condition, ..id(fold) }, Protocol::Speaker, None, |truth, _| {
                (Some(truth), Some(truth))
            });
        }
    }
    let report = CrossvalReport::new(&gather(root.path()).unwrap()).unwrap();
    assert_eq!(report.conditions.len(), 2);
    assert!(report.conditions.iter().all(|condition| condition.speakers.len() == speakers));
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<CrossvalReport>(&json).unwrap(), report);
    let text = report.to_string();
    let line = text.lines().find(|line| line.contains("as-recorded") && line.contains("cues-removed"));
    assert!(line.is_some(), "{text}");
    let csv = String::from_utf8(report.to_csv().unwrap()).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * speakers, "{csv}");
}
