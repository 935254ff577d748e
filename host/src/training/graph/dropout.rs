//! Dropout between layers.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Zeroes a share of the values between layers and scales up the rest. An utterance has the same zeros at all time
/// steps.
#[derive(Debug)]
pub struct Dropout<'r> {
    /// Share of values that become zero, in 0..1.
    pub rate: f64,
    /// Which values.
    pub rng: &'r mut ChaCha8Rng,
}

impl Dropout<'_> {
    /// Factors `[batch, features]`, each 0 or `1 / (1 - rate)`.
    pub(super) fn mask(&mut self, batch: usize, features: usize, device: &Device) -> Tensor<2> {
        let keep = (1.0 / (1.0 - self.rate)) as f32;
        let factors = (0..batch * features).map(|_| if self.rng.random_bool(self.rate) { 0.0 } else { keep }).collect();
        Tensor::from_data(TensorData::new::<f32, _>(factors, [batch, features]), device)
    }
}
