use super::*;
use crate::cli::data_options::CorpusOption;
use crate::cli::eval;
use crate::cli::tones::{write_recipe, write_tones};
use crate::corpus::split::Part;
use crate::model::model_file::Confidence;
use crate::training::export::export_run;
use crate::training::recipe::{Distillation, Recipe};
use crate::training::run::Backend;
use ser_core::spec::edge;

/// Options for a corpus of tones and a recipe of two short epochs.
fn args(dir: &Path) -> TrainArgs {
    write_tones(&dir.join("corpus"), &[("", 1.0)]);
    write_recipe(&dir.join("recipe.json"), 4);
    TrainArgs {
        training: TrainingOptions {
            corpus: CorpusOption { paths: vec![dir.join("corpus")], ..CorpusOption::default() },
            recipe: Some(dir.join("recipe.json")),
            ..TrainingOptions::default()
        },
        folds: Some(2),
        out: Some(dir.join("run")),
        cache: CacheOption { folder: dir.join("cache") },
        ..TrainArgs::default()
    }
}

fn go(args: &TrainArgs) -> Result<Outcome> {
    train(args, &Stop::default())
}

/// Trains until a signal that comes before the first step.
fn stopped(args: &TrainArgs) -> Outcome {
    let stop = Stop::default();
    stop.ask();
    train(args, &stop).unwrap()
}

#[test]
fn a_run_folder_holds_all_that_decides_the_result_and_all_that_came_out() {
    let dir = tempfile::tempdir().unwrap();
    let args = TrainArgs { validation: Some(0.5), ..args(dir.path()) };
    go(&args).unwrap();
    let folder = RunFolder::open(&dir.path().join("run")).unwrap();
    assert_eq!(folder.config().unwrap().recipe.epochs, 2);
    assert_eq!(folder.split().unwrap().utterances.len(), 24);
    assert!(folder.checkpoint().unwrap().is_some());
    let metrics = folder.metrics().unwrap();
    assert_eq!(metrics.len(), 2);
    assert!(metrics.iter().all(|epoch| epoch.validation_war.is_some()), "{metrics:?}");
    folder.network().unwrap();
    eval::run(&eval::EvalArgs::new(folder.path(), &args.cache.folder)).unwrap();
}

#[test]
fn a_backend_that_was_not_built_harms_no_run() {
    if cfg!(feature = "cuda") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut args = args(dir.path());
    go(&args).unwrap();
    let folder = RunFolder::open(&dir.path().join("run")).unwrap();
    let network = folder.network().unwrap();
    args.force = true;
    args.training.backend = Some(Backend::Cuda);
    let error = go(&args).unwrap_err().to_string();
    assert!(error.contains("--features cuda"), "{error}");
    assert_eq!(folder.network().unwrap(), network);
    // A run that was trained elsewhere with that backend can be evaluated here.
    let config = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    std::fs::write(folder.path().join("config.json"), config.replace("\"fast\"", "\"cuda\"")).unwrap();
    assert_eq!(folder.config().unwrap().backend, Backend::Cuda);
    eval::run(&eval::EvalArgs::new(folder.path(), &args.cache.folder)).unwrap();
}

#[test]
fn teachers_are_trained_in_the_run_folder_and_not_twice() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    go(&args).unwrap();
    let mut recipe: Recipe = serde_json::from_slice(&std::fs::read(dir.path().join("recipe.json")).unwrap()).unwrap();
    recipe.distillation = Some(Distillation { teachers: 2, backwards: 1, layers: None, epochs: 1, weight: 0.5 });
    std::fs::write(dir.path().join("recipe.json"), serde_json::to_vec(&recipe).unwrap()).unwrap();
    let taught = TrainArgs { out: Some(dir.path().join("taught")), ..args.clone() };
    assert_eq!(stopped(&taught), Outcome::Stopped);
    assert!(
        RunFolder::open(&dir.path().join("taught")).unwrap().network().is_err(),
        "asked to stop before its teachers were trained"
    );
    let resume =
        TrainArgs { resume: true, out: taught.out.clone(), cache: taught.cache.clone(), ..TrainArgs::default() };
    go(&resume).unwrap();
    let teacher = |index: &str| RunFolder::open(&dir.path().join("taught/teachers").join(index)).unwrap();
    assert!(!teacher("0").config().unwrap().recipe.backwards && teacher("1").config().unwrap().recipe.backwards);
    let teachers = [teacher("0").network().unwrap(), teacher("1").network().unwrap()];
    assert_ne!(teachers[0], teachers[1]);
    let network = |run: &str| RunFolder::open(&dir.path().join(run)).unwrap().network().unwrap();
    assert_ne!(network("taught"), network("run"));

    let checkpoint = dir.path().join("taught/teachers/0/checkpoint.bin");
    let written = std::fs::metadata(&checkpoint).unwrap().modified().unwrap();
    go(&resume).unwrap();
    assert_eq!(std::fs::metadata(&checkpoint).unwrap().modified().unwrap(), written);
    let folder = teacher("1");
    let seconds = |folder: &RunFolder| folder.metrics().unwrap().iter().map(|epoch| epoch.seconds).sum::<f64>();
    let run = RunFolder::open(&dir.path().join("taught")).unwrap();
    let all = seconds(&run) + seconds(&teacher("0")) + seconds(&folder);
    assert!((run.training_seconds().unwrap() - all).abs() < 1e-9 && all > seconds(&run));
    let (config, cache) = (folder.config().unwrap(), args.cache.of(&edge().front_end).unwrap());
    let confidence = Confidence { temperature: 1.0, threshold: 0.5 };
    let exported = export_run(&folder, &folder.split().unwrap(), &config.open_corpus().unwrap(), &cache, confidence);
    let error = exported.unwrap_err().to_string();
    assert!(error.contains("from their end"), "{error}");
}

#[test]
fn options_change_the_teachers_of_a_recipe() {
    let recipe = |epochs: Option<usize>, teachers: Option<usize>, preset: &str| {
        let options =
            TrainingOptions { epochs, teachers, preset: Some(preset.to_owned()), ..TrainingOptions::default() };
        options.configure(None, 1).map(|config| config.recipe)
    };
    let teachers = |epochs, teachers, preset| {
        recipe(epochs, teachers, preset)
            .unwrap()
            .distillation
            .map(|found| (found.teachers, found.backwards, found.epochs))
    };
    assert_eq!(teachers(None, None, "edge"), Some((4, 2, 150)));
    assert_eq!(teachers(None, None, "rnn"), None);
    assert_eq!(recipe(None, None, "cnn").unwrap(), Recipe::strangers());
    assert_eq!(teachers(Some(100), None, "edge"), Some((4, 2, 50)), "in proportion");
    assert_eq!(teachers(Some(1), None, "edge"), Some((4, 2, 1)));
    assert_eq!(teachers(Some(100), Some(3), "edge"), Some((3, 1, 50)));
    assert_eq!(teachers(Some(100), Some(1), "rnn"), Some((1, 0, 50)));
    assert_eq!(recipe(None, Some(0), "edge").unwrap(), Recipe::default());
    let error = recipe(None, Some(17), "edge").unwrap_err().to_string();
    assert!(error.contains("teachers is 17, wanted 1..=16"), "{error}");
}

#[test]
fn a_recipe_that_hears_backwards_is_for_teachers_only() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    let recipe = Recipe { backwards: true, ..Recipe::default() };
    std::fs::write(dir.path().join("recipe.json"), serde_json::to_vec(&recipe).unwrap()).unwrap();
    let error = go(&args).unwrap_err().to_string();
    assert!(error.contains("backwards"), "{error}");
}

#[test]
fn a_network_of_ones_own_is_trained_under_the_name_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    let mut network = edge();
    network.front_end.mel_bands = 20;
    let file = dir.path().join("narrow.json");
    std::fs::write(&file, serde_json::to_vec(&network).unwrap()).unwrap();
    let with_network = TrainArgs {
        training: TrainingOptions { network: Some(file.clone()), ..args.training.clone() },
        ..args.clone()
    };
    go(&with_network).unwrap();
    let folder = RunFolder::open(&dir.path().join("run")).unwrap();
    let config = folder.config().unwrap();
    assert_eq!((config.preset.as_str(), config.network), ("narrow", network.clone()));
    assert_eq!(folder.network().unwrap().network, network);

    network.layers.pop();
    std::fs::write(&file, serde_json::to_vec(&network).unwrap()).unwrap();
    let error = go(&TrainArgs { force: true, ..with_network.clone() }).unwrap_err();
    assert!(format!("{error:#}").contains("narrow.json"), "{error:#}");
    std::fs::write(&file, "{").unwrap();
    assert!(format!("{:#}", go(&with_network).unwrap_err()).contains("narrow.json is no network"));
}

#[test]
fn trained_on_all_nothing_is_left_to_test_on() {
    let dir = tempfile::tempdir().unwrap();
    let args = TrainArgs { all: true, folds: None, ..args(dir.path()) };
    go(&args).unwrap();
    let folder = RunFolder::open(&dir.path().join("run")).unwrap();
    let split = folder.split().unwrap();
    assert!(split.utterances.len() == 24 && split.utterances.iter().all(|entry| entry.part == Part::Train));
    folder.network().unwrap();
    let error = eval::run(&eval::EvalArgs::new(folder.path(), &args.cache.folder)).unwrap_err();
    assert!(format!("{error:#}").contains("test"), "{error:#}");
}

#[test]
fn a_run_that_is_stopped_and_resumed_is_a_run_that_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    go(&args).unwrap();
    let other = TrainArgs { out: Some(dir.path().join("other")), ..args.clone() };
    assert_eq!(stopped(&other), Outcome::Stopped);
    go(&TrainArgs { resume: true, out: other.out.clone(), cache: other.cache.clone(), ..TrainArgs::default() })
        .unwrap();
    let network = |run: &str| RunFolder::open(&dir.path().join(run)).unwrap().network().unwrap();
    assert_eq!(network("other"), network("run"));
}

#[test]
fn a_folder_with_a_run_is_not_overwritten_unless_asked() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    go(&args).unwrap();
    let error = go(&args).unwrap_err().to_string();
    assert!(error.contains("--resume") && error.contains("--force"), "{error}");
    go(&TrainArgs { force: true, ..args.clone() }).unwrap();
    let error = go(&TrainArgs { resume: true, seed: Some(9), ..args }).unwrap_err().to_string();
    assert!(error.contains("another configuration"), "{error}");
}

#[test]
fn a_quantisation_aware_stage_from_a_finished_run_is_that_of_one_run_stopped_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    let out = |name: &str| Some(dir.path().join(name));
    let args = TrainArgs { training: TrainingOptions { teachers: Some(1), ..args.training }, ..args };
    go(&args).unwrap();
    let with_stage = TrainingOptions { qat: Some(1), ..args.training.clone() };
    go(&TrainArgs { training: with_stage, out: out("one"), ..args.clone() }).unwrap();
    let from = TrainArgs {
        training: TrainingOptions { qat: Some(1), ..TrainingOptions::default() },
        from: args.out.clone(),
        out: out("from"),
        cache: args.cache.clone(),
        ..TrainArgs::default()
    };
    assert_eq!(stopped(&from), Outcome::Stopped);
    // Without a checkpoint the folder looks like that of a run that was killed early.
    std::fs::remove_file(dir.path().join("from/checkpoint.bin")).unwrap();
    go(&TrainArgs { resume: true, out: from.out.clone(), cache: from.cache.clone(), ..TrainArgs::default() }).unwrap();
    let folder = |run: &str| RunFolder::open(&dir.path().join(run)).unwrap();
    assert_eq!(folder("from").network().unwrap(), folder("one").network().unwrap());
    assert_ne!(folder("from").network().unwrap(), folder("run").network().unwrap());
    assert_eq!(folder("from").config().unwrap(), folder("one").config().unwrap());
    assert_eq!(folder("from").metrics().unwrap().len(), 3);
    let teacher = |run: &str| std::fs::read(folder(run).teacher_path(0).join("metrics.csv")).unwrap();
    assert_eq!(teacher("from"), teacher("run"), "its wall times too: it was copied, not trained again");

    let refused = |args: TrainArgs| format!("{:#}", go(&args).unwrap_err());
    assert!(refused(TrainArgs { from: out("from"), out: out("again"), ..from.clone() }).contains("already"));
    let none = TrainingOptions { qat: Some(0), ..TrainingOptions::default() };
    assert!(refused(TrainArgs { training: none, out: out("again"), ..from.clone() }).contains("--qat is 0"));
    std::fs::write(dir.path().join("run/metrics.csv"), "").unwrap();
    assert!(refused(TrainArgs { out: out("again"), ..from }).contains("0 of 2 epochs"));
    assert!(!dir.path().join("again").exists());
}

#[test]
fn an_unreadable_utterance_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    std::fs::write(dir.path().join("corpus/sad/1.wav"), b"RIFF").unwrap();
    std::fs::write(dir.path().join("corpus/sad/2.wav"), b"RIFF").unwrap();
    go(&args).unwrap();
    eval::run(&eval::EvalArgs::new(&dir.path().join("run"), &args.cache.folder)).unwrap();
}

#[test]
fn unusable_options_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let args = args(dir.path());
    let refused = |args: TrainArgs| format!("{:#}", go(&args).unwrap_err());
    let training = |change: TrainingOptions| TrainArgs { training: change, ..args.clone() };
    assert!(
        refused(training(TrainingOptions { preset: Some("huge".into()), ..args.training.clone() })).contains("'huge'")
    );
    assert!(refused(training(TrainingOptions { epochs: Some(0), ..args.training.clone() })).contains("epochs is 0"));
    let nowhere = CorpusOption { paths: vec![dir.path().join("nowhere")], ..CorpusOption::default() };
    assert!(refused(training(TrainingOptions { corpus: nowhere, ..args.training.clone() })).contains("nowhere"));
    assert!(refused(TrainArgs { fold: Some(7), ..args.clone() }).contains("fold"));
    assert!(refused(TrainArgs { resume: true, ..args }).contains("holds no run"));
    assert!(!dir.path().join("run").exists());
}

mod corpora;
