//! Utterances of no length, of one frame, of hours, and of full scale throughout.

use ser_core::kernels::{TimeMean, TimeMeanState};
use ser_core::{Model, Recognizer};
use ser_tests::random_model::{MapLayer, Shape, small_model};
use ser_tests::reference::{Layer, ModelFile, network};
use ser_tests::under_test::{Heard, dirty_memory, hear, run_rows};
use ser_tests::{signals, tolerance};

/// Passes the samples to the core and checks the network against the reference.
fn hear_as_the_reference(file: &ModelFile, samples: &[i16]) -> Heard {
    let bytes = file.to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let heard = hear(&model, [samples]);
    assert_eq!(heard.difference(&file.run(&heard.input)), None);
    heard
}

fn ungated(mut file: ModelFile) -> ModelFile {
    file.front_end.gate = 0;
    file
}

/// One LSTM of two units, which gets a row of one band for each sample.
fn fastest() -> ModelFile {
    let mut file = ungated(Shape::lstm_alone(1, 2, 2).fill(3));
    file.front_end.hop_len = 1;
    file
}

#[test]
fn less_than_a_frame_gives_no_row_and_no_prediction() {
    let file = fastest();
    for len in [0, 1, 2, usize::from(file.front_end.frame_len) - 1] {
        assert_eq!(hear_as_the_reference(&file, &signals::constant(i16::MIN, len)), Heard::default(), "{len} samples");
    }
}

#[test]
fn an_empty_chunk_is_none_at_all() {
    let bytes = fastest().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let samples = signals::noise(1, 1_000, 600);
    let chunks = [&[][..], &samples[..300], &[], &[], &samples[300..], &[]];
    assert_eq!(hear(&model, chunks), hear(&model, [&samples[..]]));
}

#[test]
fn exactly_one_frame_gives_one_row_and_a_prediction() {
    let file = fastest();
    let heard = hear_as_the_reference(&file, &signals::noise(2, 1_000, usize::from(file.front_end.frame_len)));
    assert_eq!((heard.input.len(), heard.layers[0].len()), (1, 1));
    assert!(heard.logits.is_some());
}

#[test]
fn a_pool_that_is_not_full_gives_no_prediction() {
    let file = ungated(small_model());
    let frame = usize::from(file.front_end.frame_len);
    let one_row = hear_as_the_reference(&file, &signals::noise(2, 1_000, frame));
    assert_eq!((one_row.input.len(), one_row.logits), (1, None));
    let two_rows = hear_as_the_reference(&file, &signals::noise(2, 1_000, frame + usize::from(file.front_end.hop_len)));
    assert!(two_rows.logits.is_some());
}

/// After 65,536 rows and again after 98,304, the time mean halves its sums, as the reference does.
#[test]
fn a_stream_of_more_than_65536_rows_does_not_overflow() {
    let heard = hear_as_the_reference(&fastest(), &signals::noise(3, 20_000, 100_000));
    assert!(heard.input.len() > 98_304 + 100);
}

/// Kernels larger than the image see all of it, and the zero point around it.
#[test]
fn an_image_of_one_pixel_goes_through_kernels_of_15_by_15() {
    let maps = vec![MapLayer::Conv2d(15, 15, 5, 1), MapLayer::MaxPool(1, 1, 0), MapLayer::Conv2d(15, 15, 3, 1)];
    for flatten in [false, true] {
        let shape = Shape { columns: Some(1), maps: maps.clone(), flatten, ..Shape::lstm_alone(1, 2, 2) };
        let file = shape.fill(4);
        let bytes = file.to_bytes();
        let rows = vec![vec![-128, 0, 127]];
        let heard = run_rows(&Model::parse(&bytes).expect("a valid file"), &rows);
        assert_eq!(heard.difference(&file.run(&rows)), None);
        assert!(heard.logits.is_some());
    }
}

/// The sums are halved towards zero: rounded down, -1 would stay -1 and make the mean -1.
#[test]
fn the_time_mean_halves_towards_zero() {
    let rows = [vec![-1], vec![0; 65_535], vec![-16_384]].concat();
    let mean = TimeMean::new(1);
    let mut state = TimeMeanState { sum: &mut [123], count: &mut 456 };
    mean.reset(&mut state);
    rows.iter().for_each(|&row| mean.push(&mut state, &[row]));
    let mut got = [i16::MAX];
    assert!(mean.mean(&state, &mut got));
    let rows: Vec<Vec<i64>> = rows.iter().map(|&row| vec![i64::from(row)]).collect();
    assert_eq!((got, network::time_mean(&rows)), ([0], Some(vec![0])));
}

/// All gates are open and the cell candidate is at an extreme: cell state and time mean run into their limits and stay
/// there.
#[test]
fn saturated_gates_over_a_long_stream_do_not_overflow() {
    for candidate in [1, -1] {
        let mut file = fastest();
        if let Layer::Lstm { input_weights, recurrent_weights, bias, multipliers, .. } = &mut file.layers[0] {
            input_weights.fill(0);
            recurrent_weights.fill(0);
            for (row, (bias, multiplier)) in bias.iter_mut().zip(multipliers).enumerate() {
                *bias = if row % 4 == 2 { candidate * i32::MAX } else { i32::MAX };
                (multiplier.mantissa, multiplier.shift) = (i32::MAX, 1);
            }
        }
        let heard = hear_as_the_reference(&file, &signals::noise(4, 20_000, 70_000));
        let last = heard.layers[0].last().expect("a row");
        let extreme = f64::from(candidate) * 32_767.0 * 32_757.0 / 32_768.0;
        assert!(last.iter().all(|&h| (h as f64 - extreme).abs() <= 1.0), "{last:?}");
    }
}

#[test]
fn full_scale_audio_of_every_kind_is_heard_as_the_reference_does() {
    for seed in 0..10 {
        let file = ungated(Shape::random(seed).fill(seed));
        for samples in [
            signals::square(1, 1_000),
            signals::square(80, 1_000),
            signals::constant(i16::MIN, 1_000),
            signals::constant(i16::MAX, 1_000),
            signals::noise(seed, i16::MAX, 1_000),
        ] {
            hear_as_the_reference(&file, &samples);
        }
    }
}

#[test]
fn probabilities_are_numbers_that_sum_to_one() {
    for seed in 0..50 {
        let bytes = ungated(Shape::random(seed).fill(seed)).to_bytes();
        let model = Model::parse(&bytes).expect("a valid file");
        let mut memory = dirty_memory(model.state_words());
        let mut recognizer = Recognizer::new(&model, &mut memory).expect("memory enough");
        recognizer.push(&signals::babble(seed, 20_000));
        if let Some(prediction) = recognizer.finish() {
            let sum: f64 = prediction.probabilities.iter().map(|&probability| f64::from(probability)).sum();
            tolerance::PROBABILITY.check(sum, 1.0, &format!("sum, seed {seed}"));
        }
    }
}
