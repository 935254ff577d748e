//! Recordings and models for the tests of the program.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use ser_core::spec::{Layer, LevelMode, Network, edge};
use ser_host::corpus::audio::write_wav;
use ser_host::corpus::labels::EMOTIONS;
use ser_host::corpus::synth;
use ser_host::features::rows::Normalization;
use ser_host::model::float_network::{FloatLayer, FloatNetwork, Gate, Gates};
use tempfile::TempDir;

pub const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/synthetic/edge.ser");
pub const FLOAT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/synthetic/edge.onnx");

/// The program.
pub fn simulator() -> Command {
    Command::new(env!("CARGO_BIN_EXE_firmware-sim"))
}

/// Runs the program. Returns exit code, standard output and standard error.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = simulator().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// One synthetic voice says one sentence in each emotion: six files `voice/emotion/sentence.wav`.
pub fn corpus() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (index, emotion) in EMOTIONS.iter().enumerate() {
        add(dir.path(), emotion, &synth::render(7, 0, index, 3));
    }
    dir
}

/// Adds a recording of the voice of [`corpus`].
pub fn add(corpus: &Path, emotion: &str, samples: &[i16]) -> PathBuf {
    add_as(corpus, "f1", emotion, samples)
}

/// Adds a recording of any voice.
pub fn add_as(corpus: &Path, voice: &str, emotion: &str, samples: &[i16]) -> PathBuf {
    let path = place(corpus, voice, emotion);
    write_wav(&path, samples).unwrap();
    path
}

/// The path of a new recording; makes its folder.
pub fn place(corpus: &Path, voice: &str, emotion: &str) -> PathBuf {
    let folder = corpus.join(voice).join(emotion);
    std::fs::create_dir_all(&folder).unwrap();
    let there = std::fs::read_dir(&folder).unwrap().count();
    folder.join(format!("{:03}.wav", 201 + there))
}

/// A 16 kHz mono WAV of 32-bit float samples.
pub fn float_wav(samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    // Float samples, one channel.
    bytes.extend([3, 0, 1, 0]);
    bytes.extend(16_000u32.to_le_bytes());
    bytes.extend(64_000u32.to_le_bytes());
    // 4 bytes in a frame, 32 bits in a sample.
    bytes.extend([4, 0, 32, 0]);
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// The network `edge` with other labels.
pub fn labelled(labels: &[&str]) -> Network {
    let mut network = edge();
    network.labels = labels.iter().map(|label| (*label).try_into().unwrap()).collect();
    if let Some(Layer::Dense { units }) = network.layers.last_mut() {
        *units = labels.len();
    }
    network
}

/// A float network that always answers its first label.
pub fn one_answer(network: Network) -> FloatNetwork {
    let layers = network.shapes().map(|(layer, input, _)| match layer {
        Layer::Conv2d { channels, rows, bands, .. } => FloatLayer::Conv2d {
            weight: vec![0.0; channels * rows * bands * input.channels],
            bias: vec![0.0; channels],
        },
        Layer::MaxPool { .. } => FloatLayer::MaxPool,
        Layer::Lstm { hidden } => {
            let gate = Gate {
                input_weight: vec![0.0; hidden * input.len()],
                recurrent_weight: vec![0.0; hidden * hidden],
                bias: vec![0.0; hidden],
            };
            FloatLayer::Lstm(Gates { input: gate.clone(), forget: gate.clone(), cell: gate.clone(), output: gate })
        }
        Layer::Flatten { .. } => FloatLayer::Flatten,
        Layer::TimeMean => FloatLayer::TimeMean,
        Layer::LastStep => FloatLayer::LastStep,
        Layer::Dense { units } => {
            let mut bias = vec![0.0; units];
            bias[0] = 5.0;
            FloatLayer::Dense { weight: vec![0.0; units * input.len()], bias }
        }
    });
    let layers = layers.collect();
    let bands = network.input().bands;
    FloatNetwork {
        network,
        normalization: Normalization { level: LevelMode::Absolute, mean: vec![0.0; bands], sd: vec![1.0; bands] },
        layers,
    }
}
