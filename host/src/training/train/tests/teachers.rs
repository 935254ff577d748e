use super::*;
use crate::training::graph::StepRows;
use crate::training::recipe::Distillation;

fn distilled(weight: f64) -> Config {
    let mut config = config(2);
    config.recipe.distillation = Some(Distillation { teachers: 2, backwards: 1, layers: None, epochs: 2, weight });
    config
}

#[test]
fn targets_are_the_mean_answers_of_the_teachers_in_their_share() {
    let teacher = trainer(1).network().unwrap();
    let targets = |weight: f64| {
        let mut trainer = Trainer::new(distilled(weight), examples()).unwrap();
        trainer.add_teacher(&teacher, false).unwrap();
        trainer.add_teacher(&teacher, true).unwrap();
        let step = trainer.batches.get(0, 0).unwrap();
        let distillation = trainer.config.recipe.distillation.as_ref().unwrap();
        let taught = trainer.teachers.taught(distillation, step.targets.clone(), &step.priors, &step.batch).unwrap();
        (taught, step)
    };
    let (all, step) = targets(1.0);
    let graph = Graph::from_float_network(&teacher, &Compute::new(Backend::Fast).unwrap()).unwrap();
    let answers = |batch: &Batch| -> Vec<f32> {
        burn::tensor::activation::softmax(graph.forward(batch).unwrap(), 1).into_data().iter().collect()
    };
    let (forwards, backwards) = (answers(&step.batch), answers(&step.batch.reversed()));
    assert!(forwards.iter().zip(&backwards).any(|(a, b)| (a - b).abs() > 1e-4), "the two teachers differ");
    for ((all, a), b) in all.iter().zip(&forwards).zip(&backwards) {
        assert!((all - (a + b) / 2.0).abs() < 1e-6);
    }
    let (half, _) = targets(0.5);
    for ((half, all), plain) in half.iter().zip(&all).zip(&step.targets) {
        assert!((half - (all + plain) / 2.0).abs() < 1e-6);
    }
}

#[test]
fn a_teacher_of_other_features_is_refused() {
    let mut other = trainer(1).network().unwrap();
    other.normalization.mean[0] += 1.0;
    let error = Trainer::new(distilled(0.5), examples()).unwrap().add_teacher(&other, false).unwrap_err().to_string();
    assert!(error.contains("other labels or features"), "{error}");
}

#[test]
fn reversed_twice_is_the_batch_itself_and_padding_stays_behind() {
    let rows =
        |len: usize, from: usize| Rows { bands: 2, values: (0..2 * len).map(|value| (from + value) as f32).collect() };
    let batch = Batch::new(&[rows(3, 0), rows(5, 100)], StepRows { first: 4, further: 4 });
    let reversed = batch.reversed();
    assert_eq!((reversed.rows, &reversed.valid_rows), (8, &batch.valid_rows));
    assert_eq!(reversed.values[..8], [4.0, 5.0, 2.0, 3.0, 0.0, 1.0, 4.0, 5.0]);
    assert_eq!(reversed.reversed(), batch);
}

#[test]
fn a_network_that_hears_backwards_answers_as_one_that_hears_reversed_utterances() {
    let mut config = config(1);
    config.recipe.backwards = true;
    let mut network = trainer(1).network().unwrap();
    // Levels relative to the loudest row so far depend on the direction.
    network.normalization.level = ser_core::spec::LevelMode::Absolute;
    let utterance = rows(2, 9);
    let reversed = Rows { bands: BANDS, values: utterance.values.chunks(BANDS).rev().flatten().copied().collect() };
    let logits = |config: &Config, rows: &Rows| {
        Classifier::new(&network, config).unwrap().logits(&[&rows.clone().into()]).unwrap()
    };
    assert_eq!(logits(&config, &utterance), logits(&super::config(1), &reversed));
}
