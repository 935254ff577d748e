use super::*;
use crate::cli::data_options::CorpusOption;
use crate::cli::tones::{write_recipe, write_tones};
use crate::corpus::audio::write_wav;
use crate::experiments::crossval::FoldId;
use crate::experiments::crossval::run::Event;
use crate::training::run::RunFolder;
use crate::training::session::Progress;

/// Options for a corpus of tones by two speakers and a recipe of two short epochs.
fn args(dir: &Path) -> CrossvalArgs {
    write_tones(&dir.join("corpus"), &[("low", 1.0), ("high", 1.1)]);
    write_recipe(&dir.join("recipe.json"), 8);
    CrossvalArgs {
        training: TrainingOptions {
            corpus: CorpusOption { paths: vec![dir.join("corpus")], ..CorpusOption::default() },
            recipe: Some(dir.join("recipe.json")),
            ..TrainingOptions::default()
        },
        folds: Some(2),
        out: Some(dir.join("all")),
        cache: CacheOption { folder: dir.join("cache") },
        ..CrossvalArgs::default()
    }
}

fn go(args: &CrossvalArgs) -> Result<Outcome> {
    crossval(args, &Stop::default())
}

fn to(args: &CrossvalArgs, out: &str) -> CrossvalArgs {
    let parent = args.cache.folder.parent().unwrap();
    CrossvalArgs { out: Some(parent.join(out)), ..args.clone() }
}

/// The figures without those that a clock measures.
fn report(root: &Path) -> CrossvalReport {
    let mut report: CrossvalReport =
        serde_json::from_slice(&std::fs::read(root.join("crossval.json")).unwrap()).unwrap();
    for condition in &mut report.conditions {
        condition.training_seconds = 0.0;
        condition.folds.iter_mut().for_each(|fold| fold.training_seconds = 0.0);
    }
    report
}

/// The files of every fold.
fn results(root: &Path, seed: u64) -> Vec<[Vec<u8>; 4]> {
    let read = |fold| {
        let folder = FoldId { condition: Condition::CuesRemoved, seed, fold }.folder(root);
        ["network.bin", "model.ser", "model.onnx", "predictions.json"]
            .map(|name| std::fs::read(folder.join(name)).unwrap())
    };
    (0..2).map(read).collect()
}

#[test]
fn every_fold_is_a_run_folder_and_the_table_is_written_three_times() {
    let dir = tempfile::tempdir().unwrap();
    let args = CrossvalArgs {
        condition: Some(Conditions::Both),
        json: Some(dir.path().join("copy.json")),
        jobs: NonZeroUsize::new(2),
        ..args(dir.path())
    };
    go(&args).unwrap();
    let root = dir.path().join("all");
    for condition in Condition::ALL {
        for fold in 0..2 {
            let path = FoldId { condition, seed: 1, fold }.folder(&root);
            let folder = RunFolder::open(&path).unwrap();
            assert_eq!(folder.config().unwrap().network.front_end.trim.is_none(), condition == Condition::AsRecorded);
            assert_eq!(folder.split().unwrap().fold, fold);
            assert_eq!(folder.metrics().unwrap().len(), 2);
            for name in ["checkpoint.bin", "network.bin", "model.ser", "model.onnx", "predictions.json"] {
                assert!(path.join(name).is_file(), "{name}");
            }
        }
    }
    for name in ["crossval.txt", "crossval.csv", "copies.json"] {
        assert!(root.join(name).is_file(), "{name}");
    }
    assert_eq!(
        std::fs::read(root.join("crossval.json")).unwrap(),
        std::fs::read(dir.path().join("copy.json")).unwrap()
    );
    let report = report(&root);
    assert_eq!((report.conditions.len(), report.utterances, report.conditions[0].int8.confusion.total()), (2, 48, 48));
}

#[test]
fn a_crossval_that_is_stopped_and_resumed_is_one_that_is_not_however_many_folds_train_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let args = CrossvalArgs { seeds: vec![1, 5], jobs: NonZeroUsize::new(2), ..args(dir.path()) };
    go(&args).unwrap();
    let other = CrossvalArgs { jobs: NonZeroUsize::new(1), ..to(&args, "other") };
    // The first fold stops after its first step; the other folds have not begun.
    let stop = Stop::default();
    let root = dir.path().join("other");
    let (config, corpus) = other.training.plan(None, DEFAULT_SEED, None).unwrap();
    let runner = Crossval {
        root: &root,
        config: &config,
        corpus: &corpus,
        splits: Splits::Dealt { protocol: Protocol::Sentence, folds: Some(2), seed: None },
        validation: None,
        cache: &other.cache.folder,
    };
    let pending = runner.prepare(&[Condition::CuesRemoved], &[1, 5], None).unwrap();
    assert_eq!(pending.len(), 4);
    let stop_at_a_step = |_: FoldId, event: Event<'_>| {
        if let Event::Training(Progress::Step(_)) = event {
            stop.ask();
        }
    };
    let failed = runner.run(&pending, 1, &stop, &stop_at_a_step).unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(
        FoldId { condition: Condition::CuesRemoved, seed: 1, fold: 0 }.folder(&root).join("checkpoint.bin").is_file()
    );
    assert!(!root.join("cues-removed/seed-1/fold-1/checkpoint.bin").exists());
    go(&other).unwrap();
    for seed in [1, 5] {
        assert_eq!(results(&root, seed), results(&dir.path().join("all"), seed));
    }
    assert_eq!(report(&root), report(&dir.path().join("all")));
}

#[test]
fn folds_trained_one_by_one_and_gathered_are_those_trained_together() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    go(&args).unwrap();
    let alone = to(&args, "alone");
    go(&CrossvalArgs { fold: Some(1), ..alone.clone() }).unwrap();
    let root = dir.path().join("alone");
    assert_eq!(report(&root).missing.len(), 1);
    go(&CrossvalArgs { fold: Some(0), ..alone }).unwrap();
    run(&CrossvalArgs { gather: Some(root.clone()), ..CrossvalArgs::default() }, &Stop::default()).unwrap();
    assert_eq!(results(&root, 1), results(&dir.path().join("all"), 1));
    assert_eq!(report(&root), report(&dir.path().join("all")));
}

#[test]
fn a_finished_fold_is_not_trained_again_and_other_options_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    go(&args).unwrap();
    let network = dir.path().join("all/cues-removed/seed-1/fold-0/network.bin");
    let written = std::fs::metadata(&network).unwrap().modified().unwrap();
    go(&args).unwrap();
    assert_eq!(std::fs::metadata(&network).unwrap().modified().unwrap(), written);

    let refused = |args: CrossvalArgs| format!("{:#}", go(&args).unwrap_err());
    let epochs = TrainingOptions { epochs: Some(3), ..args.training.clone() };
    assert!(refused(CrossvalArgs { training: epochs, ..args.clone() }).contains("number of epochs: 3 and 2"));
    assert!(refused(CrossvalArgs { folds: Some(4), ..args.clone() }).contains("number of folds: 4 and 2"));
    // A new seed leaves the options of the finished folds as they are; another protocol changes them.
    assert!(
        refused(CrossvalArgs { seeds: vec![2], protocol: Some(Protocol::Random), ..args.clone() }).contains("protocol")
    );
    assert!(refused(CrossvalArgs { seeds: vec![2, 2], ..args.clone() }).contains("2 twice"));
    assert!(refused(CrossvalArgs { fold: Some(2), ..args }).contains("fold must be 0 to 1"));
    assert!(!dir.path().join("all/cues-removed/seed-2").exists());
}

#[test]
fn a_bad_wav_is_skipped_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    std::fs::write(dir.path().join("corpus/low/sad/1.wav"), b"RIFF").unwrap();
    go(&args).unwrap();
    let report = report(&dir.path().join("all"));
    assert_eq!(report.conditions[0].skipped, ["low/sad/1.wav"]);
    assert_eq!(report.conditions[0].int8.confusion.total(), 47);
    assert_eq!(report.conditions[0].folds.iter().map(|fold| fold.skipped).sum::<usize>(), 1);
}

#[test]
fn other_protocols_train_too_and_speakers_have_figures_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    go(&CrossvalArgs { protocol: Some(Protocol::Random), ..to(&args, "random") }).unwrap();
    assert!(report(&dir.path().join("random")).conditions[0].speakers.is_empty());
    go(&CrossvalArgs { protocol: Some(Protocol::Speaker), folds: None, ..to(&args, "speaker") }).unwrap();
    let report = report(&dir.path().join("speaker"));
    let speakers: Vec<(&str, u64)> =
        report.conditions[0].speakers.iter().map(|s| (s.name.as_str(), s.answers)).collect();
    assert_eq!(speakers, [("high", 24), ("low", 24)]);
}

#[test]
fn gathering_nothing_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = run(&CrossvalArgs { gather: Some(dir.path().to_owned()), ..CrossvalArgs::default() }, &Stop::default())
        .unwrap_err();
    assert!(error.to_string().contains("no finished fold"), "{error}");
}

/// RAVDESS' names: two actors, two emotions, two repetitions. Returns what lists say of each actor.
fn write_ravdess(corpus: &Path) -> [String; 2] {
    std::fs::create_dir_all(corpus).unwrap();
    let mut lists = [String::new(), String::new()];
    for (place, list) in lists.iter_mut().enumerate() {
        for (code, emotion, repetition) in [(3, "Happy", 1), (3, "Happy", 2), (5, "Angry", 1), (5, "Angry", 2)] {
            let actor = place + 1;
            let name = format!("03-01-{code:02}-01-01-{repetition:02}-{actor:02}.wav");
            let tone = |n: usize| (6000.0 * ((n * (code * 200 + 30 * actor)) as f64 / 2546.0).sin()) as i16;
            write_wav(&corpus.join(&name), &(0..8000).map(tone).collect::<Vec<_>>()).unwrap();
            let line = format!("{{\"wav\": \"downloads/ravdess/Actor_{actor:02}/{name}\", \"emo\": \"{emotion}\"}}\n");
            list.push_str(&line);
        }
    }
    lists
}

#[test]
fn published_folds_are_cross_validated_with_their_labels() {
    let dir = tempfile::tempdir().unwrap();
    let lists = write_ravdess(&dir.path().join("ravdess"));
    for fold in 0..2 {
        let folder = dir.path().join("data").join(format!("fold_{}", fold + 1));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ravdess_test.jsonl"), &lists[fold]).unwrap();
        std::fs::write(folder.join("ravdess_train.jsonl"), &lists[1 - fold]).unwrap();
    }
    let args = args(dir.path());
    let corpus = CorpusOption { paths: vec![dir.path().join("ravdess")], ..CorpusOption::default() };
    let args = CrossvalArgs {
        training: TrainingOptions { corpus, ..args.training.clone() },
        folds: None,
        split: Some(dir.path().join("data")),
        ..args
    };
    go(&args).unwrap();
    let report = report(&dir.path().join("all"));
    assert_eq!((report.protocol, report.folds), (Protocol::Published, 2));
    assert_eq!(report.labels, ["angry", "happy"]);
    assert_eq!(report.conditions[0].int8.confusion.total(), 8);
    let speakers: Vec<&str> = report.conditions[0].speakers.iter().map(|speaker| speaker.name.as_str()).collect();
    assert_eq!(speakers, ["01", "02"]);
    let one = CrossvalArgs { fold: Some(2), ..to(&args, "none") };
    assert!(format!("{:#}", go(&one).unwrap_err()).contains("no fold 2, they have 2"));
}

#[test]
fn several_corpora_have_figures_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut args = CrossvalArgs { protocol: Some(Protocol::Corpus), folds: None, ..args(dir.path()) };
    write_tones(&dir.path().join("other"), &[("mid", 1.05)]);
    std::fs::remove_dir_all(dir.path().join("other/mid/sad")).unwrap();
    args.training.corpus.paths.push(dir.path().join("other"));
    // Sad is in one corpus alone, so without it nothing could be trained on.
    args.training.corpus.labels.map = vec![("sad".to_owned(), String::new())];
    go(&args).unwrap();
    let report = report(&dir.path().join("all"));
    let corpora = &report.conditions[0].corpora;
    assert_eq!(
        corpora.iter().map(|of| (of.name.as_str(), of.answers)).collect::<Vec<_>>(),
        [("corpus", 40), ("other", 20)]
    );
    assert!(report.to_string().contains("UAR of other, %"), "{report}");
}
