//! Compares the image front end with an image made by NumPy and with levels in `f64` by a naive DFT, and tests the
//! recognizer behind it.

use std::f64::consts::TAU;

use ser_core::frontend::image::{LEVEL_DECIBEL, UtteranceError, shade};
use ser_core::frontend::{ImageFrontEnd, Normalizer};
use ser_core::image_recognizer::ImageRecognizerError;
use ser_core::quant::Multipliers;
use ser_core::recognizer::{RecognizerError, StateTooSmall};
use ser_core::spec::{self, Image, edge, paper};
use ser_core::{ImageRecognizer, Model, Recognizer};
use ser_host::features::rows::{Extractor, Normalization, Rows, features_of, input_code};
use ser_host::features::tables::OwnedTables;
use ser_host::model::inspect::untrained_model;
use ser_tests::signals;

use ser_tests::under_test::{Heard, dirty_memory, multiplier};

const SIDE: usize = 224;
/// Stride of the columns in the golden files: every fourth column of an image.
const KEPT: usize = 4;

/// The signal of `tests/golden/image.py`.
fn sweep(count: usize, seed: u32) -> Vec<i16> {
    let (mut noise, mut phase, mut step) = (seed, 0u32, 53_687_091);
    let sample = |n: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        phase = phase.wrapping_add(step);
        step += 12_000;
        let triangle = (2 * (phase >> 16) as i32 - 65_535).abs() - 32_768;
        let envelope = (n as i32 % 4096 - 2048).abs();
        (((triangle * envelope) >> 12) + (((noise >> 16) as i32 - 32_768) >> 7)) as i16
    };
    (0..count).map(sample).collect()
}

/// Levels of all frames, and the image `[column][band][colour]` made of them.
fn picture(spec: &spec::FrontEnd, samples: &[i16]) -> (Vec<i16>, Vec<u8>) {
    let tables = OwnedTables::new(spec).expect("a usable description");
    let mut work = dirty_memory(ImageFrontEnd::work_len(spec));
    let mut front_end = ImageFrontEnd::new(spec, tables.borrow(), &mut work).expect("memory enough");
    let mut memory = vec![-12_345; ImageFrontEnd::levels_len(spec, samples.len())];
    let levels = front_end.levels(samples, &mut memory).expect("an utterance of usual length");
    let kept = levels.to_vec();
    shade(levels);
    let mut pixels = vec![99; spec.row_shape().len() * spec.image_rows().unwrap()];
    for (index, column) in pixels.chunks_exact_mut(spec.row_shape().len()).enumerate() {
        front_end.column(levels, index, column);
    }
    (kept, pixels)
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (a, b) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
    sum(&|pair| (pair.0 - a) * (pair.1 - b))
        / (sum(&|pair| (pair.0 - a).powi(2)) * sum(&|pair| (pair.1 - b).powi(2))).sqrt()
}

#[test]
fn the_image_is_that_of_the_published_program_and_the_same_bits_on_every_target() {
    let golden: [(&str, usize, u32, &[u8], u32); 2] = [
        ("short", 9_600, 1, include_bytes!("../golden/image-short.rgb"), 0x07fd_8bc1),
        ("long", 41_600, 2, include_bytes!("../golden/image-long.rgb"), 0x0d1c_5908),
    ];
    for (name, count, seed, golden, checksum) in golden {
        let (_, pixels) = picture(&paper().front_end, &sweep(count, seed));
        let columns = pixels.chunks_exact(3 * SIDE).step_by(KEPT);
        let pairs: Vec<(f64, f64)> =
            columns.flatten().zip(golden).map(|(a, b)| (f64::from(*a), f64::from(*b))).collect();
        assert_eq!(pairs.len(), golden.len());
        for colour in 0..3 {
            let pairs: Vec<(f64, f64)> = pairs.iter().skip(colour).step_by(3).copied().collect();
            let correlation = correlation(&pairs);
            assert!(correlation >= 0.999, "{name}, colour {colour}: {correlation}");
            println!("{name}, colour {colour}: correlation {correlation:.6}");
        }
        let difference = pairs.iter().map(|(a, b)| (a - b).abs()).sum::<f64>() / pairs.len() as f64;
        let largest = pairs.iter().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{name}: correlation {:.6}, mean difference {difference:.4}, largest {largest}", correlation(&pairs));
        assert!(correlation(&pairs) >= 0.999 && difference < 0.1, "{name}: {difference} on average");
        let crc = ser_core::contract::CRC.checksum(&pixels);
        assert_eq!(crc, checksum, "{name}: {crc:#010x}");
    }
}

/// `20 log10(|S| + 2⁻⁵²)` of all frames by its definition, dB.
fn exact_levels(spec: &spec::FrontEnd, samples: &[i16]) -> Vec<f64> {
    let window: Vec<f64> =
        (0..spec.frame_len).map(|n| 0.5 - 0.5 * (TAU * n as f64 / (spec.frame_len - 1) as f64).cos()).collect();
    let starts = (0..).map(|frame| frame * spec.hop_len).take_while(|start| start + spec.frame_len <= samples.len());
    let level = |start: usize, bin: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, weight) in window.iter().enumerate() {
            let value = weight * f64::from(samples[start + n]) / 32_768.0;
            let turn = TAU * (n * bin % spec.fft_len) as f64 / spec.fft_len as f64;
            (re, im) = (re + value * turn.cos(), im - value * turn.sin());
        }
        20.0 * (re.hypot(im) + f64::EPSILON).log10()
    };
    starts.flat_map(|start| (0..=spec.fft_len / 2).map(move |bin| level(start, bin))).collect()
}

#[test]
fn levels_of_noise_and_sweeps_are_within_a_hundredth_of_a_decibel_rms_of_those_in_f64() {
    let base = paper().front_end;
    for spec in [base, spec::FrontEnd { frame_len: 200, hop_len: 77, fft_len: 256, ..base }] {
        let loud = signals::noise(1, i16::MAX, 2_000);
        for (name, samples) in
            [("noise", loud), ("faint noise", signals::noise(2, 3, 2_000)), ("sweep", sweep(6_000, 3))]
        {
            let (levels, _) = picture(&spec, &samples);
            let exact = exact_levels(&spec, &samples);
            assert_eq!(levels.len(), exact.len());
            let errors: Vec<f64> = levels
                .iter()
                .zip(exact)
                .map(|(level, exact)| f64::from(*level) / f64::from(LEVEL_DECIBEL) - exact)
                .collect();
            let rms = (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt();
            let largest = errors.iter().fold(0.0, |largest: f64, error| largest.max(error.abs()));
            println!("{name}, FFT of {}: {rms:.4} dB RMS, {largest:.3} dB at most", spec.fft_len);
            // Half a step is 0.008 dB, so rounding alone gives 0.0045 dB RMS; the rest is f32 in the zeros between the
            // lobes.
            assert!(rms < 0.01 && largest < 0.5, "{name}: {rms} dB RMS, {largest} dB at most");
        }
    }
}

#[test]
fn digital_silence_lies_at_the_epsilon_of_f64() {
    let mut samples = signals::noise(4, 9_000, 4_000);
    samples[1_000..3_000].fill(0);
    let (levels, _) = picture(&paper().front_end, &samples);
    let wanted = (20.0 * f64::EPSILON.log10() * f64::from(LEVEL_DECIBEL)).round() as i16;
    assert_eq!(levels.iter().min(), Some(&wanted));
}

#[test]
fn an_utterance_of_one_level_has_the_colour_of_gray_zero_in_images_of_any_size() {
    for (bands, columns) in [(224, 224), (1, 1), (512, 3), (7, 512)] {
        let spec = spec::FrontEnd { image: Some(Image { bands, columns }), ..paper().front_end };
        for samples in [256, 257, 10_000] {
            let (_, pixels) = picture(&spec, &vec![0; samples]);
            // jet(256) starts with a blue of 33/64.
            assert!(
                pixels.as_chunks().0.iter().all(|pixel| *pixel == [0, 0, 131]),
                "{bands} x {columns}, {samples} samples"
            );
        }
    }
}

#[test]
fn an_image_may_have_any_size_and_an_utterance_one_frame_or_very_many() {
    for (bands, columns) in [(1, 1), (2, 300), (512, 2), (257, 5)] {
        let spec = spec::FrontEnd { image: Some(Image { bands, columns }), ..paper().front_end };
        for samples in [256, 383, 384, 70_000] {
            let (_, pixels) = picture(&spec, &signals::noise(5, i16::MAX, samples));
            assert!(pixels.iter().any(|pixel| *pixel > 0), "{bands} x {columns}, {samples} samples");
        }
    }
}

#[test]
fn an_utterance_that_no_image_can_be_made_of_is_an_error_that_says_why() {
    let spec = spec::FrontEnd { image: Some(Image { bands: 8, columns: 1 }), ..paper().front_end };
    let tables = OwnedTables::new(&spec).unwrap();
    let mut work = dirty_memory(ImageFrontEnd::work_len(&spec));
    assert!(ImageFrontEnd::new(&spec, tables.borrow(), &mut work[1..]).is_none());
    assert!(ImageFrontEnd::new(&spec::FrontEnd { image: None, ..spec }, tables.borrow(), &mut work).is_none());
    let mut front_end = ImageFrontEnd::new(&spec, tables.borrow(), &mut work).unwrap();
    // All but one sample of a further hop may follow the last frame.
    let longest = 1023 * 128 + 256 + 127;
    let samples = vec![1; longest + 1];
    let mut levels = vec![0; ImageFrontEnd::levels_len(&spec, samples.len())];
    assert_eq!(
        front_end.levels(&samples[..255], &mut levels).err(),
        Some(UtteranceError::TooShort { got: 255, wanted: 256 })
    );
    assert_eq!(
        front_end.levels(&samples, &mut levels).err(),
        Some(UtteranceError::TooLong { got: longest + 1, wanted: longest })
    );
    let few = front_end.levels(&samples[..384], &mut levels[..513]).unwrap_err();
    assert_eq!(few, UtteranceError::Levels { got: 513, wanted: 514 });
    assert!(few.to_string().contains("514 levels"), "{few}");
    assert!(front_end.levels(&samples[..longest], &mut levels).is_ok());
}

#[test]
fn codes_of_pixels_are_those_that_training_rounds_to_and_all_pixels_fit() {
    let rows = |pixel: [f32; 3]| Rows { bands: 672, values: pixel.repeat(224) };
    let normalization =
        Normalization::fit(&paper().front_end, [Ok(rows([10.0, 200.0, 101.0])), Ok(rows([20.0, 250.0, 102.0]))])
            .unwrap();
    assert_eq!(normalization.mean, [15.0, 225.0, 101.5]);
    let mean: Vec<[u8; 4]> = normalization.mean.iter().map(|mean| ((mean * 65_536.0) as i32).to_le_bytes()).collect();
    let multipliers: Vec<_> = normalization.sd.iter().map(|sd| multiplier(f64::from(*sd))).collect();
    let mantissa: Vec<[u8; 4]> = multipliers.iter().map(|multiplier| multiplier.mantissa.to_le_bytes()).collect();
    let shift: Vec<u8> = multipliers.iter().map(|multiplier| multiplier.shift).collect();
    let normalizer = Normalizer { mean: &mean, multipliers: Multipliers { mantissa: &mantissa, shift: &shift } };
    let mut pixels: Vec<u8> = (0..=255).flat_map(|value| [value; 3]).collect();
    let image = Rows { bands: pixels.len(), values: pixels.iter().map(|pixel| f32::from(*pixel)).collect() };
    let wanted: Vec<i8> = normalization.apply(&image).values.iter().map(|feature| input_code(*feature)).collect();
    assert_eq!(normalizer.pixel_codes(&mut pixels), wanted);
    // The pixel farthest from the mean has the last code.
    assert_eq!((wanted[765], wanted[1], wanted[767]), (127, -127, 127));
}

#[test]
fn a_recognizer_of_images_shows_the_codes_of_its_columns_and_forgets_the_utterance_before() {
    let network = paper();
    let file = untrained_model(&network).unwrap();
    let model = Model::parse(&file).unwrap();
    let state_bytes = 4 * model.image_state_words();
    assert_eq!(model.state_words(), model.image_state_words());
    assert_eq!(state_bytes, 36_092);
    let mut memory = dirty_memory(model.image_state_words());
    let mut recognizer = ImageRecognizer::new(&model, &mut memory).unwrap();
    let mut hear = |samples: &[i16]| {
        let mut levels = vec![77; model.image_levels_len(samples.len())];
        let mut heard = Heard::default();
        let prediction =
            recognizer.recognize_observed(samples, &mut levels, |observation| heard.note(observation)).unwrap();
        heard.conclude(6, Some(prediction.logits));
        heard
    };
    let first = hear(&sweep(9_600, 1));
    assert_ne!(hear(&sweep(20_000, 2)).input, first.input);
    assert_eq!(hear(&sweep(9_600, 1)), first);
    let rows: Vec<usize> = network.rows(224).take(first.layers.len()).collect();
    assert_eq!(first.layers.iter().map(Vec::len).collect::<Vec<_>>(), rows);
    let image = Extractor::new(&network.front_end).unwrap().log_mel(&sweep(9_600, 1)).unwrap();
    assert_eq!((image.len(), image.bands), (224, 672));
    let features = features_of(&model, &image);
    assert!(features.iter().flatten().map(|feature| input_code(*feature)).eq(first.input.iter().flatten().copied()));
    assert!(Extractor::new(&network.front_end).unwrap().log_mel(&[1; 255]).unwrap().is_empty());
}

#[test]
fn a_recognizer_refuses_too_little_memory_and_a_model_for_streams() {
    let file = untrained_model(&paper()).unwrap();
    let model = Model::parse(&file).unwrap();
    let wanted = model.image_state_words();
    let mut memory = vec![0; wanted];
    let error = ImageRecognizer::new(&model, &mut memory[1..]).unwrap_err();
    assert_eq!(error, ImageRecognizerError::Memory(StateTooSmall { got: wanted - 1, wanted }));
    assert_eq!(Recognizer::new(&model, &mut memory).err(), Some(RecognizerError::ForImages));
    let file = untrained_model(&edge()).unwrap();
    let model = Model::parse(&file).unwrap();
    let error = ImageRecognizer::new(&model, &mut memory).unwrap_err();
    assert_eq!(error, ImageRecognizerError::ForStreams);
    assert_eq!(error.to_string(), "a model for images of whole utterances is wanted, this one is for streams");
}
