//! Networks with a name.

use heapless::{String, Vec};

use super::{FrontEnd, Label, Layer, Level, Network, Trim, Window};

/// The six emotions, in the order of the logits.
const EMOTIONS: [&str; 6] = ["angry", "fear", "happy", "neutral", "sad", "surprise"];

fn labels() -> Vec<Label, 8> {
    let mut labels = Vec::new();
    for name in EMOTIONS {
        // There is room for six labels.
        let _ = String::try_from(name).map(|label| labels.push(label));
    }
    labels
}

/// `edge`, for microcontrollers: 40 log-mel bands each 16 ms, three convolutions, two LSTMs; a model file of at most 100 KB.
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
            level: Level::RelativeToPeak,
        },
        layers: [
            Layer::Conv2d { channels: 12, rows: 3, bands: 3 },
            Layer::MaxPool { rows: 2, bands: 2 },
            Layer::Conv2d { channels: 24, rows: 3, bands: 3 },
            Layer::MaxPool { rows: 1, bands: 2 },
            Layer::Conv2d { channels: 32, rows: 3, bands: 3 },
            Layer::MaxPool { rows: 1, bands: 2 },
            Layer::Lstm { hidden: 64 },
            Layer::Lstm { hidden: 48 },
            Layer::TimeMean,
            Layer::Dense { units: 6 },
        ]
        .into_iter()
        .collect(),
        labels: labels(),
    }
}

/// The network of that name, if there is one.
pub fn preset(name: &str) -> Option<Network> {
    match name {
        "edge" => Some(edge()),
        _ => None,
    }
}
