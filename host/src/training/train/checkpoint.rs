//! What a training must save to continue as if it had never stopped.

use anyhow::{Context, Result, ensure};
use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::{Progress, Trainer};
use crate::model::quantise::Calibration;
use crate::training::run::EpochMetrics;

#[derive(Serialize, Deserialize)]
struct Checkpoint {
    /// Burn's record of the weights.
    graph: Vec<u8>,
    /// The optimiser's state.
    optimizer: Vec<u8>,
    average: Vec<f32>,
    best: Vec<f32>,
    progress: Progress,
    history: Vec<EpochMetrics>,
    /// Calibration of the present quantisation-aware epoch.
    calibration: Option<Calibration>,
}

impl Trainer {
    /// Everything that changes from step to step, as bytes.
    pub fn checkpoint(&self) -> Result<Vec<u8>> {
        let checkpoint = Checkpoint {
            graph: self.graph.clone().into_record().into_bytes()?.to_vec(),
            optimizer: self.optimizer.to_bytes()?,
            average: self.average.clone(),
            best: self.best.clone(),
            progress: self.progress.clone(),
            history: self.history.clone(),
            calibration: self.calibration.clone(),
        };
        Ok(postcard::to_stdvec(&checkpoint)?)
    }

    /// Takes over the state in a checkpoint of a training with the same configuration and examples. Fails if the bytes
    /// are damaged or come from another network.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let checkpoint: Checkpoint =
            postcard::from_bytes(bytes).context("the checkpoint is damaged or of another version")?;
        if checkpoint.calibration.is_some() {
            self.drop_heads();
            if !self.average.is_empty() {
                self.average = self.graph.values();
            }
        }
        ensure!(
            checkpoint.average.len() == self.average.len(),
            "an average of {} numbers came with the checkpoint, the network wants {}",
            checkpoint.average.len(),
            self.average.len()
        );
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(checkpoint.graph))
            .context("the weights in the checkpoint are damaged")?;
        self.graph = self.graph.clone().try_load_record(record).context("the checkpoint is of another network")?;
        self.optimizer
            .restore(checkpoint.optimizer, &self.graph)
            .context("the optimiser's state in the checkpoint is damaged")?;
        ensure!(
            checkpoint.best.is_empty() || checkpoint.best.len() == self.graph.values().len(),
            "a best network of {} numbers came with the checkpoint",
            checkpoint.best.len()
        );
        self.average = checkpoint.average;
        self.best = checkpoint.best;
        self.progress = checkpoint.progress;
        self.history = checkpoint.history;
        self.calibration = checkpoint.calibration;
        Ok(())
    }
}
