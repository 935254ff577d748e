//! The silence gate: its rows are those of a plain description, and no row costs more than a few others.

use proptest::prelude::*;
use ser_core::frontend::{Backlog, Level, Passage, ROWS_AT_A_TIME, RowGate};
use ser_core::recognizer::Observation;
use ser_core::spec::Trim;
use ser_core::{Model, Recognizer};
use ser_host::corpus::synth;
use ser_tests::under_test::dirty_memory;

const EDGE: &[u8] = include_bytes!("../../models/synthetic/edge.ser");

/// The numbers of the rows that pass: a pause between two rows of speech passes up to its first `max_pause` rows.
fn plainly_passed(speech: &[bool], max_pause: usize) -> Vec<usize> {
    let mut passed: Vec<usize> = Vec::new();
    let mut pause: Vec<usize> = Vec::new();
    for (row, speech) in speech.iter().enumerate() {
        if *speech {
            passed.append(&mut pause);
            passed.push(row);
        } else if !passed.is_empty() && pause.len() < max_pause {
            pause.push(row);
        }
    }
    passed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_pass_in_order_and_few_at_a_time(
        runs in prop::collection::vec((any::<bool>(), 1..40_usize), 1..30),
        max_pause in 0..20_usize,
        row_len in 1..4_usize,
    ) {
        let speech: Vec<bool> = runs.into_iter().flat_map(|(speech, len)| std::iter::repeat_n(speech, len)).collect();
        let trim = Some(Trim { threshold_db: -50.0, range_db: 35.0, max_pause_rows: max_pause });
        let mut ring = vec![7_i16; RowGate::<i16>::ring_len(trim, row_len)];
        let mut gate = RowGate::new(trim, row_len, &mut ring);
        let mut passed = Vec::new();
        for (number, loud) in speech.iter().enumerate() {
            let before = passed.len();
            let passage = gate.judge(Level::from_decibels(if *loud { -20.0 } else { -90.0 }));
            prop_assert_eq!(passage == Passage::Now, *loud);
            gate.push(&vec![number as i16; row_len], passage, |row| passed.push(row.to_vec()));
            prop_assert!(passed.len() - before <= ROWS_AT_A_TIME);
            match gate.backlog() {
                Backlog::Empty => prop_assert_eq!(passed.len(), plainly_passed(&speech[..=number], max_pause).len()),
                Backlog::Held => prop_assert!(!loud),
                Backlog::Released => prop_assert!(passed.len() - before == ROWS_AT_A_TIME),
            }
        }
        gate.flush(|row| passed.push(row.to_vec()));
        let wanted: Vec<Vec<i16>> =
            plainly_passed(&speech, max_pause).into_iter().map(|row| vec![row as i16; row_len]).collect();
        prop_assert_eq!(passed, wanted);
    }
}

/// Speech, a pause that fills the gate, speech: no hop passes more than two rows, and the prediction has them all.
#[test]
fn behind_a_pause_no_hop_costs_more_than_two_rows() {
    let model = Model::parse(EDGE).expect("a valid file");
    let trim = model.front_end().trim.expect("edge has a gate");
    let hop = model.front_end().hop_len;
    let speech = synth::render(5, 0, 0, 0);
    let samples = [&speech[..], &vec![0; hop * (trim.max_pause_rows + 4)], &speech].concat();
    let mut memory = dirty_memory(model.state_words());
    let mut recognizer = Recognizer::new(&model, &mut memory).expect("memory enough");
    let (mut most, mut all) = (0, 0);
    for hop in samples.chunks(hop) {
        let mut rows = 0;
        recognizer.push_observed(hop, |observation| rows += usize::from(matches!(observation, Observation::Input(_))));
        most = most.max(rows);
        all += rows;
        // As a firmware asks after each push; it passes no row.
        recognizer.prediction();
    }
    assert_eq!(most, ROWS_AT_A_TIME);
    let mut waiting = 0;
    recognizer.catch_up_observed(|observation| waiting += usize::from(matches!(observation, Observation::Input(_))));
    let logits = recognizer.finish().map(|prediction| prediction.logits);

    // The same rows at once.
    let mut memory = dirty_memory(model.state_words());
    let mut whole = Recognizer::new(&model, &mut memory).expect("memory enough");
    let mut rows = 0;
    let mut count = |observation: Observation<'_>| rows += usize::from(matches!(observation, Observation::Input(_)));
    whole.push_observed(&samples, &mut count);
    whole.catch_up_observed(&mut count);
    assert_eq!(rows, all + waiting);
    assert!(rows > trim.max_pause_rows);
    assert_eq!(whole.finish().map(|prediction| prediction.logits), logits);
}
