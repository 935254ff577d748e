//! A trained network as plain numbers, and its way to a device: ONNX, quantiser, model file. Nothing here uses Burn.

pub mod dequantise;
pub mod embed;
pub mod export;
pub mod float_model;
pub mod float_network;
pub mod inspect;
pub mod logits;
pub mod model_file;
pub mod onnx;
pub mod quantise;
pub mod trained;
