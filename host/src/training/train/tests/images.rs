use super::*;
use ser_core::spec::{Image, Padding, paper, rnn};

const COLUMNS: usize = 13;
const IMAGE_BANDS: usize = 12;

/// Small convolutions and LSTMs like the paper's, with its recipe.
fn image_config(epochs: usize, flat: bool) -> Config {
    let mut network = paper();
    network.front_end.image = Some(Image { bands: IMAGE_BANDS, columns: COLUMNS });
    let pool = Layer::MaxPool { rows: 3, bands: 3, overlap: 1 };
    let convolutions = [
        Layer::Conv2d { channels: 4, rows: 5, bands: 5, padding: Padding::Same },
        pool,
        Layer::Conv2d { channels: 6, rows: 3, bands: 3, padding: Padding::Valid },
    ];
    let flatten = flat.then_some(Layer::Flatten { rows: 4 });
    let behind = [Layer::Lstm { hidden: 8 }, Layer::Lstm { hidden: 5 }, Layer::LastStep, Layer::Dense { units: 6 }];
    network.layers = convolutions.into_iter().chain(flatten).chain(behind).collect();
    let recipe = Recipe { epochs, batch: 5, learning_rate: 5e-3, ..Recipe::paper() };
    Config { recipe, network, ..config(epochs) }
}

/// Pixels, some of which show the class.
fn image(class: usize, seed: usize) -> Rows {
    let bands = 3 * IMAGE_BANDS;
    let pixel = |i: usize| if i % bands / 6 == class { 220.0 } else { ((i * 31 + seed * 17) % 97) as f32 };
    Rows { bands, values: (0..COLUMNS * bands).map(pixel).collect() }
}

fn images() -> Vec<Example> {
    let example = |i: usize| Example { speeds: vec![image(i % 6, i).into()], class: i % 6, ..Example::default() };
    (0..18).map(example).collect()
}

fn image_trainer(epochs: usize, flat: bool) -> Trainer {
    Trainer::new(image_config(epochs, flat), images()).unwrap()
}

#[test]
fn a_handful_of_images_is_learnt_by_heart_with_the_papers_recipe() {
    for flat in [true, false] {
        let mut config = image_config(250, flat);
        config.recipe.learning_rate = 0.02;
        let mut trainer = Trainer::new(config.clone(), images()).unwrap();
        finish(&mut trainer);
        let (first, last) = (&trainer.history()[0], &trainer.history()[249]);
        assert!(last.train_loss < 0.5 * first.train_loss, "{first:?} {last:?}");
        let stored = Classifier::new(&trainer.network().unwrap(), &config).unwrap();
        let images = images();
        let utterances: Vec<&Kept> = images.iter().map(|example| &example.speeds[0]).collect();
        let (trained, stored) =
            (trainer.classifier().unwrap().logits(&utterances).unwrap(), stored.logits(&utterances).unwrap());
        let right = |logits: &[Option<Vec<f32>>]| {
            logits.iter().zip(&images).filter(|(l, e)| leading(l.as_ref().unwrap()) == Some(e.class)).count()
        };
        assert!(right(&trained) >= 15, "{} of 18", right(&trained));
        for (trained, stored) in trained.iter().flatten().flatten().zip(stored.iter().flatten().flatten()) {
            assert!((trained - stored).abs() < 1e-4, "{trained} {stored}");
        }
    }
}

#[test]
fn a_resumed_training_with_momentum_gives_the_bits_of_an_uninterrupted_one() {
    let mut uninterrupted = image_trainer(3, true);
    finish(&mut uninterrupted);
    for steps in [0, 1, 3, 5] {
        let mut interrupted = image_trainer(3, true);
        for _ in 0..steps {
            interrupted.step().unwrap();
        }
        let checkpoint = interrupted.checkpoint().unwrap();
        let mut resumed = image_trainer(3, true);
        resumed.restore(&checkpoint).unwrap();
        finish(&mut resumed);
        assert_eq!(result(&resumed), result(&uninterrupted), "interrupted after {steps} steps");
    }
}

#[test]
fn a_checkpoint_of_another_network_or_optimiser_is_refused() {
    let mut trainer = image_trainer(1, true);
    trainer.step().unwrap();
    let checkpoint = trainer.checkpoint().unwrap();
    assert!(image_trainer(1, false).restore(&checkpoint).is_err());
    let mut config = image_config(1, true);
    config.recipe.optimizer = crate::training::recipe::Optimizer::AdamW;
    assert!(Trainer::new(config, images()).unwrap().restore(&checkpoint).is_err());
}

#[test]
fn without_an_average_the_result_is_the_weights_of_the_last_step() {
    let mut trainer = image_trainer(1, true);
    finish(&mut trainer);
    let wanted = trainer.graph.to_float_network(&trainer.config.network, trainer.normalization()).unwrap();
    assert_eq!(trainer.network().unwrap(), wanted);
}

#[test]
fn shuffled_once_all_epochs_have_the_same_order_and_drop_what_fills_no_batch() {
    let mut trainer = image_trainer(2, true);
    assert_eq!(trainer.batches.steps(), 3);
    let mut order = |epoch: usize| -> Vec<usize> {
        (0..3).flat_map(|step| trainer.batches.get(epoch, step).unwrap().examples).collect()
    };
    assert_eq!(order(0), order(1));
    let mut distinct = order(0);
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!((distinct.len(), order(0).is_sorted()), (15, false));
    let mut large = image_config(1, true);
    large.recipe.batch = 40;
    assert_eq!(Trainer::new(large, images()).unwrap().batches.get(0, 0).unwrap().examples.len(), 18);
}

#[test]
fn a_step_is_that_of_momentum_on_clipped_and_regularised_gradients() {
    let mut config = image_config(2, true);
    (config.recipe.gradient_norm, config.recipe.weight_decay) = (0.05, 0.1);
    let mut trainer = Trainer::new(config, images()).unwrap();
    let mut velocity: Option<Vec<f32>> = None;
    for step in 0..3 {
        let Step { batch, targets, .. } = trainer.batches.get(0, step).unwrap();
        let output = trainer.graph.forward_train(&batch, None).unwrap();
        let targets = Tensor::from_data(TensorData::new(targets, output.logits.dims()), &trainer.device);
        let loss = (log_softmax(output.logits.clone(), 1) * targets).sum().neg() / 5.0;
        let gradients = trainer.graph.gradients(&loss, &output).unwrap();
        // For the matrix of the dense layer, and for its bias.
        let numbers = |tensor: Tensor<2>| -> Vec<f32> { tensor.into_data().iter().collect() };
        let (id, before) = dense(&trainer.graph);
        let mut gradient = numbers(gradients.get::<2>(id).unwrap());
        gradient.iter_mut().zip(&before).for_each(|(g, w)| *g += 0.1 * w);
        let norm = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
        assert!(norm > 0.05, "{norm}");
        let last = velocity.unwrap_or(vec![0.0; gradient.len()]);
        let moved: Vec<f32> = last.iter().zip(&gradient).map(|(v, g)| 0.9 * v - 5e-3 * g * 0.05 / norm).collect();
        trainer.step().unwrap();
        for ((after, before), moved) in dense(&trainer.graph).1.iter().zip(&before).zip(&moved) {
            assert!((after - before - moved).abs() < 1e-6, "{after} {before} {moved}");
        }
        velocity = Some(moved);
    }
}

/// The last matrix of a graph.
fn dense(graph: &Graph) -> (burn::module::ParamId, Vec<f32>) {
    struct Last(Option<(burn::module::ParamId, Vec<f32>)>);
    impl burn::module::ModuleVisitor for Last {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
            if D == 2 {
                self.0 = Some((param.id, param.val().into_data().iter().collect()));
            }
        }
    }
    let mut last = Last(None);
    burn::module::Module::visit(graph, &mut last);
    last.0.unwrap()
}

#[test]
fn augmentation_of_images_is_refused() {
    let mut config = image_config(1, true);
    config.recipe.augmentation.gain_db = 3.0;
    let error = Trainer::new(config, images()).err().unwrap().to_string();
    assert!(error.contains("the network hears images"), "{error}");
}

#[test]
fn lstms_without_convolutions_learn_too() {
    let mut config = config(25);
    config.network = rnn();
    config.network.front_end.mel_bands = BANDS;
    for layer in &mut config.network.layers {
        if let Layer::Lstm { hidden } = layer {
            *hidden = 8;
        }
    }
    let mut trainer = Trainer::new(config, examples()).unwrap();
    finish(&mut trainer);
    let (first, last) = (&trainer.history()[0], &trainer.history()[24]);
    assert!(last.train_loss < 0.8 * first.train_loss, "{first:?} {last:?}");
}

#[test]
fn a_recipe_goes_with_a_network_and_is_read_without_its_newer_fields() {
    assert_eq!((Recipe::of(&paper()), Recipe::of(&rnn())), (Recipe::paper(), Recipe::default()));
    Recipe::paper().check().unwrap();
    let mut json = serde_json::to_value(Recipe::default()).unwrap();
    for field in ["shuffle", "initial_weights", "batch_norm", "optimizer", "norm_over"] {
        assert!(json.as_object_mut().unwrap().remove(field).is_some(), "{field}");
    }
    assert_eq!(serde_json::from_value::<Recipe>(json).unwrap(), Recipe::default());
    let back: Recipe = serde_json::from_slice(&serde_json::to_vec(&Recipe::paper()).unwrap()).unwrap();
    assert_eq!(back, Recipe::paper());
    let too_much = Recipe { optimizer: crate::training::recipe::Optimizer::Sgd { momentum: 1.0 }, ..Recipe::paper() };
    assert!(too_much.check().unwrap_err().to_string().contains("momentum is 1"));
}
