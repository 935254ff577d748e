//! Trainings on several corpora, by split files, and with patience.

use super::*;
use crate::training::run::epochs_wanted;

/// Two corpora of two speakers. The second has no surprise.
fn two(dir: &Path) -> TrainArgs {
    let args = args(dir);
    for (corpus, pitch) in [("one", 1.0), ("two", 1.2)] {
        write_tones(&dir.join(corpus), &[("low", pitch), ("high", 1.1 * pitch)]);
    }
    for speaker in ["low", "high"] {
        std::fs::remove_dir_all(dir.join("two").join(speaker).join("surprise")).unwrap();
    }
    let paths = ["one", "two"].map(|corpus| dir.join(corpus)).to_vec();
    let corpus = CorpusOption { paths, ..CorpusOption::default() };
    TrainArgs { training: TrainingOptions { corpus, ..args.training }, ..args }
}

#[test]
fn several_corpora_train_one_network_and_each_can_be_held_out() {
    let dir = tempfile::tempdir().unwrap();
    let args = TrainArgs { protocol: Some(Protocol::Corpus), folds: None, fold: Some(1), ..two(dir.path()) };
    go(&args).unwrap();
    let folder = RunFolder::open(&dir.path().join("run")).unwrap();
    let (config, split) = (folder.config().unwrap(), folder.split().unwrap());
    assert_eq!((config.corpus.as_str(), config.corpora.len()), ("one+two", 2));
    let tested = |part| split.utterances.iter().filter(move |entry| entry.part == part);
    assert!(tested(Part::Test).all(|entry| entry.corpus == "two" && entry.id.starts_with("two/")));
    assert!(tested(Part::Train).all(|entry| entry.corpus == "one" && entry.speaker.starts_with("one/")));
    eval::run(&eval::EvalArgs::new(folder.path(), &args.cache.folder)).unwrap();
    // A list says the same, and more.
    let list = dir.path().join("both.toml");
    std::fs::write(&list, "[[corpus]]\npath = \"one\"\n[[corpus]]\npath = \"two\"\nweight = 2.0\n").unwrap();
    let mut listed = TrainArgs { out: Some(dir.path().join("listed")), ..args };
    listed.training.corpus.paths = vec![list];
    go(&listed).unwrap();
    let listed = RunFolder::open(&dir.path().join("listed")).unwrap();
    assert_eq!(listed.split().unwrap(), split);
    assert_eq!(listed.config().unwrap().corpora[1].weight, 2.0);
    // One corpus alone is left to train on, so its weight changes nothing.
    assert_eq!(listed.network().unwrap(), folder.network().unwrap());
}

#[test]
fn labels_that_a_corpus_lacks_and_balance_change_a_training_of_several_corpora_alone() {
    let dir = tempfile::tempdir().unwrap();
    let network = |out: &str, args: &TrainArgs, change: &str| {
        let mut args =
            TrainArgs { out: Some(dir.path().join(out)), force: true, all: true, folds: None, ..args.clone() };
        args.training.set = vec![crate::json::entry(change).unwrap()];
        go(&args).unwrap();
        RunFolder::open(&dir.path().join(out)).unwrap().network().unwrap()
    };
    let (several, one) = (two(dir.path()), args(dir.path()));
    let same = |args: &TrainArgs, change: &str| network("a", args, "own_labels=true") == network("b", args, change);
    assert!(same(&one, "own_labels=false") && same(&one, "balance=none"));
    assert!(!same(&several, "own_labels=false") && !same(&several, "balance=both"));
    assert!(!same(&one, "class_weights.sad=2"));
    let mut wrong = TrainArgs { out: Some(dir.path().join("wrong")), ..one };
    wrong.training.class_weights = vec![("bored".to_owned(), 2.0)];
    assert!(format!("{:#}", go(&wrong).unwrap_err()).contains("class_weights names bored"));
}

#[test]
fn a_training_with_patience_stops_early_and_keeps_its_best_network() {
    let dir = tempfile::tempdir().unwrap();
    let mut args = TrainArgs { validation: Some(0.5), ..args(dir.path()) };
    args.training.set = vec![crate::json::entry("patience=2").unwrap(), crate::json::entry("epochs=40").unwrap()];
    go(&args).unwrap();
    let folder = RunFolder::open(&dir.path().join("run")).unwrap();
    let metrics = folder.metrics().unwrap();
    let wanted = epochs_wanted(&folder.config().unwrap().recipe, &metrics);
    assert!(metrics.len() < 40 && metrics.len() == wanted, "{} of {wanted}", metrics.len());
    assert!(folder.epochs().unwrap().are_done());
    let uar = |epoch: &EpochMetrics| epoch.validation_uar.unwrap();
    let best = metrics.iter().map(uar).fold(0.0, f64::max);
    assert!(metrics.iter().rev().take(2).all(|epoch| uar(epoch) <= best));
    assert_eq!(uar(&metrics[metrics.len() - 3]), best);
    // Resumed, it is finished; without a validation part there is nothing to wait for.
    go(&TrainArgs { resume: true, ..args.clone() }).unwrap();
    assert_eq!(folder.metrics().unwrap(), metrics);
    let blind = TrainArgs { validation: None, out: Some(dir.path().join("blind")), ..args };
    assert!(format!("{:#}", go(&blind).unwrap_err()).contains("give --validation SHARE"));
}

#[test]
fn a_split_gives_its_labels_and_what_does_not_fit_leaves_no_run_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = args(dir.path());
    first.training.corpus.labels.labels = vec!["sad".to_owned(), "happy".to_owned()];
    first.training.corpus.labels.map = vec![("angry".to_owned(), "happy".to_owned())];
    go(&first).unwrap();
    let split = dir.path().join("run/split.json");
    let again =
        TrainArgs { folds: None, split: Some(split.clone()), out: Some(dir.path().join("again")), ..args(dir.path()) };
    go(&again).unwrap();
    let folder = |run: &str| RunFolder::open(&dir.path().join(run)).unwrap();
    assert_eq!(folder("again").split().unwrap(), folder("run").split().unwrap());
    assert_eq!(folder("again").network().unwrap(), folder("run").network().unwrap());
    let mut other = TrainArgs { out: Some(dir.path().join("other")), ..again };
    other.training.corpus.labels.labels = vec!["sad".to_owned(), "fear".to_owned()];
    let error = format!("{:#}", go(&other).unwrap_err());
    assert!(error.contains("the labels differ: the split has happy, sad") && error.contains("fear, sad"), "{error}");
    assert!(!dir.path().join("other").exists());
}
