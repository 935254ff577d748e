//! Whether the sentences of a corpus are known.
//!
//! Where nothing else names the sentence, the name of the file does. In CASIA it is the number of the sentence; in most
//! corpora each file has a name of its own. A split by such names keeps no sentence out of the training part.

use std::collections::BTreeMap;

use super::Corpus;

/// Why the sentences of a corpus cannot be told apart by their names; None if they can. They cannot if an utterance has
/// no sentence, or if most utterances have a sentence that no other has.
pub fn doubt(corpus: &Corpus) -> Option<String> {
    if let Some(utterance) = corpus.utterances.iter().find(|utterance| utterance.sentence.is_empty()) {
        return Some(format!("{} has no sentence", utterance.id));
    }
    let mut recordings: BTreeMap<&str, usize> = BTreeMap::new();
    for utterance in &corpus.utterances {
        *recordings.entry(&utterance.sentence).or_default() += 1;
    }
    let alone = recordings.values().filter(|count| **count == 1).count();
    (2 * alone > corpus.utterances.len()).then(|| {
        format!(
            "{alone} of {} recordings have a sentence name that no other recording has (without a manifest, the name \
             of the file)",
            corpus.utterances.len()
        )
    })
}
