//! Whatever the bytes, parsing gives a model that runs or an error, and never panics.

use proptest::prelude::*;
use ser_core::engine::Engine;
use ser_core::listener::ListenerError;
use ser_core::model::ParseError;
use ser_core::recognizer::{RecognizerError, StateTooSmall};
use ser_core::{EndpointerConfig, Listener, Model, Recognizer};
use ser_tests::random_model::{Shape, small_image_model, small_model, with_repaired_crc};
use ser_tests::reference::{FrontEnd, Layer, ModelFile, Multiplier};
use ser_tests::signals;
use ser_tests::under_test::{dirty_memory, hear, run_rows};

/// Repairs the fields before the bytes that the CRC covers: length and CRC.
fn with_repaired_envelope(mut file: Vec<u8>) -> Vec<u8> {
    let length = file.len() as u32;
    file[12..16].copy_from_slice(&length.to_le_bytes());
    with_repaired_crc(file)
}

fn refusal(file: &[u8]) -> Option<String> {
    Model::parse(file).err().map(|error| error.to_string())
}

/// The error for a model that was changed before it was written.
#[track_caller]
fn refused(change: impl FnOnce(&mut ModelFile)) -> String {
    refused_of(small_model(), change)
}

/// The error for a model for images that was changed before it was written.
#[track_caller]
fn refused_image(change: impl FnOnce(&mut ModelFile)) -> String {
    refused_of(small_image_model(), change)
}

#[track_caller]
fn refused_of(mut file: ModelFile, change: impl FnOnce(&mut ModelFile)) -> String {
    change(&mut file);
    refusal(&file.to_bytes()).expect("an error")
}

#[track_caller]
fn accepted(change: impl FnOnce(&mut ModelFile)) {
    let mut file = small_model();
    change(&mut file);
    assert_eq!(refusal(&file.to_bytes()), None);
}

/// The error for a file with changed bytes and a right CRC.
#[track_caller]
fn refused_bytes(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut file = small_model().to_bytes();
    change(&mut file);
    refusal(&with_repaired_crc(file)).expect("an error")
}

#[test]
fn a_valid_file_is_read_as_written() {
    for seed in 0..200 {
        let shape = if seed < 100 { Shape::random(seed) } else { Shape::random_image(seed) };
        let file = shape.fill(seed);
        let bytes = file.to_bytes();
        let model = Model::parse(&bytes).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let spec = model.front_end();
        assert_eq!(model.labels(), file.labels);
        assert_eq!(model.layers().len(), file.layers.len());
        assert_eq!((model.temperature(), model.confidence_threshold()), (file.temperature, file.confidence_threshold));
        assert_eq!(
            (spec.sample_rate_hz, spec.frame_len),
            (file.front_end.sample_rate_hz, usize::from(file.front_end.frame_len))
        );
        assert_eq!(
            (spec.dc_block_pole, spec.pre_emphasis),
            (file.front_end.dc_block_pole, file.front_end.pre_emphasis)
        );
        assert_eq!(spec.trim.is_some(), file.front_end.gate == 1);
        assert_eq!(spec.image_rows(), shape.columns.map(usize::from));
        assert_eq!((spec.row_shape().bands, spec.row_shape().channels), file.front_end.row_shape());
        assert_eq!(model.file_len(), bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Model::parse(&bytes).is_err());
    }

    #[test]
    fn random_bytes_behind_a_right_header_do_not_panic(body in prop::collection::vec(any::<u8>(), 0..1_000), keep in 20..700_usize) {
        let mut bytes = small_model().to_bytes();
        bytes.truncate(keep);
        bytes.extend(body);
        let _ = Model::parse(&with_repaired_envelope(bytes));
    }
}

#[test]
fn a_file_truncated_at_any_length_is_an_error() {
    for file in [small_model(), small_image_model()].map(|file| file.to_bytes()) {
        for length in 0..file.len() {
            assert!(Model::parse(&file[..length]).is_err(), "{length} of {} bytes", file.len());
            if length >= 20 {
                let repaired = with_repaired_envelope(file[..length].to_vec());
                assert!(Model::parse(&repaired).is_err(), "{length} of {} bytes, length and CRC repaired", file.len());
            }
        }
    }
}

#[test]
fn a_flipped_bit_is_a_parse_error() {
    let mut file = small_model().to_bytes();
    for bit in 0..8 * file.len() {
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(Model::parse(&file).is_err(), "bit {} of byte {}", bit % 8, bit / 8);
        file[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Flips each bit after the CRC field and repairs the CRC. If the file is still a model, `compare` runs it beside the
/// reference and returns the first difference.
fn flip_bits(file: &[u8], compare: impl Fn(&Model<'_>, &ModelFile, usize) -> Option<String>) {
    let mut runs = 0;
    for bit in 8 * 20..8 * file.len() {
        let mut flipped = file.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let flipped = with_repaired_crc(flipped);
        if let Ok(model) = Model::parse(&flipped) {
            let reference = ModelFile::read(&flipped).unwrap_or_else(|error| panic!("byte {}: {error}", bit / 8));
            assert_eq!(compare(&model, &reference, bit), None, "bit {} of byte {}", bit % 8, bit / 8);
            runs += 1;
        }
    }
    assert!(runs > 1_000, "{runs} flipped files run");
}

/// A file that passes the checks must run as the reference does.
#[test]
fn a_flipped_bit_with_a_right_crc_is_an_error_or_a_model_that_runs() {
    let two_seconds = [signals::babble(1, 1_500), signals::square(30, 500)].concat();
    flip_bits(&small_model().to_bytes(), |model, reference, _| {
        let heard = hear(model, two_seconds.chunks(100));
        heard.difference(&reference.run(&heard.input))
    });
}

/// The same for a model for images, whose flipped bits also make images of other sizes, and streams.
#[test]
fn a_flipped_bit_of_a_model_for_images_is_an_error_or_a_model_that_runs() {
    flip_bits(&small_image_model().to_bytes(), |model, reference, bit| {
        let len = model.front_end().row_shape().len();
        let codes = signals::noise(bit as u64, i16::MAX, len * model.front_end().image_rows().unwrap_or(20));
        let rows: Vec<Vec<i8>> =
            codes.chunks_exact(len).map(|row| row.iter().map(|code| (code >> 8) as i8).collect()).collect();
        run_rows(model, &rows).difference(&reference.run(&rows))
    });
}

#[test]
fn what_fills_up_a_packed_matrix_must_be_zero() {
    let file = small_model().to_bytes();
    let refused = (80..file.len()).filter(|&at| file[at] == 0).filter(|&at| {
        let mut other = file.clone();
        other[at] = 1;
        Model::parse(&with_repaired_crc(other)).is_err_and(|error| error.to_string().contains("fill up"))
    });
    // 2 × 6 of the convolution, 8 × 2 and 8 × 2 of the LSTM, 2 × 2 of the dense layer, each in whole blocks of 4 × 4.
    assert_eq!(refused.count(), (32 - 12) + (32 - 16) + (32 - 16) + (16 - 4));
}

#[test]
fn bytes_behind_the_end_are_refused() {
    let file = small_model().to_bytes();
    for extra in [1, 15, 16, 1_000] {
        let longer = [file.clone(), vec![0; extra]].concat();
        assert!(Model::parse(&longer).is_err());
        let wanted = ParseError::Length { got: longer.len(), wanted: file.len() };
        assert_eq!(Model::parse(&with_repaired_envelope(longer)).err(), Some(wanted));
    }
}

#[test]
fn another_format_or_contract_is_refused_by_its_number() {
    let mut file = small_model().to_bytes();
    for version in [2, 4] {
        file[8] = version;
        assert_eq!(Model::parse(&file).err(), Some(ParseError::FormatVersion { got: version.into() }));
    }
    (file[8], file[10]) = (3, 7);
    assert_eq!(Model::parse(&file).err(), Some(ParseError::Contract { got: 7 }));
    (file[0], file[10]) = (b's', 2);
    assert_eq!(Model::parse(&file).err(), Some(ParseError::NotAModel));
}

#[test]
fn a_label_is_utf8_and_not_empty_and_padded_with_zeros() {
    let label = 80;
    for (at, bytes) in [
        (label, &b"\xff\xfe"[..]),
        (label, b"\xc3\x00"),
        (label, &[0; 16]),
        (label + 14, b"\x00x"),
        (label + 15, b"\xf0"),
    ] {
        let message = refused_bytes(|file| file[at..at + bytes.len()].copy_from_slice(bytes));
        assert!(message.contains("label 0"), "{message}");
    }
    accepted(|file| file.labels[1] = "sixteen bytes ok".into());
    accepted(|file| file.labels[1] = "é".repeat(8));
}

#[test]
fn the_number_of_labels_fits_the_format_and_the_dense_layer() {
    for labels in [0, 1, 3, 8, 9] {
        refused(|file| file.labels = (0..labels).map(|index| format!("label {index}")).collect());
    }
}

fn weights_of(layer: &mut Layer) -> Vec<&mut Vec<i8>> {
    match layer {
        Layer::Conv2d { weights, .. } | Layer::Dense { weights, .. } => vec![weights],
        Layer::Lstm { input_weights, recurrent_weights, .. } => vec![input_weights, recurrent_weights],
        Layer::MaxPool { .. } | Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep => vec![],
    }
}

fn rows_of(layer: &mut Layer) -> Option<(&mut Vec<i32>, &mut Vec<Multiplier>)> {
    match layer {
        Layer::Conv2d { bias, multipliers, .. }
        | Layer::Dense { bias, multipliers, .. }
        | Layer::Lstm { bias, multipliers, .. } => Some((bias, multipliers)),
        Layer::MaxPool { .. } | Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep => None,
    }
}

#[test]
fn a_weight_of_minus_128_is_refused_wherever_it_stands() {
    for (index, layer) in small_model().layers.iter_mut().enumerate() {
        let sizes: Vec<usize> = weights_of(layer).iter().map(|weights| weights.len()).collect();
        for (matrix, size) in sizes.into_iter().enumerate() {
            for at in 0..size {
                let message = refused(|file| weights_of(&mut file.layers[index])[matrix][at] = -128);
                assert!(message.contains(&format!("layer {index}")) && message.contains("-127..=127"), "{message}");
            }
        }
    }
}

#[test]
fn a_row_that_could_overflow_by_one_is_refused() {
    let sum = |weights: &[i8]| weights.iter().map(|&weight| i64::from(weight).abs()).sum::<i64>();
    for index in 0..small_model().layers.len() {
        let layer = &small_model().layers[index];
        let rows = rows_of(&mut layer.clone()).map_or(0, |(bias, _)| bias.len());
        for row in 0..rows {
            let slice = |weights: &[i8]| sum(&weights[row * weights.len() / rows..(row + 1) * weights.len() / rows]);
            let products = match layer {
                Layer::Conv2d { weights, .. } => slice(weights) << 7,
                Layer::Dense { weights, .. } => slice(weights) << 15,
                Layer::Lstm { input_weights, recurrent_weights, input_shifts, .. } => {
                    (slice(input_weights) << 7 << input_shifts[row]) + (slice(recurrent_weights) << 15)
                }
                Layer::MaxPool { .. } | Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep => 0,
            };
            let largest = i32::try_from((1_i64 << 31) - 1 - products).expect("a valid model");
            for bias in [largest, -largest] {
                accepted(|file| rows_of(&mut file.layers[index]).expect("rows").0[row] = bias);
            }
            for bias in [largest.saturating_add(1), (-largest).saturating_sub(1), i32::MIN] {
                if i64::from(bias).abs() + products >= 1 << 31 {
                    let message = refused(|file| rows_of(&mut file.layers[index]).expect("rows").0[row] = bias);
                    assert!(message.contains(&format!("layer {index}")) && message.contains("overflow"), "{message}");
                }
            }
        }
    }
}

#[test]
fn multipliers_and_input_shifts_out_of_range_are_refused() {
    for index in 0..small_model().layers.len() {
        let rows = rows_of(&mut small_model().layers[index]).map_or(0, |(bias, _)| bias.len());
        for row in 0..rows {
            for (mantissa, shift) in
                [((1 << 30) - 1, 1), (0, 1), (i32::MIN, 1), (1 << 30, 0), (1 << 30, 32), (1 << 30, 255)]
            {
                refused(|file| rows_of(&mut file.layers[index]).expect("rows").1[row] = Multiplier { mantissa, shift });
            }
        }
    }
    for shift in [16, 31, 32, 64, 255] {
        refused(|file| {
            if let Layer::Lstm { input_weights, input_shifts, .. } = &mut file.layers[2] {
                input_weights.fill(0);
                input_shifts[0] = shift;
            }
        });
    }
}

#[test]
fn layers_in_another_order_are_refused() {
    let [conv, pool, lstm, mean, dense] = <[Layer; 5]>::try_from(small_model().layers).expect("five layers");
    let orders = [
        vec![],
        vec![&conv, &pool, &lstm, &mean],
        vec![&conv, &pool, &lstm, &dense],
        vec![&conv, &lstm, &pool, &mean, &dense],
        vec![&lstm, &conv, &pool, &mean, &dense],
        vec![&conv, &pool, &mean, &lstm, &dense],
        vec![&conv, &pool, &lstm, &dense, &mean],
        vec![&conv, &pool, &lstm, &mean, &mean, &dense],
        vec![&conv, &pool, &lstm, &mean, &dense, &dense],
        vec![&dense, &mean, &lstm, &pool, &conv],
    ];
    for order in orders {
        refused(|file| file.layers = order.into_iter().cloned().collect());
    }
    refused(|file| file.layers.splice(1..1, vec![Layer::MaxPool { rows: 1, bands: 1, overlap: 0 }; 8]).for_each(drop));
    accepted(|file| file.layers.splice(1..1, vec![Layer::MaxPool { rows: 1, bands: 1, overlap: 0 }; 7]).for_each(drop));
}

#[test]
fn sizes_that_a_layer_cannot_have_are_refused() {
    for (rows, bands) in [(0, 1), (1, 0), (1, 4), (1, 255), (0, 0)] {
        refused(|file| file.layers[1] = Layer::MaxPool { rows, bands, overlap: 0 });
    }
    // Fields of the convolution's record, such as kernel rows (1), kernel bands (2) and the low byte of the channels
    // (4).
    let record = 80 + 2 * 16;
    for (field, value) in [(1, 0), (1, 255), (2, 0), (2, 2), (2, 255), (4, 0), (0, 0), (0, 8), (6, 3), (7, 1), (12, 1)]
    {
        refused_bytes(|file| file[record + field] = value);
    }
    // After the pool, in an LSTM, a time mean and a dense layer, the byte for padding or overlap has no meaning.
    for layer in 2..5 {
        let message = refused_bytes(|file| file[record + 16 * layer + 6] = 1);
        assert!(message.contains("reserved field of a layer is 1"), "{message}");
    }
}

#[test]
fn blocks_of_a_pool_overlap_by_half_at_most() {
    let pool = |rows, bands, overlap| Layer::MaxPool { rows, bands, overlap };
    for (rows, bands, overlap) in [(1, 3, 1), (3, 1, 1), (3, 3, 2), (2, 2, 2), (3, 3, 3), (3, 3, 255)] {
        let message = refused(|file| file.layers[1] = pool(rows, bands, overlap));
        assert!(message.contains(&format!("max pool overlap is {overlap}")), "{message}");
    }
    accepted(|file| file.layers[1] = pool(2, 2, 1));
}

#[test]
fn a_stream_has_no_layer_that_needs_its_end() {
    for padding in [1, 2] {
        let message = refused(|file| {
            if let Layer::Conv2d { padding: of_layer, .. } = &mut file.layers[0] {
                *of_layer = padding;
            }
        });
        assert!(message.contains("conv2d that is not causal"), "{message}");
    }
    let message = refused(|file| file.layers.insert(2, Layer::Flatten { rows: 1 }));
    assert!(message.contains("position of flatten is 3"), "{message}");
    accepted(|file| file.layers[3] = Layer::LastStep);
}

#[test]
fn a_last_step_is_behind_an_lstm() {
    let message = refused(|file| {
        file.layers.remove(2);
        file.layers[2] = Layer::LastStep;
    });
    assert!(message.contains("position of a layer is 3"), "{message}");
}

#[test]
fn an_image_is_as_large_as_its_layers_need() {
    let conv = |file: &mut ModelFile, layer: usize, field: fn(&mut Layer)| field(&mut file.layers[layer]);
    let message = refused_image(|file| {
        conv(file, 0, |layer| {
            if let Layer::Conv2d { kernel_rows, .. } = layer {
                *kernel_rows = 4
            }
        });
    });
    assert!(message.contains("rows of a conv2d of the same size is 4, wanted an odd number"), "{message}");
    let message = refused_image(|file| {
        conv(file, 2, |layer| {
            if let Layer::Conv2d { kernel_bands, .. } = layer {
                *kernel_bands = 5
            }
        });
    });
    assert!(message.contains("bands of a conv2d without padding is 5"), "{message}");
    let message = refused_image(|file| {
        conv(file, 2, |layer| {
            if let Layer::Conv2d { kernel_rows, .. } = layer {
                *kernel_rows = 5
            }
        });
    });
    assert!(message.contains("the image is too small"), "{message}");
    for rows in [0, 2, 4, 255] {
        let message = refused_image(|file| file.layers[3] = Layer::Flatten { rows });
        assert!(message.contains(&format!("flatten rows is {rows}")), "{message}");
    }
    for position in [0, 4, 5, 6] {
        refused_image(|file| file.layers.insert(position, Layer::Flatten { rows: 1 }));
    }
}

#[test]
fn numbers_of_the_front_end_out_of_range_are_refused() {
    let limits: &[fn(&mut ModelFile, f32)] = &[
        |file, value| file.front_end.dc_block_pole = value,
        |file, value| file.front_end.pre_emphasis = value,
        |file, value| file.front_end.lower_edge_hz = value,
        |file, value| file.front_end.upper_edge_hz = value,
        |file, value| file.front_end.floor_db = value,
        |file, value| file.front_end.gate_threshold_db = value,
        |file, value| file.front_end.gate_range_db = value,
        |file, value| file.temperature = value,
        |file, value| file.confidence_threshold = value,
    ];
    for limit in limits {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e9, -1e9] {
            refused(|file| limit(file, value));
        }
    }
    for mean in [i32::MIN, -(1 << 30) - 1, (1 << 30) + 1, i32::MAX] {
        refused(|file| file.front_end.mean[1] = mean);
    }
    for mantissa in [i32::MIN, -1, 0, (1 << 30) - 1] {
        refused(|file| file.front_end.multipliers[2].mantissa = mantissa);
    }
    for shift in [0, 32, 255] {
        refused(|file| file.front_end.multipliers[0].shift = shift);
    }
    for floor in [0, (1 << 60) + 1, u64::MAX] {
        refused(|file| file.front_end.floor = floor);
    }
    refused(|file| file.temperature = 0.0);
    // If it were accepted, the softmax would divide by zero.
    refused(|file| file.temperature = f32::from_bits(1));
    refused(|file| file.front_end.window = 2);
    refused(|file| file.front_end.window = 3);
    refused(|file| file.front_end.gate = 2);
    refused(|file| file.front_end.level = 2);
    accepted(|file| file.front_end.level = 1);
    refused(|file| file.front_end.longest_pause = 256);
    refused(|file| file.front_end.hop_len = 17);
    refused(|file| file.front_end.hop_len = 0);
    refused(|file| file.front_end.fft_len = 128);
    refused(|file| file.front_end.sample_rate_hz = 999);
    refused(|file| file.front_end.window_table.fill(0));
    refused(|file| file.front_end.edges.reverse());
    refused(|file| file.front_end.edges[1] = 0xffff);
    refused(|file| file.front_end.rising[0] = -1);
}

#[test]
fn numbers_of_an_image_out_of_range_are_refused() {
    let message = refused_bytes(|file| file[75] = 2);
    assert!(message.contains("kind of features is 2"), "{message}");
    let message = refused_bytes(|file| file[76] = 9);
    assert!(message.contains("image columns without an image is 9"), "{message}");
    for (got, change) in [
        ("image.columns is 0", (|spec| spec.columns = 0) as fn(&mut FrontEnd)),
        ("image.columns is 513", |spec| spec.columns = 513),
        ("image.bands is 0", |spec| spec.mel_bands = 0),
        ("image.bands is 513", |spec| spec.mel_bands = 513),
        ("window is 0", |spec| spec.window = 0),
        ("fft_len is 1024", |spec| spec.fft_len = 1024),
        ("dc_block_pole is 0.5", |spec| spec.dc_block_pole = 0.5),
        ("pre_emphasis is 1", |spec| spec.pre_emphasis = 1.0),
        ("trim is 1", |spec| (spec.gate, spec.gate_threshold_db, spec.gate_range_db) = (1, -50.0, 35.0)),
        ("level is 1", |spec| spec.level = 1),
        ("denoise is 1", |spec| (spec.subtraction_tenths, spec.depth_db) = (10, 10)),
        ("window table is 0", |spec| spec.window_table.fill(0)),
        ("normalisation mean is", |spec| spec.mean[2] = i32::MIN),
        ("normalisation mantissa is", |spec| spec.multipliers[1].mantissa = 0),
        ("normalisation shift is", |spec| spec.multipliers[0].shift = 32),
    ] {
        let message = refused_image(|file| change(&mut file.front_end));
        assert!(message.contains(got), "{got}: {message}");
    }
}

#[test]
fn numbers_of_a_subtraction_out_of_range_are_refused() {
    for (tenths, depth) in [(0, 1), (1, 10), (4, 10), (61, 10), (255, 10), (10, 0), (10, 61), (10, 255)] {
        refused(|file| (file.front_end.subtraction_tenths, file.front_end.depth_db) = (tenths, depth));
    }
    for (tenths, depth) in [(5, 1), (60, 60), (20, 15)] {
        accepted(|file| (file.front_end.subtraction_tenths, file.front_end.depth_db) = (tenths, depth));
    }
}

#[test]
fn a_mel_band_ends_at_half_the_sample_rate() {
    let ending_at = |file: &mut ModelFile, end: u16| {
        file.front_end.edges = vec![1, 2, 3, 4, end];
        file.front_end.rising = vec![100; usize::from(end) - 1];
    };
    accepted(|file| ending_at(file, 129));
    let message = refused(|file| ending_at(file, 130));
    assert!(message.contains("mel edge is 130"), "{message}");
}

#[test]
fn padding_is_zeros() {
    // 9 window values after 80 + 2 · 16 + 5 · 16 bytes leave 14 bytes of padding.
    let padding = 192 + 18..192 + 32;
    for at in padding {
        let message = refused_bytes(|file| file[at] = 1);
        assert!(message.contains("padding"), "{message}");
    }
}

#[test]
fn a_state_that_is_too_small_is_an_error_that_names_both_sizes() {
    let bytes = small_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let wanted = model.state_words();
    for words in 0..wanted {
        let mut memory = dirty_memory(words);
        let error = Recognizer::new(&model, &mut memory).expect_err("too small");
        assert_eq!(error, RecognizerError::Memory(StateTooSmall { got: words, wanted }));
        assert_eq!(
            error.to_string(),
            format!("model needs {} bytes of state, the buffer has {}", 4 * wanted, 4 * words)
        );
    }
    assert!(Engine::new(&model, &mut dirty_memory(model.network_words() - 1)).is_none());
    assert!(Recognizer::new(&model, &mut dirty_memory(wanted + 100)).is_ok());
}

#[test]
fn a_model_for_images_hears_no_stream() {
    let bytes = small_image_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    for words in [0, model.state_words(), 10 * model.state_words()] {
        let mut memory = dirty_memory(words);
        assert_eq!(Recognizer::new(&model, &mut memory).err(), Some(RecognizerError::ForImages));
        let listener = Listener::new(&model, &mut memory, &EndpointerConfig::default());
        assert_eq!(listener.err(), Some(ListenerError::Recognizer(RecognizerError::ForImages)));
    }
    assert_eq!(
        RecognizerError::ForImages.to_string(),
        "a model for streams is wanted, this one is for images of whole utterances"
    );
}

#[test]
fn a_model_runs_from_any_address() {
    let bytes = small_model().to_bytes();
    let samples = signals::babble(2, 2_000);
    let heard = hear(&Model::parse(&bytes).expect("a valid file"), [&samples[..]]);
    assert!(heard.logits.is_some());
    for offset in 1..16 {
        let shifted = [vec![0xAA; offset], bytes.clone()].concat();
        let model = Model::parse(&shifted[offset..]).expect("the same file");
        assert_eq!(hear(&model, [&samples[..]]), heard, "{offset} bytes further");
    }
}
