//! The two ways through the network, held against each other.

use super::*;
use crate::training::graph::core_outputs::CoreOutputs;
use crate::training::graph::statistics::Norming;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// The same graph, with Burn's operations.
fn plain(graph: &Graph) -> Graph {
    let mut plain = graph.clone();
    plain.kernels = Kernels::Burn;
    plain
}

/// Wants values to differ by less than a share of the largest.
#[track_caller]
fn assert_near(came: &[f32], wanted: &[f32], share: f32, what: &str) {
    assert_eq!(came.len(), wanted.len(), "{what}");
    let limit = share * wanted.iter().fold(0.0, |largest: f32, value| largest.max(value.abs())) + 1e-6;
    for (at, (came, wanted)) in came.iter().zip(wanted).enumerate() {
        assert!((came - wanted).abs() <= limit, "{what}, value {at}: {came} came, wanted {wanted} within {limit}");
    }
}

/// Wants logits, gradients and moved statistics of a pass to be alike.
#[track_caller]
fn assert_alike(graph: &Graph, pass: impl Fn(&Graph) -> TrainOutput) {
    let of = |graph: &Graph| {
        let output = pass(graph);
        let heads = output.auxiliary.iter().map(|logits| log_softmax(logits.clone(), 1).slice([0..2, 0..1]).sum());
        let loss = -log_softmax(output.logits.clone(), 1).slice([0..2, 0..1]).sum();
        let loss = heads.fold(loss, |loss, head| loss + head);
        let gradients = collect(graph, &graph.gradients(&loss, &output).unwrap());
        let moved = graph.clone().update_statistics(&output, 0.3).values();
        (numbers(output.logits), gradients, moved)
    };
    let (fast, plain) = (of(graph), of(&plain(graph)));
    assert_near(&fast.0, &plain.0, 1e-5, "logits");
    assert_eq!(fast.1.len(), plain.1.len(), "parameters with a gradient");
    // Together: norm takes away the scale of a weight, so that a single gradient may be rounding alone.
    assert_near(&fast.1.concat(), &plain.1.concat(), 1e-4, "gradients");
    assert_near(&fast.2, &plain.2, 1e-5, "values with moved statistics");
}

#[test]
fn both_ways_have_the_same_logits_gradients_and_statistics() {
    let graph = used_graph().with_auxiliary(&[AuxiliaryClasses { classes: 3, adversarial: true }], 4);
    let batch = Batch::new(&[features(14, 1), features(11, 2), features(5, 3)], graph.step_rows());
    assert_alike(&graph, |graph| graph.forward_train(&batch, None).unwrap());
    assert_alike(&graph, |graph| {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        graph.forward_train(&batch, Some(Dropout { rate: 0.3, rng: &mut rng })).unwrap()
    });
    assert_alike(&graph, |graph| graph.pass(&batch, Norming::Running, None, None).unwrap());
}

#[test]
fn both_ways_take_the_cores_values_and_have_the_same_gradients() {
    let graph = used_graph();
    let batch = Batch::new(&[features(14, 1), features(11, 2), features(6, 3)], graph.step_rows());
    let values = |count: usize, at: usize| (0..count).map(|i| (((i + at) * 7919) % 21) as f32 / 10.0 - 1.0).collect();
    // Of an utterance without its steps of padding.
    let rows = |divisor: usize| batch.valid_rows.iter().map(move |rows| rows / divisor).enumerate();
    let block = |divisor: usize, width: usize| rows(divisor).map(|(at, rows)| values(rows * width, at)).collect();
    let core = CoreOutputs {
        blocks: vec![block(2, 4 * 3), block(2, 4 * 4), block(2, 2 * 2)],
        hidden: vec![block(2, 5), block(2, 3)],
        logits: values(3 * 6, 1),
    };
    assert_alike(&graph, |graph| graph.forward_with(&batch, &core).unwrap());
}
