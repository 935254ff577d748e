//! The teachers of a distillation: networks trained before, on the same training part.

use anyhow::{Result, ensure};
use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, TensorData};

use super::{Trainer, device};
use crate::float_network::FloatNetwork;
use crate::graph::{Batch, Graph};

/// One of them.
#[derive(Debug)]
pub(super) struct Teacher {
    graph: Graph,
    backwards: bool,
}

impl Teacher {
    /// `[batch, labels]`.
    fn logits(&self, batch: &Batch, reversed: &Batch) -> Result<Tensor<2>> {
        self.graph.forward(if self.backwards { reversed } else { batch })
    }
}

impl Trainer {
    /// Adds a teacher.
    ///
    /// # Errors
    ///
    /// If it was trained on other features than this training part's, or tells other labels apart.
    pub fn add_teacher(&mut self, network: &FloatNetwork, backwards: bool) -> Result<()> {
        ensure!(
            network.network.labels == self.config.network.labels && network.normalization == *self.normalization(),
            "a teacher was trained on other labels or features than those of this training part: has the corpus changed?"
        );
        self.teachers
            .push(Teacher { graph: Graph::from_float_network(network, &device(self.config.backend)?)?, backwards });
        Ok(())
    }

    /// The targets of a batch with the teachers' mean answers to it in a share of them. What the loss adds to the
    /// network's logits (`priors`) belongs to the teachers' answers as well.
    pub(super) fn taught(&self, mut targets: Vec<f32>, priors: &[f32], batch: &Batch) -> Result<Vec<f32>> {
        let Some(distillation) = self.config.recipe.distillation.as_ref().filter(|_| !self.teachers.is_empty()) else {
            return Ok(targets);
        };
        let reversed =
            if self.teachers.iter().any(|teacher| teacher.backwards) { batch.reversed() } else { batch.clone() };
        let share = (distillation.weight / self.teachers.len() as f64) as f32;
        targets.iter_mut().for_each(|target| *target *= 1.0 - distillation.weight as f32);
        for teacher in &self.teachers {
            let answers = teacher.logits(batch, &reversed)?;
            let priors = Tensor::from_data(TensorData::new(priors.to_vec(), answers.dims()), &answers.device());
            let answers = softmax(answers + priors, 1).into_data();
            targets.iter_mut().zip(answers.iter::<f32>()).for_each(|(target, answer)| *target += share * answer);
        }
        Ok(targets)
    }
}
