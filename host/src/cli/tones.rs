//! A corpus and a recipe that train within seconds, for tests.

use std::path::Path;

use crate::corpus::audio::write_wav;
use crate::corpus::labels::EMOTIONS;
use crate::features::augment::Augmentation;
use crate::training::recipe::Recipe;

/// Writes a corpus of tones: six emotions for each speaker (name and pitch), with four sentences of different length.
/// Each emotion is a tone of its own. A speaker with an empty name has no folder.
pub fn write_tones(corpus: &Path, speakers: &[(&str, f32)]) {
    for (speaker, pitch) in speakers {
        for (emotion, name) in EMOTIONS.iter().enumerate() {
            let folder = corpus.join(speaker).join(name);
            std::fs::create_dir_all(&folder).unwrap();
            for sentence in 1..=4 {
                let tone = |n: usize| (6000.0 * (n as f32 * 0.05 * pitch * (emotion + 1) as f32).sin()) as i16;
                let samples: Vec<i16> = (0..6000 + 400 * sentence).map(tone).collect();
                write_wav(&folder.join(format!("{sentence}.wav")), &samples).unwrap();
            }
        }
    }
}

/// Writes a recipe of two epochs at two speeds. `batch` is the number of utterances in a step.
pub fn write_recipe(path: &Path, batch: usize) {
    let augmentation = Augmentation { speeds: vec![1.0, 1.1], gain_db: 3.0, ..Augmentation::none() };
    let recipe = Recipe { epochs: 2, batch, augmentation, ..Recipe::default() };
    std::fs::write(path, serde_json::to_vec(&recipe).unwrap()).unwrap();
}
