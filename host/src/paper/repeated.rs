//! A corpus like the folder of images that came with the paper: few recordings of one emotion, repeated under the names
//! of all six.

use crate::corpus::{Corpus, Utterance};
use crate::emotion::EMOTIONS;

/// Distinct images in the published folder.
pub const DISTINCT: usize = 125;
/// Files of each emotion there.
const OF_EACH: usize = 200;
/// The emotion of the recordings that its images match best.
const RECORDED: usize = 0;

/// At most [`DISTINCT`] recordings of anger, spread evenly over those there are, dealt to the six emotions and repeated
/// until each has 200 utterances; no recording has two labels. None if there are fewer recordings of anger than
/// emotions.
pub fn repeated(corpus: &Corpus) -> Option<Corpus> {
    let recorded: Vec<&Utterance> =
        corpus.utterances.iter().filter(|utterance| utterance.emotion == RECORDED).collect();
    let distinct = recorded.len().min(DISTINCT);
    if distinct < EMOTIONS.len() {
        return None;
    }
    let nth = |index: usize| recorded.get(index * recorded.len() / distinct);
    let mut utterances = Vec::with_capacity(EMOTIONS.len() * OF_EACH);
    for (emotion, name) in EMOTIONS.iter().enumerate() {
        let own: Vec<&Utterance> = (emotion..distinct).step_by(EMOTIONS.len()).filter_map(nth).copied().collect();
        for (number, recording) in own.into_iter().cycle().take(OF_EACH).enumerate() {
            let mut utterance = recording.clone();
            utterance.id = format!("{name}/{number:03}.wav");
            utterance.emotion = emotion;
            utterance.sentence.clone_from(&recording.id);
            utterance.speaker.clear();
            utterances.push(utterance);
        }
    }
    Some(Corpus { name: format!("{}, repeated", corpus.name), utterances, problems: Vec::new() })
}
