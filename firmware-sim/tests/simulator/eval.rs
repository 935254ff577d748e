//! `firmware-sim eval` over good and bad recordings.

use std::path::Path;

use crate::common::{FLOAT, MODEL, add, add_as, corpus, float_wav, labelled, one_answer, place, run, text};
use ser_core::spec::edge;
use ser_host::corpus::Corpus;
use ser_host::corpus::audio::SAMPLE_RATE_HZ;
use ser_host::corpus::choice::Choice;
use ser_host::corpus::labels::EMOTIONS;
use ser_host::corpus::split::{Part, Protocol, Split};
use ser_host::corpus::synth;
use ser_host::model::onnx::to_onnx;
use serde_json::Value;

/// Evaluates all of a corpus with the synthetic models. Returns the JSON without the timings, and standard error.
fn evaluate(corpus: &Path, more: &[&str]) -> (Value, String) {
    evaluate_with_int8(corpus, &[&["--float", FLOAT], more].concat())
}

/// The same without the float model.
fn evaluate_with_int8(corpus: &Path, more: &[&str]) -> (Value, String) {
    let json = tempfile::NamedTempFile::new().unwrap();
    let (corpus, out) = (text(corpus), text(json.path()));
    let arguments = ["eval", "--all", "--min-agreement", "0", "--model", MODEL, "--corpus", corpus, "--json", out];
    let (code, _, errors) = run(&[&arguments[..], more].concat());
    assert_eq!(code, 0, "{errors}");
    let mut figures: Value = serde_json::from_slice(&std::fs::read(json.path()).unwrap()).unwrap();
    for timing in ["realtime_factor", "macs_per_second"] {
        let value = figures.as_object_mut().unwrap().remove(timing).unwrap();
        assert!(value.as_f64().unwrap() >= 0.0, "{timing} is {value}");
    }
    (figures, errors)
}

#[test]
fn without_arguments_the_built_in_models_agree_on_the_synthetic_test_part() {
    let (code, output, errors) = run(&["eval"]);
    assert_eq!(code, 0, "{output}{errors}");
    assert!(output.contains("test part of synthetic-1, protocol sentence, fold 0 of 5"), "{output}");
    assert!(output.contains("240 utterances"), "{output}");
    assert!(output.contains("none of these 240 recordings") && output.contains("over 10 sentences: "), "{output}");
    assert!(output.contains("skipped      0"), "{output}");
    let speakers = output.lines().skip_while(|line| !line.starts_with("speaker ")).skip(1);
    let speakers: Vec<&str> = speakers.take_while(|line| !line.is_empty()).collect();
    assert!(speakers.len() == 4 && speakers.iter().all(|line| line.contains(" 60 ")), "{output}");
}

#[test]
fn the_json_has_every_figure() {
    let corpus = corpus();
    let (json, _) = evaluate(corpus.path(), &[]);
    assert_eq!(json["utterances"], 6);
    assert_eq!(json["skipped"], 0);
    assert_eq!(json["labels"], serde_json::json!(EMOTIONS));
    assert_eq!(json["corpora"], serde_json::json!([]));
    for model in ["float", "int8"] {
        for figure in ["war", "uar", "macro_f1"] {
            let value = json[model][figure].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&value), "{model}.{figure} is {value}");
        }
    }
    let agreement = json["agreement"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&agreement));
    let difference = json["max_probability_difference"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&difference));
    assert_eq!(json["model_bytes"].as_u64().unwrap(), std::fs::metadata(MODEL).unwrap().len());
    let state = json["state_bytes"].as_u64().unwrap();
    assert!((4_000..=16_384).contains(&state), "{state} bytes of state");
    for share in ["confident_share", "not_sure_share", "calibration_error"] {
        let value = json[share].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&value), "{share} is {value}");
    }
    assert_eq!(json["confident_share"].as_f64().unwrap() + json["not_sure_share"].as_f64().unwrap(), 1.0);
    assert_eq!(json["sweep"], Value::Null);
    let rows = json["confusion_int8"].as_array().unwrap();
    let of_row = |row: &Value| row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>();
    assert_eq!(rows.iter().map(of_row).collect::<Vec<_>>(), [1; 6], "each true emotion has one utterance");
}

#[test]
fn int8_rows_are_close_to_float_rows_in_every_layer() {
    let (json, _) = evaluate(corpus().path(), &[]);
    let layers = json["layers"].as_array().unwrap();
    let names: Vec<&str> = layers.iter().map(|layer| layer["layer"].as_str().unwrap()).collect();
    assert_eq!(names, ["input", "conv2d", "max pool", "conv2d", "max pool", "conv2d", "max pool", "lstm", "lstm"]);
    for layer in layers {
        assert!(layer["snr_db"].as_f64().unwrap() > 10.0, "{layer}");
    }
}

#[test]
fn figures_depend_neither_on_threads_nor_on_chunks() {
    let corpus = corpus();
    let (wanted, _) = evaluate(corpus.path(), &[]);
    for more in [["--threads", "1"], ["--threads", "5"], ["--chunk", "1"], ["--chunk", "1000"], ["--chunk", "10000000"]]
    {
        assert_eq!(evaluate(corpus.path(), &more).0, wanted, "{more:?}");
    }
}

#[test]
fn a_split_file_says_which_utterances_are_evaluated() {
    let dir = corpus();
    for emotion in EMOTIONS {
        add_as(dir.path(), "m1", emotion, &[500; 8000]);
    }
    let mut split =
        Split::new(&Corpus::open(dir.path(), &Choice::default()).unwrap(), Protocol::Speaker, None, 1, 1).unwrap();
    split.utterances.iter_mut().find(|entry| entry.part == Part::Train).unwrap().part = Part::Validation;
    let file = dir.path().join("split.json");
    split.save(&file).unwrap();
    for (part, utterances) in [("train", 5), ("validation", 1), ("test", 6)] {
        let (dir, file) = (text(dir.path()), text(&file));
        let arguments = ["eval", "--model", MODEL, "--corpus", dir, "--split", file, "--part", part];
        let (code, output, errors) = run(&arguments);
        assert_eq!(code, 0, "{errors}");
        assert!(
            output.contains(&format!("{part} part of")) && output.contains(&format!(" {utterances} utterances")),
            "{output}"
        );
    }
}

#[test]
fn recordings_of_the_training_part_are_told_under_any_name_and_by_the_float_model_too() {
    let corpus = corpus();
    let (json, errors) = evaluate(corpus.path(), &[]);
    assert_eq!((json["trained_on"].as_u64(), errors.as_str()), (Some(0), ""));
    // The synthetic model was trained on fold 0 of the synthetic corpus.
    let synthetic = Corpus::synthetic(synth::DEFAULT_SEED);
    let split = Split::new(&synthetic, Protocol::Sentence, None, 0, synth::DEFAULT_SEED).unwrap();
    let known = split.part(&synthetic, Part::Train).unwrap()[5].samples(SAMPLE_RATE_HZ).unwrap();
    let unknown = split.part(&synthetic, Part::Test).unwrap()[5].samples(SAMPLE_RATE_HZ).unwrap();
    add(corpus.path(), "happy", &known);
    add(corpus.path(), "happy", &unknown);
    let (json, errors) = evaluate(corpus.path(), &[]);
    assert_eq!((json["trained_on"].as_u64(), json["utterances"].as_u64()), (Some(1), Some(8)));
    assert!(errors.contains("NO TEST: the model was trained on 1 of these 8 recordings"), "{errors}");

    // Without the file beside the model, the float model tells; without both nothing does.
    let model = corpus.path().join("copy.ser");
    std::fs::copy(MODEL, &model).unwrap();
    let (dir, model, out) = (text(corpus.path()), text(&model), corpus.path().join("out.json"));
    let arguments = ["eval", "--all", "--model", model, "--corpus", dir, "--json", text(&out)];
    for (more, wanted) in [(&["--float", FLOAT][..], Some(1)), (&[], None)] {
        let (code, output, errors) = run(&[&arguments[..], more].concat());
        assert_eq!(code, 0, "{errors}");
        let json: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
        assert_eq!(json["trained_on"].as_u64(), wanted);
        let told = if wanted.is_some() { "THE FIGURES BELOW ARE NO TEST" } else { "trained on   unknown" };
        assert!(output.contains(told), "{output}");
        assert_eq!(errors.contains("PERHAPS NO TEST: nothing beside"), wanted.is_none(), "{errors}");
    }
}

#[test]
fn a_corpus_wants_a_model() {
    let (code, _, errors) = run(&["eval", "--all", "--corpus", text(corpus().path())]);
    assert_eq!(code, 2);
    assert!(errors.contains("--model"), "{errors}");
}

#[test]
fn without_a_float_model_only_int8_is_evaluated() {
    let corpus = corpus();
    let (with_float, _) = evaluate(corpus.path(), &[]);
    let (json, _) = evaluate_with_int8(corpus.path(), &[]);
    assert_eq!(json["float"], Value::Null);
    assert_eq!(json["agreement"], Value::Null);
    assert_eq!(json["int8"], with_float["int8"]);
}

#[test]
fn unreadable_recordings_are_skipped_told_and_counted() {
    let corpus = corpus();
    let dir = corpus.path();
    let good = std::fs::read(add(dir, "happy", &[100; 20_000])).unwrap();
    let (before, _) = evaluate(dir, &[]);

    let bad: [(&str, Vec<u8>); 5] = [
        ("empty", Vec::new()),
        ("not a WAV", b"This is a text, and no recording at all.".to_vec()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("no samples", float_wav(&[])),
        ("NaN", float_wav(&[0.0, f32::NAN, 0.0])),
    ];
    let mut files = Vec::new();
    for (reason, bytes) in &bad {
        let path = place(dir, "f1", "sad");
        std::fs::write(&path, bytes).unwrap();
        files.push((path, reason));
    }
    let (json, errors) = evaluate(dir, &[]);
    assert_eq!(json["skipped"], bad.len());
    assert_eq!(json["utterances"], before["utterances"]);
    assert_eq!(json["int8"], before["int8"]);
    assert_eq!(errors.lines().filter(|line| line.starts_with("skipped")).count(), bad.len(), "{errors}");
    assert!(errors.contains("no answer to f1/happy/202.wav: nothing but silence"), "{errors}");
    for (path, reason) in &files {
        let id = path.strip_prefix(dir).unwrap().to_str().unwrap();
        assert!(errors.lines().any(|line| line.contains(id) && line.contains(*reason)), "{reason}: {errors}");
    }
    for _ in 0..10 {
        std::fs::write(place(dir, "f1", "sad"), b"This is a text, and no recording at all.").unwrap();
    }
    let (_, errors) = evaluate(dir, &[]);
    let skipped = errors.lines().filter(|line| line.starts_with("skipped")).count();
    assert!(skipped == bad.len() && errors.contains("203.wav and 10 more: not a WAV"), "{errors}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_an_evaluation_with_130() {
    use std::process::{Command, Stdio};
    let mut program = Command::new(env!("CARGO_BIN_EXE_firmware-sim"));
    let mut child = program.args(["eval", "--sweep"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn nothing_readable_at_all_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(place(dir.path(), "f1", "sad"), "").unwrap();
    let (code, _, errors) = run(&["eval", "--all", "--model", MODEL, "--corpus", text(dir.path())]);
    assert_eq!(code, 2);
    assert!(errors.contains("none of the 1 utterances"), "{errors}");
}

#[test]
fn a_single_sample_and_a_minute_of_silence_get_no_answer_from_either_model() {
    let dir = tempfile::tempdir().unwrap();
    add(dir.path(), "neutral", &[1000]);
    add(dir.path(), "neutral", &[0; 960_000]);
    let (json, errors) = evaluate(dir.path(), &[]);
    let reasons = ["201.wav: too short: 1 samples at 16000 Hz, a frame has 1024", "202.wav: nothing but silence"];
    assert_eq!(errors, reasons.map(|reason| format!("no answer to f1/neutral/{reason}\n")).concat());
    assert_eq!(json["utterances"], 2);
    assert_eq!(json["skipped"], 0);
    for model in ["float", "int8"] {
        assert_eq!(json[model]["unanswered"], 2, "{model}");
        assert_eq!(json[model]["war"], 0.0, "{model}");
    }
    assert_eq!(json["agreement"], 1.0);
}

#[test]
fn too_little_agreement_sets_the_exit_code() {
    let corpus = corpus();
    let float = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(float.path(), to_onnx(&one_answer(edge())).unwrap()).unwrap();
    let arguments = [
        "eval",
        "--all",
        "--corpus",
        text(corpus.path()),
        "--model",
        MODEL,
        "--float",
        text(float.path()),
        "--min-agreement",
    ];
    let (code, output, errors) = run(&[&arguments[..], &["1"]].concat());
    assert_eq!(code, 1, "{output}{errors}");
    assert!(errors.contains("wanted at least 1"), "{errors}");
    let (code, ..) = run(&[&arguments[..], &["0"]].concat());
    assert_eq!(code, 0);
}

#[test]
fn a_float_model_of_another_network_is_an_error() {
    let corpus = corpus();
    let mut other_layers = edge();
    other_layers.layers.retain(|layer| layer.row_stride() == 1);
    let mut other_front_end = edge();
    other_front_end.front_end.hop_len = 160;
    let others = [
        (labelled(&["sad", "angry", "fear", "happy", "neutral", "surprise"]), "tells apart sad"),
        (other_layers, "other layers"),
        (other_front_end, "another front end"),
    ];
    for (network, wanted) in others {
        let float = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(float.path(), to_onnx(&one_answer(network)).unwrap()).unwrap();
        let (corpus, file) = (text(corpus.path()), text(float.path()));
        let (code, _, errors) = run(&["eval", "--all", "--model", MODEL, "--corpus", corpus, "--float", file]);
        assert_eq!(code, 2);
        assert!(errors.contains(text(float.path())) && errors.contains(wanted), "{errors}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_that_names_the_file() {
    let corpus = corpus();
    let (code, _, errors) = run(&[
        "eval",
        "--all",
        "--corpus",
        text(corpus.path()),
        "--model",
        MODEL,
        "--json",
        "/no/such/folder/report.json",
    ]);
    assert_eq!(code, 2);
    assert!(errors.contains("/no/such/folder/report.json"), "{errors}");
}

#[test]
fn arguments_without_meaning_are_refused() {
    for arguments in [
        ["--chunk", "0"],
        ["--threads", "0"],
        ["--min-agreement", "1.5"],
        ["--min-agreement", "NaN"],
        ["--part", "best"],
    ] {
        let (code, _, errors) = run(&[&["eval"][..], &arguments].concat());
        assert_eq!(code, 2, "{arguments:?}");
        assert!(errors.contains(arguments[0]), "{errors}");
    }
}

#[test]
fn a_corpus_or_split_that_is_not_there_is_an_error_that_names_it() {
    for option in ["--corpus", "--split", "--model", "--float"] {
        let model = if option == "--corpus" { &["--model", MODEL][..] } else { &[] };
        let (code, _, errors) = run(&[&["eval", option, "no-such-thing"], model].concat());
        assert_eq!(code, 2);
        assert!(errors.contains("no-such-thing"), "{errors}");
    }
}
