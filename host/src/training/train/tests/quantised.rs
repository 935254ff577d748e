use super::*;
use burn::tensor::activation::log_softmax;
use ser_core::Model;

/// Two epochs, then some with the core's arithmetic.
fn quantised_config(qat_epochs: usize) -> Config {
    let mut config = config(2);
    config.recipe.qat_epochs = qat_epochs;
    config.recipe.qat_learning_rate = 5e-3;
    config
}

fn quantised_trainer(qat_epochs: usize) -> Trainer {
    Trainer::new(quantised_config(qat_epochs), examples()).unwrap()
}

/// Mean cross-entropy of the core over the training utterances as they are.
fn loss_of_the_core(trainer: &Trainer) -> f64 {
    let model = trainer.quantised().unwrap();
    let model = Model::parse(&model).unwrap();
    let utterances = trainer.batches.plain(18, 0).unwrap();
    let batch = Batch::new(&utterances, trainer.graph.step_rows());
    let log_probabilities = log_softmax(trainer.graph.forward_quantised(&batch, &model).unwrap().logits, 1);
    let values: Vec<f32> = log_probabilities.into_data().iter::<f32>().collect();
    -values.chunks_exact(6).enumerate().map(|(place, values)| f64::from(values[place % 6])).sum::<f64>() / 18.0
}

#[test]
fn the_stage_lowers_the_loss_of_the_core() {
    let mut trainer = quantised_trainer(12);
    while trainer.progress.epoch < 2 {
        trainer.step().unwrap();
    }
    trainer.begin_quantised_epoch(0).unwrap();
    let before = loss_of_the_core(&trainer);
    finish(&mut trainer);
    let after = loss_of_the_core(&trainer);
    assert!(after < 0.7 * before, "{before} before, {after} after");
    assert_eq!(trainer.history().len(), 14);
    let rates: Vec<f64> = trainer.history()[2..].iter().map(|epoch| epoch.learning_rate).collect();
    assert!(rates.iter().rev().is_sorted() && rates[0] < 5e-3, "{rates:?}");
}

#[test]
fn a_stage_that_is_resumed_gives_the_bits_of_an_uninterrupted_one() {
    let mut uninterrupted = quantised_trainer(2);
    finish(&mut uninterrupted);
    // An epoch has four steps. These stops lie before the stage, at its start, within its first epoch, between its
    // epochs and within its last.
    for steps in [7, 8, 9, 12, 15] {
        let mut interrupted = quantised_trainer(2);
        for _ in 0..steps {
            interrupted.step().unwrap();
        }
        let mut resumed = quantised_trainer(2);
        resumed.restore(&interrupted.checkpoint().unwrap()).unwrap();
        finish(&mut resumed);
        assert_eq!(result(&resumed), result(&uninterrupted), "interrupted after {steps} steps");
    }
}

#[test]
fn a_stage_behind_a_finished_training_is_that_of_one_training() {
    let mut one = quantised_trainer(2);
    finish(&mut one);
    let mut finished = trainer(2);
    finish(&mut finished);
    let mut behind = quantised_trainer(2);
    behind.begin_behind(&finished.network().unwrap(), finished.history().to_vec()).unwrap();
    finish(&mut behind);
    assert_eq!(result(&behind), result(&one));
    assert_ne!(behind.network().unwrap(), finished.network().unwrap());
}

#[test]
fn the_epochs_before_the_stage_do_not_depend_on_it() {
    let mut finished = trainer(2);
    finish(&mut finished);
    let mut with_stage = quantised_trainer(3);
    while with_stage.progress.epoch < 2 {
        with_stage.step().unwrap();
    }
    assert!(!with_stage.is_finished());
    assert_eq!(result(&with_stage), result(&finished));
}

#[test]
fn a_stage_behind_a_network_with_other_features_is_refused() {
    let mut finished = trainer(2);
    finish(&mut finished);
    let mut network = finished.network().unwrap();
    network.normalization.mean[0] += 1.0;
    let error = quantised_trainer(1).begin_behind(&network, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("other features"), "{error}");
}

#[test]
fn a_recipe_from_before_the_stage_has_none() {
    let mut json = serde_json::to_value(Recipe::default()).unwrap();
    let fields = json.as_object_mut().unwrap();
    assert!(fields.remove("qat_epochs").is_some() && fields.remove("qat_learning_rate").is_some());
    assert_eq!(serde_json::from_value::<Recipe>(json).unwrap(), Recipe::default());
    assert_eq!(Recipe::default().qat_epochs, 0);
}
