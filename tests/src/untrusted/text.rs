//! Text that people write: a manifest, a list of corpora, a split, published folds, the configuration of a run, a
//! recipe, a network.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use ser_core::Model;
use ser_core::contract::CRC;
use ser_core::spec::{self, Network};
use ser_host::corpus::Corpus;
use ser_host::corpus::choice::Choice;
use ser_host::corpus::origin::Origin;
use ser_host::corpus::split::published::Published;
use ser_host::corpus::split::{Part, Protocol, Split};
use ser_host::json;
use ser_host::model::inspect::{Summary, parse_model, untrained_model};
use ser_host::model::trained;
use ser_host::training::config::{Backend, Config};
use ser_host::training::recipe::Recipe;
use ser_host::training::run::RunFolder;
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;

/// A model of more parameters takes long to write.
const MOST_PARAMETERS: usize = 200_000;

/// The model that the text beside it speaks of.
const MODEL: &[u8] = b"a model";

/// The first byte chooses what the others are read as. What is accepted can be written and read again.
pub fn check(bytes: &[u8]) {
    let Some((kind, text)) = bytes.split_first() else { return };
    match kind {
        b'm' => manifest(text),
        b'l' => list(text),
        b's' => split(text),
        b'p' => published(text),
        b'c' => config(text),
        b'r' => recipe(text),
        b'n' => network(text),
        b'e' => entry(text),
        b't' => trained_on(text),
        _ => {}
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for files that last as long as a check")
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file in a folder of our own");
    path
}

/// The error as a user reads it. It must say something.
fn reason(error: &impl Display) {
    assert!(!format!("{error:#}").is_empty());
}

fn manifest(text: &[u8]) {
    let folder = folder();
    for name in NAMES {
        write(&folder, name, b"");
    }
    match Corpus::open(&write(&folder, "manifest.csv", text), &Choice::default()) {
        Ok(corpus) => {
            assert!(!corpus.utterances.is_empty());
            for protocol in [Protocol::Random, Protocol::Sentence, Protocol::Speaker] {
                match Split::new(&corpus, protocol, Some(2), 0, 1) {
                    Ok(split) => _ = same_again(&folder, &split).part(&corpus, Part::Train).expect("its own corpus"),
                    Err(error) => reason(&error),
                }
            }
            _ = Protocol::fitting(&corpus, None);
        }
        Err(error) => reason(&error),
    }
}

fn list(text: &[u8]) {
    let folder = folder();
    match Origin::list(&write(&folder, "list.toml", text)) {
        Ok(origins) => {
            assert!(!origins.is_empty());
            let written = serde_json::to_value(&origins).expect("a list is JSON");
            let again: Vec<Origin> = json::lenient(written).expect("a list that we wrote");
            assert_eq!(again.len(), origins.len());
        }
        Err(error) => reason(&error),
    }
}

/// One list is that for training and that for test, so at least the corpus lacks it or it is listed twice.
fn published(text: &[u8]) {
    let folder = folder();
    for name in ["train.jsonl", "test.jsonl", "label_map.json"] {
        write(&folder, name, text);
    }
    match Published::read(folder.path()) {
        Ok(published) => reason(&published.splits(&Corpus::synthetic(1)).expect_err("no list for training alone")),
        Err(error) => reason(&error),
    }
}

/// Writes the split and reads it.
fn same_again(folder: &TempDir, split: &Split) -> Split {
    let path = folder.path().join("again.json");
    split.save(&path).expect("a file in a folder of our own");
    let again = Split::load(&path).expect("a split that we wrote");
    assert_eq!(again, *split);
    again
}

fn split(text: &[u8]) {
    let folder = folder();
    match Split::load(&write(&folder, "split.json", text)) {
        Ok(split) => {
            same_again(&folder, &split);
            _ = split.part(&Corpus::synthetic(1), Part::Test).map_err(|error| reason(&error));
        }
        Err(error) => reason(&error),
    }
}

fn config(text: &[u8]) {
    let folder = folder();
    write(&folder, "config.json", text);
    let read = |path: &Path| RunFolder::open(path).expect("a folder with a configuration").config();
    match read(folder.path()) {
        Ok(config) => {
            let json = serde_json::to_vec(&config).expect("a configuration is JSON");
            write(&folder, "config.json", &json);
            read(folder.path()).expect("a configuration that we wrote");
        }
        Err(error) => reason(&error),
    }
}

fn recipe(text: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(text) else { return };
    match Recipe::of(&spec::edge()).with(json).and_then(|recipe| recipe.check().map(|()| recipe)) {
        Ok(recipe) => {
            assert!(recipe.all_epochs() >= recipe.epochs);
            let json = serde_json::to_value(&recipe).expect("a recipe is JSON");
            Recipe::default().with(json).expect("a recipe that we wrote").check().expect("the same values");
        }
        Err(error) => reason(&error),
    }
}

/// A network that is accepted can be written as a model that the core accepts.
fn network(text: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(text) else { return };
    let base =
        if json.pointer("/front_end/image").is_some_and(Value::is_object) { spec::paper() } else { spec::edge() };
    let network: Network = match json::with(&base, json) {
        Ok(network) => network,
        Err(error) => return reason(&error),
    };
    if network.check().is_err() || parameters(&network) > MOST_PARAMETERS {
        return;
    }
    let file = untrained_model(&network).expect("a model of an accepted network");
    let model: Model<'_> = parse_model("a model", &file).expect("a model that we wrote");
    Summary::new(&model).to_table().expect("a table");
}

fn parameters(network: &Network) -> usize {
    let mut shape = network.input();
    let parameters = network.layers.iter().map(|layer| {
        let parameters = layer.parameters(shape);
        shape = layer.output(shape);
        parameters
    });
    parameters.sum()
}

fn entry(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    match json::entry(text).and_then(|change| Recipe::default().with(change)) {
        Ok(recipe) => _ = recipe.check(),
        Err(error) => reason(&error),
    }
}

fn trained_on(text: &[u8]) {
    _ = trained::parse(text, MODEL).map_err(|error| reason(&error));
}

/// Recordings that manifests may name. A manifest alone opens none of them.
const NAMES: [&str; 8] = ["a.wav", "b.wav", "c.wav", "d.wav", "e.wav", "f.wav", "g.wav", "h.wav"];

/// One valid text of each kind, with short and long ones.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut rows = String::from("path,speaker,emotion,sentence\n");
    let emotions = ["angry", "fear", "happy", "neutral", "sad", "surprise"];
    for (index, name) in NAMES.iter().enumerate() {
        rows += &format!("{name},{},{},{}\n", ["ann", "bob"][index % 2], emotions[index % 6], index % 3);
    }
    let corpus = Corpus::synthetic(1);
    let mut split = Split::new(&corpus, Protocol::Sentence, Some(2), 0, 1).expect("a split of the synthetic corpus");
    split.utterances.truncate(3);
    let config = Config {
        corpus: "synthetic".to_owned(),
        corpora: Vec::new(),
        choice: Choice::default(),
        preset: "edge".to_owned(),
        seed: 1,
        backend: Backend::Fast,
        recipe: Recipe::of(&spec::edge()),
        network: spec::edge(),
    };
    let trained_on = format!(
        r#"{{"model_crc32": "{:08x}", "trained_on": {{"corpus": "a", "recordings": 1, "digests": "0123456789abcdef"}}}}"#,
        CRC.checksum(MODEL)
    );
    let texts: [(u8, Vec<u8>); 13] = [
        (b'm', rows.clone().into_bytes()),
        (b'm', rows.replace(".wav", "").into_bytes()),
        (b'l', b"[[corpus]]\npath = \"a\"\nweight = 2\nmap = { calm = \"neutral\" }\n".to_vec()),
        (b'p', br#"{"key": "a", "wav": "x/f1/sad/201.wav", "emo": "sad"}"#.to_vec()),
        (b's', json(&split)),
        (b'c', json(&config)),
        (b'r', json(&Recipe::of(&spec::edge()))),
        (b'r', json(&Recipe::paper())),
        (b'r', br#"{"epochs": 3, "distillation": {"teachers": 2}}"#.to_vec()),
        (b'n', json(&spec::edge())),
        (b'n', json(&spec::paper())),
        (b'e', b"augmentation.speeds=[1.0, 0.9]".to_vec()),
        (b't', trained_on.into_bytes()),
    ];
    texts.into_iter().map(|(kind, text)| [vec![kind], text].concat()).collect()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value that is JSON")
}
