use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ser_core::spec::edge;

use super::*;
use crate::corpus::Corpus;
use crate::corpus::audio::write_wav;
use crate::corpus::choice::Choice;
use crate::corpus::labels::EMOTIONS;
use crate::corpus::origin::Origin;
use crate::corpus::split::{Part as SplitPart, Protocol, Split};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::predictions::{Prediction, Predictions};
use crate::evaluation::reliability::fit_temperature;
use crate::model::logits::leading;
use crate::training::recipe::Recipe;
use crate::training::run::{Backend, Config, EpochMetrics, RunFolder};

const HOSTILE: &str = "x/</desc><script>alert(\"1\")</script>&'\u{1b}[31m.wav";

/// A corpus of six emotions with four sentences each. Each emotion is a tone of its own.
fn corpus(folder: &Path) -> Corpus {
    for (emotion, name) in EMOTIONS.iter().enumerate() {
        fs::create_dir_all(folder.join(name)).unwrap();
        for sentence in 1..=4 {
            let tone = |n: usize| (6000.0 * (n as f32 * 0.05 * (emotion + 1) as f32).sin()) as i16;
            write_wav(&folder.join(name).join(format!("{sentence}.wav")), &(0..9000).map(tone).collect::<Vec<_>>())
                .unwrap();
        }
    }
    Corpus::open(folder, &Choice::default()).unwrap()
}

/// A run as `host train` leaves it. Every third answer is wrong, and one utterance has a hostile name.
fn run(path: &Path, corpus: &Corpus, corpus_path: &Path, fold: usize, seed: u64) -> Predictions {
    let split = Split::new(corpus, Protocol::Sentence, Some(2), fold, 1).unwrap();
    let recipe = Recipe { epochs: 3, ..Recipe::default() };
    let config = Config {
        corpus: corpus.name.clone(),
        corpora: vec![Origin::new(corpus_path)],
        choice: Choice::default(),
        preset: "edge".to_owned(),
        seed,
        backend: Backend::Fast,
        recipe,
        network: edge(),
    };
    let folder = RunFolder::create(path, &config, &split, false).unwrap();
    let epoch = |epoch: usize| EpochMetrics {
        epoch,
        learning_rate: 1e-3 / epoch as f64,
        train_loss: 1.8 / epoch as f64,
        train_accuracy: 0.2 * epoch as f64,
        validation_war: (epoch > 1).then_some(0.15 * epoch as f64),
        validation_uar: None,
        seconds: 1.0,
    };
    folder.save_metrics(&(1..=3).map(epoch).collect::<Vec<_>>()).unwrap();
    let answer = |said: usize, probability: f32| -> Option<Vec<f32>> {
        let others = (1.0 - probability) / (EMOTIONS.len() - 1) as f32;
        Some((0..EMOTIONS.len()).map(|label| if label == said { probability.ln() } else { others.ln() }).collect())
    };
    let mut utterances: Vec<Prediction> = split
        .part(corpus, SplitPart::Test)
        .unwrap()
        .iter()
        .enumerate()
        .map(|(n, utterance)| {
            let said =
                if (n + fold).is_multiple_of(3) { (utterance.emotion + 1) % EMOTIONS.len() } else { utterance.emotion };
            let probability = 0.5 + 0.03 * n as f32;
            Prediction {
                id: utterance.id.clone(),
                corpus: String::new(),
                speaker: String::new(),
                truth: utterance.emotion,
                int8: answer(said, probability),
                float: answer(utterance.emotion, probability - 0.01),
            }
        })
        .collect();
    utterances.push(Prediction {
        id: HOSTILE.to_owned(),
        corpus: String::new(),
        speaker: String::new(),
        truth: 0,
        int8: answer(4, 0.99),
        float: None,
    });
    utterances.push(Prediction {
        id: "angry/silence.wav".to_owned(),
        corpus: String::new(),
        speaker: String::new(),
        truth: 0,
        int8: None,
        float: None,
    });
    let predictions = Predictions { labels: EMOTIONS.map(str::to_owned).to_vec(), utterances, skipped: 1 };
    predictions.save(&path.join("predictions.json")).unwrap();
    predictions
}

fn single(dir: &Path) -> Predictions {
    let corpus_path = dir.join("corpus");
    let predictions = run(&dir.join("run"), &corpus(&corpus_path), &corpus_path, 0, 1);
    let sweep = r#"{"families":[{"name":"gain & <b>","parameter":"gain, dB","points":[
        {"value":-20.0,"utterances":12,"war":0.5,"uar":0.5,"not_sure":0.3,"unanswered":0.1,"war_of_sure":0.7,"calibration_error":0.1},
        {"value":0,"utterances":12,"war":0.7,"uar":0.7,"not_sure":0.1,"unanswered":0,"war_of_sure":null,"calibration_error":0}]}],
        "non_speech":[{"name":"hum","sounds":20,"unanswered":20,"not_sure":0,"sure":0,"labels":[]}]}"#;
    fs::write(dir.join("run/sweep.json"), sweep).unwrap();
    predictions
}

fn page_of(report: &Report) -> String {
    report.page(&report.sections().unwrap())
}

fn parse(page: &str) -> roxmltree::Document<'_> {
    roxmltree::Document::parse_with_options(page, roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() })
        .unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn the_page_has_every_section_and_needs_nothing_but_itself() {
    let dir = tempfile::tempdir().unwrap();
    single(dir.path());
    let report = Report::read(&dir.path().join("run"), None).unwrap();
    let page = page_of(&report);
    let document = parse(&page);
    let sections: Vec<_> = document.descendants().filter(|node| node.has_tag_name("section")).collect();
    assert_eq!(
        sections.iter().map(|section| section.attribute("id").unwrap()).collect::<Vec<_>>(),
        ["curves", "confusion", "recall", "reliability", "robustness", "float-int8", "wrong"]
    );
    let svg = |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == "svg";
    for section in sections {
        assert!(section.descendants().any(|node| svg(&node)), "{:?}", section.attribute("id"));
    }
    for picture in document.descendants().filter(svg) {
        let names: Vec<&str> =
            picture.children().filter(|node| node.is_element()).map(|node| node.tag_name().name()).take(2).collect();
        assert_eq!(names, ["title", "desc"]);
    }
    let mut ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for node in document.descendants() {
        assert!(!matches!(node.tag_name().name(), "script" | "link" | "iframe"));
        assert_eq!(node.attribute("src"), None);
        if let Some(target) = node.attribute("href") {
            assert!(
                target.starts_with("data:image/png;base64,")
                    || ids.binary_search(&target.trim_start_matches('#')).is_ok(),
                "{target}"
            );
        }
    }
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    assert!(
        !outside.contains("http:")
            && !outside.contains("https:")
            && !outside.contains("@import")
            && !outside.contains("url(")
    );
}

#[test]
fn names_out_of_files_stay_text() {
    let dir = tempfile::tempdir().unwrap();
    single(dir.path());
    let report = Report::read(&dir.path().join("run"), None).unwrap();
    let page = page_of(&report);
    assert!(!page.contains("<script") && !page.contains('\u{1b}') && !page.contains("gain & <b>"));
    assert_eq!(report.groups[0].worst[0].id, HOSTILE);
    let document = parse(&page);
    let shown = HOSTILE.replace('\u{1b}', "\u{fffd}");
    assert!(document.descendants().any(|node| node.text() == Some(&shown)));
}

#[test]
fn the_numbers_of_the_matrix_are_those_of_the_answers() {
    let dir = tempfile::tempdir().unwrap();
    let predictions = single(dir.path());
    let mut confusion = Confusion::new(EMOTIONS);
    for utterance in &predictions.utterances {
        confusion.add(utterance.truth, utterance.int8.as_deref().and_then(leading));
    }
    let report = Report::read(&dir.path().join("run"), None).unwrap();
    assert_eq!(report.groups[0].int8.confusion, confusion);
    let page = page_of(&report);
    let document = parse(&page);
    let title = document.descendants().find(|node| node.attribute("id") == Some("confusion-counts-title")).unwrap();
    let texts = title.parent().unwrap().descendants().filter(|node| node.tag_name().name() == "text");
    let numbers: Vec<u64> = texts.filter_map(|node| node.text()?.trim().parse().ok()).collect();
    let rows = confusion.counts.iter().zip(&confusion.unanswered);
    let wanted: Vec<u64> = rows.flat_map(|(counts, none)| counts.iter().chain([none]).copied()).collect();
    assert_eq!(numbers, wanted);
    let war = format!("{:.1}\u{a0}%", 100.0 * confusion.war());
    assert!(
        document
            .descendants()
            .any(|node| node.has_tag_name("td") && node.text().is_some_and(|text| text.starts_with(&war)))
    );
}

#[test]
fn the_same_run_gives_the_same_files() {
    let dir = tempfile::tempdir().unwrap();
    single(dir.path());
    let write = |name: &str| {
        let folder = dir.path().join(name);
        let written = Report::read(&dir.path().join("run"), None).unwrap().write(&folder).unwrap();
        assert_eq!(written.page, folder.join("report.html"));
        let files = files(&folder);
        assert_eq!(files.len(), 1 + 2 * written.pictures);
        files
    };
    let first = write("first");
    assert!(first == write("second"));
    for (name, bytes) in &first {
        if name.ends_with(".svg") {
            roxmltree::Document::parse(std::str::from_utf8(bytes).unwrap()).unwrap();
        }
    }
}

#[test]
fn a_png_shows_text_and_spectrogram_without_any_font_installed() {
    let dir = tempfile::tempdir().unwrap();
    single(dir.path());
    let report = Report::read(&dir.path().join("run"), None).unwrap();
    let pictures = wrong::pictures(&report.groups[0]).unwrap();
    // The corpus has all recordings but the one with the hostile name.
    assert_eq!(pictures.len(), report.groups[0].worst.len() - 1);
    let pixels = resvg::tiny_skia::Pixmap::decode_png(&pictures[0].png().unwrap()).unwrap();
    let dark = |left: u32, top: u32, right: u32, bottom: u32| {
        let inside = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
        inside.filter(|&(x, y)| pixels.pixel(x, y).unwrap().red() < 100).count()
    };
    assert!(dark(0, 0, 200, 80) > 200, "no title");
    assert!(dark(140, 120, 600, 440) > 1000, "no spectrogram");
}

#[test]
fn folds_are_pooled_and_their_temperatures_fitted_to_the_other_folds() {
    let dir = tempfile::tempdir().unwrap();
    let corpus_path = dir.path().join("corpus");
    let corpus = corpus(&corpus_path);
    let runs = dir.path().join("runs");
    let mut folds = Vec::new();
    for condition in ["as-recorded", "cues-removed"] {
        for fold in 0..2 {
            let path = runs.join(condition).join("seed-1").join(format!("fold-{fold}"));
            folds.push(run(&path, &corpus, &corpus_path, fold, 1));
        }
    }
    // This fold is still being trained.
    let unfinished = runs.join("as-recorded/seed-2/fold-0");
    run(&unfinished, &corpus, &corpus_path, 0, 2);
    fs::remove_file(unfinished.join("predictions.json")).unwrap();

    let report = Report::read(&runs, None).unwrap();
    assert_eq!(
        report.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(),
        ["as-recorded", "cues-removed"]
    );
    assert!(report.skipped.len() == 1 && report.skipped[0].contains("host export"), "{:?}", report.skipped);
    let group = &report.groups[0];
    assert_eq!(group.curves.len(), 2);
    assert_eq!(group.int8.confusion.total() as usize, folds[0].utterances.len() + folds[1].utterances.len());
    let answers: Vec<_> = folds[1].utterances.iter().filter_map(|u| Some((u.int8.as_deref()?, u.truth))).collect();
    assert_eq!(group.reliability.temperatures[0], fit_temperature(&answers));
    let written = report.write(&dir.path().join("report")).unwrap();
    let page = fs::read_to_string(written.page).unwrap();
    parse(&page);
    assert!(page.contains("<h3>as-recorded</h3>") && page.contains("Left out"));
}

#[test]
fn a_run_with_nothing_to_show_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    single(dir.path());
    let path = dir.path().join("run");
    fs::write(path.join("predictions.json"), "{}").unwrap();
    assert!(format!("{:#}", Report::read(&path, None).unwrap_err()).contains("holds no predictions"));
    fs::remove_file(path.join("predictions.json")).unwrap();
    assert!(format!("{:#}", Report::read(&path, None).unwrap_err()).contains("host export"));
    assert!(format!("{:#}", Report::read(&dir.path().join("corpus"), None).unwrap_err()).contains("no run in"));
}

#[test]
fn without_the_recordings_the_rest_of_the_report_is_there() {
    let dir = tempfile::tempdir().unwrap();
    single(dir.path());
    fs::remove_dir_all(dir.path().join("corpus")).unwrap();
    let report = Report::read(&dir.path().join("run"), None).unwrap();
    assert!(wrong::pictures(&report.groups[0]).unwrap().is_empty());
    let page = page_of(&report);
    parse(&page);
    assert!(page.contains("Not every recording could be read"));
}
