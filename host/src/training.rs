//! A training from its run folder: features, epochs, checkpoints. `host train` and `host crossval` both run it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cache::FeatureCache;
use crate::corpus::{Corpus, Problem, Utterance};
use crate::evaluate::evaluate;
use crate::features::Rows;
use crate::float_network::FloatNetwork;
use crate::run::{Config, EpochMetrics, RunFolder};
use crate::split::{Part, Split};
use crate::train::{Example, StepReport, Trainer};

/// Epochs shorter than this are not saved one by one.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// What is trained, on what, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// The run folder, made or opened for this configuration and split.
    pub folder: &'a RunFolder,
    /// The configuration.
    pub config: &'a Config,
    /// The split.
    pub split: &'a Split,
    /// The corpus that the split is of.
    pub corpus: &'a Corpus,
    /// Rows of the network's front end.
    pub cache: &'a FeatureCache,
}

/// What a training tells as it goes.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// An utterance was skipped.
    Skipped(&'a Problem),
    /// Training begins after so many epochs: 0, or those of the checkpoint.
    Started(usize),
    /// A step was made.
    Step(&'a StepReport),
    /// An epoch of the teacher with this index, from 0, was finished.
    TeacherEpoch(usize, &'a EpochMetrics),
    /// An epoch was finished.
    Epoch(&'a EpochMetrics),
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// It was asked to stop; the checkpoint goes on from there.
    Stopped,
}

impl Training<'_> {
    /// Trains from the folder's checkpoint, or from the start if there is none, until all epochs are done or `stop` is
    /// set. A folder without a checkpoint but with network and metrics of all epochs before the quantisation-aware
    /// stage goes on with that stage.
    ///
    /// # Errors
    ///
    /// If the checkpoint is damaged, the training part has no usable utterance of a class, the folder or the cache
    /// cannot be written, or training diverges.
    pub fn run(&self, stop: &AtomicBool, tell: &mut dyn FnMut(Progress<'_>)) -> Result<Outcome> {
        let Some(teachers) = self.teachers(stop, tell)? else { return Ok(Outcome::Stopped) };
        let mut trainer = Trainer::new(self.config.clone(), self.examples(tell)?)?;
        for (network, backwards) in &teachers {
            trainer.add_teacher(network, *backwards)?;
        }
        let validation = self.split.part(self.corpus, Part::Validation)?;
        if let Some(bytes) = self.folder.checkpoint()? {
            trainer.restore(&bytes)?;
        } else if self.config.recipe.qat_epochs > 0 {
            let metrics = self.folder.metrics()?;
            if metrics.len() == self.config.recipe.epochs {
                trainer.begin_behind(&self.folder.network()?, metrics)?;
            }
        }
        tell(Progress::Started(trainer.history().len()));
        let mut saved = Instant::now();
        while !trainer.is_finished() {
            if stop.load(Ordering::Relaxed) {
                self.save(&trainer)?;
                return Ok(Outcome::Stopped);
            }
            let report = trainer.step()?;
            tell(Progress::Step(&report));
            if report.finished.is_none() {
                continue;
            }
            if !validation.is_empty() {
                let mut skip = |problem: &Problem| tell(Progress::Skipped(problem));
                let result =
                    evaluate(&trainer.classifier()?, self.cache, &validation, &self.config.network.labels, &mut skip)?;
                trainer.record_validation(result.war, result.uar);
            }
            if let Some(metrics) = trainer.history().last() {
                tell(Progress::Epoch(metrics));
            }
            if saved.elapsed() >= CHECKPOINT_INTERVAL || trainer.is_finished() {
                self.save(&trainer)?;
                saved = Instant::now();
            }
        }
        Ok(Outcome::Finished)
    }

    /// Trains those of the recipe's teachers that are not trained yet, each in a run folder within this one. Returns
    /// all, and whether they hear backwards; None if it was asked to stop.
    fn teachers(
        &self,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Vec<(FloatNetwork, bool)>>> {
        let Some(distillation) = &self.config.recipe.distillation else { return Ok(Some(Vec::new())) };
        let mut teachers = Vec::new();
        for index in 0..distillation.teachers {
            let config = self.config.teacher(distillation, index);
            let path = self.folder.teacher_path(index);
            let folder = match RunFolder::open(&path) {
                Ok(folder) if folder.is_of(&config, self.split)? => folder,
                _ => RunFolder::create(&path, &config, self.split, true)?,
            };
            if folder.metrics()?.len() < config.recipe.all_epochs() {
                let training = Training { folder: &folder, config: &config, ..*self };
                let mut of_teacher = |progress: Progress<'_>| match progress {
                    Progress::Skipped(_) => tell(progress),
                    Progress::Started(_) | Progress::Step(_) => {}
                    Progress::Epoch(metrics) | Progress::TeacherEpoch(_, metrics) => {
                        tell(Progress::TeacherEpoch(index, metrics))
                    }
                };
                if training.run(stop, &mut of_teacher)? == Outcome::Stopped {
                    return Ok(None);
                }
            }
            teachers.push((folder.network()?, config.recipe.backwards));
        }
        Ok(Some(teachers))
    }

    /// Network and metrics first: a checkpoint never promises epochs that they lack.
    fn save(&self, trainer: &Trainer) -> Result<()> {
        if !trainer.history().is_empty() {
            self.folder.save_network(&trainer.network()?)?;
            self.folder.save_metrics(trainer.history())?;
        }
        self.folder.save_checkpoint(&trainer.checkpoint()?)
    }

    /// The usable training utterances at all speeds of the recipe.
    fn examples(&self, tell: &mut dyn FnMut(Progress<'_>)) -> Result<Vec<Example>> {
        let utterances: Vec<&Utterance> = self.split.part(self.corpus, Part::Train)?;
        let mut examples: Vec<Example> = utterances.iter().map(|u| example(u)).collect();
        let speeds = &self.config.recipe.augmentation.speeds;
        for (index, &speed) in speeds.iter().enumerate() {
            let extracted = self.cache.log_mel_of_part(self.corpus, &utterances, speed)?;
            for ((example, rows), utterance) in examples.iter_mut().zip(extracted).zip(&utterances) {
                let usable: Result<Rows, String> =
                    rows.and_then(|rows| if rows.is_empty() { Err("nothing but silence".into()) } else { Ok(rows) });
                match usable {
                    Ok(rows) => example.speeds.push(rows),
                    Err(reason) if example.speeds.len() == index => {
                        tell(Progress::Skipped(&Problem { path: utterance.id.clone(), reason }));
                    }
                    Err(_) => {}
                }
            }
        }
        examples.retain(|example| example.speeds.len() == speeds.len());
        Ok(examples)
    }
}

/// An utterance without its rows.
fn example(utterance: &Utterance) -> Example {
    Example {
        speeds: Vec::new(),
        class: utterance.emotion,
        speaker: utterance.speaker.clone(),
        sentence: utterance.sentence.clone(),
    }
}
