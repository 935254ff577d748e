//! Networks with a name.

use heapless::{String, Vec};

use super::front_end::{FrontEnd, Image, LevelMode, Trim, Window};
use super::network::{Label, Layer, MAX_LABELS, MAX_LAYERS, Network, Padding};

/// The six emotions, in the order of the logits.
const EMOTIONS: [&str; 6] = ["angry", "fear", "happy", "neutral", "sad", "surprise"];

fn labels() -> Vec<Label, MAX_LABELS> {
    let mut labels = Vec::new();
    for name in EMOTIONS {
        // There is room for six labels.
        let _ = String::try_from(name).map(|label| labels.push(label));
    }
    labels
}

/// One by one, because to the compiler a `collect` could panic.
fn layers(of_network: impl IntoIterator<Item = Layer>) -> Vec<Layer, MAX_LAYERS> {
    let mut layers = Vec::new();
    for layer in of_network {
        // No preset has more than there is room for.
        let _ = layers.push(layer);
    }
    layers
}

/// `edge`, for microcontrollers: 40 log-mel bands each 16 ms, three convolutions, two LSTMs; a model file of at most
/// 100 KB.
pub fn edge() -> Network {
    Network {
        front_end: FrontEnd {
            sample_rate_hz: 16_000,
            frame_len: 1024,
            hop_len: 256,
            fft_len: 1024,
            window: Window::Hann,
            dc_block_pole: 0.995,
            pre_emphasis: 0.0,
            mel_bands: 40,
            mel_low_hz: 50.0,
            mel_high_hz: 8000.0,
            floor_db: -75.0,
            trim: Some(Trim { threshold_db: -50.0, range_db: 35.0, max_pause_rows: 16 }),
            level: LevelMode::RelativeToPeak,
            denoise: None,
            image: None,
        },
        layers: layers([
            Layer::conv2d(12, 3, 3),
            Layer::max_pool(2, 2),
            Layer::conv2d(24, 3, 3),
            Layer::max_pool(1, 2),
            Layer::conv2d(32, 3, 3),
            Layer::max_pool(1, 2),
            Layer::Lstm { hidden: 64 },
            Layer::Lstm { hidden: 48 },
            Layer::TimeMean,
            Layer::Dense { units: 6 },
        ]),
        labels: labels(),
    }
}

/// `rnn`, to compare with: LSTMs over the log-mel rows of [`edge`], no convolution.
pub fn rnn() -> Network {
    let of_rows = [
        Layer::max_pool(2, 1),
        Layer::Lstm { hidden: 64 },
        Layer::Lstm { hidden: 48 },
        Layer::TimeMean,
        Layer::Dense { units: 6 },
    ];
    Network { layers: layers(of_rows), ..edge() }
}

/// `cnn`, for speakers that the training does not know: the log-mel rows of [`edge`], four convolutions and their mean
/// over time, no LSTM.
pub fn cnn() -> Network {
    let of_rows = [
        Layer::conv2d(16, 3, 3),
        Layer::max_pool(2, 2),
        Layer::conv2d(32, 3, 3),
        Layer::max_pool(1, 2),
        Layer::conv2d(48, 3, 3),
        Layer::max_pool(2, 2),
        Layer::conv2d(96, 3, 3),
        Layer::max_pool(1, 5),
        Layer::TimeMean,
        Layer::Dense { units: 6 },
    ];
    Network { layers: layers(of_rows), ..edge() }
}

/// `paper`, the network of Zheng et al., "Speech emotion recognition based on CNN+LSTM model": the coloured spectrogram
/// of the whole utterance, flattened to a single step of the LSTMs.
pub fn paper() -> Network {
    of_image(Some(Layer::Flatten { rows: 26 }))
}

/// `paper-seq`, a second reading of [`paper`]: the rows behind the convolutions are a sequence of 26 steps.
pub fn paper_seq() -> Network {
    of_image(None)
}

fn of_image(flatten: Option<Layer>) -> Network {
    let pool = Layer::MaxPool { rows: 3, bands: 3, overlap: 1 };
    let convolutions = [
        Layer::Conv2d { channels: 8, rows: 5, bands: 5, padding: Padding::Same },
        pool,
        Layer::Conv2d { channels: 16, rows: 3, bands: 3, padding: Padding::Valid },
        pool,
        Layer::Conv2d { channels: 8, rows: 3, bands: 3, padding: Padding::Same },
        pool,
    ];
    let behind = [Layer::Lstm { hidden: 200 }, Layer::Lstm { hidden: 50 }, Layer::LastStep, Layer::Dense { units: 6 }];
    Network {
        front_end: FrontEnd {
            sample_rate_hz: 16_000,
            frame_len: 256,
            hop_len: 128,
            fft_len: 512,
            window: Window::HannSymmetric,
            dc_block_pole: 0.0,
            pre_emphasis: 0.0,
            mel_bands: 0,
            mel_low_hz: 0.0,
            mel_high_hz: 8000.0,
            floor_db: -150.0,
            trim: None,
            level: LevelMode::Absolute,
            denoise: None,
            image: Some(Image { bands: 224, columns: 224 }),
        },
        layers: layers(convolutions.into_iter().chain(flatten).chain(behind)),
        labels: labels(),
    }
}

/// Names that [`preset`] knows.
pub const PRESETS: [&str; 5] = ["edge", "cnn", "rnn", "paper", "paper-seq"];

/// The network of that name, if there is one.
pub fn preset(name: &str) -> Option<Network> {
    match name {
        "edge" => Some(edge()),
        "cnn" => Some(cnn()),
        "rnn" => Some(rnn()),
        "paper" => Some(paper()),
        "paper-seq" => Some(paper_seq()),
        _ => None,
    }
}
