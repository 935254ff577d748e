//! From a trained network to the shipped files: the int8 model, and the float ONNX to compare it with.

use anyhow::Result;

use crate::features::rows::Rows;
use crate::model::float_model::FloatModel;
use crate::model::float_network::FloatNetwork;
use crate::model::model_file::{Confidence, write_model};
use crate::model::onnx::to_onnx;
use crate::model::quantise::{Calibration, quantise};

/// The two files of one network.
#[derive(Clone, Debug)]
pub struct Exported {
    /// int8 model for the core.
    pub model: Vec<u8>,
    /// Float network for tract or onnxruntime.
    pub onnx: Vec<u8>,
}

/// Exports a network; the normalised features of training utterances calibrate it.
pub fn export(float: &FloatNetwork, training: &[Rows], confidence: Confidence) -> Result<Exported> {
    let onnx = to_onnx(float)?;
    let calibration = Calibration::new(float, &FloatModel::from_onnx(&onnx)?, training)?;
    let layers = quantise(float, &calibration)?;
    let model = write_model(&float.network, &float.normalization, &layers, confidence)?;
    Ok(Exported { model, onnx })
}
