//! Initial weights. Drawn here, not by Burn, whose generator is shared by the whole process: a seed gives the same weights
//! whatever else runs.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Uniform in ±`limit`.
pub(super) fn uniform<const D: usize>(shape: [usize; D], limit: f64, rng: &mut ChaCha8Rng, device: &Device) -> Param<Tensor<D>> {
    let limit = limit as f32;
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-limit..=limit)).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// Glorot & Bengio 2010: uniform in `±√(6 / (fan_in + fan_out))`.
pub(super) fn glorot_uniform<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    fan_out: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    uniform(shape, (6.0 / (fan_in + fan_out) as f64).sqrt(), rng, device)
}
