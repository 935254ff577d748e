//! Initial weights. They are drawn here and not by Burn, because the whole process shares Burn's generator: a seed
//! gives the same weights whatever else runs.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Uniform in ±`limit`.
pub(super) fn uniform<const D: usize>(
    shape: [usize; D],
    limit: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<D>> {
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

/// Random rows of length 1 at right angles to each other (Saxe et al. 2014). There must be at least as many columns as
/// rows.
pub(super) fn orthogonal([rows, columns]: [usize; 2], rng: &mut ChaCha8Rng, device: &Device) -> Param<Tensor<2>> {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(rows);
    for _ in 0..rows {
        let mut row: Vec<f64> = (0..columns).map(|_| normal(rng)).collect();
        for other in &basis {
            let share: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
        }
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        row.iter_mut().for_each(|value| *value /= length);
        basis.push(row);
    }
    let values: Vec<f32> = basis.iter().flatten().map(|value| *value as f32).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, [rows, columns]), device))
}

/// Normally distributed with variance 1 (Box & Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (1.0 - rng.random::<f64>(), std::f64::consts::TAU * rng.random::<f64>());
    (-2.0 * radius.ln()).sqrt() * angle.cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::graph::tensors::numbers;
    use rand::SeedableRng;

    #[test]
    fn orthogonal_rows_have_length_one_and_products_of_zero() {
        let weights = numbers(orthogonal([12, 48], &mut ChaCha8Rng::seed_from_u64(1), &Device::flex()).val());
        let rows: Vec<&[f32]> = weights.chunks_exact(48).collect();
        for (i, j) in (0..12).flat_map(|i| (0..12).map(move |j| (i, j))) {
            let product: f32 = rows[i].iter().zip(rows[j]).map(|(a, b)| a * b).sum();
            assert!((product - if i == j { 1.0 } else { 0.0 }).abs() < 1e-5, "{i} {j}: {product}");
        }
    }
}
