//! The page on the paper: printed figures beside measured ones, and the paper's pictures drawn anew.

use std::path::Path;

use anyhow::{Context, Result};
use ser_core::Model;
use ser_core::spec::{FrontEnd, Layer, Network, Padding, Window, edge, preset};
use serde::Serialize;

use super::{Cells, Training, confusion, diagram, emotions, stages};
use crate::corpus::Corpus;
use crate::corpus::audio::SAMPLE_RATE_HZ;
use crate::corpus::labels::EMOTIONS;
use crate::corpus::split::Protocol;
use crate::evaluation::metrics::Confusion;
use crate::experiments::crossval::ModelReport;
use crate::experiments::paper::{Comparison, DISTINCT, PRINTED, PROTOCOLS, REFERENCE, Row, Splits, tables};
use crate::features::condition::Condition;
use crate::model::inspect::{Summary, untrained_model};
use crate::report::figures::curves::Curve;
use crate::report::page::{Part, Section, Table, Written, page, write_page};
use crate::report::text::{percent, plus_minus, thousands};
use crate::training::run::RunFolder;

/// The networks of the paper, whose curves and diagrams the page shows.
const NETWORKS: [&str; 2] = ["paper", "paper-seq"];

/// The figures behind the page. `host paper --json` writes them as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct PaperReport {
    /// Name of the corpus.
    pub corpus: String,
    /// Number of utterances in the corpus.
    pub utterances: usize,
    /// The tables of comparison.
    pub comparison: Comparison,
    /// Epochs of each network of the paper under the protocol `random`.
    curves: Vec<(String, Vec<Curve>)>,
    /// An emotion and 16 kHz samples of one utterance of it, for each emotion.
    #[serde(skip)]
    examples: Vec<(&'static str, Vec<i16>)>,
}

impl PaperReport {
    /// Reads the epochs of the finished runs below `root`, and one utterance of each emotion.
    ///
    /// # Errors
    ///
    /// If a file of a finished run is damaged, or no utterance of an emotion can be read.
    pub fn new(root: &Path, corpus: &Corpus, comparison: Comparison) -> Result<Self> {
        let curves = NETWORKS
            .iter()
            .map(|name| Ok(((*name).to_owned(), curves(root, &comparison, name)?)))
            .collect::<Result<_>>()?;
        let utterances = corpus.utterances.len();
        Ok(Self { corpus: corpus.name.clone(), utterances, comparison, curves, examples: examples(corpus)? })
    }

    /// Writes `paper.html` and the pictures to `folder`. Makes the folder if it does not exist.
    ///
    /// # Errors
    ///
    /// If a picture can't be drawn or a file can't be written.
    pub fn write(&self, folder: &Path) -> Result<Written> {
        let sections = vec![
            self.printed_and_measured(),
            self.comparisons(),
            self.confusions()?,
            self.training()?,
            networks()?,
            self.emotions()?,
            self.stages()?,
        ];
        let mut notes = vec![
            "Zheng et al., \u{201c}Speech emotion recognition based on CNN+LSTM Model\u{201d}: its network and its \
             recipe, trained anew on real recordings, and everything that it is compared with on the same splits. No \
             choice was made on a test part: the last epoch counts."
                .to_owned(),
            format!("Corpus {}, {} utterances.", self.corpus, thousands(self.utterances)),
        ];
        if !self.comparison.missing.is_empty() {
            notes.push(format!("Not finished, and so not shown: {}.", self.comparison.missing.join("; ")));
        }
        let html = page(&format!("The paper, reproduced: {}", self.corpus), &notes, &[], &sections);
        write_page(folder, "paper.html", &html, &sections)
    }

    fn printed_and_measured(&self) -> Section {
        let row = |name: &str| counterpart(&self.comparison, name);
        let measured = |name: &str| row(name).map_or_else(|| "not measured".to_owned(), both);
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (place, accuracy) in PRINTED.accuracies {
            rows.push(vec![format!("accuracy of the network ({place})"), percent(accuracy), measured("paper")]);
        }
        rows.push(vec!["the same network, LSTMs over 26 steps".into(), "\u{2013}".into(), measured("paper-seq")]);
        let of_repeated = self.comparison.repeated.as_ref().map_or_else(|| "not measured".to_owned(), both);
        let repeated =
            format!("the same network on at most {DISTINCT} recordings, repeated to 1,200 (one split; see below)");
        rows.push(vec![repeated, "\u{2013}".into(), of_repeated]);
        for (name, accuracy) in PRINTED.compared {
            rows.push(vec![
                format!("{name} that it is compared with"),
                percent(accuracy),
                measured(&name.to_lowercase()),
            ]);
        }
        rows.push(vec![
            "parameters of the network".into(),
            thousands(PRINTED.parameters),
            thousands(parameters("paper")),
        ]);
        let printed = PRINTED.confusion();
        let ours = row("paper").map(|row| &row.float.confusion);
        for (class, (label, recall)) in EMOTIONS.iter().zip(printed.recalls()).enumerate() {
            let measured = ours.and_then(|ours| ours.recalls().get(class).copied().flatten());
            rows.push(vec![
                format!("recall of {label}"),
                recall.map_or_else(|| "\u{2013}".to_owned(), percent),
                measured.map_or_else(|| "not measured".to_owned(), percent),
            ]);
        }
        let differ = Table {
            caption: "What differs between the paper's experiment and this one".into(),
            head: vec!["what".into(), "printed".into(), "here".into()],
            rows: reasons(self.utterances),
        };
        let figures = Table {
            caption: "Stratified random 80/20 split; mean and standard deviation over three seeds".into(),
            head: vec!["figure".into(), "printed".into(), "measured".into()],
            rows,
        };
        let part =
            |group: &str, seen, table| Part { group: group.to_owned(), seen, pictures: Vec::new(), table: Some(table) };
        Section {
            id: "printed",
            heading: "Printed and measured",
            how: "The paper prints three accuracies for one network. The recalls are those of its confusion matrix. \
                  Where float and int8 are given, int8 is what the core says on a microcontroller, bit for bit.",
            parts: vec![
                part("Figures", self.verdict(), figures),
                part("Why they may differ", TWINS.to_owned(), differ),
            ],
        }
    }

    /// The measured accuracy of the network against the printed one, in a sentence.
    fn verdict(&self) -> String {
        let Some(row) = counterpart(&self.comparison, "paper") else {
            return "The paper's network has not been trained here yet.".to_owned();
        };
        let difference = 100.0 * (row.float.war.mean - PRINTED.accuracy());
        let edge =
            counterpart(&self.comparison, "edge").and_then(|edge| Some((edge.int8.as_ref()?, edge.model_bytes?)));
        let beside = edge.map_or_else(String::new, |(int8, bytes)| {
            let share = row.model_bytes.unwrap_or(0) as f64 / bytes as f64;
            format!(
                " The network edge of this project, as int8, is right in {} of the same test utterances as they were \
                 recorded, with a model file {share:.0} times smaller.",
                percent(int8.war.mean)
            )
        });
        let side = if difference < 0.0 { "below" } else { "above" };
        format!(
            "Measured honestly the paper's network is right in {} of the test utterances: {:.1} points {side} the \
             printed {}.{beside}",
            percent(row.float.war.mean),
            difference.abs(),
            percent(PRINTED.accuracy())
        )
    }

    fn comparisons(&self) -> Section {
        let parts = tables().map(|(splits, condition)| {
            let mut rows: Vec<&Row> = self.comparison.of(splits.protocol, condition).collect();
            rows.sort_by(|a, b| best(b).total_cmp(&best(a)));
            let table = comparison_table(splits, condition, &rows);
            Part {
                group: format!("{}, {condition}", splits.name),
                seen: leader(&rows),
                pictures: Vec::new(),
                table: Some(table),
            }
        });
        Section {
            id: "comparison",
            heading: "Table of comparison",
            how: "Each system of a table is trained and tested on the same splits and hears the same of the \
                  recordings; the best stands first. As recorded they have an offset, silence and an absolute level, \
                  which tell some speakers' emotions apart in this corpus and nowhere else. The paper's networks see \
                  all of that in their images. With the cues removed it can't be heard. p: if a system and the one it \
                  is set against were equally good, how probable is it that the answers that only one has right are \
                  divided so unevenly (McNemar's exact test); three seeds share test utterances, so that p is too \
                  small for random.",
            parts: parts.collect(),
        }
    }

    fn confusions(&self) -> Result<Section> {
        let printed = PRINTED.confusion();
        let mut parts = Vec::new();
        for name in NETWORKS {
            let Some(row) = counterpart(&self.comparison, name) else { continue };
            let measured: &ModelReport = row.int8.as_ref().unwrap_or(&row.float);
            let title = format!("{name}: printed, and measured (int8, three seeds together)");
            let matrices: [(&str, &Confusion); 2] = [("printed", &printed), ("measured", &measured.confusion)];
            parts.push(Part {
                group: name.to_owned(),
                seen: worst(&measured.confusion),
                pictures: vec![confusion(&format!("confusion-{name}"), &title, Cells::Shares, matrices)?],
                table: None,
            });
        }
        Ok(Section {
            id: "confusion",
            heading: "Confusion matrices",
            how: "A row is a true class, a column what it was taken for; shares of the row. The paper prints its \
                  matrix the other way round, outputs in rows: here it is turned.",
            parts,
        })
    }

    fn training(&self) -> Result<Section> {
        let mut parts = Vec::new();
        for (name, curves) in self.curves.iter().filter(|(_, curves)| !curves.is_empty()) {
            let war = counterpart(&self.comparison, name).map_or(0.0, |row| row.float.war.mean);
            let training =
                Training { prefix: name, name, curves, heard: "training utterances", tested: "float network", war };
            parts.push(Part {
                group: name.clone(),
                seen: training.seen(),
                pictures: training.pictures()?,
                table: None,
            });
        }
        Ok(Section {
            id: "training",
            heading: "Training",
            how: "As the paper's program: SGD with momentum 0.9, learning rate 0.001, L2 0.0001, 30 epochs of batches \
                  of 10 shuffled once, gradients of each parameter limited to a norm of 1. One line for each of the \
                  three seeds, training part only.",
            parts,
        })
    }

    fn emotions(&self) -> Result<Section> {
        let utterances: Vec<(&str, &[i16])> =
            self.examples.iter().map(|(emotion, samples)| (*emotion, samples.as_slice())).collect();
        Ok(Section {
            id: "emotions",
            heading: "Spectrograms of the six emotions",
            how: "One sentence of one speaker, as near as the corpus has it, in each emotion. Time to the right, \
                  frequency upwards, the darker the louder; blue where a recording has ended.",
            parts: vec![Part {
                group: "emotions".into(),
                seen: format!("Recordings of the corpus {}.", self.corpus),
                pictures: vec![emotions("emotions", "The six emotions", &utterances)?],
                table: None,
            }],
        })
    }

    fn stages(&self) -> Result<Section> {
        let (emotion, samples) = self.examples.first().context("no utterance to show")?;
        let front_end = FrontEnd {
            frame_len: 400,
            hop_len: 160,
            fft_len: 512,
            window: Window::Hamming,
            pre_emphasis: 0.97,
            mel_bands: 26,
            ..edge().front_end
        };
        Ok(Section {
            id: "stages",
            heading: "How a mel spectrogram is made",
            how: "The stages of the paper's prose, computed by the core's own front end: pre-emphasis, framing, \
                  window, FFT, mel filters, logarithm, normalisation.",
            parts: vec![Part {
                group: "stages".into(),
                seen: format!("An utterance ({emotion}) from samples to what a network hears."),
                pictures: vec![stages("stages", "From samples to a mel spectrogram", &front_end, samples, None)?],
                table: None,
            }],
        })
    }
}

/// What is known of the images that came with the paper, and what was measured to judge their effect.
const TWINS: &str = "The folder of images that the paper's published training program reads holds 125 distinct images \
                     among 1200 files, each of them best matched by a recording of anger: nearly every test image \
                     would have a twin in the training part. Whether the printed figures came from that folder is not \
                     known. The row of repeated recordings above says what the recipe reaches on such a folder: \
                     recordings of anger, each under one of the six labels and repeated until each label has 200. It \
                     has nothing to do with emotion: the network knows the recordings again.";

/// What differs between the paper's experiment and this one.
fn reasons(utterances: usize) -> Vec<Vec<String>> {
    let row = |what: &str, printed: &str, here: &str| vec![what.to_owned(), printed.to_owned(), here.to_owned()];
    vec![
        row("utterances", "1,200", &thousands(utterances)),
        row("splits", "one, its seed not given", "three seeds; and sentences apart"),
        row("images", "published folder with repeated images (see above)", "made from each recording, all distinct"),
        row("features", "MATLAB", "the same operations in the core's own front end, checked against NumPy and Pillow"),
        row("weights at the start", "MATLAB's generator", "the same distributions, other random numbers"),
        row("choice of the epoch", "not said", "the last one"),
        row("network", "one LSTM step: recurrent weights never act", "the same (paper), and 26 steps (paper-seq)"),
    ]
}

fn networks() -> Result<Section> {
    let mut parts = Vec::new();
    for name in NETWORKS.into_iter().chain(["edge"]) {
        let network = preset(name).with_context(|| format!("no preset {name}"))?;
        let input_rows = network.front_end.image_rows();
        let rows: Vec<usize> =
            input_rows.map_or_else(Vec::new, |rows| std::iter::once(rows).chain(network.rows(rows)).collect());
        parts.push(Part {
            group: name.to_owned(),
            seen: cost(&network)?,
            pictures: vec![diagram(&format!("network-{name}"), &format!("The network {name}"), &network, &rows)?],
            table: Some(layers(name, &network, &rows)),
        });
    }
    Ok(Section {
        id: "networks",
        heading: "Networks",
        how: "Each box is a layer, with what leaves it; the darker, the more of the parameters are in it. Rows are \
              time: columns of the paper's image.",
        parts,
    })
}

/// Parameters, model file and state of a network on a microcontroller, in a sentence.
fn cost(network: &Network) -> Result<String> {
    let file = untrained_model(network)?;
    let model = Model::parse(&file).map_err(|error| anyhow::anyhow!("{error}"))?;
    let summary = Summary::new(&model);
    Ok(format!(
        "{} parameters; as int8 a model file of {} bytes and a state of {} bytes.",
        thousands(summary.parameters),
        thousands(summary.model_bytes),
        thousands(summary.state_bytes)
    ))
}

fn parameters(name: &str) -> usize {
    preset(name).map_or(0, |network| network.shapes().map(|(layer, input, _)| layer.parameters(input)).sum())
}

fn layers(name: &str, network: &Network, rows: &[usize]) -> Table {
    let shape = |rows: Option<&usize>, bands: usize, channels: usize| match rows {
        Some(rows) => format!("{rows} \u{d7} {bands} \u{d7} {channels}"),
        None => format!("{bands} \u{d7} {channels}"),
    };
    let input = network.input();
    let mut table = vec![vec!["input".to_owned(), shape(rows.first(), input.bands, input.channels), String::new()]];
    for (index, (layer, input, output)) in network.shapes().enumerate() {
        let parameters = layer.parameters(input);
        let parameters = if parameters == 0 { String::new() } else { thousands(parameters) };
        table.push(vec![kind(layer), shape(rows.get(index + 1), output.bands, output.channels), parameters]);
    }
    Table {
        caption: format!("Layers of {name}"),
        head: vec!["layer".into(), "output".into(), "parameters".into()],
        rows: table,
    }
}

/// Name of a layer, with the size of its window.
fn kind(layer: Layer) -> String {
    let name = layer.name();
    match layer {
        Layer::Conv2d { rows, bands, padding, .. } => {
            let padding = match padding {
                Padding::Causal => "causal",
                Padding::Same => "same size",
                Padding::Valid => "no padding",
            };
            format!("{name} {rows}\u{d7}{bands}, {padding}; ReLU")
        }
        Layer::MaxPool { rows, bands, overlap } => {
            format!("{name} {rows}\u{d7}{bands}, stride {}\u{d7}{}", rows - overlap, bands - overlap)
        }
        _ => name.to_owned(),
    }
}

/// Protocol and condition that come nearest to the paper's own experiment.
const COUNTERPART: (Protocol, Condition) = (Protocol::Random, Condition::AsRecorded);

/// The row of a system under [`COUNTERPART`], if it is finished.
fn counterpart<'c>(comparison: &'c Comparison, name: &str) -> Option<&'c Row> {
    let (protocol, condition) = COUNTERPART;
    comparison.row(protocol, name, condition)
}

fn heard(condition: Condition) -> &'static str {
    match condition {
        Condition::CuesRemoved => "without offset, silence and absolute level",
        Condition::AsRecorded => "as recorded",
    }
}

fn describe(splits: Splits) -> String {
    match splits.protocol {
        Protocol::Corpus | Protocol::Published => splits.protocol.to_string(),
        Protocol::Random => "random: stratified 80/20, speakers and sentences shared, three seeds".to_owned(),
        Protocol::Sentence => "sentence: five folds, no sentence in training and test".to_owned(),
        Protocol::Speaker => "speaker: each speaker held out in turn".to_owned(),
    }
}

/// The accuracy that ranks a system: that of the int8 model, or else that of the float model.
fn best(row: &Row) -> f64 {
    row.int8.as_ref().map_or(row.float.war.mean, |int8| int8.war.mean)
}

/// The system that leads, in a sentence.
fn leader(rows: &[&Row]) -> String {
    match rows {
        [first, second, ..] => format!(
            "{} leads with {}, {:.1} points before {}.",
            first.system.name,
            percent(best(first)),
            100.0 * (best(first) - best(second)),
            second.system.name
        ),
        [only] => format!("Only {} is finished: {}.", only.system.name, percent(best(only))),
        [] => "Nothing is finished.".to_owned(),
    }
}

fn comparison_table(splits: Splits, condition: Condition, rows: &[&Row]) -> Table {
    let printed = |name: &str| -> Option<f64> {
        if (splits.protocol, condition) != COUNTERPART {
            return None;
        }
        let compared = PRINTED
            .compared
            .iter()
            .find(|(compared, _)| compared.to_lowercase() == name)
            .map(|(_, accuracy)| *accuracy);
        if name == "paper" { Some(PRINTED.accuracy()) } else { compared }
    };
    let dash = || "\u{2013}".to_owned();
    let cells = |row: &&Row| {
        vec![
            row.system.name.clone(),
            row.system.describe().to_owned(),
            plus_minus(row.float.war),
            row.int8.as_ref().map_or_else(dash, |int8| plus_minus(int8.war)),
            row.model_bytes.map_or_else(dash, |bytes| thousands(bytes as usize)),
            row.against_reference.map_or_else(dash, |test| test.p_rounded()),
            printed(&row.system.name).map_or_else(dash, percent),
        ]
    };
    Table {
        caption: format!("{}; {}", describe(splits), heard(condition)),
        head: [
            "system",
            "what it is",
            "accuracy, float",
            "accuracy, int8",
            "int8 model, bytes",
            &format!("p against {REFERENCE}"),
            "printed",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: rows.iter().map(cells).collect(),
    }
}

/// Accuracy of a row: float, and int8 where there is one.
fn both(row: &Row) -> String {
    let float = plus_minus(row.float.war);
    row.int8.as_ref().map_or_else(|| float.clone(), |int8| format!("{float} (float), {} (int8)", plus_minus(int8.war)))
}

/// The largest confusion, in a sentence; empty without one.
fn worst(confusion: &Confusion) -> String {
    let mut worst: Option<(f64, &str, &str)> = None;
    for (truth, row) in confusion.counts.iter().enumerate() {
        let support = row.iter().sum::<u64>() + confusion.unanswered.get(truth).copied().unwrap_or(0);
        for (said, count) in row.iter().enumerate().filter(|(said, _)| *said != truth) {
            let share = *count as f64 / support.max(1) as f64;
            let (Some(truth), Some(said)) = (confusion.labels.get(truth), confusion.labels.get(said)) else { continue };
            if worst.is_none_or(|(largest, ..)| share > largest) {
                worst = Some((share, truth, said));
            }
        }
    }
    worst.map_or_else(String::new, |(share, truth, said)| {
        format!("The most frequent mistake here: {} of {truth} is taken for {said}.", percent(share))
    })
}

/// Epochs of the finished trainings of a network under the protocol `random`.
fn curves(root: &Path, comparison: &Comparison, name: &str) -> Result<Vec<Curve>> {
    let Some(row) = counterpart(comparison, name) else { return Ok(Vec::new()) };
    let mut curves = Vec::new();
    for splits in PROTOCOLS.iter().filter(|splits| splits.protocol == Protocol::Random) {
        for (seed, fold) in splits.each() {
            let folder = RunFolder::open(&row.system.run(&splits.folder(root, &row.system), seed, fold))?;
            curves.push(Curve { run: format!("seed {seed}"), epochs: folder.metrics()? });
        }
    }
    Ok(curves)
}

/// One readable utterance for each emotion, all of the same speaker and sentence if the corpus has such.
fn examples(corpus: &Corpus) -> Result<Vec<(&'static str, Vec<i16>)>> {
    let first = corpus.utterances.first().context("the corpus is empty")?;
    EMOTIONS
        .iter()
        .enumerate()
        .map(|(emotion, name)| {
            let mut candidates: Vec<_> =
                corpus.utterances.iter().filter(|utterance| utterance.emotion == emotion).collect();
            candidates
                .sort_by_key(|utterance| (utterance.speaker != first.speaker, utterance.sentence != first.sentence));
            let samples = candidates.iter().find_map(|utterance| utterance.samples(SAMPLE_RATE_HZ).ok());
            Ok((*name, samples.with_context(|| format!("no utterance of {name} can be read"))?))
        })
        .collect()
}
