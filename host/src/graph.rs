//! The trainable network: a Burn module built from the one description, and its way back to plain numbers.
//!
//! ```text
//! [batch, 1, rows, bands] ─ convolution blocks ─ [steps, batch, features] ─ LSTMs ─ mean over valid steps ─ dense ─ logits
//! ```
//!
//! For a stream everything is causal, so rows appended to an utterance change nothing before them: utterances of
//! different lengths share a batch, and [`Batch::valid_rows`] says what counts. Images are all of one size. They come
//! normalised, `z = (pixel - mean) / sd` for each colour, but the first convolution hears `sd · z`, pixels around their
//! mean: [`Graph::with_input_gain`].
//!
//! Flatten, where there is one, makes all steps of an image one, and the last valid step may take the place of the
//! mean.
//!
//! Convolution blocks and LSTMs are computed by kernels of our own: as single operations of Burn they took three times
//! as long. What leaves them are leaves of Burn's graph, and everything between and behind them is Burn's:
//! [`Graph::gradients`].

mod auxiliary;
mod convert;
mod convolution;
mod init;
mod lstm;
mod pool;
mod quantised;
mod sections;
mod trunk;
mod vector;

use anyhow::{Context, Result, ensure};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use ser_core::spec::{Layer, Network, Shape};

use crate::features::{Normalization, Rows};
use crate::run::InitialWeights;
pub use auxiliary::AuxiliaryClasses;
use auxiliary::AuxiliaryHead;
use convert::numbers;
use convolution::{Convolution, Sizes};
use lstm::{Lstm, LstmPass};
use pool::Pool;
use quantised::{CoreOutputs, straight_through};
use sections::Sections;
use trunk::{Norming, Outputs, Pass};

/// Utterances of equal padded length, ready for the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Normalised features, `[utterance][rows][band][channel]`.
    pub values: Vec<f32>,
    /// Rows of every utterance, padding included.
    pub rows: usize,
    /// Rows of each utterance that count, at most `rows`.
    pub valid_rows: Vec<usize>,
}

impl Batch {
    /// Pads utterances, none of them empty, to a common length: the longest, rounded up to whole LSTM steps. An
    /// utterance is padded with its own rows from the start, so that the statistics of batch norm are those of speech.
    pub fn new(utterances: &[Rows], step_rows: StepRows) -> Self {
        let longest = utterances.iter().map(Rows::len).max().unwrap_or(0);
        let rows = step_rows.round_up(longest);
        let values = utterances.iter().flat_map(|u| u.values.iter().copied().cycle().take(rows * u.bands)).collect();
        Self { values, rows, valid_rows: utterances.iter().map(Rows::len).collect() }
    }

    /// The utterances from their ends; padded with what they then start with.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let bands = self.values.len() / (self.rows * self.valid_rows.len()).max(1);
        let of_utterance = self.values.chunks_exact((self.rows * bands).max(1)).zip(&self.valid_rows);
        let reversed = of_utterance.flat_map(|(values, valid)| {
            let backwards = values.chunks_exact(bands.max(1)).take(*valid).rev().cycle();
            backwards.take(self.rows).flatten().copied().collect::<Vec<f32>>()
        });
        Self { values: reversed.collect(), rows: self.rows, valid_rows: self.valid_rows.clone() }
    }
}

/// How many rows make LSTM steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRows {
    /// Rows that make the first step; for images all that they have.
    pub first: usize,
    /// Rows that make each further one.
    pub further: usize,
}

impl StepRows {
    /// The least number of rows from `rows` on that make whole steps, at least one.
    pub fn round_up(self, rows: usize) -> usize {
        self.first + rows.saturating_sub(self.first).next_multiple_of(self.further.max(1))
    }
}

/// What a fresh graph is like, beyond the description of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether convolutions have batch norm behind them.
    pub batch_norm: bool,
    /// How weights are drawn.
    pub initial_weights: InitialWeights,
}

impl Default for Style {
    fn default() -> Self {
        Self { batch_norm: true, initial_weights: InitialWeights::default() }
    }
}

/// Zeroes a share of the values between layers, and scales the rest up; the same ones at all time steps of an
/// utterance.
#[derive(Debug)]
pub struct Dropout<'r> {
    /// Share of values, in 0..1.
    pub rate: f64,
    /// Which values.
    pub rng: &'r mut ChaCha8Rng,
}

impl Dropout<'_> {
    /// Factors `[batch, features]`, each 0 or `1 / (1 - rate)`.
    fn mask(&mut self, batch: usize, features: usize, device: &Device) -> Tensor<2> {
        let keep = (1.0 / (1.0 - self.rate)) as f32;
        let factors = (0..batch * features).map(|_| if self.rng.random_bool(self.rate) { 0.0 } else { keep }).collect();
        Tensor::from_data(TensorData::new::<f32, _>(factors, [batch, features]), device)
    }
}

/// What a forward pass in training gives.
#[derive(Debug)]
pub struct TrainOutput {
    /// `[batch, labels]`.
    pub logits: Tensor<2>,
    /// Those of each auxiliary head, `[batch, its classes]`.
    pub auxiliary: Vec<Tensor<2>>,
    trunk: Pass,
    /// What left the trunk, a leaf of Burn's graph.
    sequence: Tensor<3>,
    lstms: Vec<LstmPass>,
}

/// What the layers behind the trunk give.
struct Heads {
    logits: Tensor<2>,
    auxiliary: Vec<Tensor<2>>,
    lstms: Vec<LstmPass>,
}

/// The network as a Burn module.
#[derive(Module, Debug)]
pub struct Graph {
    convolutions: Vec<Convolution>,
    lstms: Vec<Lstm>,
    /// `[inputs, labels]`.
    dense_weight: Param<Tensor<2>>,
    /// `[labels]`.
    dense_bias: Param<Tensor<1>>,
    auxiliary: Vec<AuxiliaryHead>,
    /// Of the rows that enter.
    #[module(skip)]
    input: Shape,
    /// Rows of an image.
    #[module(skip)]
    image_rows: Option<usize>,
    /// The max pool before the first convolution.
    #[module(skip)]
    first_pool: Pool,
    /// Whether all steps of an image are one.
    flatten: bool,
    /// Whether the last step counts and not the mean.
    last_step: bool,
}

impl Graph {
    /// A graph with random weights that depend on nothing but `seed`. An error for a description that is unusable.
    pub fn new(network: &Network, style: Style, seed: u64, device: &Device) -> Result<Self> {
        network.check()?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut convolutions: Vec<Convolution> = Vec::new();
        let mut lstms = Vec::new();
        let mut dense = None;
        let mut first_pool = Pool::NONE;
        for (layer, input, _) in network.shapes() {
            match layer {
                Layer::Conv2d { channels, rows, bands, padding } => {
                    let sizes = Sizes { inputs: input.channels, outputs: channels, kernel: [rows, bands], padding };
                    convolutions.push(Convolution::new(sizes, style, &mut rng, device));
                }
                Layer::MaxPool { rows, bands, overlap } => {
                    let pool = Pool::new([rows, bands], overlap);
                    match convolutions.last_mut() {
                        Some(block) => block.add_pool(pool),
                        None => first_pool = first_pool.then(pool),
                    }
                }
                Layer::Lstm { hidden } => {
                    lstms.push(Lstm::new(input.len(), hidden, style.initial_weights, &mut rng, device))
                }
                Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep => {}
                Layer::Dense { units } => {
                    let weight = init::glorot_uniform([input.len(), units], input.len(), units, &mut rng, device);
                    dense = Some((weight, Param::from_tensor(Tensor::zeros([units], device))));
                }
            }
        }
        let (dense_weight, dense_bias) = dense.context("the network has no dense layer")?;
        Ok(Self {
            convolutions,
            lstms,
            dense_weight,
            dense_bias,
            auxiliary: Vec::new(),
            input: network.input(),
            image_rows: network.front_end.image_rows(),
            first_pool,
            flatten: network.layers.iter().any(|layer| matches!(layer, Layer::Flatten { .. })),
            last_step: network.layers.contains(&Layer::LastStep),
        })
    }

    /// The graph as it hears images that are normalised so: its first convolution gets each colour multiplied by its
    /// `sd`, a constant that [`Graph::to_float_network`] folds into the weights. A graph for streams, or without a
    /// convolution, stays as it is.
    ///
    /// # Errors
    ///
    /// If the normalisation is of another number of colours than the network's images have.
    pub fn with_input_gain(mut self, network: &Network, normalization: &Normalization) -> Result<Self> {
        if let (Some(_), Some(first)) = (network.front_end.image, self.convolutions.first_mut()) {
            first.set_input_gain(&normalization.sd)?;
        }
        Ok(self)
    }

    /// The graph with these heads beside its dense layer, in place of any that it had. Training alone uses them.
    #[must_use]
    pub fn with_auxiliary(mut self, heads: &[AuxiliaryClasses], seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let device = self.dense_weight.val().device();
        let [inputs, _] = self.dense_weight.val().dims();
        self.auxiliary = heads.iter().map(|head| AuxiliaryHead::new(inputs, *head, &mut rng, &device)).collect();
        self
    }

    /// Logits `[batch, labels]`, with the running statistics of batch norm.
    pub fn forward(&self, batch: &Batch) -> Result<Tensor<2>> {
        let trunk = self.trunk(batch, Norming::Running, None)?;
        Ok(self.head(self.sequence(&trunk, batch), batch, None, None).logits)
    }

    /// Logits with the batch's own statistics, which [`Graph::update_statistics`] takes in.
    pub fn forward_train(&self, batch: &Batch, dropout: Option<Dropout<'_>>) -> Result<TrainOutput> {
        let trunk = self.trunk(batch, Norming::Batch, None)?;
        let sequence = self.sequence(&trunk, batch).set_require_grad(self.dense_weight.val().is_require_grad());
        let Heads { logits, auxiliary, lstms } = self.head(sequence.clone(), batch, dropout, None);
        Ok(TrainOutput { logits, auxiliary, trunk, sequence, lstms })
    }

    /// Gradients of all parameters, for a loss that was computed from the logits of `output`.
    ///
    /// Burn differentiates what lies between the parts that are computed outside of it: the loss and the head first,
    /// then what is between two LSTMs, and so on, back to the trunk.
    pub fn gradients(&self, loss: &Tensor<1>, output: &TrainOutput) -> Result<GradientsParams> {
        let mut of_burn = Sections(vec![loss.backward()]);
        let mut gradients = GradientsParams::new();
        for (lstm, pass) in self.lstms.iter().zip(&output.lstms).rev() {
            let of_output = of_burn.take(&pass.output).context("the loss does not depend on the output of an LSTM")?;
            let of_input = lstm.backward(pass, of_output, &mut gradients);
            of_burn.0.push(pass.through_input(of_input));
        }
        let of_sequence = of_burn.take(&output.sequence).context("the loss does not depend on the convolutions")?;
        let device = of_sequence.device();
        for (block, gradient) in self.convolutions.iter().zip(output.trunk.backward(&numbers(of_sequence))) {
            block.register(gradient, &device, &mut gradients);
        }
        of_burn.register(self, &mut gradients);
        Ok(gradients)
    }

    /// Moves the running statistics of batch norm by `momentum` (0..=1) towards those of a batch.
    #[must_use]
    pub fn update_statistics(mut self, output: &TrainOutput, momentum: f64) -> Self {
        self.convolutions = self
            .convolutions
            .into_iter()
            .zip(output.trunk.statistics())
            .map(|(block, of_batch)| block.update(of_batch, momentum))
            .collect();
        self
    }

    /// The batch behind the convolution blocks. An error when it doesn't pass [`Graph::check`].
    fn trunk(&self, batch: &Batch, norming: Norming, outputs: Option<&[Outputs]>) -> Result<Pass> {
        self.check(batch)?;
        let blocks = self.convolutions.iter().map(Convolution::block).collect();
        Ok(Pass::new(batch, self.input, self.first_pool, blocks, norming, outputs))
    }

    /// An error when the batch's sizes contradict each other, or make no LSTM step.
    fn check(&self, batch: &Batch) -> Result<()> {
        let wanted = batch.valid_rows.len() * batch.rows * self.input.len();
        ensure!(
            wanted > 0 && batch.values.len() == wanted,
            "a batch wants {wanted} features, at least 1, {} came",
            batch.values.len()
        );
        if let Some(rows) = self.image_rows {
            let other = batch.valid_rows.iter().copied().chain([batch.rows]).find(|came| *came != rows);
            ensure!(
                other.is_none(),
                "the network hears images of {rows} columns, one of {} came",
                other.unwrap_or_default()
            );
        }
        let first = self.step_rows().first;
        ensure!(
            batch.rows >= first,
            "an utterance of {} rows is too short for a single LSTM step of {first} rows",
            batch.rows
        );
        Ok(())
    }

    /// What left the trunk, `[steps, batch, features]`; the features are `[band][channel]`, as in the core.
    fn sequence(&self, trunk: &Pass, batch: &Batch) -> Tensor<3> {
        let utterances = batch.valid_rows.len();
        let shape = [trunk.steps, utterances, trunk.sequence.len() / (trunk.steps * utterances)];
        Tensor::from_data(TensorData::new(trunk.sequence.clone(), shape), &self.dense_weight.val().device())
    }

    /// From the trunk's output `[steps, batch, features]` to logits. Those of the dense layer are the core's if its
    /// outputs are given.
    fn head(
        &self,
        mut sequence: Tensor<3>,
        batch: &Batch,
        mut dropout: Option<Dropout<'_>>,
        core: Option<&CoreOutputs>,
    ) -> Heads {
        if self.flatten {
            let [steps, utterances, features] = sequence.dims();
            sequence = sequence.swap_dims(0, 1).reshape([1, utterances, steps * features]);
        }
        let [steps, utterances, _] = sequence.dims();
        let device = sequence.device();
        let mut passes = Vec::with_capacity(self.lstms.len());
        for (index, lstm) in self.lstms.iter().enumerate() {
            if let Some(dropout) = &mut dropout {
                let [_, _, inputs] = sequence.dims();
                sequence = sequence * dropout.mask(utterances, inputs, &device).unsqueeze();
            }
            let taken = core.map(|core| core.hidden_states(index, [steps, utterances, lstm.hidden]));
            let pass = lstm.forward(sequence, taken.as_deref());
            sequence = pass.output.clone();
            passes.push(pass);
        }
        let weights =
            Tensor::from_data(TensorData::new(self.step_weights(batch, steps), [steps, utterances, 1]), &device);
        let mut mean: Tensor<2> = (sequence * weights).sum_dim(0).squeeze_dim(0);
        if let Some(dropout) = &mut dropout {
            let [_, inputs] = mean.dims();
            mean = mean * dropout.mask(utterances, inputs, &device);
        }
        let auxiliary = self.auxiliary.iter().map(|head| head.forward(&mean)).collect();
        let logits = mean.matmul(self.dense_weight.val()) + self.dense_bias.val().unsqueeze();
        let logits = match core {
            Some(core) => straight_through(logits.clone(), core.logits(logits.dims(), &device)),
            None => logits,
        };
        Heads { logits, auxiliary, lstms: passes }
    }

    /// What each step counts in what the dense layer gets, `[steps][utterance]`: the mean over an utterance's valid
    /// steps, or their last.
    fn step_weights(&self, batch: &Batch, steps: usize) -> Vec<f32> {
        let valid = self.valid_steps(batch, steps);
        let weight = |step: usize, valid: usize| match self.last_step {
            true if step + 1 == valid => 1.0,
            false if step < valid => 1.0 / valid as f32,
            _ => 0.0,
        };
        (0..steps).flat_map(|step| valid.iter().map(move |&valid| weight(step, valid))).collect()
    }

    /// Steps of each utterance that count, of so many that the batch has; at least one.
    fn valid_steps(&self, batch: &Batch, steps: usize) -> Vec<usize> {
        batch.valid_rows.iter().map(|&rows| self.steps(rows).clamp(1, steps.max(1))).collect()
    }

    /// LSTM steps that so many rows make.
    pub fn steps(&self, rows: usize) -> usize {
        let steps = self.convolutions.iter().fold(self.first_pool.rows(rows), |rows, block| block.output_rows(rows));
        if self.flatten { steps.min(1) } else { steps }
    }

    /// Rows that make LSTM steps.
    pub fn step_rows(&self) -> StepRows {
        if let Some(rows) = self.image_rows {
            return StepRows { first: rows, further: rows };
        }
        let pool = self.convolutions.iter().fold(self.first_pool, |pool, block| pool.then(block.pool()));
        StepRows { first: pool.size[0], further: pool.stride[0] }
    }

    /// All numbers that training changes, running statistics included, in a fixed order.
    pub fn values(&self) -> Vec<f32> {
        struct Collect(Vec<f32>);
        impl ModuleVisitor for Collect {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.extend(numbers(param.val()));
            }
        }
        let mut collect = Collect(Vec::new());
        self.visit(&mut collect);
        collect.0
    }

    /// How many of [`Graph::values`] get a gradient.
    pub fn trained_values(&self) -> usize {
        struct Count(usize);
        impl ModuleVisitor for Count {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let tensor = param.val();
                self.0 += if tensor.is_require_grad() { tensor.shape().num_elements() } else { 0 };
            }
        }
        let mut count = Count(0);
        self.visit(&mut count);
        count.0
    }

    /// The graph with other numbers, in the order of [`Graph::values`]. An error when there are too few or too many.
    pub fn with_values(self, values: &[f32]) -> Result<Self> {
        struct Replace<'v> {
            values: &'v [f32],
            wanted: usize,
        }
        impl ModuleMapper for Replace<'_> {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|tensor| {
                    let len = tensor.shape().num_elements();
                    self.wanted += len;
                    let Some((values, rest)) = self.values.split_at_checked(len) else { return tensor };
                    self.values = rest;
                    let tracked = tensor.is_require_grad();
                    let data = TensorData::new(values.to_vec(), tensor.shape());
                    Tensor::from_data(data, &tensor.device()).set_require_grad(tracked)
                })
            }
        }
        let mut replace = Replace { values, wanted: 0 };
        let graph = self.map(&mut replace);
        ensure!(replace.wanted == values.len(), "the network has {} numbers, {} came", replace.wanted, values.len());
        Ok(graph)
    }
}

#[cfg(test)]
mod tests;
