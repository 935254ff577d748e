//! A trained network to the files that are shipped: the int8 model and the float ONNX that it is compared with.

use anyhow::Result;

use crate::features::Rows;
use crate::float_model::FloatModel;
use crate::float_network::FloatNetwork;
use crate::model_file::{Confidence, write_model};
use crate::onnx::to_onnx;
use crate::quantise::{Calibration, quantise};

/// The two files of one network.
#[derive(Clone, Debug)]
pub struct Exported {
    /// int8 model for the core.
    pub model: Vec<u8>,
    /// Float network for tract or onnxruntime.
    pub onnx: Vec<u8>,
}

/// Exports a network, calibrated on normalised features of training utterances.
pub fn export(float: &FloatNetwork, training: &[Rows], confidence: Confidence) -> Result<Exported> {
    let onnx = to_onnx(float)?;
    let calibration = Calibration::new(float, &FloatModel::from_onnx(&onnx)?, training)?;
    let layers = quantise(float, &calibration)?;
    let model = write_model(&float.network, &float.normalization, &layers, confidence)?;
    Ok(Exported { model, onnx })
}
