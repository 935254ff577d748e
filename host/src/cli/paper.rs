//! `host paper`: the paper's experiment, reproduced in one command.

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use ser_core::spec;

use crate::cli::crossval::display::Display;
use crate::cli::data_options::{CacheOption, CorpusOption, count, tell};
use crate::cli::options::TrainingOptions;
use crate::cli::train::DEFAULT_SEED;
use crate::corpus::Corpus;
use crate::corpus::labels::Labels;
use crate::corpus::split::{Part, Split};
use crate::experiments::baseline::{self, Evaluation};
use crate::experiments::crossval::run::{self, Crossval};
use crate::experiments::paper::{Kind, NAMES, PROTOCOLS, REPEATED, Splits, System, gather, repeated, systems};
use crate::files::write_json;
use crate::interrupt::Stop;
use crate::report::paper::PaperReport;
use crate::shares::percent;
use crate::training::run::Config;
use crate::training::session::Outcome;

/// Reproduce the paper that ser starts from: its network, recipe, figures and table of comparison.
///
/// Trains, exports and evaluates the paper's network and the systems that the paper compares it with, all on the same
/// splits. Then writes a page with the printed figures beside the measured ones. The systems that hear log-mel rows run
/// twice: on the recordings as they are, and with the cues of the recording session removed. Ctrl-C or SIGTERM stops with
/// exit code 130; the same command then continues and does not repeat finished work. All systems together take hours on a small machine; --only
/// picks the systems to begin with.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  host paper --corpus casia\n  \
                        host paper --corpus casia --only paper,edge --out runs/paper-casia\n  \
                        host paper --corpus casia --page")]
pub struct PaperArgs {
    #[command(flatten)]
    corpus: CorpusOption,
    /// Folder of all results [default: runs/paper-CORPUS].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only these systems [default: all].
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', value_parser = PossibleValuesParser::new(NAMES))]
    only: Vec<String>,
    /// Passes over the training part, for all networks [default: as each network's recipe says].
    #[arg(long)]
    epochs: Option<usize>,
    /// Number of trainings at the same time, each on one thread [default: number of cores].
    #[arg(long, value_name = "N", value_parser = count)]
    jobs: Option<NonZeroUsize>,
    /// Train nothing; write the page of the finished systems.
    #[arg(long)]
    page: bool,
    /// Also write the figures to this JSON file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    cache: CacheOption,
}

/// Does what is not finished yet, until `stop` is asked. Then writes the page.
///
/// # Errors
///
/// If the corpus is unusable, a folder holds results of other options or cannot be written, or a training fails.
pub fn run(args: &PaperArgs, stop: &Stop) -> Result<Outcome> {
    let known = systems();
    let (_, corpus) = args.options("edge").plan(None, DEFAULT_SEED, None)?;
    ensure!(
        corpus.labels == Labels::emotions(),
        "the paper has the labels {}, corpus {} is read with {}; see --labels and --map",
        Labels::emotions(),
        corpus.name,
        corpus.labels
    );
    let root = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(format!("paper-{}", corpus.name)));
    if !args.page {
        let wanted: Vec<System> =
            known.into_iter().filter(|system| args.only.is_empty() || args.only.contains(&system.name)).collect();
        let of_paper = wanted.iter().find(|system| **system == System::paper());
        let of_repeated = of_paper.and_then(|system| Some((system, repeated(&corpus)?)));
        let mut steps: Vec<(Splits, &System, &Corpus)> =
            PROTOCOLS.iter().flat_map(|splits| wanted.iter().map(|system| (*splits, system, &corpus))).collect();
        steps.extend(of_repeated.as_ref().map(|(system, corpus)| (REPEATED, *system, corpus)));
        for (place, (splits, system, corpus)) in steps.iter().enumerate() {
            println!("[{} of {}] {}, {system}", place + 1, steps.len(), splits.name);
            let folder = splits.folder(&root, system);
            match system.kind {
                Kind::Network => args.train(corpus, &folder, splits, system, stop)?,
                Kind::Baseline => args.fit(corpus, &folder, splits, system, stop)?,
            }
            if stop.is_asked() {
                println!("stopped; the same command goes on where it was");
                return Ok(Outcome::Stopped);
            }
        }
    }
    args.write(&corpus, &root)?;
    Ok(Outcome::Finished)
}

impl PaperArgs {
    fn options(&self, preset: &str) -> TrainingOptions {
        TrainingOptions {
            corpus: self.corpus.clone(),
            preset: Some(preset.to_owned()),
            epochs: self.epochs,
            ..TrainingOptions::default()
        }
    }

    /// Trains, exports and evaluates a network on its unfinished splits.
    fn train(&self, corpus: &Corpus, folder: &Path, splits: &Splits, system: &System, stop: &Stop) -> Result<()> {
        let config =
            Config { corpus: corpus.name.clone(), ..self.options(&system.name).configure(None, DEFAULT_SEED)? };
        let crossval = Crossval {
            root: folder,
            config: &config,
            corpus,
            splits: run::Splits::Dealt { protocol: splits.protocol, folds: None, seed: None },
            validation: None,
            cache: &self.cache.folder,
        };
        let pending = crossval.prepare(&[system.condition], splits.seeds, splits.fold)?;
        if pending.is_empty() {
            return Ok(());
        }
        let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let display = Display::new(&pending, config.recipe.all_epochs());
        let failed = crossval.run(&pending, jobs, stop, &|fold, event| display.show(fold, event))?;
        display.close();
        if let Some((fold, error)) = failed.into_iter().next() {
            return Err(error.context(format!("{system}, {fold}")));
        }
        Ok(())
    }

    /// Fits a baseline to the training part of each of its unfinished splits, and saves its answers to the test part.
    fn fit(&self, corpus: &Corpus, folder: &Path, splits: &Splits, system: &System, stop: &Stop) -> Result<()> {
        let baseline = system.baseline()?;
        let front_end = system.condition.front_end(spec::edge().front_end);
        let cache = self.cache.of(&front_end)?;
        for (seed, fold) in splits.each() {
            let path = system.answers(folder, seed, fold);
            let split = Split::new(corpus, splits.protocol, None, fold, seed)?;
            if let Some(evaluation) = Evaluation::load(&path)? {
                let is_of = evaluation.is_of(&split.part(corpus, Part::Test)?);
                ensure!(
                    is_of,
                    "{} holds answers to other utterances, of another corpus or of this one before it changed",
                    path.display()
                );
                continue;
            }
            if stop.is_asked() {
                return Ok(());
            }
            let evaluation = baseline::evaluate(baseline, corpus, &cache, &split)?;
            tell(&evaluation.skipped);
            println!("fold {fold} seed {seed}: WAR {}", percent(evaluation.confusion.war()));
            evaluation.save(&path)?;
        }
        Ok(())
    }

    /// Writes the page and the figures of all finished systems.
    fn write(&self, corpus: &Corpus, root: &Path) -> Result<()> {
        let comparison = gather(root)?;
        ensure!(!comparison.rows.is_empty(), "nothing is finished in {}", root.display());
        print!("{comparison}");
        let report = PaperReport::new(root, corpus, comparison)?;
        write_json(&root.join("paper.json"), &report)?;
        if let Some(path) = &self.json {
            write_json(path, &report)?;
        }
        let written = report.write(root)?;
        println!("{}: the page, and {} pictures beside it as SVG and PNG", written.page.display(), written.pictures);
        Ok(())
    }
}
