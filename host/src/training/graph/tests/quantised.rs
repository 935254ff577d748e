use super::*;
use crate::features::rows::input_code;
use crate::model::float_model::FloatModel;
use crate::model::model_file::{Confidence, write_model};
use crate::model::onnx::to_onnx;
use crate::model::quantise::{Calibration, quantise};
use crate::training::graph::core_outputs::CoreOutputs;
use crate::training::graph::statistics::Norming;
use ser_core::Model;
use ser_core::engine::Engine;

/// The float model of a graph, and its int8 model.
fn exported(graph: &Graph, utterances: &[Rows]) -> (FloatModel, Vec<u8>) {
    let float = graph.to_float_network(&network(), &normalization()).unwrap();
    let model = FloatModel::from_onnx(&to_onnx(&float).unwrap()).unwrap();
    let layers = quantise(&float, &Calibration::new(&float, &model, utterances).unwrap()).unwrap();
    let bytes =
        write_model(&network(), &normalization(), &layers, Confidence { temperature: 1.0, threshold: 0.5 }).unwrap();
    (model, bytes)
}

fn utterances() -> [Rows; 4] {
    [features(14, 1), features(11, 2), features(5, 3), features(1, 4)]
}

#[test]
fn the_logits_of_a_quantised_pass_are_those_of_the_core() {
    let graph = used_graph();
    let utterances = utterances();
    let (_, bytes) = exported(&graph, &utterances);
    let model = Model::parse(&bytes).unwrap();
    let output = graph.forward_quantised(&Batch::new(&utterances, graph.step_rows()), &model).unwrap();
    let mut wanted = Vec::new();
    for utterance in &utterances {
        let mut memory = vec![0; model.network_words()];
        let mut engine = Engine::new(&model, &mut memory).unwrap();
        let codes: Vec<i8> = utterance.values.iter().map(|value| input_code(*value)).collect();
        // The last utterance is padded to a step with its only row.
        for row in codes.chunks_exact(BANDS).cycle().take(utterance.len().max(graph.step_rows().first)) {
            engine.push(row, |_, _| {}).unwrap();
        }
        wanted.extend(engine.logits().unwrap()[..6].iter().map(|logit| *logit as f32 / 4096.0));
    }
    assert_eq!(numbers(output.logits), wanted);
}

#[test]
fn a_quantised_pass_is_close_to_the_float_one() {
    let graph = used_graph();
    let utterances = utterances();
    let (_, bytes) = exported(&graph, &utterances);
    let batch = Batch::new(&utterances, graph.step_rows());
    let came = numbers(graph.forward_quantised(&batch, &Model::parse(&bytes).unwrap()).unwrap().logits);
    let wanted = numbers(graph.forward(&batch).unwrap());
    assert_ne!(came, wanted);
    for (came, wanted) in came.iter().zip(&wanted) {
        assert!((came - wanted).abs() < 0.02, "{came} {wanted}");
    }
}

/// Gradients of all parameters that have one, in order.
fn gradients(graph: &Graph, output: &TrainOutput) -> Vec<Vec<f32>> {
    let loss = -log_softmax(output.logits.clone(), 1).slice([0..3, 0..1]).sum();
    collect(graph, &graph.gradients(&loss, output).unwrap())
}

#[test]
fn the_gradient_with_the_floats_own_values_is_the_floats_own() {
    let graph = used_graph();
    let utterances = [features(14, 1), features(10, 2), features(6, 3)];
    let (float, _) = exported(&graph, &utterances);
    let batch = Batch::new(&utterances, graph.step_rows());

    let own = graph.pass(&batch, Norming::Running, None, None).unwrap();

    let outputs: Vec<_> = utterances.iter().map(|rows| float.run(rows).unwrap().unwrap()).collect();
    let of_layer =
        |layer: usize| -> Vec<Vec<f32>> { outputs.iter().map(|output| output.layers[layer].values.clone()).collect() };
    let core = CoreOutputs {
        // After the pools, and after the middle convolution, which has no pool.
        blocks: [1, 2, 4].map(of_layer).to_vec(),
        hidden: [5, 6].map(of_layer).to_vec(),
        logits: outputs.iter().flat_map(|output| output.logits.clone()).collect(),
    };
    let replaced = graph.forward_with(&batch, &core).unwrap();

    assert_eq!(numbers(replaced.logits.clone()), core.logits);
    let (came, wanted) = (gradients(&graph, &replaced), gradients(&graph, &own));
    assert_eq!(came.len(), 3 * 3 + 2 * 3 + 2);
    for (place, (came, wanted)) in came.iter().zip(&wanted).enumerate() {
        let limit = 1e-4 * wanted.iter().fold(0.0, |largest: f32, value| largest.max(value.abs())) + 1e-7;
        assert!(wanted.iter().any(|value| *value != 0.0), "no gradient of parameter {place}");
        assert!(
            came.iter().zip(wanted).all(|(came, wanted)| (came - wanted).abs() < limit),
            "parameter {place}: {came:?}, wanted {wanted:?}"
        );
    }
}

#[test]
fn a_model_with_other_layers_is_refused() {
    let graph = used_graph();
    let utterances = utterances();
    let (_, bytes) = exported(&graph, &utterances);
    let mut other = network();
    other.layers.remove(6);
    let other = Graph::new(&other, Style::default(), 1, &tracked()).unwrap();
    let batch = Batch::new(&utterances, other.step_rows());
    let error = other.forward_quantised(&batch, &Model::parse(&bytes).unwrap()).unwrap_err().to_string();
    assert!(error.contains("other layers"), "{error}");
}
