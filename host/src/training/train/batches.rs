//! Makes batches from training utterances: order, augmentation, normalisation, padding.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rayon::prelude::*;

use super::example::Example;
use super::prior::{Present, same_classes, sentence_priors};
use super::random::{Purpose, generator};
use super::sampling::{counts, draw};
use crate::features::augment::{Augmenter, crop, splice};
use crate::features::kept::Kept;
use crate::features::rows::{Normalization, Rows};
use crate::training::graph::{Batch, StepRows};
use crate::training::recipe::Shuffle;
use crate::training::run::Config;

/// Utterances of this many batches are sorted by length before they are cut into batches: padding stays short, and
/// batches still differ from epoch to epoch.
const BATCHES_IN_A_BUCKET: usize = 6;

/// All training utterances.
#[derive(Debug)]
pub(super) struct Batches {
    examples: Vec<Example>,
    /// The examples of each class, corpus and speaker, by their places.
    alike: BTreeMap<(usize, String, String), Vec<usize>>,
    /// How often each example is drawn in an epoch, in the mean; None if each is once.
    counts: Option<Vec<f64>>,
    /// The classes of each corpus.
    present: Present,
    /// The prior of each example: the loss adds it to the logits.
    priors: Vec<Vec<f32>>,
    augmenter: Augmenter,
    normalization: Normalization,
    seed: u64,
    batch: usize,
    shuffle: Shuffle,
    /// Longer utterances are cut; None for images.
    max_rows: Option<usize>,
    step_rows: StepRows,
    label_smoothing: f64,
    mixup: f64,
    /// The present epoch and its batches.
    order: Option<(usize, Vec<Vec<Pick>>)>,
}

/// The utterances of one step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) batch: Batch,
    /// The answers wanted from the network, `[utterance][class]`.
    pub(super) targets: Vec<f32>,
    /// The loss adds these to the logits before it compares them with the targets, `[utterance][class]`.
    pub(super) priors: Vec<f32>,
    /// The class of each utterance; of a mixed utterance, the class of its larger part.
    pub(super) classes: Vec<usize>,
    /// The example of each utterance; of a mixed or spliced utterance, the example that it started from.
    pub(super) examples: Vec<usize>,
}

/// Features of one utterance, with its target and prior.
#[derive(Clone, Debug)]
struct Features {
    rows: Rows,
    target: Vec<f32>,
    prior: Vec<f32>,
}

/// An utterance at one of its speeds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pick {
    example: usize,
    speed: usize,
    /// How often it was drawn before in the epoch.
    before: usize,
}

impl Batches {
    /// Fails if a class has no example, an example has no rows or another number of speeds than the recipe, or the
    /// recipe augments images.
    pub(super) fn new(config: &Config, examples: Vec<Example>, step_rows: StepRows) -> Result<Self> {
        let recipe = &config.recipe;
        let classes = config.network.labels.len();
        let images = config.network.front_end.image.is_some();
        ensure!(
            !images || !recipe.augmentation.changes_rows(),
            "the network hears images: wanted a recipe that does not augment log-mel rows, one that does came"
        );
        for (class, label) in config.network.labels.iter().enumerate() {
            ensure!(
                examples.iter().any(|example| example.class == class),
                "no usable utterance of class '{label}' in the training part"
            );
        }
        for example in &examples {
            ensure!(
                example.class < classes,
                "the class of a training utterance is {}, wanted 0..{classes}",
                example.class
            );
            ensure!(
                example.speeds.len() == recipe.augmentation.speeds.len()
                    && example.speeds.iter().all(|rows| !rows.is_empty()),
                "a training utterance wants rows at {} speeds, rows at {} came",
                recipe.augmentation.speeds.len(),
                example.speeds.iter().filter(|rows| !rows.is_empty()).count()
            );
        }
        let mut alike: BTreeMap<(usize, String, String), Vec<usize>> = BTreeMap::new();
        for (place, example) in examples.iter().enumerate() {
            let key = (example.class, example.corpus.clone(), example.speaker.clone());
            alike.entry(key).or_default().push(place);
        }
        let present = Present::new(&examples, classes, !recipe.own_labels);
        let counts = counts(&examples, recipe.balance);
        ensure!(
            counts.is_none() || recipe.shuffle == Shuffle::EachEpoch,
            "balance and weights of corpora draw utterances anew in each epoch: wanted shuffle each-epoch"
        );
        let kept = examples.iter().flat_map(|example| &example.speeds);
        Ok(Self {
            normalization: Normalization::fit(&config.network.front_end, kept.map(Kept::rows))?,
            alike,
            priors: sentence_priors(&examples, &present, recipe.label_smoothing, recipe.sentence_prior),
            counts,
            present,
            examples,
            augmenter: Augmenter::new(&recipe.augmentation, &config.network.front_end)?,
            seed: config.seed,
            batch: recipe.batch,
            shuffle: recipe.shuffle,
            max_rows: (!images).then_some(recipe.max_rows.max(step_rows.first)),
            step_rows,
            label_smoothing: recipe.label_smoothing,
            mixup: recipe.mixup,
            order: None,
        })
    }

    pub(super) fn normalization(&self) -> &Normalization {
        &self.normalization
    }

    /// Steps in an epoch.
    pub(super) fn steps(&self) -> usize {
        match self.shuffle {
            Shuffle::EachEpoch => self.examples.len().div_ceil(self.batch),
            Shuffle::Once => (self.examples.len() / self.batch).max(1),
        }
    }

    /// Normalised features of at most `count` utterances, evenly chosen, at one of their speeds, without augmentation.
    pub(super) fn plain(&self, count: usize, speed: usize) -> Result<Vec<Rows>> {
        let stride = self.examples.len().div_ceil(count.max(1)).max(1);
        let chosen = self.examples.iter().step_by(stride).filter_map(|example| example.speeds.get(speed));
        chosen.map(|kept| Ok(self.normalization.apply(&*kept.rows()?))).collect()
    }

    /// The utterances of one step.
    pub(super) fn get(&mut self, epoch: usize, step: usize) -> Result<Step> {
        if self.order.as_ref().is_none_or(|(of, _)| *of != epoch) {
            self.order = Some((epoch, self.order(epoch)));
        }
        let order = self.order.as_ref().map_or(&[][..], |(_, order)| order);
        let picks = order.get(step).map_or(&[][..], Vec::as_slice);
        ensure!(!picks.is_empty(), "the step of an epoch must be below {}, {step} came", order.len());
        let mut utterances: Vec<Features> =
            picks.par_iter().map(|pick| self.features(*pick, epoch)).collect::<Result<_>>()?;
        self.mix(&mut utterances, epoch, step);
        let examples: Vec<usize> = picks.iter().map(|pick| pick.example).collect();
        let classes =
            examples.iter().filter_map(|&example| self.examples.get(example)).map(|example| example.class).collect();
        let targets = utterances.iter().flat_map(|features| features.target.clone()).collect();
        let priors = utterances.iter().flat_map(|features| features.prior.clone()).collect();
        let rows: Vec<Rows> = utterances.into_iter().map(|features| features.rows).collect();
        Ok(Step { batch: Batch::new(&rows, self.step_rows), targets, priors, classes, examples })
    }

    /// Mixes a share of the utterances with others of the step: features, targets and priors. The other utterance is
    /// repeated if it is shorter, and makes at most half of the mixture. Utterances of corpora with other classes do not
    /// mix.
    fn mix(&self, utterances: &mut [Features], epoch: usize, step: usize) {
        if self.mixup == 0.0 {
            return;
        }
        let mut rng = generator(self.seed, Purpose::Mixup, epoch, step);
        let before = utterances.to_vec();
        for features in utterances {
            let Some(other) = before.choose(&mut rng).filter(|_| rng.random_bool(self.mixup)) else { continue };
            if !same_classes(&features.prior, &other.prior) {
                continue;
            }
            let share = rng.random_range(0.0..=0.5f32);
            let blend = |(to, from): (&mut f32, &f32)| *to += share * (from - *to);
            features.rows.values.iter_mut().zip(other.rows.values.iter().cycle()).for_each(blend);
            features.target.iter_mut().zip(&other.target).for_each(blend);
            features.prior.iter_mut().zip(&other.prior).for_each(blend);
        }
    }

    /// The batches of an epoch: every utterance at most once, or as often as it is drawn, at a random speed.
    fn order(&self, epoch: usize) -> Vec<Vec<Pick>> {
        let epoch = match self.shuffle {
            Shuffle::EachEpoch => epoch,
            Shuffle::Once => 0,
        };
        let mut rng = generator(self.seed, Purpose::Order, epoch, 0);
        let drawn: Vec<(usize, usize)> = match &self.counts {
            None => (0..self.examples.len()).map(|index| (index, 0)).collect(),
            Some(counts) => draw(counts, &mut rng),
        };
        let mut picks: Vec<Pick> = drawn
            .into_iter()
            .filter_map(|(example, before)| Some((example, before, self.examples.get(example)?.speeds.len())))
            .map(|(example, before, speeds)| Pick { example, speed: rng.random_range(0..speeds), before })
            .collect();
        picks.shuffle(&mut rng);
        if self.shuffle == Shuffle::Once {
            return picks.chunks(self.batch).take(self.steps()).map(<[Pick]>::to_vec).collect();
        }
        for bucket in picks.chunks_mut(self.batch * BATCHES_IN_A_BUCKET) {
            bucket.sort_by_key(|pick| self.kept(*pick).map_or(0, Kept::len));
        }
        let mut batches: Vec<Vec<Pick>> = picks.chunks(self.batch).map(<[Pick]>::to_vec).collect();
        batches.shuffle(&mut rng);
        batches
    }

    fn kept(&self, pick: Pick) -> Option<&Kept> {
        self.examples.get(pick.example).and_then(|example| example.speeds.get(pick.speed))
    }

    /// The rows of an utterance: its own, or a splice with pieces of others of the same class and, where speakers are
    /// known, of the same speaker. Also the mean prior of the utterances in it.
    fn spliced(&self, pick: Pick, rng: &mut ChaCha8Rng) -> Result<(Cow<'_, Rows>, Vec<f32>)> {
        let nothing = "an example without rows or prior";
        let rows = self.kept(pick).context(nothing)?.rows()?;
        let mut prior = self.priors.get(pick.example).context(nothing)?.clone();
        let pieces = self.augmenter.pieces(rng);
        if pieces < 2 {
            return Ok((rows, prior));
        }
        let own = self.examples.get(pick.example).context(nothing)?;
        let alike = self.alike.get(&(own.class, own.corpus.clone(), own.speaker.clone()));
        let alike = alike.map_or(&[][..], Vec::as_slice);
        let mut utterances = vec![rows];
        for &other in (1..pieces).filter_map(|_| alike.choose(rng)) {
            utterances.push(self.kept(Pick { example: other, ..pick }).context(nothing)?.rows()?);
            prior.iter_mut().zip(self.priors.get(other).context(nothing)?).for_each(|(sum, value)| *sum += value);
        }
        prior.iter_mut().for_each(|sum| *sum /= utterances.len() as f32);
        let utterances: Vec<&Rows> = utterances.iter().map(|rows| &**rows).collect();
        Ok((Cow::Owned(splice(&utterances, rng)), prior))
    }

    /// Augmented and normalised features.
    fn features(&self, pick: Pick, epoch: usize) -> Result<Features> {
        let place = pick.example + pick.before * self.examples.len();
        let mut rng = generator(self.seed, Purpose::Augmentation, epoch, place);
        let own = self.examples.get(pick.example).context("a pick without an example")?;
        let classes = self.present.of(own).iter().filter(|has| **has).count();
        let mut target = self.present.each(own, (self.label_smoothing / classes as f64) as f32, 0.0);
        if let Some(right) = target.get_mut(own.class) {
            *right += 1.0 - self.label_smoothing as f32;
        }
        let (rows, prior) = self.spliced(pick, &mut rng)?;
        let rows = match self.max_rows {
            Some(most) => &crop(self.augmenter.log_mel(&rows, &mut rng), most, &mut rng),
            None => &*rows,
        };
        let mut rows = self.normalization.apply(rows);
        self.augmenter.mask(&mut rows, &mut rng);
        Ok(Features { rows, target, prior })
    }
}
