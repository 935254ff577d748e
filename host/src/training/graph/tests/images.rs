use super::*;
use ser_core::spec::{Image, paper, paper_seq};

/// A network for images of 13 columns of 17 bands, with everything that a network for images may have; `flat` turns its
/// columns into one step.
fn image_network(flat: bool) -> Network {
    let pool = Layer::MaxPool { rows: 3, bands: 3, overlap: 1 };
    let convolutions = [
        Layer::Conv2d { channels: 4, rows: 5, bands: 5, padding: Padding::Same },
        pool,
        Layer::Conv2d { channels: 9, rows: 3, bands: 3, padding: Padding::Valid },
        Layer::Conv2d { channels: 3, rows: 2, bands: 3, padding: Padding::Causal },
        Layer::MaxPool { rows: 2, bands: 3, overlap: 1 },
    ];
    let flatten = flat.then_some(Layer::Flatten { rows: 3 });
    let behind = [Layer::Lstm { hidden: 5 }, Layer::Lstm { hidden: 3 }, Layer::LastStep, Layer::Dense { units: 6 }];
    let mut network = paper();
    network.front_end.image = Some(Image { bands: 17, columns: 13 });
    network.layers = convolutions.into_iter().chain(flatten).chain(behind).collect();
    network.check().unwrap();
    network
}

/// Each colour has its own mean, and the sd that belongs to the mean.
fn of_colours() -> Normalization {
    let mean = [100.0, 60.0, 180.5f32];
    let sd = mean.map(|mean| 32.0 * mean.max(255.0 - mean) / 127.0);
    Normalization { level: LevelMode::Absolute, mean: mean.to_vec(), sd: sd.to_vec() }
}

/// Normalised pixels, within ± 127 / 32.
fn image(network: &Network, seed: usize) -> Rows {
    let Some(Image { bands, columns }) = network.front_end.image else { panic!("no image") };
    let values = (0..columns * bands * 3)
        .map(|i| ((((i + 7) * (seed + 3)) * 7919) % 1000) as f32 / 126.0 - 127.0 / 32.0)
        .collect();
    Rows { bands: 3 * bands, values }
}

fn plain_style() -> Style {
    Style { batch_norm: false, initial_weights: InitialWeights::Glorot }
}

fn graph_of(network: &Network, style: Style) -> Graph {
    let graph = Graph::new(network, style, 5, &tracked()).unwrap().with_input_gain(network, &of_colours()).unwrap();
    // Biases that are not zero.
    let values: Vec<f32> = graph.values().iter().map(|value| if *value == 0.0 { 0.1 } else { *value }).collect();
    if style.batch_norm { graph.with_values(&values).unwrap() } else { graph }
}

#[test]
fn an_image_has_the_logits_of_its_float_network_with_the_gain_of_colours_in_its_weights() {
    for (flat, style) in [(false, plain_style()), (true, plain_style()), (true, Style::default())] {
        let network = image_network(flat);
        let graph = graph_of(&network, style);
        let float = graph.to_float_network(&network, &of_colours()).unwrap();
        let images = [image(&network, 1), image(&network, 2)];
        let together = logits(&graph, &images);
        for (image, together) in images.iter().zip(together.chunks_exact(6)) {
            assert_close(together, &plain_logits(&float, image));
        }
        assert_ne!(together[..6], together[6..]);
        let back = Graph::from_float_network(&float, &untracked()).unwrap();
        for (came, wanted) in logits(&back, &images).iter().zip(&together) {
            assert!((came - wanted).abs() < 1e-5, "{came} {wanted}");
        }
    }
}

#[test]
fn the_gain_of_a_colour_is_what_its_pixels_are_multiplied_by() {
    let network = image_network(false);
    let with_gain = graph_of(&network, plain_style());
    let without = Graph::new(&network, plain_style(), 5, &tracked()).unwrap();
    let mut pixels = image(&network, 3);
    let normalised = pixels.clone();
    pixels.values.iter_mut().zip(of_colours().sd.iter().cycle()).for_each(|(pixel, sd)| *pixel *= sd);
    for (came, wanted) in logits(&with_gain, &[normalised]).iter().zip(&logits(&without, &[pixels])) {
        assert!((came - wanted).abs() < 1e-5, "{came} {wanted}");
    }
    let other = Normalization { sd: vec![1.0; 2], ..of_colours() };
    let error = without.with_input_gain(&network, &other).unwrap_err().to_string();
    assert!(error.contains("3 channels, 2 came"), "{error}");
}

#[test]
fn all_parameters_of_a_network_for_images_have_the_gradient_of_finite_differences() {
    for flat in [false, true] {
        let network = image_network(flat);
        let graph = graph_of(&network, plain_style());
        let batch = Batch::new(&[image(&network, 1), image(&network, 4)], graph.step_rows());
        let loss = |output: &TrainOutput| -log_softmax(output.logits.clone(), 1).slice([0..2, 0..1]).sum();
        let output = graph.forward_train(&batch, None).unwrap();
        let gradients = graph.gradients(&loss(&output), &output).unwrap();
        struct Along<'g> {
            gradients: &'g GradientsParams,
            all: Vec<f32>,
        }
        impl ModuleVisitor for Along<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let len = param.val().shape().num_elements();
                self.all.extend(self.gradients.get::<D>(param.id).map_or(vec![0.0; len], numbers));
            }
        }
        let mut along = Along { gradients: &gradients, all: Vec::new() };
        graph.visit(&mut along);
        // A step along the gradient changes the loss by the square of the gradient.
        let square: f64 = along.all.iter().map(|g| f64::from(*g).powi(2)).sum();
        let step = 1e-3 / square.sqrt();
        let moved = |by: f64| {
            let values: Vec<f32> = graph
                .values()
                .iter()
                .zip(&along.all)
                .map(|(v, g)| (f64::from(*v) + by * f64::from(*g)) as f32)
                .collect();
            let output = graph.clone().with_values(&values).unwrap().forward_train(&batch, None).unwrap();
            f64::from(loss(&output).into_data().iter::<f32>().next().unwrap())
        };
        let came = (moved(step) - moved(-step)) / (2.0 * step);
        assert!((came - square).abs() < 0.05 * square, "{came}, wanted {square}");
    }
}

#[test]
fn an_image_of_another_size_is_refused() {
    let network = image_network(false);
    let graph = graph_of(&network, plain_style());
    let mut larger = image(&network, 1);
    larger.values.extend(vec![0.0; larger.bands]);
    let error = graph.forward(&Batch::new(&[larger], graph.step_rows())).unwrap_err().to_string();
    assert!(error.contains("13 columns, one of 14 came"), "{error}");
}

#[test]
fn the_papers_networks_have_the_papers_numbers_of_parameters() {
    for (network, wanted) in [(paper(), 4_540_642), (paper_seq(), 380_642)] {
        let graph = Graph::new(&network, plain_style(), 1, &tracked()).unwrap();
        assert_eq!(graph.trained_values(), wanted);
        assert_eq!(graph.steps(224), if wanted > 1_000_000 { 1 } else { 26 });
    }
}
