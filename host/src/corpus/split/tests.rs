use crate::corpus::audio::write_wav;
use crate::corpus::choice::Choice;
use crate::corpus::labels::EMOTIONS;
use crate::corpus::origin::Origin;
use std::collections::BTreeSet;
use std::fs;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::*;

/// A corpus of empty files at the given paths; a split reads no audio.
fn corpus(paths: &[String]) -> Corpus {
    let dir = tempfile::tempdir().unwrap();
    for path in paths {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    Corpus::open(dir.path(), &Choice::default()).unwrap()
}

/// Paths for all combinations of speakers, emotions and sentences.
fn grid(speakers: &[&str], emotions: &[&str], sentences: usize) -> Vec<String> {
    let mut paths = Vec::new();
    for speaker in speakers {
        for emotion in emotions {
            paths.extend((0..sentences).map(|sentence| format!("{speaker}/{emotion}/{sentence}.wav")));
        }
    }
    paths
}

fn all_folds(corpus: &Corpus, protocol: Protocol, folds: Option<usize>) -> Vec<Split> {
    let first = Split::new(corpus, protocol, folds, 0, 7).unwrap();
    (0..first.folds).map(|fold| Split::new(corpus, protocol, folds, fold, 7).unwrap()).collect()
}

/// A field of an entry.
type Name = fn(&SplitEntry) -> &String;

/// The different values of a field among the utterances of a part.
fn names(split: &Split, part: Part, name: Name) -> BTreeSet<&str> {
    split.utterances.iter().filter(|entry| entry.part == part).map(|entry| name(entry).as_str()).collect()
}

fn error_of<T>(result: Result<T>) -> String {
    format!("{:#}", result.err().expect("an error"))
}

#[test]
fn every_utterance_is_in_exactly_one_test_fold() {
    let corpus = Corpus::synthetic(1);
    for protocol in [Protocol::Random, Protocol::Sentence, Protocol::Speaker] {
        let mut tested = BTreeSet::new();
        for split in all_folds(&corpus, protocol, None) {
            assert_eq!(split.utterances.len(), corpus.utterances.len());
            for id in names(&split, Part::Test, |entry| &entry.id) {
                assert!(tested.insert(id.to_owned()), "{protocol:?}: {id} is tested twice");
            }
        }
        assert_eq!(tested.len(), corpus.utterances.len(), "{protocol:?}");
    }
}

#[test]
fn no_sentence_is_in_two_folds() {
    let corpus = Corpus::synthetic(1);
    for split in all_folds(&corpus, Protocol::Sentence, Some(7)) {
        let test = names(&split, Part::Test, |entry| &entry.sentence);
        assert!(test.is_disjoint(&names(&split, Part::Train, |entry| &entry.sentence)));
        assert!(test.len() == 7 || test.len() == 8, "{test:?}");
    }
}

#[test]
fn no_speaker_is_in_two_folds() {
    let corpus = Corpus::synthetic(1);
    let splits = all_folds(&corpus, Protocol::Speaker, None);
    assert_eq!(splits.len(), 4);
    for (split, speaker) in splits.iter().zip(distinct(&corpus, |utterance| &utterance.speaker)) {
        assert_eq!(names(split, Part::Test, |entry| &entry.speaker), BTreeSet::from([speaker]));
        assert!(!names(split, Part::Train, |entry| &entry.speaker).contains(speaker));
    }
}

#[test]
fn random_folds_have_the_same_share_of_every_speaker_and_emotion() {
    let corpus = Corpus::synthetic(1);
    for split in all_folds(&corpus, Protocol::Random, None) {
        for speaker in names(&split, Part::Test, |entry| &entry.speaker) {
            for emotion in EMOTIONS {
                let tested = |entry: &&SplitEntry| {
                    entry.part == Part::Test && entry.speaker == speaker && entry.emotion == emotion
                };
                assert_eq!(split.utterances.iter().filter(tested).count(), 10);
            }
        }
    }
    // 7 in each stratum do not divide by 5: folds still differ by one utterance at most.
    let uneven = self::corpus(&grid(&["a", "b"], &EMOTIONS, 7));
    for split in all_folds(&uneven, Protocol::Random, None) {
        let tested = names(&split, Part::Test, |entry| &entry.id).len();
        assert!(tested == 16 || tested == 17, "{tested}");
    }
}

#[test]
fn a_split_follows_from_the_seed_alone() {
    let corpus = Corpus::synthetic(1);
    for protocol in [Protocol::Random, Protocol::Sentence] {
        let split = |seed| Split::new(&corpus, protocol, None, 0, seed).unwrap().utterances;
        assert_eq!(split(3), split(3));
        assert_ne!(split(3), split(4));
    }
    // Old split files and figures stay comparable only as long as this does not change.
    let split = Split::new(&corpus, Protocol::Sentence, None, 0, 1).unwrap();
    let test: Vec<&str> = names(&split, Part::Test, |entry| &entry.sentence).into_iter().collect();
    assert_eq!(test.join(" "), "204 214 216 225 230 234 245 246 247 250");
}

/// As the sentences of balanced corpora have always been dealt: published figures depend on it.
#[test]
fn sentences_that_are_alike_are_dealt_in_turn_and_held_out_in_order() {
    for corpus in [Corpus::synthetic(1), corpus(&grid(&["a", "b", "c", "d"], &EMOTIONS, 40))] {
        for seed in 0..20 {
            let mut names = distinct(&corpus, |utterance| &utterance.sentence);
            names.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
            for fold in 0..5 {
                let mut split = Split::new(&corpus, Protocol::Sentence, None, fold, seed).unwrap();
                let wanted: BTreeSet<&str> = names.iter().copied().skip(fold).step_by(5).collect();
                assert_eq!(names_of(&split, Part::Test), wanted, "seed {seed}, fold {fold}");
                let mut trained: Vec<&str> = names_of(&split, Part::Train).into_iter().collect();
                trained.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
                trained.truncate((trained.len() as f64 * 0.15).round() as usize);
                let wanted: BTreeSet<String> = trained.into_iter().map(str::to_owned).collect();
                split.hold_out_validation(0.15).unwrap();
                let held_out: BTreeSet<String> =
                    names_of(&split, Part::Validation).into_iter().map(str::to_owned).collect();
                assert_eq!(held_out, wanted, "seed {seed}, fold {fold}");
            }
        }
    }
}

/// The sentences of a part.
fn names_of(split: &Split, part: Part) -> BTreeSet<&str> {
    names(split, part, |entry| &entry.sentence)
}

#[test]
fn sentences_of_one_class_are_dealt_so_that_each_fold_has_its_share_of_every_class() {
    // Each emotion has sentences of its own, said by two speakers; fear has few, neutral many.
    let sentences = [10, 5, 10, 20, 10, 10];
    let mut paths = Vec::new();
    for speaker in ["a", "b"] {
        for (emotion, count) in EMOTIONS.iter().zip(sentences) {
            paths.extend((0..count).map(|n| format!("{speaker}/{emotion}/{emotion}{n}.wav")));
        }
    }
    let corpus = corpus(&paths);
    for seed in 0..10 {
        for fold in 0..5 {
            let mut split = Split::new(&corpus, Protocol::Sentence, None, fold, seed).unwrap();
            split.hold_out_validation(0.25).unwrap();
            for (emotion, count) in EMOTIONS.iter().zip(sentences) {
                let of = |part| split.utterances.iter().filter(|e| e.part == part && e.emotion == *emotion).count();
                assert_eq!(of(Part::Test), 2 * count / 5, "{emotion}, seed {seed}, fold {fold}");
                let share = 2.0 * count as f64 * 4.0 / 5.0 / 4.0;
                assert!((of(Part::Validation) as f64 - share).abs() <= 2.0, "{emotion}, seed {seed}, fold {fold}");
            }
        }
    }
}

#[test]
fn many_speakers_are_dealt_into_fewer_folds_with_their_share_of_every_class() {
    // Half of the speakers have no fear, and have more of neutral.
    let mut paths = Vec::new();
    for speaker in 0..20 {
        for emotion in EMOTIONS {
            let count = match emotion {
                "fear" if speaker % 2 == 0 => 0,
                "neutral" if speaker % 2 == 0 => 8,
                _ => 4,
            };
            paths.extend((0..count).map(|n| format!("s{speaker:02}/{emotion}/{n}.wav")));
        }
    }
    let corpus = corpus(&paths);
    let mut tested = BTreeSet::new();
    for fold in 0..5 {
        let split = Split::new(&corpus, Protocol::Speaker, Some(5), fold, 3).unwrap();
        let test = names(&split, Part::Test, |entry| &entry.speaker);
        assert!(test.is_disjoint(&names(&split, Part::Train, |entry| &entry.speaker)));
        assert_eq!(test.len(), 4);
        tested.extend(test.into_iter().map(str::to_owned));
        let fear = split.utterances.iter().filter(|e| e.part == Part::Test && e.emotion == "fear").count();
        assert_eq!(fear, 8, "fold {fold}");
    }
    assert_eq!(tested.len(), 20);
}

#[test]
fn names_of_single_recordings_are_no_sentences_and_another_protocol_fits() {
    let single = |speakers: usize| {
        let mut paths = Vec::new();
        for speaker in 0..speakers {
            for emotion in EMOTIONS {
                paths.extend((0..5).map(|n| format!("s{speaker}/{emotion}/{speaker}-{emotion}-{n}.wav")));
            }
        }
        corpus(&paths)
    };
    let corpus_of_4 = single(4);
    let error = error_of(Split::new(&corpus_of_4, Protocol::Sentence, None, 0, 1));
    assert!(error.contains("120 of 120 recordings") && error.contains("--protocol speaker"), "{error}");
    let (protocol, reason) = Protocol::fitting(&corpus_of_4, None);
    assert_eq!((protocol, reason), (Protocol::Speaker, None));
    assert!(Split::new(&corpus_of_4, protocol, None, 0, 1).is_ok());
    // Two speakers are too few to leave one out.
    let (protocol, reason) = Protocol::fitting(&single(2), None);
    assert_eq!(protocol, Protocol::Random);
    let reason = reason.unwrap();
    assert!(reason.contains("2 speakers") && reason.contains("60 of 60 recordings have a sentence name"), "{reason}");
    assert_eq!(Protocol::fitting(&Corpus::synthetic(1), None), (Protocol::Speaker, None));
    let (protocol, reason) = Protocol::fitting(&Corpus::synthetic(1), Some(5));
    assert!(protocol == Protocol::Sentence && reason.unwrap().contains("5 folds need as many speakers"));
    let two_sentences = corpus(&grid(&["a", "b"], &EMOTIONS, 2));
    let (protocol, reason) = Protocol::fitting(&two_sentences, None);
    assert!(protocol == Protocol::Random && reason.unwrap().contains("2 sentences for 5 folds"));
    assert_eq!(Protocol::fitting(&two_sentences, Some(2)).0, Protocol::Sentence);
    let report = crate::corpus::check::check(&corpus_of_4, &Choice::default()).unwrap();
    assert!(report.warnings.iter().any(|warning| warning.contains("use protocol speaker")), "{:?}", report.warnings);
}

#[test]
fn without_sentences_a_validation_part_of_protocol_speaker_has_utterances_of_every_class() {
    let mut corpus = corpus(&grid(&["a", "b", "c"], &EMOTIONS, 8));
    corpus.utterances.iter_mut().for_each(|utterance| utterance.sentence.clear());
    // Two speakers train, and two must be left.
    let mut split = Split::new(&corpus, Protocol::Speaker, None, 0, 5).unwrap();
    split.hold_out_validation(0.25).unwrap();
    for emotion in EMOTIONS {
        let held_out = split.utterances.iter().filter(|e| e.part == Part::Validation && e.emotion == emotion).count();
        assert_eq!(held_out, 4, "{emotion}");
    }
}

#[test]
fn a_split_file_says_what_the_split_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split.json");
    let corpus = Corpus::synthetic(1);
    let mut split = Split::new(&corpus, Protocol::Speaker, None, 2, 9).unwrap();
    split.hold_out_validation(0.2).unwrap();
    split.save(&path).unwrap();
    assert_eq!(Split::load(&path).unwrap(), split);
    let json = fs::read_to_string(&path).unwrap();
    assert!(
        json.contains("\"protocol\": \"speaker\"") && json.contains("\"part\": \"validation\""),
        "{}",
        &json[..400]
    );
}

#[test]
fn parts_are_found_in_the_corpus_and_a_missing_utterance_is_named() {
    let corpus = Corpus::synthetic(1);
    let mut split = Split::new(&corpus, Protocol::Random, None, 0, 1).unwrap();
    let test = split.part(&corpus, Part::Test).unwrap();
    assert_eq!(test.len(), 240);
    assert_eq!(split.part(&corpus, Part::Train).unwrap().len(), 960);
    assert!(split.part(&corpus, Part::Validation).unwrap().is_empty());

    split.utterances[0].id = "nobody/sad/1.wav".to_owned();
    let part = split.utterances[0].part;
    assert!(error_of(split.part(&corpus, part)).contains("nobody/sad/1.wav"));

    let mut split = Split::new(&corpus, Protocol::Random, None, 0, 1).unwrap();
    split.utterances[0].emotion = "sad".to_owned();
    assert!(error_of(split.part(&corpus, split.utterances[0].part)).contains("sad in the split"));
}

#[test]
fn a_validation_part_shares_with_training_what_the_test_part_shares() {
    let corpus = Corpus::synthetic(1);
    let apart: [(Protocol, Name); 2] =
        [(Protocol::Sentence, |entry| &entry.sentence), (Protocol::Speaker, |entry| &entry.speaker)];
    for (protocol, name) in apart {
        let mut split = Split::new(&corpus, protocol, None, 1, 5).unwrap();
        let test = names(&split, Part::Test, |entry| &entry.id).len();
        split.hold_out_validation(0.1).unwrap();
        let validation = names(&split, Part::Validation, name);
        assert!(!validation.is_empty());
        assert!(validation.is_disjoint(&names(&split, Part::Train, name)));
        assert_eq!(names(&split, Part::Test, |entry| &entry.id).len(), test);
        assert!(error_of(split.hold_out_validation(0.1)).contains("already"));
    }
}

#[test]
fn a_validation_part_of_random_folds_has_its_share_of_every_speaker_and_emotion() {
    let mut corpus = corpus(&grid(&["a", "b", "c"], &EMOTIONS, 7));
    // Without names of sentences: some layouts give none.
    corpus.utterances.iter_mut().for_each(|utterance| utterance.sentence.clear());
    let mut split = Split::new(&corpus, Protocol::Random, None, 1, 5).unwrap();
    let before = split.clone();
    split.hold_out_validation(0.25).unwrap();
    let of = |split: &Split, part, speaker: &str, emotion: &str| {
        split.utterances.iter().filter(|e| e.part == part && e.speaker == speaker && e.emotion == emotion).count()
    };
    for (speaker, emotion) in ["a", "b", "c"].iter().flat_map(|speaker| EMOTIONS.map(|emotion| (speaker, emotion))) {
        let validation = of(&split, Part::Validation, speaker, emotion);
        assert!((1..=2).contains(&validation), "{validation} of {speaker}, {emotion}");
        assert_eq!(of(&split, Part::Test, speaker, emotion), of(&before, Part::Test, speaker, emotion));
    }
    let held_out = names(&split, Part::Validation, |entry| &entry.id).len();
    let trained = names(&before, Part::Train, |entry| &entry.id).len();
    assert_eq!(held_out, (trained as f64 * 0.25).round() as usize);
    let mut other = Split { seed: 6, ..before.clone() };
    other.hold_out_validation(0.25).unwrap();
    assert_ne!(other.utterances, split.utterances);

    let mut least = before;
    least.hold_out_validation(0.001).unwrap();
    assert_eq!(names(&least, Part::Validation, |entry| &entry.id).len(), 1);
}

#[test]
fn a_validation_part_is_of_whole_speakers_where_enough_are_left() {
    let corpus = corpus(&grid(&["a", "b", "c", "d", "e"], &EMOTIONS, 2));
    let mut split = Split::new(&corpus, Protocol::Speaker, None, 0, 5).unwrap();
    assert_eq!(split.hold_out_validation(0.25).unwrap(), None);
    let validation = names(&split, Part::Validation, |entry| &entry.speaker);
    assert_eq!(validation.len(), 1);
    assert!(validation.is_disjoint(&names(&split, Part::Train, |entry| &entry.speaker)));

    let corpus = self::corpus(&grid(&["a", "b", "c"], &EMOTIONS, 2));
    let mut split = Split::new(&corpus, Protocol::Speaker, None, 0, 5).unwrap();
    let remark = split.hold_out_validation(0.25).unwrap().unwrap();
    assert!(
        remark.contains("too few speakers") && remark.ends_with("sentences are held out for validation"),
        "{remark}"
    );
}

#[test]
fn a_validation_part_that_leaves_nothing_is_refused_and_changes_nothing() {
    let corpus = corpus(&grid(&["a", "b"], &EMOTIONS, 1));
    let mut split = Split::new(&corpus, Protocol::Speaker, None, 0, 5).unwrap();
    let before = split.clone();
    assert!(error_of(split.hold_out_validation(0.5)).contains("nothing to train on"));
    for fraction in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(error_of(split.hold_out_validation(fraction)).contains("fraction"));
    }
    assert_eq!(split, before);
}

#[test]
fn a_class_without_training_utterances_is_an_error_that_names_it() {
    let mut paths = grid(&["a", "b"], &["angry", "fear", "happy", "neutral", "sad"], 5);
    paths.push("b/surprise/1.wav".to_owned());
    let error = error_of(Split::new(&corpus(&paths), Protocol::Speaker, None, 1, 1));
    assert!(error.contains("'surprise'"), "{error}");
}

#[test]
fn the_classes_are_those_of_the_corpus_and_other_classes_are_an_error_that_names_both() {
    let paths = grid(&["a", "b"], &["angry", "boredom", "sad"], 5);
    let corpus = corpus(&paths);
    let split = Split::new(&corpus, Protocol::Random, None, 0, 1).unwrap();
    assert_eq!(split.labels, ["angry", "boredom", "sad"]);
    assert_eq!(split.class_sizes(Part::Test), [("angry", 2), ("boredom", 2), ("sad", 2)]);
    let error = error_of(split.part(&Corpus::synthetic(1), Part::Train));
    assert!(error.contains("the split has angry, boredom, sad") && error.contains("angry, fear, happy"), "{error}");
    let one = self::corpus(&grid(&["a", "b"], &["sad"], 5));
    let error = error_of(Split::new(&one, Protocol::Random, None, 0, 1));
    assert!(error.contains("wanted 2 to 16 labels, got 1 (sad)"), "{error}");
}

#[test]
fn too_few_of_anything_and_folds_out_of_range_are_errors_with_both_numbers() {
    let small = corpus(&grid(&["a"], &EMOTIONS, 2));
    let error = error_of(Split::new(&small, Protocol::Random, Some(13), 0, 1));
    assert!(error.contains("13 folds") && error.contains("12"), "{error}");
    let error = error_of(Split::new(&small, Protocol::Sentence, None, 0, 1));
    assert!(error.contains("5 folds") && error.contains("sentences") && error.contains('2'), "{error}");
    let error = error_of(Split::new(&small, Protocol::Speaker, None, 0, 1));
    assert!(error.contains("at least 2"), "{error}");
    let error = error_of(Split::new(&small, Protocol::Random, Some(2), 2, 1));
    assert!(error.contains("0 to 1, got 2"), "{error}");
    for folds in [0, 1] {
        assert!(error_of(Split::new(&small, Protocol::Random, Some(folds), 0, 1)).contains("at least 2"));
    }
    let three = corpus(&grid(&["a", "b", "c"], &EMOTIONS, 2));
    assert!(error_of(Split::new(&three, Protocol::Speaker, Some(4), 0, 1)).contains("speakers, the corpus has 3"));
}

#[test]
fn a_protocol_without_the_names_that_it_needs_says_why() {
    let paths: Vec<String> = EMOTIONS.iter().flat_map(|e| (0..6).map(move |n| format!("{e}/{e}{n}.wav"))).collect();
    let error = error_of(Split::new(&corpus(&paths), Protocol::Speaker, None, 0, 1));
    assert!(error.contains("angry/angry0.wav has none") && error.contains("speaker/emotion"), "{error}");
}

#[test]
fn a_broken_split_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split.json");
    assert!(error_of(Split::load(&path)).contains("split.json"));
    fs::write(&path, "{").unwrap();
    assert!(error_of(Split::load(&path)).contains("split.json"));

    let corpus = Corpus::synthetic(1);
    let good = Split::new(&corpus, Protocol::Random, None, 0, 1).unwrap();
    let twice = Split { utterances: vec![good.utterances[0].clone(), good.utterances[0].clone()], ..good.clone() };
    twice.save(&path).unwrap();
    assert!(error_of(Split::load(&path)).contains("listed twice"));
    let other = Split { labels: vec!["left".to_owned(), "right".to_owned()], ..good };
    other.save(&path).unwrap();
    assert!(error_of(Split::load(&path)).contains("left, right"));
}

/// A corpus of two, whose speakers of both sexes have names of their own.
fn two_corpora(speakers: usize) -> (Vec<tempfile::TempDir>, Corpus) {
    let dirs: Vec<tempfile::TempDir> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
    for dir in &dirs {
        for (actor, emotion) in (1..=speakers).flat_map(|actor| (3..=6).map(move |emotion| (actor, emotion))) {
            let file = dir.path().join(format!("03-01-{emotion:02}-01-01-01-{actor:02}.wav"));
            write_wav(&file, &[1, 2, 3]).unwrap();
        }
    }
    let origins: Vec<Origin> = dirs.iter().map(|dir| Origin::new(dir.path())).collect();
    let corpus = Corpus::open_all(&origins, &Choice::default()).unwrap();
    (dirs, corpus)
}

#[test]
fn protocol_corpus_leaves_one_corpus_out_and_validation_another_or_speakers() {
    let (_dirs, corpus) = two_corpora(6);
    let mut split = Split::new(&corpus, Protocol::Corpus, None, 0, 1).unwrap();
    assert_eq!(split.folds, 2);
    let [test, train] = [Part::Test, Part::Train].map(|part| names(&split, part, |entry| &entry.corpus));
    assert!(test.len() == 1 && train.len() == 1 && test.is_disjoint(&train));
    // One corpus is left to train on, so speakers move.
    split.hold_out_validation(0.3).unwrap();
    let held_out = names(&split, Part::Validation, |entry| &entry.speaker);
    assert!(held_out.len() == 2 && held_out.is_disjoint(&names(&split, Part::Train, |entry| &entry.speaker)));
    let error = error_of(Split::new(&Corpus::synthetic(1), Protocol::Corpus, None, 0, 1));
    assert!(error.contains("needs at least two corpora, synthetic-1 is one"), "{error}");
}

#[test]
fn many_speakers_are_dealt_into_few_folds_with_both_sexes_in_each() {
    let (_dirs, corpus) = two_corpora(12);
    let split = |folds, fold| Split::new(&corpus, Protocol::Speaker, folds, fold, 3).unwrap();
    assert_eq!(split(None, 0).folds, DEFAULT_FOLDS);
    assert_eq!(split(Some(0), 0).folds, 24);
    for fold in 0..6 {
        let tested = split(Some(6), fold);
        let speakers = names(&tested, Part::Test, |entry| &entry.speaker);
        assert_eq!(speakers.len(), 4);
        let women = speakers.iter().filter(|speaker| speaker.ends_with(['0', '2', '4', '6', '8'])).count();
        assert_eq!(women, 2, "{speakers:?}");
    }
}
