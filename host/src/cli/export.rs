//! `host export`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::cache::FeatureCache;
use crate::export::export_run;
use crate::files::write_atomic;
use crate::model_file::Confidence;
use crate::run::RunFolder;

/// Exports a trained run: model.ser, int8, for the core, and model.onnx, float, to compare it with.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: host export runs/casia-edge-sentence-0")]
pub struct ExportArgs {
    /// The folder of a run.
    #[arg(default_value = "runs/synthetic-1-edge-sentence-0", value_name = "RUN")]
    run: PathBuf,
    /// Write the int8 model. Without --int8 and --onnx both are written.
    #[arg(long)]
    int8: bool,
    /// Write the float ONNX.
    #[arg(long)]
    onnx: bool,
    /// Folder to write to, if not that of the run.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A prediction whose probability is below this is marked as not to be believed.
    #[arg(long, default_value_t = 0.5)]
    confidence: f32,
    /// Where log-mel rows are kept between runs.
    #[arg(long, value_name = "DIR", default_value = "runs/.features")]
    cache: PathBuf,
}

/// Runs the command.
///
/// # Errors
///
/// If the folder holds no trained run, its corpus can't be opened, a number can't be quantised, or a file can't be written; no
/// half-written file is left.
pub fn run(args: &ExportArgs) -> Result<()> {
    ensure!((0.0..=1.0).contains(&args.confidence), "--confidence is {}, wanted 0..=1", args.confidence);
    let folder = RunFolder::open(&args.run)?;
    let config = folder.config()?;
    let corpus = config.open_corpus()?;
    let cache = FeatureCache::new(&config.network.front_end, Some(&args.cache))?;
    let confidence = Confidence { temperature: 1.0, threshold: args.confidence };
    let (exported, problems) = export_run(&folder, &folder.split()?, &corpus, &cache, confidence)?;
    for problem in problems {
        eprintln!("skipped {problem}");
    }
    let out = args.out.as_deref().unwrap_or(folder.path());
    let both = !args.int8 && !args.onnx;
    for (wanted, name, bytes) in [(args.int8 || both, "model.ser", &exported.model), (args.onnx || both, "model.onnx", &exported.onnx)] {
        if wanted {
            let path = out.join(name);
            write_atomic(&path, bytes)?;
            println!("{}: {} bytes", path.display(), bytes.len());
        }
    }
    Ok(())
}
