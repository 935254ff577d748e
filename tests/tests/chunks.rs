//! The division of audio into chunks makes no difference, and an utterance leaves no trace in the next.

use proptest::prelude::*;
use ser_core::model::LayerParams;
use ser_core::{Model, Recognizer};
use ser_tests::random_model::Shape;
use ser_tests::signals;
use ser_tests::under_test::{dirty_memory, hear, hear_with};

/// A random model with a hop of at most 60 samples, so that a short signal gives many rows.
fn model_bytes(seed: u64) -> Vec<u8> {
    let mut file = Shape::random(seed).fill(seed);
    file.front_end.hop_len = file.front_end.hop_len.clamp(1, 60);
    file.to_bytes()
}

fn random_cuts(samples: &[i16], lengths: &[usize]) -> Vec<Vec<i16>> {
    let mut rest = samples;
    let mut chunks = Vec::new();
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, behind) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk.to_vec());
        rest = behind;
    }
    chunks
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_and_logits_do_not_depend_on_chunk_size(seed: u64, lengths in prop::collection::vec(0..700_usize, 1..20)) {
        let bytes = model_bytes(seed);
        let model = Model::parse(&bytes).expect("a valid file");
        let samples = signals::babble(seed, 6_000);
        let whole = hear(&model, [&samples[..]]);
        for length in [1, 7, 160, 1000] {
            prop_assert_eq!(&hear(&model, samples.chunks(length)), &whole, "chunks of {}", length);
        }
        let chunks = random_cuts(&samples, &[lengths, vec![1]].concat());
        prop_assert_eq!(&hear(&model, chunks.iter().map(Vec::as_slice)), &whole);
    }

    #[test]
    fn a_prediction_on_the_way_changes_nothing(seed: u64) {
        let bytes = model_bytes(seed);
        let model = Model::parse(&bytes).expect("a valid file");
        let samples = signals::babble(seed, 4_000);
        let mut memory = dirty_memory(model.state_words());
        let mut recognizer = Recognizer::new(&model, &mut memory).expect("memory enough");
        for chunk in samples.chunks(97) {
            recognizer.push(chunk);
            recognizer.prediction();
        }
        let whole = hear(&model, [&samples[..]]);
        let logits = recognizer.finish().map(|p| p.logits[..model.labels().len()].iter().map(|&logit| i64::from(logit)).collect());
        prop_assert_eq!(logits, whole.logits);
    }

    #[test]
    fn the_second_utterance_equals_that_of_a_fresh_recognizer(seed: u64, first_len in 0..3_000_usize, ends in any::<bool>()) {
        let bytes = model_bytes(seed);
        let model = Model::parse(&bytes).expect("a valid file");
        let (first, second) = (signals::noise(seed, i16::MAX, first_len), signals::babble(seed, 4_000));
        let mut memory = dirty_memory(model.state_words());
        let mut recognizer = Recognizer::new(&model, &mut memory).expect("memory enough");
        recognizer.push(&first);
        if ends {
            recognizer.finish();
        } else {
            recognizer.reset();
        }
        prop_assert!(recognizer.prediction().is_none());
        prop_assert_eq!(hear_with(&mut recognizer, &model, [&second[..]]), hear(&model, [&second[..]]));
    }
}

/// An LSTM keeps its state between calls: the same rows give other hidden states later in the stream.
#[test]
fn an_lstm_remembers_between_calls() {
    let (mut remembering, mut models) = (0, 0);
    for seed in 0..27 {
        let bytes = model_bytes(seed);
        let model = Model::parse(&bytes).expect("a valid file");
        if !model.layers().iter().any(|layer| matches!(layer, LayerParams::Lstm(_))) {
            continue;
        }
        models += 1;
        let samples = signals::noise(seed, 5_000, 3_000);
        let heard = hear(&model, [&samples[..], &samples[..]]);
        let hidden = heard.layers.last().map(Vec::as_slice).unwrap_or_default();
        remembering += usize::from(hidden.first() != hidden.last());
    }
    assert!(models >= 15 && 4 * remembering >= 3 * models, "{remembering} of {models} models remember");
}
