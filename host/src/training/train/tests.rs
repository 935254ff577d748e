use super::*;
use crate::corpus::choice::Choice;
use crate::features::augment::Augmentation;
use crate::training::recipe::Recipe;
use crate::training::run::Backend;
use ser_core::spec::{Layer, edge};

mod auxiliary;
mod backends;
mod images;
mod quantised;
mod teachers;

const BANDS: usize = 8;

fn config(epochs: usize) -> Config {
    let mut network = edge();
    network.front_end.mel_bands = BANDS;
    network.layers = [
        Layer::conv2d(4, 3, 3),
        Layer::max_pool(2, 2),
        Layer::Lstm { hidden: 8 },
        Layer::TimeMean,
        Layer::Dense { units: 6 },
    ]
    .into_iter()
    .collect();
    let recipe = Recipe {
        epochs,
        batch: 5,
        learning_rate: 2e-2,
        warmup_epochs: 1.0,
        average_decay: 0.9,
        norm_momentum: 0.3,
        augmentation: Augmentation {
            speeds: vec![1.0, 1.1],
            splice_probability: 0.3,
            tempo: 0.1,
            gain_db: 3.0,
            time_masks: 1,
            time_mask_rows: 2,
            ..Augmentation::none()
        },
        ..Recipe::default()
    };
    Config {
        corpus: "tones".into(),
        corpora: Vec::new(),
        choice: Choice::default(),
        preset: "tiny".into(),
        seed: 5,
        backend: Backend::Fast,
        recipe,
        network,
    }
}

/// Rows with energy in a band that shows the class.
fn rows(class: usize, len: usize) -> Rows {
    let values =
        (0..len * BANDS).map(|i| if i % BANDS == class + 1 { -20.0 } else { -50.0 - ((i * 31) % 10) as f32 }).collect();
    Rows { bands: BANDS, values }
}

fn examples() -> Vec<Example> {
    (0..18)
        .map(|i| Example {
            speeds: vec![rows(i % 6, 8 + i % 5).into(), rows(i % 6, 7 + i % 5).into()],
            class: i % 6,
            ..Example::default()
        })
        .collect()
}

fn trainer(epochs: usize) -> Trainer {
    Trainer::new(config(epochs), examples()).unwrap()
}

fn finish(trainer: &mut Trainer) {
    while !trainer.is_finished() {
        trainer.step().unwrap();
    }
}

/// Everything that two equal trainings have in common; their times may differ.
fn result(trainer: &Trainer) -> (FloatNetwork, Vec<f32>, Vec<EpochMetrics>) {
    let history = trainer.history().iter().map(|epoch| EpochMetrics { seconds: 0.0, ..epoch.clone() }).collect();
    (trainer.network().unwrap(), trainer.graph.values(), history)
}

#[test]
fn training_learns_what_can_be_learnt() {
    let mut trainer = trainer(25);
    finish(&mut trainer);
    let first = &trainer.history()[0];
    let last = &trainer.history()[24];
    assert!(last.train_loss < 0.7 * first.train_loss, "{first:?} {last:?}");
    let utterances: Vec<Kept> = (0..6).map(|class| rows(class, 9).into()).collect();
    let logits = trainer.classifier().unwrap().logits(&utterances.iter().collect::<Vec<_>>()).unwrap();
    let classes: Vec<usize> = logits.iter().map(|logits| leading(logits.as_ref().unwrap()).unwrap()).collect();
    assert_eq!(classes, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn the_same_seed_gives_the_same_result_and_another_seed_another() {
    let run = |seed| {
        let mut trainer = Trainer::new(Config { seed, ..config(2) }, examples()).unwrap();
        finish(&mut trainer);
        result(&trainer)
    };
    let first = run(5);
    assert_eq!(run(5), first);
    assert_ne!(run(6), first);
}

#[test]
fn a_resumed_training_gives_the_bits_of_an_uninterrupted_one() {
    let mut uninterrupted = trainer(3);
    finish(&mut uninterrupted);
    for steps in [1, 4, 6] {
        let mut interrupted = trainer(3);
        for _ in 0..steps {
            interrupted.step().unwrap();
        }
        let checkpoint = interrupted.checkpoint().unwrap();
        let mut resumed = trainer(3);
        resumed.restore(&checkpoint).unwrap();
        finish(&mut resumed);
        assert_eq!(result(&resumed), result(&uninterrupted), "interrupted after {steps} steps");
    }
}

#[test]
fn a_damaged_or_foreign_checkpoint_is_refused() {
    let checkpoint = trainer(1).checkpoint().unwrap();
    let mut other = trainer(1);
    for len in [0, 10, checkpoint.len() / 2, checkpoint.len() - 1] {
        assert!(other.restore(&checkpoint[..len]).is_err(), "{len} of {} bytes", checkpoint.len());
    }
    let mut config = config(1);
    config.network.layers[2] = Layer::Lstm { hidden: 7 };
    let error = Trainer::new(config, examples()).unwrap().restore(&checkpoint).unwrap_err().to_string();
    assert!(error.contains("numbers"), "{error}");
}

#[test]
fn the_result_is_the_average_of_the_weights() {
    let mut trainer = trainer(2);
    let mut average = trainer.graph.values();
    for step in 0..5 {
        trainer.step().unwrap();
        let decay = f64::min(0.9, (1.0 + f64::from(step)) / (10.0 + f64::from(step))) as f32;
        for (average, value) in average.iter_mut().zip(trainer.graph.values()) {
            *average = decay * *average + (1.0 - decay) * value;
        }
    }
    assert_eq!(trainer.average, average);
    assert_ne!(trainer.average, trainer.graph.values());
}

#[test]
fn a_stored_network_recognises_like_the_trained_one() {
    let mut trainer = trainer(2);
    finish(&mut trainer);
    let stored = Classifier::new(&trainer.network().unwrap(), &config(2)).unwrap();
    let utterances = [rows(1, 9), rows(4, 3), rows(2, 1)].map(Kept::from);
    let utterances: Vec<&Kept> = utterances.iter().collect();
    let (wanted, came) =
        (trainer.classifier().unwrap().logits(&utterances).unwrap(), stored.logits(&utterances).unwrap());
    assert!(came[2].is_none(), "a single row makes no step");
    for (wanted, came) in wanted.iter().flatten().flatten().zip(came.iter().flatten().flatten()) {
        assert!((wanted - came).abs() < 1e-4, "{wanted} {came}");
    }
}

#[test]
fn a_class_without_utterances_is_an_error_with_its_name() {
    let examples = examples().into_iter().filter(|example| example.class != 2).collect();
    let error = Trainer::new(config(1), examples).err().unwrap().to_string();
    assert!(error.contains("happy"), "{error}");
}

#[test]
fn every_utterance_is_used_once_in_an_epoch() {
    let mut trainer = trainer(1);
    let mut counts = [0; 6];
    for step in 0..trainer.batches.steps() {
        for class in trainer.batches.get(0, step).unwrap().classes {
            counts[class] += 1;
        }
    }
    assert_eq!(counts, [3; 6]);
    let steps = trainer.batches.steps();
    assert!(trainer.batches.get(0, steps).is_err());
}

#[test]
fn mixed_utterances_have_mixed_targets() {
    let plain = trainer(1).batches.get(0, 0).unwrap();
    let mut config = config(1);
    config.recipe.mixup = 1.0;
    let mixed = Trainer::new(config, examples()).unwrap().batches.get(0, 0).unwrap();
    assert_eq!(
        (mixed.classes.clone(), &mixed.examples, mixed.batch.rows),
        (plain.classes, &plain.examples, plain.batch.rows)
    );
    assert_ne!(mixed.batch.values, plain.batch.values);
    for (target, class) in mixed.targets.chunks(6).zip(&mixed.classes) {
        assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{target:?}");
        assert!(target[*class] >= 0.45, "at least half is of its own class: {target:?}");
    }
    assert_ne!(mixed.targets, plain.targets);
}
