//! A corpus that trains in no time, for tests.

use std::path::Path;

use crate::audio::write_wav;
use crate::augment::Augmentation;
use crate::emotion::EMOTIONS;
use crate::run::Recipe;

/// Writes, for each speaker (name and pitch), six emotions, each a tone of its own, in four sentences of different
/// length. A speaker without a name has no folder.
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

/// Writes a recipe of two epochs, in batches of so many utterances, at two speeds.
pub fn write_recipe(path: &Path, batch: usize) {
    let augmentation = Augmentation { speeds: vec![1.0, 1.1], gain_db: 3.0, ..Augmentation::none() };
    let recipe = Recipe { epochs: 2, batch, augmentation, ..Recipe::default() };
    std::fs::write(path, serde_json::to_vec(&recipe).unwrap()).unwrap();
}
