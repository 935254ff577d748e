//! Files that are not models, and models that do not fit their use.

use crate::common::{FLOAT, MODEL, corpus, labelled, run, text};
use ser_core::spec::{Network, edge};
use ser_host::model::inspect::untrained_model;

/// Errors of `eval --model` and of `run` for a model file of these bytes.
fn errors_for(bytes: &[u8]) -> [String; 2] {
    let corpus = corpus();
    let wav = corpus.path().join("f1/sad/201.wav");
    let model = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(model.path(), bytes).unwrap();
    let (file, corpus, wav) = (text(model.path()), text(corpus.path()), text(&wav));
    [&["eval", "--all", "--corpus", corpus, "--model", file][..], &["run", "--model", file, wav]].map(|arguments| {
        let (code, _, errors) = run(arguments);
        assert_eq!(code, 2, "{errors}");
        assert!(errors.contains(file), "{errors}");
        errors
    })
}

#[test]
fn random_bytes_are_no_model() {
    let mut state = 1u32;
    let random = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let bytes: Vec<u8> = (0..50_000).map(random).collect();
    for errors in errors_for(&bytes).iter().chain(&errors_for(&[])) {
        assert!(errors.contains("not a model file") || errors.contains("has 0 bytes"), "{errors}");
    }
}

#[test]
fn a_truncated_model_is_an_error_that_says_both_lengths() {
    let bytes = std::fs::read(MODEL).unwrap();
    for errors in errors_for(&bytes[..bytes.len() - 1]) {
        assert!(
            errors.contains(&(bytes.len() - 1).to_string()) && errors.contains(&bytes.len().to_string()),
            "{errors}"
        );
    }
}

#[test]
fn a_model_with_a_flipped_bit_is_an_error() {
    let mut bytes = std::fs::read(MODEL).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    for errors in errors_for(&bytes) {
        assert!(errors.contains("damaged"), "{errors}");
    }
}

#[test]
fn a_damaged_float_model_is_an_error_that_names_the_file() {
    let corpus = corpus();
    let float = tempfile::NamedTempFile::new().unwrap();
    let bytes = std::fs::read(FLOAT).unwrap();
    for bytes in [&[][..], b"no onnx", &bytes[..bytes.len() / 2]] {
        std::fs::write(float.path(), bytes).unwrap();
        let (corpus, file) = (text(corpus.path()), text(float.path()));
        let (code, _, errors) = run(&["eval", "--all", "--model", MODEL, "--corpus", corpus, "--float", file]);
        assert_eq!(code, 2);
        assert!(errors.contains(text(float.path())), "{errors}");
    }
}

#[test]
fn a_model_for_other_labels_is_an_error_that_names_both_and_one_for_some_is_evaluated_on_these() {
    let corpus = corpus();
    let model = tempfile::NamedTempFile::new().unwrap();
    let others = [(&["cat", "dog"][..], "knows cat, dog, corpus"), (&["happy", "joy"], "happy, joy, mean happy")];
    for (labels, wanted) in others {
        std::fs::write(model.path(), untrained_model(&labelled(labels)).unwrap()).unwrap();
        let (code, _, errors) = run(&["eval", "--all", "--corpus", text(corpus.path()), "--model", text(model.path())]);
        assert_eq!(code, 2);
        assert!(errors.contains(text(model.path())) && errors.contains(wanted), "{errors}");
    }
    std::fs::write(model.path(), untrained_model(&labelled(&["sad", "happy"])).unwrap()).unwrap();
    let (code, output, errors) =
        run(&["eval", "--all", "--corpus", text(corpus.path()), "--model", text(model.path())]);
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("left out: angry") && !output.contains("angry"), "{output}{errors}");
}

#[test]
fn a_model_for_another_sample_rate_hears_recordings_at_its_own() {
    let corpus = corpus();
    let wav = corpus.path().join("f1/sad/201.wav");
    let model = tempfile::NamedTempFile::new().unwrap();
    // The front end of `edge` with the same times and bands at another rate.
    let network = |rate_hz: u32, factor: fn(usize) -> usize| {
        let mut network = edge();
        let front_end = &mut network.front_end;
        front_end.sample_rate_hz = rate_hz;
        front_end.mel_bands = 20;
        front_end.mel_high_hz = 3_900.0;
        for len in [&mut front_end.frame_len, &mut front_end.hop_len, &mut front_end.fft_len] {
            *len = factor(*len);
        }
        network
    };
    let seconds_of = |network: &Network| -> Vec<f64> {
        std::fs::write(model.path(), untrained_model(network).unwrap()).unwrap();
        for command in [&["run"][..], &["eval", "--all", "--sweep", "--corpus", text(corpus.path())]] {
            let files = if command == ["run"] { &[text(&wav)][..] } else { &[] };
            let (code, _, errors) = run(&[command, &["--model", text(model.path())], files].concat());
            assert_eq!(code, 0, "{errors}");
        }
        let (code, output, errors) = run(&["run", "--stream", "--json", "--model", text(model.path()), text(&wav)]);
        assert_eq!(code, 0, "{errors}");
        let ended: serde_json::Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
        ["start_s", "end_s"].map(|time| ended[time].as_f64().unwrap()).to_vec()
    };
    let wanted = seconds_of(&network(16_000, |len| len));
    for (rate_hz, factor) in [(8_000, (|len| len / 2) as fn(usize) -> usize), (32_000, |len| 2 * len)] {
        let seconds = seconds_of(&network(rate_hz, factor));
        for (seconds, wanted) in seconds.iter().zip(&wanted) {
            assert!((seconds - wanted).abs() < 0.1, "{rate_hz} Hz: {seconds} s, wanted {wanted} s");
        }
    }
}
