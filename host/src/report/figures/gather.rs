//! Finds run folders and reads from them what a report is made of.

use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};

use crate::corpus::origin::Origin;
use crate::corpus::skipped::lines;
use crate::corpus::split::{Part, Split};
use crate::evaluation::compare::predict;
use crate::evaluation::predictions::Predictions;
use crate::evaluation::sweep::SweepReport;
use crate::model::float_model::FloatModel;
use crate::model::inspect::{parse_model, state_bytes};
use crate::training::run::{Config, EpochMetrics, Epochs, RunFolder, epochs_wanted};

/// A run, with everything that a report shows of it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Path of its folder below the folder that was asked for. If that is the run itself: the name of the folder.
    pub name: String,
    /// The condition, as `host crossval` lays runs out: `name` without its last folder and the `seed-` folders before.
    pub condition: String,
    /// What was trained and how.
    pub config: Config,
    /// Which utterances it was trained on and which it is tested on.
    pub split: Split,
    /// Metrics of each epoch, in order.
    pub epochs: Vec<EpochMetrics>,
    /// Answers of both models to the test part.
    pub predictions: Predictions,
    /// Figures of the model file, if there is one.
    pub model: Option<ModelFile>,
    /// Figures under distortions, if there is a `sweep.json`.
    pub sweep: Option<SweepReport>,
}

/// Figures of a model file.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct ModelFile {
    /// Length of the file, bytes.
    pub bytes: usize,
    /// Memory of a recognizer with its state, bytes.
    pub state_bytes: usize,
    /// Temperature of the softmax.
    pub temperature: f64,
    /// Least probability of an answer that counts as sure.
    pub confidence_threshold: f64,
}

impl Run {
    /// How far the training is.
    pub fn progress(&self) -> Epochs {
        Epochs { done: self.epochs.len(), all: epochs_wanted(&self.config.recipe, &self.epochs) }
    }

    /// The temperature of the model file, at which the device computes probabilities; 1 without a model file.
    pub fn temperature(&self) -> f64 {
        self.model.map_or(1.0, |model| model.temperature)
    }
}

/// The folders of runs: `path` itself if it is a run, otherwise all runs below it, sorted by path.
///
/// # Errors
///
/// If `path` is no folder, a folder below it can't be read, or there is no run.
pub fn find(path: &Path) -> Result<Vec<PathBuf>> {
    ensure!(path.is_dir(), "{} is no folder: wanted a run, or a folder of runs", path.display());
    let mut runs = Vec::new();
    descend(path, &mut runs)?;
    ensure!(
        !runs.is_empty(),
        "no run in {}: wanted a folder made by `host train` or `host crossval`, with config.json and split.json",
        path.display()
    );
    runs.sort();
    Ok(runs)
}

fn descend(folder: &Path, runs: &mut Vec<PathBuf>) -> Result<()> {
    if folder.join("config.json").is_file() && folder.join("split.json").is_file() {
        runs.push(folder.to_owned());
        return Ok(());
    }
    let context = || format!("cannot read the folder {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        // Links are not followed: they may form a circle.
        if entry.file_type().with_context(context)?.is_dir() {
            descend(&entry.path(), runs)?;
        }
    }
    Ok(())
}

/// Reads the run in `path`, which was found below `root`. If it lacks predictions, computes them and writes them to its
/// `predictions.json`. `corpus` replaces the path of the recordings that the run names.
///
/// # Errors
///
/// If a file is damaged, or there are neither predictions nor the models to compute them with.
pub fn load(root: &Path, path: &Path, corpus: Option<&Path>) -> Result<Run> {
    let folder = RunFolder::open(path)?;
    let (mut config, split) = (folder.config()?, folder.split()?);
    ensure!(
        split.tests(),
        "{} has no test part: it was trained on all utterances, as a model to ship. Its figures come from a \
         cross-validation: `host crossval`, then `host report` on its folder",
        path.display()
    );
    if let Some(corpus) = corpus {
        config.corpora = moved(&config.corpora, corpus)?;
    }
    let model_path = path.join("model.ser");
    let model_bytes = if model_path.exists() {
        Some(std::fs::read(&model_path).with_context(|| format!("cannot read {}", model_path.display()))?)
    } else {
        None
    };
    let model = match &model_bytes {
        Some(bytes) => {
            let model = parse_model(&model_path.display().to_string(), bytes)?;
            Some(ModelFile {
                bytes: bytes.len(),
                state_bytes: state_bytes(&model),
                temperature: f64::from(model.temperature()),
                confidence_threshold: f64::from(model.confidence_threshold()),
            })
        }
        None => None,
    };
    let predictions = predictions(path, &config, &split, model_bytes.as_deref())?;
    let (name, condition) = names(root, path);
    let sweep = path.join("sweep.json");
    let sweep = if sweep.exists() { Some(SweepReport::load(&sweep)?) } else { None };
    Ok(Run { name, condition, epochs: folder.metrics()?, sweep, config, split, predictions, model })
}

/// The answers on file. If there are none, or a model file is younger, the models give new ones.
fn predictions(path: &Path, config: &Config, split: &Split, model: Option<&[u8]>) -> Result<Predictions> {
    let file = path.join("predictions.json");
    let answered = modified(&file);
    let young = |name: &str| modified(&path.join(name)).zip(answered).is_some_and(|(model, answers)| model > answers);
    let stale = young("model.ser") || young("model.onnx");
    let onnx = path.join("model.onnx");
    let predictions = if file.exists() && !stale {
        Predictions::load(&file)?
    } else {
        let Some(model) = model.filter(|_| onnx.exists()) else {
            bail!(
                "no model.ser and model.onnx to {} predictions.json with: `host export` writes them",
                if stale { "renew" } else { "make" }
            );
        };
        let onnx = std::fs::read(&onnx).with_context(|| format!("cannot read {}", onnx.display()))?;
        let predictions = answers(model, &onnx, config, split)
            .with_context(|| format!("cannot recognise the test part of {}", path.display()))?;
        predictions.save(&file)?;
        predictions
    };
    let labels: Vec<&str> = config.network.labels.iter().map(|label| label.as_str()).collect();
    ensure!(
        predictions.labels == labels,
        "{} has the labels {}, the network {}",
        file.display(),
        predictions.labels.join(", "),
        labels.join(", ")
    );
    ensure!(!predictions.utterances.is_empty(), "{} holds no answer", file.display());
    ensure!(
        predictions.utterances.iter().all(|utterance| utterance.truth < labels.len()),
        "{}: a truth is no label",
        file.display()
    );
    Ok(predictions)
}

/// The answers of both models to the test part. An utterance that can't be read is reported, skipped and counted.
fn answers(model: &[u8], onnx: &[u8], config: &Config, split: &Split) -> Result<Predictions> {
    let model = parse_model("model.ser", model)?;
    let corpus = config.open_corpus()?;
    let utterances = split.part(&corpus, Part::Test)?;
    eprintln!("recognising {} utterances with both models", utterances.len());
    let (predictions, problems) = predict(&model, &FloatModel::from_onnx(onnx)?, &utterances)?;
    lines(&problems).iter().for_each(|line| eprintln!("{line}"));
    ensure!(!predictions.utterances.is_empty(), "none of the {} utterances could be read", utterances.len());
    Ok(predictions)
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

/// Name and condition of the run in `path`, which was found below `root`.
fn names(root: &Path, path: &Path) -> (String, String) {
    let below = path.strip_prefix(root).unwrap_or(path);
    let mut folders: Vec<String> = below
        .components()
        .filter_map(|component| {
            if let Component::Normal(name) = component { Some(name.to_string_lossy().into_owned()) } else { None }
        })
        .collect();
    if folders.is_empty() {
        // A path such as `.` has no name until it is resolved.
        let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        return (
            resolved.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned()),
            String::new(),
        );
    }
    let name = folders.join("/");
    folders.pop();
    while folders.last().is_some_and(|folder| folder.starts_with("seed-")) {
        folders.pop();
    }
    (name, folders.join("/"))
}

/// The corpora of a run, found elsewhere. They are read as the run read them.
fn moved(origins: &[Origin], path: &Path) -> Result<Vec<Origin>> {
    if Origin::is_list(path) {
        return Origin::list(path);
    }
    ensure!(
        origins.len() < 2,
        "the run has {} corpora: --corpus must be a TOML list of them, it is {}",
        origins.len(),
        path.display()
    );
    let new = Origin::new(path);
    Ok(vec![origins.first().map_or(new.clone(), |origin| Origin { path: new.path, ..origin.clone() })])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_condition_of_a_run_is_its_path_without_seed_and_fold() {
        let names = |path: &str| names(Path::new("out"), Path::new(path));
        assert_eq!(names("out/as-recorded/seed-1/fold-0"), ("as-recorded/seed-1/fold-0".into(), "as-recorded".into()));
        assert_eq!(names("out/seed-1/fold-0"), ("seed-1/fold-0".into(), String::new()));
        assert_eq!(names("out"), ("out".into(), String::new()));
    }

    #[test]
    fn a_folder_without_runs_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/config.json"), "{}").unwrap();
        assert!(find(dir.path()).unwrap_err().to_string().contains("no run in"));
        assert!(find(&dir.path().join("nowhere")).unwrap_err().to_string().contains("is no folder"));
    }

    #[test]
    fn a_corpus_that_was_moved_is_read_as_the_run_read_it() {
        let run = [Origin { layout: Some("folders".to_owned()), weight: 2.0, ..Origin::new(Path::new("before")) }];
        let [origin] = &moved(&run, Path::new("behind")).unwrap()[..] else { panic!("one corpus") };
        assert_eq!((origin.path.as_path(), origin.layout.as_deref()), (Path::new("behind"), Some("folders")));
        let two = [run[0].clone(), Origin::new(Path::new("other"))];
        let error = moved(&two, Path::new("behind")).unwrap_err().to_string();
        assert!(error.contains("the run has 2 corpora: --corpus must be a TOML list"), "{error}");
    }
}
