//! A report on a corpus: the recordings, the broken files, and the cues that give the label away.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use anyhow::Result;
use rayon::prelude::*;
use ser_core::spec::edge;
use serde::Serialize;

use super::copies::{Copies, Voice, conflicts};
use super::measure::{CLIPPED_RUN, Measures, clipped_runs, measure};
use super::sentences::doubt;
use super::{Corpus, Problem, Utterance};
use crate::corpus::audio::{Recording, SAMPLE_RATE_HZ};
use crate::corpus::choice::Choice;
use crate::corpus::split::Protocol;
use crate::interrupt::Stop;
use crate::progress::Progress;

/// Levels below this, relative to full scale, count as silent.
const SILENT_DB: f64 = -80.0;
/// A cue gives the emotion away if the emotion explains this share of its variance within a speaker.
const LEAK_SHARE: f64 = 0.25;
/// Emotions with fewer recordings than this tell nothing about a cue.
const MIN_GROUP: usize = 5;

/// A class with this many times the recordings of another is worth a warning.
const UNBALANCED: f64 = 3.0;

/// What [`check`] found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the corpus.
    pub corpus: String,
    /// The corpus that the folder was taken for, by the names in it.
    pub known: Option<&'static str>,
    /// Number of readable utterances.
    pub utterances: usize,
    /// The classes that a training has.
    pub classes: Vec<String>,
    /// Labels that are no class, with the number of their utterances, which a training leaves out.
    pub left_out: BTreeMap<String, usize>,
    /// Why the corpus cannot be trained on; None if it can.
    pub fault: Option<String>,
    /// What cannot be used, and why.
    pub broken: Vec<Problem>,
    /// Ids of recordings that are the same, sample for sample.
    pub duplicates: Vec<Vec<String>>,
    /// Recordings of one performance, including those that are the same sample for sample. Copies with different labels
    /// come first.
    pub copies: Vec<Copies>,
    /// What a user must know before trusting the corpus.
    pub warnings: Vec<String>,
    /// Number of readable files of each format.
    pub formats: BTreeMap<String, usize>,
    /// One for each speaker and emotion, by speaker, then by emotion.
    pub groups: Vec<Group>,
}

/// The recordings of one speaker and emotion. Levels are in dB relative to full scale, at least -100.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Empty if the corpus does not say.
    pub speaker: String,
    /// Name of the emotion.
    pub emotion: String,
    /// Number of readable utterances.
    pub utterances: usize,
    /// Total duration, in s.
    pub total_s: f64,
    /// Mean duration, in s.
    pub mean_s: f64,
    /// The highest peak.
    pub peak_db: f64,
    /// Mean of the RMS levels.
    pub level_db: f64,
    /// Mean DC offset, as a fraction of full scale.
    pub dc: f64,
    /// Mean of the noise floors. The noise floor of a recording is the level that 5 % of its 10 ms frames lie below.
    pub noise_floor_db: f64,
    /// Mean silence before the speech, in s. Frames more than 30 dB below the loudest are silence.
    pub lead_s: f64,
    /// Mean silence after the speech, in s.
    pub trail_s: f64,
}

/// A readable recording.
struct Measured<'c> {
    utterance: &'c Utterance,
    format: String,
    content: u64,
    measures: Measures,
    /// See [`clipped_runs`].
    clipped_runs: usize,
    /// None if the recording is too short or silent.
    voice: Option<Voice>,
}

/// A property other than the voice by which a classifier might tell emotions apart.
struct Cue {
    name: &'static str,
    value: fn(&Measures) -> f64,
    unit: &'static str,
    /// Factor from `value` to `unit`.
    scale: f64,
    /// Means closer than this are harmless, on the scale of `value`.
    harmless: f64,
}

const CUES: [Cue; 5] = [
    Cue { name: "DC offset", value: |m| m.dc, unit: "% of full scale", scale: 100.0, harmless: 0.0005 },
    Cue { name: "level", value: |m| m.level_db, unit: "dB", scale: 1.0, harmless: 3.0 },
    Cue { name: "noise floor", value: |m| m.noise_floor_db, unit: "dB", scale: 1.0, harmless: 3.0 },
    Cue { name: "silence before the speech", value: |m| m.lead_s, unit: "ms", scale: 1000.0, harmless: 0.03 },
    Cue { name: "silence after the speech", value: |m| m.trail_s, unit: "ms", scale: 1000.0, harmless: 0.03 },
];

/// Reads every recording of the corpus, in parallel, and reports. `choice` says which labels a training has as classes.
/// Progress goes to standard error.
///
/// # Errors
///
/// If the corpus lacks a label that `choice` names. The report lists everything else that is wrong with it.
pub fn check(corpus: &Corpus, choice: &Choice) -> Result<Report> {
    let chosen = corpus.chosen(choice)?;
    let labels = &chosen.labels;
    let progress = Progress::new("reading", corpus.utterances.len());
    let read = |utterance| {
        let read = read(utterance);
        progress.step();
        read
    };
    let results: Vec<Result<Measured, Problem>> = corpus.utterances.par_iter().map(read).collect();
    drop(progress);
    let mut broken = corpus.problems.clone();
    let mut readable = Vec::new();
    for result in results {
        match result {
            Ok(measured) => readable.push(measured),
            Err(problem) => broken.push(problem),
        }
    }

    let mut formats: BTreeMap<String, usize> = BTreeMap::new();
    let mut contents: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut groups: BTreeMap<(&str, &str), Vec<Measures>> = BTreeMap::new();
    for measured in &readable {
        let utterance = measured.utterance;
        *formats.entry(measured.format.clone()).or_default() += 1;
        contents.entry(measured.content).or_default().push(utterance.id.clone());
        groups.entry((&utterance.speaker, utterance.emotion_name())).or_default().push(measured.measures);
    }
    let mut duplicates: Vec<Vec<String>> = contents.into_values().filter(|ids| ids.len() > 1).collect();
    duplicates.sort();

    let voices: Vec<_> =
        readable.iter().filter_map(|measured| Some((measured.utterance, measured.voice.as_ref()?))).collect();
    let copies = Copies::among(&voices, &Stop::default())?.unwrap_or_default();
    let mut sizes: Vec<(&str, usize)> = labels.names().iter().map(|class| (class.as_str(), 0)).collect();
    for class in readable.iter().filter_map(|measured| chosen.class(measured.utterance.emotion_name())) {
        sizes[class].1 += 1;
    }
    let empty = sizes.iter().find(|(_, count)| *count == 0);
    let fault = empty.map(|(class, _)| format!("no recording of {class} can be read")).or_else(|| labels.fault());
    let mut warnings: Vec<String> = unknown_sentences(corpus).into_iter().collect();
    warnings.extend(imbalance(&sizes));
    warnings.extend(conflicts(&copies));
    warnings.extend(divided(&copies));
    warnings.extend(odd_levels(&readable));
    warnings.extend(leaks(&groups));
    Ok(Report {
        corpus: corpus.name.clone(),
        known: corpus.known.map(|known| known.name),
        utterances: readable.len(),
        classes: labels.names().to_vec(),
        left_out: chosen.left_out,
        fault,
        broken,
        duplicates,
        copies,
        warnings,
        formats,
        groups: groups.iter().map(|(&(speaker, emotion), measures)| group(speaker, emotion, measures)).collect(),
    })
}

fn read(utterance: &Utterance) -> Result<Measured<'_>, Problem> {
    let problem = |error: anyhow::Error| Problem { path: utterance.id.clone(), reason: format!("{error:#}") };
    let full_scale = |sample: &i16| f32::from(*sample) / 32_768.0;
    let read = || match utterance.file() {
        Some(file) => {
            let recording = Recording::open(file)?;
            let runs = clipped_runs(recording.samples.iter().copied());
            Ok((recording.at(SAMPLE_RATE_HZ)?, runs, recording.format.to_string()))
        }
        None => {
            let samples = utterance.samples(SAMPLE_RATE_HZ)?;
            let runs = clipped_runs(samples.iter().map(full_scale));
            Ok((samples, runs, "synthetic".to_owned()))
        }
    };
    let (samples, clipped_runs, format) = read().map_err(problem)?;
    let mut hasher = DefaultHasher::new();
    samples.hash(&mut hasher);
    let voice = Voice::new(&samples).map_err(problem)?;
    let measures = measure(&samples);
    Ok(Measured { utterance, format, content: hasher.finish(), measures, clipped_runs, voice })
}

fn group(speaker: &str, emotion: &str, measures: &[Measures]) -> Group {
    let mean = |value: fn(&Measures) -> f64| mean(measures.iter().map(value));
    Group {
        speaker: speaker.to_owned(),
        emotion: emotion.to_owned(),
        utterances: measures.len(),
        total_s: measures.iter().map(|m| m.duration_s).sum(),
        mean_s: mean(|m| m.duration_s),
        peak_db: measures.iter().map(|m| m.peak_db).fold(f64::NEG_INFINITY, f64::max),
        level_db: mean(|m| m.level_db),
        dc: mean(|m| m.dc),
        noise_floor_db: mean(|m| m.noise_floor_db),
        lead_s: mean(|m| m.lead_s),
        trail_s: mean(|m| m.trail_s),
    }
}

/// The warning that a class has many more recordings than another.
pub fn imbalance(sizes: &[(&str, usize)]) -> Option<String> {
    let most = sizes.iter().max_by_key(|(_, count)| *count)?;
    let least = sizes.iter().filter(|(_, count)| *count > 0).min_by_key(|(_, count)| *count)?;
    (most.1 as f64 >= UNBALANCED * least.1 as f64).then(|| {
        format!(
            "the classes are not balanced: {} has {:.1} times as many recordings as {} ({} and {}), so a network says it too \
             readily",
            most.0,
            most.1 as f64 / least.1 as f64,
            least.0,
            most.1,
            least.1
        )
    })
}

/// Warnings about recordings that are clipped, silent or too quiet.
fn odd_levels(readable: &[Measured]) -> Vec<String> {
    let list = |odd: &dyn Fn(&Measured) -> bool, what: &str| {
        let mut ids = readable.iter().filter(|measured| odd(measured)).map(|measured| &measured.utterance.id);
        let first = ids.next()?;
        Some(match ids.count() {
            0 => format!("{first} is {what}"),
            more => format!("{first} and {more} more are {what}"),
        })
    };
    let runs: usize = readable.iter().map(|measured| measured.clipped_runs).sum();
    let silent = |measured: &Measured| measured.measures.level_db < SILENT_DB;
    let heard_db = edge().front_end.trim.map_or(f64::NEG_INFINITY, |trim| f64::from(trim.threshold_db));
    let too_quiet = |measured: &Measured| !silent(measured) && measured.measures.loudest_db < heard_db;
    [
        list(&|measured| measured.clipped_runs > 0, "clipped")
            .map(|warning| format!("{warning}: {runs} runs of {CLIPPED_RUN} samples or more at full scale")),
        list(&silent, "silent"),
        list(&too_quiet, "too quiet")
            .map(|warning| format!("{warning}: no 10 ms reach {heard_db} dBFS, below which the presets hear nothing")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The warning that no split can keep sentences apart.
fn unknown_sentences(corpus: &Corpus) -> Option<String> {
    let doubt = doubt(corpus)?;
    let (fitting, _) = Protocol::fitting(corpus, None);
    Some(format!("{doubt}: protocol sentence cannot keep sentences out of the training part, use protocol {fitting}"))
}

/// The warning about copies that a split may have on both sides.
fn divided(copies: &[Copies]) -> Option<String> {
    let recordings: usize = copies.iter().map(|copies| copies.recordings.len()).sum();
    let divided = |protocol| copies.iter().filter(|copies| copies.may_be_divided(protocol)).count();
    let [random, sentence, speaker] = [Protocol::Random, Protocol::Sentence, Protocol::Speaker].map(divided);
    (!copies.is_empty()).then(|| {
        format!(
            "{recordings} recordings are copies of one another, in {} groups: a split may have copies in training and test, \
             {random} groups with protocol random, {sentence} with sentence, {speaker} with speaker",
            copies.len()
        )
    })
}

/// Warnings about cues that give the emotion away. `η² = Σ n_e (mean_e - mean)² / Σ (x - mean)²` is the share of a
/// cue's variance within a speaker that comes from the emotion.
fn leaks(groups: &BTreeMap<(&str, &str), Vec<Measures>>) -> Vec<String> {
    let mut speakers: BTreeMap<&str, Vec<(&str, &[Measures])>> = BTreeMap::new();
    for (&(speaker, emotion), measures) in groups {
        if measures.len() >= MIN_GROUP {
            speakers.entry(speaker).or_default().push((emotion, measures));
        }
    }
    let mut warnings = Vec::new();
    for (speaker, emotions) in speakers {
        for cue in &CUES {
            let value = |m: &Measures| (cue.value)(m);
            let overall = mean(emotions.iter().flat_map(|(_, measures)| measures.iter().map(value)));
            let means: Vec<(&str, f64)> =
                emotions.iter().map(|&(e, measures)| (e, mean(measures.iter().map(value)))).collect();
            let between: f64 =
                emotions.iter().zip(&means).map(|((_, m), (_, mean))| m.len() as f64 * (mean - overall).powi(2)).sum();
            let total: f64 = emotions.iter().flat_map(|(_, m)| m.iter()).map(|m| (value(m) - overall).powi(2)).sum();
            let lowest = means.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
            let highest = means.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
            if let (Some((low_emotion, low)), Some((high_emotion, high))) = (lowest, highest)
                && high - low > cue.harmless
                && between > LEAK_SHARE * total
            {
                let speaker = if speaker.is_empty() { "all" } else { speaker };
                warnings.push(format!(
                    "speaker {speaker}: {} gives the emotion away ({:.0} % of its variance): {:.*} {unit} in {}, {:.*} {unit} in {}",
                    cue.name,
                    100.0 * between / total,
                    decimals(cue.scale * cue.harmless),
                    cue.scale * low,
                    low_emotion,
                    decimals(cue.scale * cue.harmless),
                    cue.scale * high,
                    high_emotion,
                    unit = cue.unit,
                ));
            }
        }
    }
    warnings
}

/// The number of decimals for values that differ by about `step`.
fn decimals(step: f64) -> usize {
    if step < 1.0 { 2 } else { 0 }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}
