//! The quantisation-aware stage: fine-tuning with the int8 core's arithmetic in the forward pass.
//!
//! It starts from the averaged network, with batch norm folded into the convolutions and with a fresh optimiser and
//! average. Each step quantises the weights as for export; [`Graph::forward_quantised`] then gives the values of the
//! core and the gradient of the float graph. There is no dropout: the values are the core's, and the core has none.

use anyhow::{Context, Result, ensure};
use ser_core::Model;

use super::Trainer;
use super::auxiliary::Heads;
use super::optimizer::Optimizer;
use crate::model::float_model::FloatModel;
use crate::model::float_network::FloatNetwork;
use crate::model::model_file::{Confidence, write_model};
use crate::model::onnx::to_onnx;
use crate::model::quantise::{Calibration, quantise};
use crate::training::graph::{Batch, Compute, Graph, TrainOutput};
use crate::training::run::EpochMetrics;

/// Training utterances for the calibration of an epoch: enough for ranges, and fast. Export calibrates on all.
const CALIBRATION_UTTERANCES: usize = 128;

/// Does not affect logits.
const CONFIDENCE: Confidence = Confidence { temperature: 1.0, threshold: 0.5 };

impl Trainer {
    /// Begins the quantisation-aware stage after a training that gave `network` and `history`.
    ///
    /// # Errors
    ///
    /// If the network was trained on other features, or is not the network of the configuration.
    pub fn begin_behind(&mut self, network: &FloatNetwork, history: Vec<EpochMetrics>) -> Result<()> {
        ensure!(
            network.network == self.config.network,
            "wanted the network of the configuration, another network came"
        );
        ensure!(
            network.normalization == *self.normalization(),
            "the network was trained on other features than those of this training part: has the corpus or the front end changed?"
        );
        self.start_from(network)?;
        self.progress.epoch = self.config.recipe.epochs;
        self.history = history;
        Ok(())
    }

    /// Takes weights from a network; resets optimiser and average and drops the auxiliary heads.
    fn start_from(&mut self, network: &FloatNetwork) -> Result<()> {
        self.drop_heads();
        let values = Graph::from_float_network(network, &Compute::new(self.config.backend)?)?.values();
        self.graph = self.graph.clone().with_values(&values)?;
        if !self.average.is_empty() {
            self.average = values;
        }
        self.optimizer = Optimizer::new(&self.config.recipe);
        Ok(())
    }

    /// Removes the auxiliary heads.
    pub(super) fn drop_heads(&mut self) {
        self.heads = Heads::default();
        self.graph = self.graph.clone().with_auxiliary(&[], self.config.seed);
    }

    /// Calibrates anew, on utterances without augmentation as in export; the ranges then hold for the epoch. `epoch`
    /// counts from 0 within the stage.
    pub(super) fn begin_quantised_epoch(&mut self, epoch: usize) -> Result<()> {
        if epoch == 0 {
            self.start_from(&self.network()?)?;
        }
        let speeds = self.config.recipe.augmentation.speeds.iter().enumerate();
        let as_recorded =
            speeds.min_by(|a, b| (a.1 - 1.0).abs().total_cmp(&(b.1 - 1.0).abs())).map_or(0, |(index, _)| index);
        let float = self.trained()?;
        let model = FloatModel::from_onnx(&to_onnx(&float)?)?;
        let utterances = self.batches.plain(CALIBRATION_UTTERANCES, as_recorded)?;
        self.calibration = Some(Calibration::new(&float, &model, &utterances)?);
        Ok(())
    }

    /// The core's output for a batch with the present weights.
    pub(super) fn forward_quantised(&self, batch: &Batch) -> Result<TrainOutput> {
        let model = self
            .quantised()
            .with_context(|| format!("the weights cannot be quantised in epoch {}", self.progress.epoch + 1))?;
        self.graph.forward_quantised(batch, &Model::parse(&model)?)
    }

    /// The present weights as a model file, with the ranges of the epoch.
    pub(super) fn quantised(&self) -> Result<Vec<u8>> {
        let float = self.trained()?;
        let calibration = self.calibration.as_ref().context("the epoch is not calibrated")?;
        write_model(&float.network, &float.normalization, &quantise(&float, calibration)?, CONFIDENCE)
    }

    /// The present weights, not their average.
    fn trained(&self) -> Result<FloatNetwork> {
        self.graph.to_float_network(&self.config.network, self.normalization())
    }
}
