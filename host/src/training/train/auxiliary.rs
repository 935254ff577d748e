//! What the auxiliary heads of a recipe tell about each training utterance.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use super::example::Example;
use crate::training::graph::{AuxiliaryClasses, TrainOutput};
use crate::training::recipe::{Auxiliary, AuxiliaryTarget};

/// The heads of a recipe, for its training utterances.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads(Vec<Head>);

#[derive(Clone, Debug)]
struct Head {
    shape: AuxiliaryClasses,
    weight: f64,
    /// The class of each example; None if it is unknown.
    truth: Vec<Option<usize>>,
}

impl Heads {
    /// Fails if a head has fewer than two classes.
    pub(super) fn new(heads: &[Auxiliary], examples: &[Example]) -> Result<Self> {
        heads.iter().map(|head| Head::new(head, examples)).collect::<Result<_>>().map(Self)
    }

    /// The classes of each head.
    pub(super) fn shapes(&self) -> Vec<AuxiliaryClasses> {
        self.0.iter().map(|head| head.shape).collect()
    }

    /// Adds the heads' weighted losses to a loss, for the examples of the step.
    pub(super) fn add_to(
        &self,
        loss: Tensor<1>,
        output: &TrainOutput,
        examples: &[usize],
        device: &Device,
    ) -> Tensor<1> {
        self.0
            .iter()
            .zip(&output.auxiliary)
            .fold(loss, |loss, (head, logits)| loss + head.loss(logits, examples, device) * head.weight)
    }
}

impl Head {
    fn new(head: &Auxiliary, examples: &[Example]) -> Result<Self> {
        let name = |example: &Example| -> Option<String> {
            let name = match &head.target {
                AuxiliaryTarget::Speaker => example.speaker.clone(),
                AuxiliaryTarget::Sentence => example.sentence.clone(),
                AuxiliaryTarget::Group(groups) => groups.get(&example.speaker).cloned().unwrap_or_default(),
            };
            (!name.is_empty()).then_some(name)
        };
        let names: Vec<Option<String>> = examples.iter().map(name).collect();
        let classes: Vec<&String> = names.iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
        ensure!(
            classes.len() >= 2,
            "an auxiliary head has {} classes in the training part, wanted at least 2",
            classes.len()
        );
        let truth = names.iter().map(|name| name.as_ref().and_then(|name| classes.binary_search(&name).ok())).collect();
        Ok(Self {
            shape: AuxiliaryClasses { classes: classes.len(), adversarial: head.adversarial },
            weight: head.weight,
            truth,
        })
    }

    /// Mean cross-entropy; an example of unknown class adds nothing.
    fn loss(&self, logits: &Tensor<2>, examples: &[usize], device: &Device) -> Tensor<1> {
        let mut targets = vec![0.0f32; examples.len() * self.shape.classes];
        for (row, example) in targets.chunks_exact_mut(self.shape.classes).zip(examples) {
            if let Some(target) = self.truth.get(*example).copied().flatten().and_then(|class| row.get_mut(class)) {
                *target = 1.0;
            }
        }
        let targets: Tensor<2> =
            Tensor::from_data(TensorData::new(targets, [examples.len(), self.shape.classes]), device);
        (log_softmax(logits.clone(), 1) * targets).sum().neg() / examples.len().max(1) as f64
    }
}
