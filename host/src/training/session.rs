//! Trains from a run folder: features, epochs, checkpoints. `host train` and `host crossval` both use it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ser_core::spec::Label;

use crate::corpus::split::{Part, Split};
use crate::corpus::{Corpus, Problem, Utterance};
use crate::features::cache::FeatureCache;
use crate::features::kept::Kept;
use crate::interrupt::Stop;
use crate::model::float_network::FloatNetwork;
use crate::training::run::{Config, EpochMetrics, RunFolder};
use crate::training::train::{Classifier, Example, StepReport, Trainer};

/// A finished epoch is saved if the last save is at least this long ago, and always after the last epoch.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// What a training needs: the network, the data, and the folder for the results.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// The run folder, made or opened for this configuration and split.
    pub folder: &'a RunFolder,
    /// The configuration.
    pub config: &'a Config,
    /// The split.
    pub split: &'a Split,
    /// The corpus that was split.
    pub corpus: &'a Corpus,
    /// Rows of the network's front end.
    pub cache: &'a FeatureCache,
    /// Scores the validation part, if there is one, after each epoch.
    pub score: Score,
}

/// Recognises utterances and scores the answers.
pub type Score = fn(&Classifier, &[(&Utterance, Kept)], &[Label]) -> Result<Recall>;

/// The recall over a part, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recall {
    /// Mean over the classes, weighted by their sizes.
    pub war: f64,
    /// Mean over the classes, all with the same weight.
    pub uar: f64,
}

/// What a training reports while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// An utterance was skipped.
    Skipped(&'a Problem),
    /// Training begins after this many epochs: 0, or the epochs of the checkpoint.
    Started(usize),
    /// A step is done.
    Step(&'a StepReport),
    /// An epoch of the teacher with this index, from 0, is done.
    TeacherEpoch(usize, &'a EpochMetrics),
    /// An epoch is done.
    Epoch(&'a EpochMetrics),
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// `stop` was set; a later run continues from the checkpoint.
    Stopped,
}

impl Training<'_> {
    /// Trains from the folder's checkpoint, or from the start if there is none, until all epochs are done or `stop` is
    /// set. A folder without a checkpoint may hold a network and the metrics of all epochs before the
    /// quantisation-aware stage: training then begins with that stage.
    ///
    /// # Errors
    ///
    /// If the checkpoint is damaged, the training part has no usable utterance of a class, the folder or the cache
    /// cannot be written, or training diverges.
    pub fn run(&self, stop: &Stop, tell: &mut dyn FnMut(Progress<'_>)) -> Result<Outcome> {
        let Some(teachers) = self.teachers(stop, tell)? else { return Ok(Outcome::Stopped) };
        for &speed in &self.config.recipe.augmentation.speeds {
            if !self.cache.fill(self.corpus, speed, stop)? {
                return Ok(Outcome::Stopped);
            }
        }
        let mut trainer = Trainer::new(self.config.clone(), self.examples(tell)?)?;
        for (network, backwards) in &teachers {
            trainer.add_teacher(network, *backwards)?;
        }
        let validation = self.split.part(self.corpus, Part::Validation)?;
        let validation =
            self.cache.readable(self.corpus, &validation, &mut |problem| tell(Progress::Skipped(&problem)))?;
        ensure!(
            self.config.recipe.patience == 0 || !validation.is_empty(),
            "the recipe has a patience of {} epochs, but there is no validation part: give --validation SHARE",
            self.config.recipe.patience
        );
        if let Some(bytes) = self.folder.checkpoint()? {
            trainer.restore(&bytes).with_context(|| format!("cannot go on with {}", self.folder.path().display()))?;
        } else if self.config.recipe.qat_epochs > 0 {
            let metrics = self.folder.metrics()?;
            if metrics.len() == self.config.recipe.epochs {
                trainer.begin_behind(&self.folder.network()?, metrics)?;
            }
        }
        tell(Progress::Started(trainer.history().len()));
        // What was computed since the last save would be lost.
        let _guard = stop.guard();
        let mut saved = Instant::now();
        while !trainer.is_finished() {
            if stop.is_asked() {
                self.save(&trainer)?;
                return Ok(Outcome::Stopped);
            }
            let report = trainer.step()?;
            tell(Progress::Step(&report));
            if report.finished.is_none() {
                continue;
            }
            if !validation.is_empty() {
                let recall = (self.score)(&trainer.classifier()?, &validation, &self.config.network.labels)?;
                trainer.record_validation(recall.war, recall.uar);
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

    /// Trains the recipe's teachers that are not trained yet, each in a run folder within this one. Returns all
    /// teachers, each with whether it hears backwards; None if `stop` was set.
    fn teachers(&self, stop: &Stop, tell: &mut dyn FnMut(Progress<'_>)) -> Result<Option<Vec<(FloatNetwork, bool)>>> {
        let Some(distillation) = &self.config.recipe.distillation else { return Ok(Some(Vec::new())) };
        let mut teachers = Vec::new();
        for index in 0..distillation.teachers {
            let config = self.config.teacher(distillation, index);
            let path = self.folder.teacher_path(index);
            let folder = match RunFolder::open(&path) {
                Ok(folder) if folder.is_of(&config, self.split)? => folder,
                _ => RunFolder::create(&path, &config, self.split, true)?,
            };
            if !folder.epochs()?.are_done() {
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

    /// Saves network and metrics before the checkpoint: a checkpoint never has epochs that they lack.
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
        let weights: BTreeMap<&str, f64> =
            self.corpus.members.iter().map(|member| (&*member.name, member.weight)).collect();
        let weight = |utterance: &Utterance| weights.get(&*utterance.corpus).copied().unwrap_or(1.0);
        let mut examples: Vec<Example> = utterances.iter().map(|u| example(u, weight(u))).collect();
        let speeds = &self.config.recipe.augmentation.speeds;
        for (index, &speed) in speeds.iter().enumerate() {
            let extracted = self.cache.of_part(self.corpus, &utterances, speed)?;
            for ((example, rows), utterance) in examples.iter_mut().zip(extracted).zip(&utterances) {
                let usable: Result<Kept, String> = match rows {
                    Ok(rows) if rows.is_empty() => Err(self.cache.unheard(utterance, speed)?.to_string()),
                    rows => rows,
                };
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
fn example(utterance: &Utterance, weight: f64) -> Example {
    Example {
        speeds: Vec::new(),
        class: utterance.emotion,
        corpus: utterance.corpus.to_string(),
        weight,
        speaker: utterance.speaker.clone(),
        sentence: utterance.sentence.clone(),
    }
}
