//! Compares the core with the plain integer reference, layer by layer, bit for bit.

use proptest::prelude::*;
use ser_core::Model;
use ser_core::engine::Engine;
use ser_core::recognizer::Prediction;
use ser_core::spec::MAX_LABELS;
use ser_tests::random_model::{MapLayer, Shape};
use ser_tests::reference::{ModelFile, analyse_in_integers};
use ser_tests::under_test::{Heard, dirty_memory, hear, run_rows, run_rows_with};
use ser_tests::{signals, tolerance};

/// Random shapes of moderate size: for an image if there are columns, else for a stream.
fn shape(columns: impl Strategy<Value = Option<u16>>, most_rows: u8) -> impl Strategy<Value = Shape> {
    let map =
        prop_oneof![
            (1..=most_rows, 0..=3_u8, 1..=9_u16, 0..=2_u8)
                .prop_map(|(rows, half, channels, padding)| MapLayer::Conv2d(rows, 2 * half + 1, channels, padding)),
            (1..=4_u8, 1..=4_u8, 0..=2_u8).prop_map(|(rows, bands, overlap)| MapLayer::MaxPool(rows, bands, overlap)),
        ];
    let sizes = (1..=40_u16, columns, prop::collection::vec(map, 0..=6), prop::collection::vec(1..=20_u16, 0..=3));
    (sizes, any::<[bool; 2]>(), 2..=16_u16).prop_map(
        |((mel_bands, columns, maps, lstms), [flatten, last_step], labels)| {
            Shape { mel_bands, columns, maps, flatten, lstms, last_step, labels }.fitted()
        },
    )
}

fn stream() -> impl Strategy<Value = Shape> {
    shape(Just(None), 5)
}

fn image() -> impl Strategy<Value = Shape> {
    shape((1..=40_u16).prop_map(Some), 9)
}

fn random_rows(len: usize, count: usize, seed: u64) -> Vec<Vec<i8>> {
    let codes = signals::noise(seed, i16::MAX, len * count);
    codes.chunks_exact(len).map(|row| row.iter().map(|code| (code >> 8) as i8).collect()).collect()
}

/// Random rows: as many as the image has columns, 40 for a stream.
fn whole_input(shape: &Shape, seed: u64) -> Vec<Vec<i8>> {
    match shape.columns {
        Some(columns) => random_rows(3 * usize::from(shape.mel_bands), usize::from(columns), seed),
        None => random_rows(usize::from(shape.mel_bands), 40, seed),
    }
}

/// Has the core and the reference read the same bytes, and compares them.
fn read_both<T>(bytes: &[u8], compare: impl FnOnce(&Model<'_>, &ModelFile) -> T) -> T {
    let model = Model::parse(bytes).unwrap_or_else(|error| panic!("the core refuses a valid file: {error}"));
    compare(&model, &ModelFile::read(bytes).expect("the reference refuses a valid file"))
}

fn difference_over_rows(bytes: &[u8], rows: &[Vec<i8>]) -> Option<String> {
    read_both(bytes, |model, reference| run_rows(model, rows).difference(&reference.run(rows)))
}

fn difference_over_audio(bytes: &[u8], samples: &[i16]) -> (Heard, Option<String>) {
    read_both(bytes, |model, reference| {
        let heard = hear(model, [samples]);
        let difference = heard.difference(&reference.run(&heard.input));
        (heard, difference)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_layer_of_a_random_model_equals_the_reference(shape in stream(), seed: u64, rows in 0..60_usize) {
        let bytes = shape.fill(seed).to_bytes();
        prop_assert_eq!(difference_over_rows(&bytes, &random_rows(usize::from(shape.mel_bands), rows, seed)), None);
    }

    #[test]
    fn every_layer_of_a_random_model_for_images_equals_the_reference(shape in image(), seed: u64) {
        let bytes = shape.fill(seed).to_bytes();
        prop_assert_eq!(difference_over_rows(&bytes, &whole_input(&shape, seed)), None);
    }

    #[test]
    fn every_layer_equals_the_reference_at_the_ends_of_the_input(shape in prop_oneof![stream(), image()], seed: u64) {
        let bytes = shape.fill(seed).to_bytes();
        let rows = whole_input(&shape, seed);
        let filled = |code: fn(usize) -> i8| -> Vec<Vec<i8>> { rows.iter().enumerate().map(|(time, row)| vec![code(time); row.len()]).collect() };
        for rows in [filled(|_| -128), filled(|_| 127), filled(|_| 0), filled(|time| if time.is_multiple_of(2) { -128 } else { 127 })] {
            prop_assert_eq!(difference_over_rows(&bytes, &rows), None);
        }
    }

    #[test]
    fn an_image_leaves_nothing_to_the_next(shape in image(), seed: u64) {
        let bytes = shape.fill(seed).to_bytes();
        let model = Model::parse(&bytes).expect("a valid file");
        let mut memory = dirty_memory(model.network_words());
        let mut engine = Engine::new(&model, &mut memory).expect("memory as large as the model says");
        for row in whole_input(&shape, !seed) {
            engine.push(&row, |_, _| ()).expect("rows of the front end");
        }
        engine.reset();
        prop_assert_eq!(engine.logits(), None);
        let rows = whole_input(&shape, seed);
        prop_assert_eq!(run_rows_with(&mut engine, &model, &rows), run_rows(&model, &rows));
    }

    #[test]
    fn every_layer_equals_the_reference_for_audio(shape in stream(), seed: u64) {
        let bytes = shape.fill(seed).to_bytes();
        for samples in [signals::babble(seed, 3_000), signals::square(50, 3_000), signals::constant(i16::MIN, 1_000)] {
            prop_assert_eq!(difference_over_audio(&bytes, &samples).1, None);
        }
    }
}

#[test]
fn rows_of_codes_equal_the_integer_front_end_through_the_silence_gate() {
    let (mut rows, mut gated) = (0, 0);
    for seed in 0..60 {
        let file = Shape::random(seed).fill(seed);
        let bytes = file.to_bytes();
        let samples = signals::babble(seed, 4_000);
        let (heard, difference) = difference_over_audio(&bytes, &samples);
        assert_eq!(difference, None, "seed {seed}");
        let analysis = analyse_in_integers(&file.front_end, &samples);
        assert_eq!(heard.input, analysis.rows, "seed {seed}: {:?}", file.front_end);
        gated += analysis.levels.len() - analysis.kept.len();
        rows += analysis.kept.len();
    }
    assert!(rows > 1_000 && gated > 100, "{rows} rows, {gated} gated: the signals test too little");
}

#[test]
fn probabilities_are_the_softmax_of_the_logits() {
    for seed in 0..100 {
        let file = Shape::random(seed).fill(seed);
        let bytes = file.to_bytes();
        let model = Model::parse(&bytes).expect("a valid file");
        let labels = file.labels.len();
        let mut logits = [0; MAX_LABELS];
        for (logit, noise) in logits.iter_mut().zip(signals::noise(seed, 20_000, labels)) {
            *logit = i32::from(noise);
        }
        let prediction = Prediction::new(&model, logits);

        let temperature = f64::from(file.temperature);
        let powers: Vec<f64> =
            logits[..labels].iter().map(|&logit| (f64::from(logit) / 4096.0 / temperature).exp()).collect();
        let sum: f64 = powers.iter().sum();
        let mut leading = 0;
        for index in 0..labels {
            let (got, wanted) = (f64::from(prediction.probabilities[index]), powers[index] / sum);
            tolerance::PROBABILITY.check(got, wanted, &format!("seed {seed}, label {index}"));
            if logits[index] > logits[leading] {
                leading = index;
            }
        }
        assert_eq!((prediction.index, prediction.label), (leading, file.labels[leading].as_str()));
        assert_eq!(prediction.confident, prediction.probabilities[leading] >= file.confidence_threshold);
        assert!(prediction.probabilities[labels..].iter().all(|&probability| probability == 0.0));
    }
}

#[test]
fn the_first_of_equal_logits_leads() {
    let bytes = ser_tests::random_model::small_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    for logit in [i32::MIN, -1, 0, i32::MAX] {
        let mut logits = [0; MAX_LABELS];
        logits[..2].fill(logit);
        let prediction = Prediction::new(&model, logits);
        assert_eq!(prediction.index, 0);
        assert_eq!(prediction.probabilities[..2], [0.5, 0.5]);
    }
}
