//! What computes a graph: a device of Burn's, and a set of kernels.

use anyhow::Result;
#[cfg(not(all(feature = "ndarray", feature = "wgpu", feature = "cuda")))]
use anyhow::bail;
use burn::tensor::Device;

use crate::training::run::Backend;

/// What computes a graph.
#[derive(Clone, Debug)]
pub struct Compute {
    /// Where Burn's tensors are.
    pub device: Device,
    /// What computes convolution blocks and LSTMs.
    pub kernels: Kernels,
}

/// What computes convolution blocks and LSTMs, forward and backward. Both compute the same mathematics, so their
/// results differ by rounding only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernels {
    /// Our own vector kernels.
    Fast,
    /// Burn's operations.
    Burn,
}

impl Compute {
    /// Device and kernels of a backend, for recognition.
    ///
    /// # Errors
    ///
    /// If this build lacks the backend.
    pub fn new(backend: Backend) -> Result<Self> {
        let device = match backend {
            Backend::Fast => return Ok(Self { device: Device::flex(), kernels: Kernels::Fast }),
            Backend::Flex => Device::flex(),
            // burn-ndarray is deprecated; host offers it all the same.
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            Backend::NdArray => Device::ndarray(),
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => Device::wgpu(burn::tensor::DeviceKind::default()),
            #[cfg(feature = "cuda")]
            Backend::Cuda => Device::cuda(0),
            #[cfg(not(all(feature = "ndarray", feature = "wgpu", feature = "cuda")))]
            absent => bail!("this build lacks the backend {absent}: build host with --features {absent}"),
        };
        Ok(Self { device, kernels: Kernels::Burn })
    }

    /// The same for training: Burn keeps the values that gradients need.
    #[must_use]
    pub fn autodiff(self) -> Self {
        Self { device: self.device.autodiff(), ..self }
    }
}
