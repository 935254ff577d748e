//! A model in memory: views of the file.

use super::layers::LayerParams;
use crate::frontend::{Normalizer, Tables};
use crate::kernels::TimeMean;
use crate::quant::Multipliers;
use crate::spec::{FrontEnd, MAX_LABELS, MAX_LAYERS};

/// A parsed model. Tables and weights stay in the file.
#[derive(Clone, Copy, Debug)]
pub struct Model<'m> {
    pub(super) front_end: FrontEnd,
    pub(super) tables: Tables<'m>,
    pub(super) normalizer: Normalizer<'m>,
    pub(super) layers: [LayerParams<'m>; MAX_LAYERS],
    pub(super) layer_count: usize,
    pub(super) labels: [&'m str; MAX_LABELS],
    pub(super) label_count: usize,
    pub(super) temperature: f32,
    pub(super) confidence_threshold: f32,
    pub(super) file_len: usize,
    pub(super) checksum: u32,
}

impl<'m> Model<'m> {
    /// An empty model for the parser to fill.
    pub(super) const fn blank(front_end: FrontEnd) -> Self {
        Self {
            front_end,
            tables: Tables { window: &[], mel_edges: &[], mel_rise: &[], floor: [0; 8] },
            normalizer: Normalizer { mean: &[], multipliers: Multipliers { mantissa: &[], shift: &[] } },
            layers: [LayerParams::TimeMean(TimeMean::new(0)); MAX_LAYERS],
            layer_count: 0,
            labels: [""; MAX_LABELS],
            label_count: 0,
            temperature: 1.0,
            confidence_threshold: 0.0,
            file_len: 0,
            checksum: 0,
        }
    }

    /// The front end of the training.
    pub const fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    /// The front end's tables.
    pub const fn tables(&self) -> Tables<'m> {
        self.tables
    }

    /// Normalisation of the log-mel rows, or of the colours of an image.
    pub const fn normalizer(&self) -> Normalizer<'m> {
        self.normalizer
    }

    /// The layers in order.
    pub const fn layers(&self) -> &[LayerParams<'m>] {
        match self.layers.split_at_checked(self.layer_count) {
            Some((layers, _)) => layers,
            None => &[],
        }
    }

    /// One name for each logit.
    pub const fn labels(&self) -> &[&'m str] {
        match self.labels.split_at_checked(self.label_count) {
            Some((labels, _)) => labels,
            None => &[],
        }
    }

    /// Logits are divided by this before the softmax.
    pub const fn temperature(&self) -> f32 {
        self.temperature
    }

    /// Do not trust a prediction whose probability is below this.
    pub const fn confidence_threshold(&self) -> f32 {
        self.confidence_threshold
    }

    /// Length of the file, bytes.
    pub const fn file_len(&self) -> usize {
        self.file_len
    }

    /// CRC-32 of the file, as in its header. It tells models apart.
    pub const fn checksum(&self) -> u32 {
        self.checksum
    }
}
