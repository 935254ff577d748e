//! A corpus like the folder of images that came with the paper: a few recordings of one emotion, repeated under the
//! names of all six.

use std::collections::BTreeMap;

use crate::corpus::labels::{EMOTIONS, Labels};
use crate::corpus::{Corpus, Utterance};

/// Number of distinct images in the published folder.
pub const DISTINCT: usize = 125;
/// Number of files of each emotion in the published folder.
const OF_EACH: usize = 200;
/// The emotion whose recordings match the published images best.
const RECORDED: &str = "angry";

/// Takes at most [`DISTINCT`] recordings of anger, spread evenly, deals them to the six emotions and repeats them until
/// each emotion has 200 utterances; no recording has two labels. None if there are fewer recordings of anger than
/// emotions.
pub fn repeated(corpus: &Corpus) -> Option<Corpus> {
    let recorded: Vec<&Utterance> =
        corpus.utterances.iter().filter(|utterance| utterance.emotion_name() == RECORDED).collect();
    let distinct = recorded.len().min(DISTINCT);
    if distinct < EMOTIONS.len() {
        return None;
    }
    let nth = |index: usize| recorded.get(index * recorded.len() / distinct);
    let labels = Labels::emotions();
    let mut utterances = Vec::with_capacity(EMOTIONS.len() * OF_EACH);
    for (emotion, name) in EMOTIONS.iter().enumerate() {
        let own: Vec<&Utterance> = (emotion..distinct).step_by(EMOTIONS.len()).filter_map(nth).copied().collect();
        for (number, recording) in own.into_iter().cycle().take(OF_EACH).enumerate() {
            let mut utterance = recording.clone();
            utterance.id = format!("{name}/{number:03}.wav");
            (utterance.emotion, utterance.labels) = (emotion, labels.clone());
            utterance.sentence.clone_from(&recording.id);
            utterance.speaker.clear();
            utterances.push(utterance);
        }
    }
    Some(Corpus {
        name: format!("{}, repeated", corpus.name),
        members: corpus.members.clone(),
        map: corpus.map.clone(),
        labels,
        utterances,
        left_out: BTreeMap::new(),
        problems: Vec::new(),
        repeated: 0,
        others: 0,
    })
}
