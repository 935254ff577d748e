//! Training utterances to batches: order, augmentation, normalisation, padding.

use std::borrow::Cow;

use anyhow::{Result, ensure};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rayon::prelude::*;

use super::{Purpose, generator};
use crate::augment::{Augmenter, crop, splice};
use crate::features::{Normalization, Rows};
use crate::graph::Batch;
use crate::run::Config;

/// So many batches' worth of utterances are sorted by length before they are cut into batches: padding is short, and the
/// batches still differ from epoch to epoch.
const BATCHES_IN_A_BUCKET: usize = 6;

/// One training utterance.
#[derive(Clone, Debug)]
pub struct Example {
    /// Log-mel rows (dBFS), one for each speed of the recipe. None may be empty.
    pub speeds: Vec<Rows>,
    /// Index of its class.
    pub class: usize,
    /// Who speaks; empty if that is not known.
    pub speaker: String,
    /// What is said; empty if that is not known.
    pub sentence: String,
}

/// All training utterances.
#[derive(Debug)]
pub(super) struct Batches {
    examples: Vec<Example>,
    augmenter: Augmenter,
    normalization: Normalization,
    seed: u64,
    batch: usize,
    max_rows: usize,
    row_stride: usize,
    classes: usize,
    label_smoothing: f64,
    mixup: f64,
}

/// The utterances of one step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) batch: Batch,
    /// What the network is to answer, `[utterance][class]`.
    pub(super) targets: Vec<f32>,
    /// The class that each utterance is of, for the most part.
    pub(super) classes: Vec<usize>,
    /// Which examples they are, for the most part.
    pub(super) examples: Vec<usize>,
}

/// Which utterance, at which of its speeds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pick {
    example: usize,
    speed: usize,
}

impl Batches {
    /// An error when there is no example, one is empty or has another number of speeds than the recipe, or a class has none.
    pub(super) fn new(config: &Config, examples: Vec<Example>, row_stride: usize) -> Result<Self> {
        let recipe = &config.recipe;
        let classes = config.network.labels.len();
        for (class, label) in config.network.labels.iter().enumerate() {
            ensure!(examples.iter().any(|example| example.class == class), "no usable utterance of class '{label}' in the training part");
        }
        for example in &examples {
            ensure!(example.class < classes, "class {} of a training utterance, wanted 0..{classes}", example.class);
            ensure!(
                example.speeds.len() == recipe.augmentation.speeds.len() && example.speeds.iter().all(|rows| !rows.is_empty()),
                "a training utterance wants rows at {} speeds, they came for {}",
                recipe.augmentation.speeds.len(),
                example.speeds.iter().filter(|rows| !rows.is_empty()).count()
            );
        }
        Ok(Self {
            normalization: Normalization::fit(config.network.front_end.level, examples.iter().flat_map(|example| &example.speeds))?,
            examples,
            augmenter: Augmenter::new(&recipe.augmentation, &config.network.front_end)?,
            seed: config.seed,
            batch: recipe.batch,
            max_rows: recipe.max_rows.max(row_stride),
            row_stride,
            classes,
            label_smoothing: recipe.label_smoothing,
            mixup: recipe.mixup,
        })
    }

    pub(super) fn normalization(&self) -> &Normalization {
        &self.normalization
    }

    /// Steps in an epoch.
    pub(super) fn steps(&self) -> usize {
        self.examples.len().div_ceil(self.batch)
    }

    /// Normalised features of at most so many utterances, evenly chosen, at one of their speeds and otherwise as they are.
    pub(super) fn plain(&self, count: usize, speed: usize) -> Vec<Rows> {
        let stride = self.examples.len().div_ceil(count.max(1)).max(1);
        let chosen = self.examples.iter().step_by(stride).filter_map(|example| example.speeds.get(speed));
        chosen.map(|rows| self.normalization.apply(rows)).collect()
    }

    /// One step.
    pub(super) fn get(&self, epoch: usize, step: usize) -> Result<Step> {
        let order = self.order(epoch);
        let picks = order.get(step).map_or(&[][..], Vec::as_slice);
        ensure!(!picks.is_empty(), "step {step} of {} in an epoch", order.len());
        let features: Vec<Rows> = picks.par_iter().map(|pick| self.features(*pick, epoch)).collect();
        let classes: Vec<usize> = picks.iter().filter_map(|pick| self.examples.get(pick.example)).map(|example| example.class).collect();
        let spread = (self.label_smoothing / self.classes as f64) as f32;
        let target = |class| (0..self.classes).map(move |c| if c == class { 1.0 - self.label_smoothing as f32 + spread } else { spread });
        let mut utterances: Vec<(Rows, Vec<f32>)> =
            features.into_iter().zip(classes.iter().map(|&class| target(class).collect())).collect();
        self.mix(&mut utterances, epoch, step);
        let (features, targets): (Vec<Rows>, Vec<Vec<f32>>) = utterances.into_iter().unzip();
        let examples = picks.iter().map(|pick| pick.example).collect();
        Ok(Step { batch: Batch::new(&features, self.row_stride), targets: targets.concat(), classes, examples })
    }

    /// Mixes a share of the utterances with others of the step, features and targets alike; what is mixed in is repeated if it is
    /// shorter, and never more than half.
    fn mix(&self, utterances: &mut [(Rows, Vec<f32>)], epoch: usize, step: usize) {
        if self.mixup == 0.0 {
            return;
        }
        let mut rng = generator(self.seed, Purpose::Mixup, epoch, step);
        let before = utterances.to_vec();
        for (rows, target) in utterances {
            let Some((other, other_target)) = before.choose(&mut rng).filter(|_| rng.random_bool(self.mixup)) else { continue };
            let share = rng.random_range(0.0..=0.5f32);
            let blend = |(to, from): (&mut f32, &f32)| *to += share * (from - *to);
            rows.values.iter_mut().zip(other.values.iter().cycle()).for_each(blend);
            target.iter_mut().zip(other_target).for_each(blend);
        }
    }

    /// The batches of an epoch: every utterance once, at a random speed, similar lengths together.
    fn order(&self, epoch: usize) -> Vec<Vec<Pick>> {
        let mut rng = generator(self.seed, Purpose::Order, epoch, 0);
        let mut picks: Vec<Pick> = (0..self.examples.len())
            .zip(&self.examples)
            .map(|(index, example)| Pick { example: index, speed: rng.random_range(0..example.speeds.len()) })
            .collect();
        picks.shuffle(&mut rng);
        for bucket in picks.chunks_mut(self.batch * BATCHES_IN_A_BUCKET) {
            bucket.sort_by_key(|pick| self.rows(*pick).map_or(0, Rows::len));
        }
        let mut batches: Vec<Vec<Pick>> = picks.chunks(self.batch).map(<[Pick]>::to_vec).collect();
        batches.shuffle(&mut rng);
        batches
    }

    fn rows(&self, pick: Pick) -> Option<&Rows> {
        self.examples.get(pick.example).and_then(|example| example.speeds.get(pick.speed))
    }

    /// The rows of an utterance: its own, or put together from pieces of its own and of others of the same class and, where speakers
    /// are known, of the same speaker.
    fn spliced(&self, pick: Pick, rng: &mut ChaCha8Rng) -> Option<Cow<'_, Rows>> {
        let rows = self.rows(pick)?;
        let pieces = self.augmenter.pieces(rng);
        if pieces < 2 {
            return Some(Cow::Borrowed(rows));
        }
        let own = self.examples.get(pick.example)?;
        let alike: Vec<&Example> = self.examples.iter().filter(|other| other.class == own.class && other.speaker == own.speaker).collect();
        let others = (1..pieces).filter_map(|_| alike.choose(rng).and_then(|other| other.speeds.get(pick.speed)));
        let utterances: Vec<&Rows> = std::iter::once(rows).chain(others).collect();
        Some(Cow::Owned(splice(&utterances, rng)))
    }

    /// Augmented and normalised features.
    fn features(&self, pick: Pick, epoch: usize) -> Rows {
        let mut rng = generator(self.seed, Purpose::Augmentation, epoch, pick.example);
        let Some(rows) = self.spliced(pick, &mut rng) else { return Rows::default() };
        let rows = crop(self.augmenter.log_mel(&rows, &mut rng), self.max_rows, &mut rng);
        let mut features = self.normalization.apply(&rows);
        self.augmenter.mask(&mut features, &mut rng);
        features
    }
}
