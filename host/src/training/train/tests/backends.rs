use super::*;

/// Steps that the two trainings are compared over: those of one epoch.
const STEPS: usize = 20;

/// A training of the preset `edge` with its own recipe, dropout and batch norm included, on a backend.
fn training(backend: Backend) -> Trainer {
    let network = edge();
    let bands = network.front_end.mel_bands;
    let recipe = Recipe { epochs: 1, batch: 3, distillation: None, dropout: 0.2, ..Recipe::of(&network) };
    let speeds = recipe.augmentation.speeds.len();
    let examples = (0..3 * STEPS).map(|index| {
        let class = index % 6;
        let rows = |speed: usize| {
            let len = 30 + (7 * index + 3 * speed) % 20;
            let value = |at: usize| -50.0 + ((at * (index + 3) * 7919) % 1000) as f32 / 50.0;
            let values = (0..len * bands).map(|at| value(at) + if at % bands / 6 == class { 15.0 } else { 0.0 });
            Kept::from(Rows { bands, values: values.collect() })
        };
        Example { speeds: (0..speeds).map(rows).collect(), class, ..Example::default() }
    });
    let config = Config { backend, recipe, network, ..config(1) };
    Trainer::new(config, examples.collect()).unwrap()
}

/// The loss of each step.
fn losses(trainer: &mut Trainer) -> Vec<f64> {
    let mut sum = 0.0;
    (1..=STEPS)
        .map(|step| {
            let mean = trainer.step().unwrap().loss;
            let loss = mean * step as f64 - sum;
            sum += loss;
            loss
        })
        .collect()
}

#[test]
fn burns_operations_and_our_kernels_have_the_same_losses_over_twenty_steps() {
    let fast = losses(&mut training(Backend::Fast));
    assert!(fast[STEPS - 1] < 0.8 * fast[0], "nothing was learnt: {fast:?}");
    let plain = [
        Backend::Flex,
        #[cfg(feature = "ndarray")]
        Backend::NdArray,
    ];
    for backend in plain {
        let plain = losses(&mut training(backend));
        for (step, (fast, plain)) in fast.iter().zip(&plain).enumerate() {
            assert!((fast - plain).abs() < 1e-3, "step {}: {fast} with fast, {plain} with {backend}", step + 1);
        }
    }
}

#[test]
fn a_backend_that_was_not_built_says_how_to_build_it() {
    if cfg!(not(feature = "cuda")) {
        let config = Config { backend: Backend::Cuda, ..config(1) };
        let error = Trainer::new(config, examples()).err().unwrap().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}
