use ser_core::spec::{FrontEnd, LevelMode, Window, edge};

use crate::experiments::paper::PRINTED;

use super::*;
use crate::corpus::labels::EMOTIONS;
use crate::evaluation::metrics::Confusion;
use crate::features::rows::Normalization;
use crate::report::page::{Part, Section, page};
use crate::report::{Curve, Picture};
use crate::training::run::EpochMetrics;

/// A glide of one second with a pause in the middle; each emotion has a different glide.
fn speech(emotion: usize) -> Vec<i16> {
    let sample = |n: usize| {
        let t = n as f64 / 16_000.0;
        let phase = 600.0 * (emotion + 1) as f64 * (t + t * t);
        if (6000..8000).contains(&n) { 0 } else { (9000.0 * phase.sin()) as i16 }
    };
    (0..16_000 - 500 * emotion).map(sample).collect()
}

/// The front end of the paper's prose: 25 ms each 10 ms, Hamming window, pre-emphasis.
fn front_end() -> FrontEnd {
    FrontEnd {
        frame_len: 400,
        hop_len: 160,
        fft_len: 512,
        window: Window::Hamming,
        dc_block_pole: 0.0,
        pre_emphasis: 0.97,
        mel_bands: 26,
        level: LevelMode::Absolute,
        ..edge().front_end
    }
}

/// All text in a picture, which must be well-formed XML.
fn texts(picture: &Picture) -> Vec<String> {
    let svg = picture.svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    texts.map(|node| node.text().unwrap_or_default().trim().to_owned()).collect()
}

fn images(picture: &Picture) -> usize {
    picture.svg().matches("<image ").count()
}

fn has(texts: &[String], wanted: &str) -> bool {
    texts.iter().any(|text| text == wanted)
}

#[test]
fn six_emotions_share_their_axes_and_one_bar() {
    let speech: Vec<Vec<i16>> = (0..EMOTIONS.len()).map(speech).collect();
    let utterances: Vec<(&str, &[i16])> = EMOTIONS.into_iter().zip(speech.iter().map(Vec::as_slice)).collect();
    let draw = || emotions("six", "Six emotions", &utterances).unwrap();
    let (picture, texts) = (draw(), texts(&draw()));
    assert_eq!(picture.svg(), draw().svg());
    assert_eq!(images(&picture), 6);
    assert!(EMOTIONS.iter().all(|emotion| has(&texts, emotion)));
    let count = |wanted: &str| texts.iter().filter(|text| *text == wanted).count();
    assert_eq!((count("dBFS"), count("time, s"), count("frequency, kHz")), (1, 6, 6));
    let part = Part { group: String::new(), seen: String::new(), pictures: vec![picture], table: None };
    let section = Section { id: "six", heading: "Six", how: "", parts: vec![part] };
    assert!(page("Paper", &[], &[], &[section]).contains("<figure class=\"wide\">"));

    let error = format!("{:#}", emotions("six", "", &[("sad", &[0; 100])]).unwrap_err());
    assert!(error.contains("sad") && error.contains("100"), "{error}");
    assert!(emotions("six", "", &[]).is_err());
}

#[test]
fn the_stages_are_named_with_units_whatever_the_front_end() {
    for front_end in [front_end(), edge().front_end] {
        let draw = || stages("stages", "Stages", &front_end, &speech(0), None).unwrap();
        let (picture, texts) = (draw(), texts(&draw()));
        assert_eq!(picture.svg(), draw().svg());
        assert_eq!(images(&picture), 2);
        for axis in [
            "time, s",
            "of full scale",
            "time in the frame, ms",
            "frequency, kHz",
            "dBFS in a bin",
            "weight",
            "dBFS",
            "sd",
        ] {
            assert!(has(&texts, axis), "{axis}: {texts:?}");
        }
        let bands = format!("6  Mel filterbank, {} bands", front_end.mel_bands);
        assert!(has(&texts, &bands));
    }
    assert!(has(&texts(&stages("stages", "", &front_end(), &speech(0), None).unwrap()), "2  After pre-emphasis 0.97"));
    assert!(stages("stages", "", &front_end(), &[0; 399], None).is_err());
    let of_another = Normalization { level: LevelMode::Absolute, mean: vec![0.0; 40], sd: vec![1.0; 40] };
    let error = format!("{:#}", stages("stages", "", &front_end(), &speech(0), Some(&of_another)).unwrap_err());
    assert!(error.contains("26 bands, the normalisation 40"), "{error}");
    // Silence has neither a loudest frame nor a loudest level nor a deviation.
    stages("stages", "", &front_end(), &[0; 400], None).unwrap();
}

#[test]
fn a_diagram_shows_every_layer_with_its_shape_and_size() {
    let network = edge();
    let picture = diagram("edge", "edge", &network, &[]).unwrap();
    let texts = texts(&picture);
    let total: usize = network.shapes().map(|(layer, input, _)| layer.parameters(input)).sum();
    let total = format!("{} parameters", crate::report::text::thousands(total));
    assert!(has(&texts, &total), "{texts:?}");
    for (layer, _, output) in network.shapes() {
        assert!(has(&texts, layer.name()));
        let shape = if output.bands == 1 {
            output.channels.to_string()
        } else {
            format!("{} × {}", output.bands, output.channels)
        };
        assert!(has(&texts, &shape), "{shape}: {texts:?}");
    }
    assert!(has(&texts, "softmax: angry, fear, happy, neutral, sad, surprise"));
    assert_eq!(picture.svg(), diagram("edge", "edge", &network, &[]).unwrap().svg());
}

#[test]
fn with_time_steps_a_diagram_shows_them() {
    let network = edge();
    let rows = [100, 100, 50, 50, 50, 50, 50, 50, 50, 1, 1];
    let texts = texts(&diagram("edge", "edge", &network, &rows).unwrap());
    for wanted in ["100 × 40 × 1", "100 × 40 × 12", "50 × 20 × 12", "50 × 64", "48", "6"] {
        assert!(has(&texts, wanted), "{wanted}: {texts:?}");
    }
    let error = diagram("edge", "edge", &network, &rows[1..]).unwrap_err().to_string();
    assert!(error.contains("11") && error.contains("10"), "{error}");
}

#[test]
fn the_printed_matrix_is_turned_so_that_each_class_has_its_40_utterances() {
    let printed = PRINTED.confusion();
    assert!(printed.counts.iter().all(|row| row.iter().sum::<u64>() == 40));
    assert_eq!((printed.correct(), printed.total()), (187, 240));
    // The paper prints: 23 of the sad are taken for surprise, none of the surprised for sad.
    assert_eq!((printed.counts[4][5], printed.counts[5][4]), (23, 0));
}

#[test]
fn two_matrices_stand_side_by_side_on_one_convention() {
    let mut own = Confusion::new(EMOTIONS);
    own.add(0, Some(0));
    own.add(1, None);
    let printed = PRINTED.confusion();
    let draw =
        || confusion("both", "Confusion", Cells::Utterances, [("as printed", &printed), ("here", &own)]).unwrap();
    let texts = texts(&draw());
    assert_eq!(draw().svg(), draw().svg());
    let count = |wanted: &str| texts.iter().filter(|text| *text == wanted).count();
    assert_eq!((count("recognised as"), count("true class"), count("none")), (2, 2, 1));
    assert!(
        has(&texts, "as printed: 187 of 240 right, 77.9 %.") && has(&texts, "here: 1 of 2 right, 50.0 %."),
        "{texts:?}"
    );
}

#[test]
fn several_runs_are_drawn_thin_and_their_mean_thick() {
    let epoch = |run: usize, epoch: usize| EpochMetrics {
        epoch,
        learning_rate: 1e-3,
        train_loss: 1.8 / (epoch + run) as f64,
        train_accuracy: 0.5,
        validation_war: None,
        validation_uar: None,
        seconds: 1.0,
    };
    let curve = |run: usize| Curve { run: run.to_string(), epochs: (1..=30).map(|n| epoch(run, n)).collect() };
    let curves: Vec<Curve> = (0..5).map(curve).collect();
    let training = Training {
        prefix: "paper",
        name: "paper",
        curves: &curves,
        heard: "training utterances",
        tested: "float network",
        war: 0.6,
    };
    let pictures = training.pictures().unwrap();
    assert_eq!(
        pictures.iter().map(|picture| picture.name.as_str()).collect::<Vec<_>>(),
        ["paper-loss", "paper-accuracy", "paper-learning-rate"]
    );
    let loss = texts(&pictures[0]);
    assert!(
        has(&loss, "epoch") && has(&loss, "cross-entropy, nat") && has(&loss, "training loss, nat: mean"),
        "{loss:?}"
    );
    assert!(has(&texts(&pictures[1]), "test part, float network, at the end"));
    assert!(Training { curves: &[], ..training }.pictures().unwrap().is_empty());
}
