//! The teachers of a distillation: networks trained earlier on the same training part.

use anyhow::Result;
use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, TensorData};

use crate::model::float_network::FloatNetwork;
use crate::training::graph::{Batch, Compute, Graph};
use crate::training::recipe::Distillation;

/// One teacher.
#[derive(Debug)]
struct Teacher {
    graph: Graph,
    backwards: bool,
}

impl Teacher {
    /// `[batch, labels]`.
    fn logits(&self, batch: &Batch, reversed: &Batch) -> Result<Tensor<2>> {
        self.graph.forward(if self.backwards { reversed } else { batch })
    }
}

/// All teachers.
#[derive(Debug, Default)]
pub(super) struct Teachers(Vec<Teacher>);

impl Teachers {
    /// Adds a network. Fails if its parameters do not fit its description.
    pub(super) fn add(&mut self, network: &FloatNetwork, backwards: bool, compute: &Compute) -> Result<()> {
        self.0.push(Teacher { graph: Graph::from_float_network(network, compute)?, backwards });
        Ok(())
    }

    /// The targets of a batch, blended with the mean of the teachers' answers to it. The teachers' logits get the same
    /// `priors` that the loss adds to the network's. Without teachers the targets stay.
    pub(super) fn taught(
        &self,
        distillation: &Distillation,
        mut targets: Vec<f32>,
        priors: &[f32],
        batch: &Batch,
    ) -> Result<Vec<f32>> {
        if self.0.is_empty() {
            return Ok(targets);
        }
        let reversed = if self.0.iter().any(|teacher| teacher.backwards) { batch.reversed() } else { batch.clone() };
        let share = (distillation.weight / self.0.len() as f64) as f32;
        targets.iter_mut().for_each(|target| *target *= 1.0 - distillation.weight as f32);
        for teacher in &self.0 {
            let answers = teacher.logits(batch, &reversed)?;
            let priors = Tensor::from_data(TensorData::new(priors.to_vec(), answers.dims()), &answers.device());
            let answers = softmax(answers + priors, 1).into_data();
            targets.iter_mut().zip(answers.iter::<f32>()).for_each(|(target, answer)| *target += share * answer);
        }
        Ok(targets)
    }
}
