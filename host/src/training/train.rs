//! Training: an optimiser takes steps over batches, which are augmented if the recipe says so. The result is an average
//! of the weights, or the weights of the last step. A quantisation-aware stage follows if the recipe has one.
//!
//! Every random number follows from the seed, the epoch, the step and the utterance; no generator carries state from
//! step to step. So a training that was interrupted and resumed gives the same bits as one that was not.

mod auxiliary;
mod batches;
mod checkpoint;
mod example;
mod gradient;
mod optimizer;
mod prior;
mod quantised;
mod random;
mod sampling;
mod schedule;
mod teachers;

use std::borrow::Cow;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::features::kept::Kept;
use crate::features::rows::{Normalization, Rows};
use crate::model::float_network::FloatNetwork;
use crate::model::logits::leading;
use crate::model::quantise::Calibration;
use crate::training::graph::{Batch, Compute, Dropout, Graph, Style};
use crate::training::run::{Backend, Config, EpochMetrics, epochs_wanted};
use auxiliary::Heads;
use batches::{Batches, Step};
pub use example::Example;
use optimizer::Optimizer;
use random::{Purpose, generator};
use teachers::Teachers;

/// The progress of a training; the sums are those of the present epoch.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
struct Progress {
    /// Epochs finished.
    epoch: usize,
    /// Finished steps of the present epoch.
    step: usize,
    loss: f64,
    correct: usize,
    seen: usize,
    seconds: f64,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Finished steps of the epoch.
    pub step: usize,
    /// Steps of the epoch.
    pub steps: usize,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Accuracy of the epoch so far, on augmented utterances.
    pub accuracy: f64,
    /// Metrics of the epoch if this step finished it.
    pub finished: Option<EpochMetrics>,
}

/// A training between two steps.
pub struct Trainer {
    config: Config,
    batches: Batches,
    heads: Heads,
    teachers: Teachers,
    device: Device,
    graph: Graph,
    optimizer: Optimizer,
    /// The averaged [`Graph::values`]; empty if the recipe wants no average.
    average: Vec<f32>,
    /// [`Graph::values`] of the best epoch, averaged; empty unless the recipe has patience.
    best: Vec<f32>,
    progress: Progress,
    history: Vec<EpochMetrics>,
    /// Calibration of the present quantisation-aware epoch.
    calibration: Option<Calibration>,
}

/// The graph of a configuration before its first step.
fn fresh_graph(config: &Config, compute: &Compute) -> Result<Graph> {
    let style = Style { batch_norm: config.recipe.batch_norm, initial_weights: config.recipe.initial_weights };
    Graph::new(&config.network, style, config.seed, compute)
}

impl Trainer {
    /// A training before its first step.
    ///
    /// # Errors
    ///
    /// If the configuration is out of range, or an example is unusable: see [`Example`].
    pub fn new(config: Config, examples: Vec<Example>) -> Result<Self> {
        config.recipe.check()?;
        for label in config.recipe.class_weights.keys() {
            ensure!(
                config.network.labels.iter().any(|of| of == label.as_str()),
                "class_weights names {label}, which is no label of the network"
            );
        }
        let compute = Compute::new(config.backend)?.autodiff();
        let heads = Heads::new(&config.recipe.auxiliary, &examples)?;
        let graph = fresh_graph(&config, &compute)?.with_auxiliary(&heads.shapes(), config.seed);
        let batches = Batches::new(&config, examples, graph.step_rows())?;
        let graph = graph.with_input_gain(&config.network, batches.normalization())?;
        let optimizer = Optimizer::new(&config.recipe);
        let average = if config.recipe.average_decay > 0.0 { graph.values() } else { Vec::new() };
        let progress = Progress::default();
        let (teachers, history) = (Teachers::default(), Vec::new());
        Ok(Self {
            config,
            batches,
            heads,
            teachers,
            device: compute.device,
            graph,
            optimizer,
            average,
            best: Vec::new(),
            progress,
            history,
            calibration: None,
        })
    }

    /// Adds a teacher.
    ///
    /// # Errors
    ///
    /// If it was trained on other features than this training part's, or with other labels.
    pub fn add_teacher(&mut self, network: &FloatNetwork, backwards: bool) -> Result<()> {
        ensure!(
            network.network.labels == self.config.network.labels && network.normalization == *self.normalization(),
            "a teacher was trained on other labels or features than those of this training part: has the corpus changed?"
        );
        self.teachers.add(network, backwards, &Compute::new(self.config.backend)?)
    }

    /// Whether all epochs are done.
    pub fn is_finished(&self) -> bool {
        self.progress.epoch >= epochs_wanted(&self.config.recipe, &self.history)
    }

    /// Metrics of the finished epochs.
    pub fn history(&self) -> &[EpochMetrics] {
        &self.history
    }

    /// Normalisation of the features, fitted to the training part.
    pub fn normalization(&self) -> &Normalization {
        self.batches.normalization()
    }

    /// Takes one step. Fails if training is finished, or diverges.
    pub fn step(&mut self) -> Result<StepReport> {
        ensure!(!self.is_finished(), "all {} epochs are done", self.progress.epoch);
        let started = Instant::now();
        let Progress { epoch, step, .. } = self.progress;
        let steps = self.batches.steps();
        let Step { batch, targets, priors, classes, examples } = self.batches.get(epoch, step)?;
        let batch = if self.config.recipe.backwards { batch.reversed() } else { batch };
        let quantised_epoch = epoch.checked_sub(self.config.recipe.epochs);
        if let (Some(quantised_epoch), 0) = (quantised_epoch, step) {
            self.begin_quantised_epoch(quantised_epoch)?;
        }
        let recipe = &self.config.recipe;

        let output = match quantised_epoch {
            Some(_) => self.forward_quantised(&batch)?,
            None => {
                let mut rng = generator(self.config.seed, Purpose::Dropout, epoch, step);
                let dropout = (recipe.dropout > 0.0).then_some(Dropout { rate: recipe.dropout, rng: &mut rng });
                self.graph.forward_train(&batch, dropout)?
            }
        };
        let utterances = classes.len();
        let targets = match &recipe.distillation {
            Some(distillation) => self.teachers.taught(distillation, targets, &priors, &batch)?,
            None => targets,
        };
        let targets = self.weighted(targets, &classes);
        let targets: Tensor<2> = Tensor::from_data(TensorData::new(targets, output.logits.dims()), &self.device);
        let priors: Tensor<2> = Tensor::from_data(TensorData::new(priors, output.logits.dims()), &self.device);
        let loss = (log_softmax(output.logits.clone() + priors, 1) * targets).sum().neg() / utterances as f64;
        let loss_value = first(&loss)?;
        let loss = self.heads.add_to(loss, &output, &examples, &self.device);
        ensure!(
            loss_value.is_finite(),
            "training diverged in epoch {}: the loss is {loss_value}; lower the learning rate",
            epoch + 1
        );
        self.progress.correct += correct(&output.logits, &classes);

        let gradients = self.graph.gradients(&loss, &output)?;
        let gradients = gradient::prepare(gradients, &self.graph, recipe);
        let learning_rate = schedule::learning_rate(recipe, steps, epoch * steps + step);
        let graph = self.optimizer.step(learning_rate, self.graph.clone(), gradients);
        self.graph = match quantised_epoch {
            Some(_) => graph,
            None => graph.update_statistics(&output, recipe.norm_momentum),
        };
        self.update_average(quantised_epoch.unwrap_or(epoch) * steps + step);

        let progress = &mut self.progress;
        progress.step += 1;
        progress.loss += loss_value * utterances as f64;
        progress.seen += utterances;
        progress.seconds += started.elapsed().as_secs_f64();
        let mut report = StepReport {
            epoch: epoch + 1,
            step: step + 1,
            steps,
            loss: progress.loss / progress.seen as f64,
            accuracy: progress.correct as f64 / progress.seen as f64,
            finished: None,
        };
        if step + 1 == steps {
            let metrics = EpochMetrics {
                epoch: epoch + 1,
                learning_rate,
                train_loss: report.loss,
                train_accuracy: report.accuracy,
                validation_war: None,
                validation_uar: None,
                seconds: progress.seconds,
            };
            *progress = Progress { epoch: epoch + 1, ..Progress::default() };
            self.history.push(metrics.clone());
            report.finished = Some(metrics);
        }
        Ok(report)
    }

    /// The targets of utterances, times the weights of their classes.
    fn weighted(&self, mut targets: Vec<f32>, of_utterances: &[usize]) -> Vec<f32> {
        let weights = &self.config.recipe.class_weights;
        let labels = &self.config.network.labels;
        if !weights.is_empty() {
            for (target, class) in targets.chunks_exact_mut(labels.len()).zip(of_utterances) {
                let weight = labels.get(*class).and_then(|label| weights.get(label.as_str())).copied().unwrap_or(1.0);
                target.iter_mut().for_each(|value| *value *= weight as f32);
            }
        }
        targets
    }

    /// Adds the recall of the averaged network on the validation part to the metrics of the last epoch. If the recipe has
    /// patience and this is the best epoch, its network is kept.
    pub fn record_validation(&mut self, war: f64, uar: f64) {
        let before = self.history.iter().filter_map(|epoch| epoch.validation_uar).fold(0.0, f64::max);
        if self.config.recipe.patience > 0 && (uar > before || self.best.is_empty()) {
            self.best = self.current().into_owned();
        }
        if let Some(last) = self.history.last_mut() {
            last.validation_war = Some(war);
            last.validation_uar = Some(uar);
        }
    }

    /// Moves the average towards the weights; faster in the first steps, so that the initial weights soon lose
    /// influence.
    fn update_average(&mut self, step: usize) {
        let decay = self.config.recipe.average_decay.min((1.0 + step as f64) / (10.0 + step as f64)) as f32;
        if self.average.is_empty() {
            return;
        }
        for (average, value) in self.average.iter_mut().zip(self.graph.values()) {
            *average = decay * *average + (1.0 - decay) * value;
        }
    }

    /// The result as plain numbers: the averaged network if the recipe wants an average, that of the best epoch if it has
    /// patience.
    pub fn network(&self) -> Result<FloatNetwork> {
        let values = if self.best.is_empty() { self.current() } else { Cow::Borrowed(&self.best[..]) };
        self.graph_with(&values)?.to_float_network(&self.config.network, self.normalization())
    }

    /// The averaged network of the last epoch, ready to recognise.
    pub fn classifier(&self) -> Result<Classifier> {
        let backwards = self.config.recipe.backwards;
        let graph = self.graph_with(&self.current())?;
        Ok(Classifier { graph, normalization: self.normalization().clone(), backwards })
    }

    /// The averaged weights, or without an average the weights.
    fn current(&self) -> Cow<'_, [f32]> {
        if self.average.is_empty() { Cow::Owned(self.graph.values()) } else { Cow::Borrowed(&self.average) }
    }

    fn graph_with(&self, values: &[f32]) -> Result<Graph> {
        let graph = fresh_graph(&self.config, &Compute::new(self.config.backend)?)?
            .with_input_gain(&self.config.network, self.normalization())?;
        graph.with_auxiliary(&self.heads.shapes(), self.config.seed).with_values(values)
    }
}

/// A float network that recognises utterances.
#[derive(Debug)]
pub struct Classifier {
    graph: Graph,
    normalization: Normalization,
    /// Whether it hears utterances from their end.
    backwards: bool,
}

/// Utterances that are classified together.
const CLASSIFIER_BATCH: usize = 32;

impl Classifier {
    /// The classifier of a run with this network and configuration. It computes with [`Backend::Fast`], whatever the
    /// network was trained with: a run that was trained on a graphics processor can be evaluated anywhere.
    pub fn new(network: &FloatNetwork, config: &Config) -> Result<Self> {
        let graph = Graph::from_float_network(network, &Compute::new(Backend::Fast)?)?;
        Ok(Self { graph, normalization: network.normalization.clone(), backwards: config.recipe.backwards })
    }

    /// Logits for each utterance's log-mel rows (dBFS) or columns of pixels; None if they are too few for a single step
    /// of the first LSTM.
    ///
    /// # Errors
    ///
    /// If the rows of an utterance cannot be read.
    pub fn logits(&self, log_mel: &[&Kept]) -> Result<Vec<Option<Vec<f32>>>> {
        let step_rows = self.graph.step_rows();
        let mut order: Vec<usize> =
            (0..log_mel.len()).filter(|&index| log_mel[index].len() >= step_rows.first).collect();
        order.sort_by_key(|&index| log_mel[index].len());
        let mut logits = vec![None; log_mel.len()];
        for chunk in order.chunks(CLASSIFIER_BATCH) {
            let features = chunk.iter().map(|&index| Ok(self.normalization.apply(&*log_mel[index].rows()?)));
            let batch = Batch::new(&features.collect::<Result<Vec<Rows>>>()?, step_rows);
            let output = self.graph.forward(&if self.backwards { batch.reversed() } else { batch })?;
            let [_, classes] = output.dims();
            let values: Vec<f32> = output.try_into_data()?.iter::<f32>().collect();
            for (&index, of_utterance) in chunk.iter().zip(values.chunks_exact(classes)) {
                logits[index] = Some(of_utterance.to_vec());
            }
        }
        Ok(logits)
    }
}

fn first(tensor: &Tensor<1>) -> Result<f64> {
    tensor.to_data().iter::<f32>().next().map(f64::from).context("a loss without a value")
}

fn correct(logits: &Tensor<2>, truth: &[usize]) -> usize {
    let [_, classes] = logits.dims();
    let values: Vec<f32> = logits.to_data().iter::<f32>().collect();
    values.chunks_exact(classes).zip(truth).filter(|(logits, truth)| leading(logits) == Some(**truth)).count()
}

#[cfg(test)]
mod tests;
