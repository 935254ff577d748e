//! A model file: parsed, and run if it is accepted.

use ser_core::engine::Engine;
use ser_core::{ImageRecognizer, Listener, Model};

use crate::random_model::{Shape, small_image_model, small_model, with_repaired_crc};
use crate::reference::ModelFile;
use crate::signals;
use crate::under_test::{Heard, dirty_memory, hear};
use crate::untrusted::config;

/// Hops that are heard behind the first frame. The plain reference is slow.
const HOPS: usize = 12;
/// The most samples that are heard.
const MOST_SAMPLES: usize = 30_000;
/// The most columns of an image that is recognised.
const MOST_COLUMNS: usize = 32;

/// Parses the bytes as they are, and with their length and checksum set right. A model that the core accepts is read
/// and computed by the reference too, with the same bits, however the audio is cut.
pub fn check(bytes: &[u8]) {
    _ = Model::parse(bytes).map_err(|error| error.to_string());
    let Some(file) = with_right_envelope(bytes) else { return };
    let model = match Model::parse(&file) {
        Ok(model) => model,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let reference = ModelFile::read(&file).expect("the reference reads what the core reads");
    for layer in model.layers() {
        _ = layer.slow_path();
    }
    let front_end = model.front_end();
    let samples =
        signals::babble(model.checksum().into(), (front_end.frame_len + HOPS * front_end.hop_len).min(MOST_SAMPLES));
    let heard = match front_end.image_rows() {
        Some(columns) if columns > MOST_COLUMNS => return,
        Some(_) => see(&model, &samples),
        None => {
            let heard = hear(&model, [samples.as_slice()]);
            let cut = 1 + model.checksum() as usize % front_end.frame_len;
            assert_eq!(hear(&model, samples.chunks(cut)), heard, "in chunks of {cut}");
            listen(&model, &samples);
            heard
        }
    };
    assert_eq!(heard.difference(&reference.run(&heard.input)), None);
    let mut memory = dirty_memory(model.network_words());
    let mut engine = Engine::new(&model, &mut memory).expect("memory as large as the model says");
    engine.push(&[0; 1 << 11], |_, _| ()).expect_err("no row is so long");
}

fn see(model: &Model<'_>, samples: &[i16]) -> Heard {
    let mut memory = dirty_memory(model.image_state_words());
    let mut recognizer = ImageRecognizer::new(model, &mut memory).expect("memory as large as the model says");
    let mut levels = vec![77; model.image_levels_len(samples.len())];
    let mut heard = Heard::default();
    let prediction = recognizer.recognize_observed(samples, &mut levels, |observation| heard.note(observation));
    heard.conclude(model.labels().len(), prediction.ok().map(|prediction| prediction.logits));
    heard
}

fn listen(model: &Model<'_>, samples: &[i16]) {
    let mut memory = dirty_memory(model.state_words());
    // Utterances may be too short for the hop.
    let Ok(mut listener) = Listener::new(model, &mut memory, &config()) else { return };
    listener.push(samples, |_| ());
    listener.finish(|_| ());
}

/// The file with its length and CRC in place; None if it is too short for them.
fn with_right_envelope(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = bytes.to_vec();
    file.get_mut(12..16)?.copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    (file.len() >= 20).then(|| with_repaired_crc(file))
}

/// Small models for streams and for images.
pub fn seeds() -> Vec<Vec<u8>> {
    let random =
        (0..24).map(|seed| if seed % 3 == 0 { Shape::random_image(seed) } else { Shape::random(seed) }.fill(seed));
    [small_model(), small_image_model()].into_iter().chain(random).map(|file| file.to_bytes()).collect()
}
