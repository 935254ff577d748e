//! Converts tensors to numbers and back.

use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};

/// A tensor's numbers in order.
pub(super) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data();
    data.as_slice::<f32>().map_or_else(|_| data.iter::<f32>().collect(), <[f32]>::to_vec)
}

/// Numbers as a tensor; fails if their count is not that of the shape.
pub(super) fn tensor<const D: usize>(numbers: &[f32], shape: [usize; D], device: &Device) -> Result<Tensor<D>> {
    let wanted: usize = shape.iter().product();
    ensure!(numbers.len() == wanted, "a layer wants {wanted} numbers of a kind, {} came", numbers.len());
    Ok(Tensor::from_data(TensorData::new(numbers.to_vec(), shape), device))
}

/// `values`, with the gradient of `own`. The values stay exact: only 0 is added.
pub(super) fn straight_through<const D: usize>(own: Tensor<D>, values: Tensor<D>) -> Tensor<D> {
    values + (own.clone() - own.detach())
}
