//! The core, run in dirty memory with all of its rows recorded.

use ser_core::engine::{Engine, Logits, Row};
use ser_core::recognizer::Observation;
use ser_core::spec::{FrontEnd, LevelMode, Window};
use ser_core::{Model, Recognizer};
use ser_host::features::tables::OwnedTables;

use crate::reference::{self, Trace};

/// The rows and logits that the core passed on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Rows that entered the network.
    pub input: Vec<Vec<i8>>,
    /// Rows that left each layer, `[layer][time][values]`.
    pub layers: Vec<Vec<Vec<i64>>>,
    /// Logits at the end, one for each label.
    pub logits: Option<Vec<i64>>,
}

impl Heard {
    /// Records an observation of [`Recognizer::push_observed`].
    pub fn note(&mut self, observation: Observation<'_>) {
        match observation {
            Observation::Input(row) => self.input.push(row.to_vec()),
            Observation::Layer(layer, row) => self.note_layer(layer, row),
        }
    }

    fn note_layer(&mut self, layer: usize, row: Row<'_>) {
        if self.layers.len() <= layer {
            self.layers.resize(layer + 1, Vec::new());
        }
        self.layers[layer].push(match row {
            Row::Codes(codes) => codes.iter().map(|&code| i64::from(code)).collect(),
            Row::Hidden(hidden) => hidden.iter().map(|&value| i64::from(value)).collect(),
        });
    }

    /// Records the logits, and checks that those beyond the labels are zero.
    pub fn conclude(&mut self, labels: usize, logits: Option<Logits>) {
        self.logits = logits.map(|logits| {
            assert!(logits[labels..].iter().all(|&logit| logit == 0), "{logits:?} for {labels} labels");
            logits[..labels].iter().map(|&logit| i64::from(logit)).collect()
        });
    }

    /// The first place where the core differs from the reference; None if they are equal.
    pub fn difference(&self, trace: &Trace) -> Option<String> {
        for (layer, map) in trace.layers.iter().enumerate() {
            let rows = self.layers.get(layer).map_or(&[][..], Vec::as_slice);
            if rows.len() != map.rows.len() {
                return Some(format!(
                    "layer {layer}: wanted {} rows, the core passed {} on",
                    map.rows.len(),
                    rows.len()
                ));
            }
            for (time, (got, wanted)) in rows.iter().zip(&map.rows).enumerate() {
                if got != wanted {
                    return Some(format!("layer {layer}, row {time}: wanted {wanted:?}, the core has {got:?}"));
                }
            }
        }
        if self.layers.len() > trace.layers.len() {
            return Some(format!(
                "wanted rows from {} layers, the core passed on those of {}",
                trace.layers.len(),
                self.layers.len()
            ));
        }
        (self.logits != trace.logits)
            .then(|| format!("wanted logits {:?}, the core has {:?}", trace.logits, self.logits))
    }
}

/// Memory as a firmware may find it after a reset: anything but zeros.
pub fn dirty_memory(words: usize) -> Vec<u32> {
    (0..words as u32).map(|index| (index + 1).wrapping_mul(0x9E37_79B9) | 0x8000_0080).collect()
}

/// Passes audio to a new recognizer, chunk by chunk.
pub fn hear<'a>(model: &Model<'_>, chunks: impl IntoIterator<Item = &'a [i16]>) -> Heard {
    let mut memory = dirty_memory(model.state_words());
    let mut recognizer = Recognizer::new(model, &mut memory).expect("memory as large as the model says");
    hear_with(&mut recognizer, model, chunks)
}

/// Passes an utterance to a recognizer and finishes it.
pub fn hear_with<'a>(
    recognizer: &mut Recognizer<'_, '_>,
    model: &Model<'_>,
    chunks: impl IntoIterator<Item = &'a [i16]>,
) -> Heard {
    let mut heard = Heard::default();
    for chunk in chunks {
        recognizer.push_observed(chunk, |observation| heard.note(observation));
    }
    recognizer.catch_up_observed(|observation| heard.note(observation));
    heard.conclude(model.labels().len(), recognizer.finish().map(|prediction| prediction.logits));
    heard
}

/// Passes rows to a new engine and tells it that there are no more.
pub fn run_rows(model: &Model<'_>, rows: &[Vec<i8>]) -> Heard {
    let mut memory = dirty_memory(model.network_words());
    let mut engine = Engine::new(model, &mut memory).expect("memory as large as the model says");
    run_rows_with(&mut engine, model, rows)
}

/// The same with an engine that has not had a row yet.
pub fn run_rows_with(engine: &mut Engine<'_, '_>, model: &Model<'_>, rows: &[Vec<i8>]) -> Heard {
    let mut heard = Heard { input: rows.to_vec(), ..Heard::default() };
    for row in rows {
        engine.push(row, |layer, row| heard.note_layer(layer, row)).expect("rows of the front end");
    }
    engine.finish(|layer, row| heard.note_layer(layer, row));
    heard.conclude(model.labels().len(), engine.logits());
    heard
}

/// The multiplier of a band with the standard deviation `sd`, dB: 32 / (65536 sd).
pub fn multiplier(sd: f64) -> reference::Multiplier {
    let factor = 1.0 / (2048.0 * sd);
    let shift =
        (1..=31).find(|shift| factor * 2f64.powi(32 + shift) >= 2f64.powi(30)).expect("a factor of at least 2^-33");
    reference::Multiplier { mantissa: (factor * 2f64.powi(32 + shift)).round() as i32, shift: shift as u8 }
}

/// A front end for the reference: the description with the tables that the host generates for it, means of 0 and
/// standard deviations of 1.
pub fn reference_front_end(spec: &FrontEnd) -> reference::FrontEnd {
    let tables = OwnedTables::new(spec).expect("a usable description");
    let trim = spec.trim;
    reference::FrontEnd {
        sample_rate_hz: spec.sample_rate_hz,
        frame_len: spec.frame_len as u16,
        hop_len: spec.hop_len as u16,
        fft_len: spec.fft_len as u16,
        mel_bands: spec.row_shape().bands as u16,
        dc_block_pole: spec.dc_block_pole,
        pre_emphasis: spec.pre_emphasis,
        lower_edge_hz: spec.mel_low_hz,
        upper_edge_hz: spec.mel_high_hz,
        floor_db: spec.floor_db,
        window: match spec.window {
            Window::Hann => 0,
            Window::Hamming => 1,
            Window::HannSymmetric => 2,
        },
        gate: u8::from(trim.is_some()),
        longest_pause: trim.map_or(0, |trim| trim.max_pause_rows as u16),
        gate_threshold_db: trim.map_or(0.0, |trim| trim.threshold_db),
        gate_range_db: trim.map_or(0.0, |trim| trim.range_db),
        level: match spec.level {
            LevelMode::Absolute => 0,
            LevelMode::RelativeToPeak => 1,
        },
        features: u8::from(spec.image.is_some()),
        columns: spec.image_rows().unwrap_or(0) as u16,
        subtraction_tenths: spec.denoise.map_or(0, |denoise| denoise.subtraction_tenths),
        depth_db: spec.denoise.map_or(0, |denoise| denoise.depth_db),
        window_table: window_table(spec, &tables.window),
        edges: tables.mel_edges.into_iter().map(u16::from_le_bytes).collect(),
        rising: tables.mel_rise.into_iter().map(i16::from_le_bytes).collect(),
        floor: u64::from_le_bytes(tables.floor),
        mean: vec![0; spec.normalized_parts()],
        multipliers: vec![multiplier(1.0); spec.normalized_parts()],
    }
}

/// The values of a window; for an image, each value fills two places.
fn window_table(spec: &FrontEnd, table: &[[u8; 2]]) -> Vec<i32> {
    if spec.image.is_some() {
        table.as_flattened().as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()
    } else {
        table.iter().map(|bytes| i32::from(i16::from_le_bytes(*bytes))).collect()
    }
}
