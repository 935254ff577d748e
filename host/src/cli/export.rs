//! `host export`: the model files of a run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::cli::data_options::{CacheOption, tell};
use crate::evaluation::predictions::Predictions;
use crate::experiments::crossval::{calibrate, gather};
use crate::files::write_atomic;
use crate::model::model_file::Confidence;
use crate::model::trained::path_beside;
use crate::training::export::export_run;
use crate::training::run::{Config, RunFolder};

/// Export a trained run: model.ser (int8) for the core, and model.onnx (float) to compare it with. model.trained.json
/// tells an evaluation which recordings the model was trained on.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  host export runs/casia-edge-sentence-0\n  \
                        host export runs/casia-all --calibrate runs/crossval-casia-edge-sentence")]
pub struct ExportArgs {
    /// Folder of a run.
    #[arg(default_value = "runs/synthetic-1-edge-speaker-0", value_name = "RUN")]
    run: PathBuf,
    /// Write the int8 model. With neither --int8 nor --onnx, both files are written.
    #[arg(long)]
    int8: bool,
    /// Write the float model as ONNX.
    #[arg(long)]
    onnx: bool,
    /// Folder to write to [default: RUN].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Fit the temperature to the test answers of the cross-validation in this folder.
    #[arg(long, value_name = "DIR")]
    calibrate: Option<PathBuf>,
    /// Temperature of the model's probabilities, 0.01 to 100 [default: 1].
    #[arg(long, value_name = "T", conflicts_with = "calibrate")]
    temperature: Option<f32>,
    /// Confidence threshold, 0 to 1: the device reports an answer of a lower probability as not confident.
    #[arg(long, default_value_t = 0.5)]
    confidence: f32,
    /// Export a run that is still unfinished.
    #[arg(long)]
    unfinished: bool,
    #[command(flatten)]
    cache: CacheOption,
}

/// Runs the command.
///
/// # Errors
///
/// If the folder holds no trained run, the run is unfinished and `--unfinished` is not given, its corpus can't be opened, a number can't be quantised, or a file can't be
/// written. An error leaves no half-written file.
pub fn run(args: &ExportArgs) -> Result<()> {
    ensure!((0.0..=1.0).contains(&args.confidence), "--confidence is {}, wanted 0..=1", args.confidence);
    if let Some(temperature) = args.temperature {
        ensure!((0.01..=100.0).contains(&temperature), "--temperature is {temperature}, wanted 0.01..=100");
    }
    let folder = RunFolder::open(&args.run)?;
    let config = folder.config()?;
    let epochs = folder.epochs()?;
    ensure!(
        epochs.are_done() || args.unfinished,
        "{} is unfinished, {epochs} are done: finish it with `host train --resume --out {}`, or export it as it is with \
         --unfinished",
        args.run.display(),
        args.run.display()
    );
    if !epochs.are_done() {
        eprintln!("the run is unfinished: this is its network after {epochs}");
    }
    let corpus = config.open_corpus()?;
    let cache = args.cache.of(&config.network.front_end)?;
    let temperature = match &args.calibrate {
        Some(crossval) => fit_temperature(crossval, &config)?,
        None => args.temperature.unwrap_or(1.0),
    };
    let confidence = Confidence { temperature, threshold: args.confidence };
    let exported = export_run(&folder, &folder.split()?, &corpus, &cache, confidence)?;
    tell(&exported.problems);
    let out = args.out.as_deref().unwrap_or(folder.path());
    let both = !args.int8 && !args.onnx;
    if args.int8 || both {
        let path = out.join("model.ser");
        exported.save_model(&path)?;
        println!("{}: {} bytes", path.display(), exported.model.len());
        let recordings = exported.trained_on.recordings();
        println!("{}: what it was trained on, {recordings} recordings", path_beside(&path).display());
    }
    if args.onnx || both {
        let path = out.join("model.onnx");
        write_atomic(&path, &exported.onnx)?;
        println!("{}: {} bytes", path.display(), exported.onnx.len());
    }
    Ok(())
}

/// The temperature that fits the answers of all folds that have the network of the run.
fn fit_temperature(crossval: &Path, config: &Config) -> Result<f32> {
    let gathered = gather(crossval)?;
    let alike: Vec<&Predictions> =
        gathered.runs.iter().filter(|run| run.config.network == config.network).map(|run| &run.predictions).collect();
    ensure!(
        !alike.is_empty(),
        "no finished fold in {} has the network of the run, its front end included",
        crossval.display()
    );
    let folds = alike.len();
    let calibration = calibrate(alike)
        .with_context(|| format!("no answer in the {folds} folds of {} to fit to", crossval.display()))?;
    if !gathered.missing.is_empty() {
        eprintln!("{} folds of {} are unfinished and left out", gathered.missing.len(), crossval.display());
    }
    println!(
        "temperature {:.3} from {folds} folds of {}: expected calibration error {:.3}, at temperature 1 {:.3}",
        calibration.temperature,
        crossval.display(),
        calibration.error_after,
        calibration.error_before
    );
    Ok(calibration.temperature as f32)
}
