//! A report on a corpus: the recordings, the broken files, and the cues that give the label away.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use anyhow::Result;
use rayon::prelude::*;
use ser_core::spec::edge;
use serde::Serialize;

use super::copies::{Copies, Voice, conflicts};
use super::cues::{apart, leaks, mean};
use super::measure::{CLIPPED_RUN, Measures, clipped_runs, measure};
use super::sentences::doubt;
use super::{Corpus, Member, Problem, Utterance};
use crate::corpus::audio::{Recording, SAMPLE_RATE_HZ};
use crate::corpus::choice::Choice;
use crate::corpus::split::Protocol;
use crate::interrupt::Stop;
use crate::progress::Progress;

/// Levels below this, relative to full scale, count as silent.
const SILENT_DB: f64 = -80.0;

/// As many recordings of a corpus tell how it sounds.
const SOME: usize = 60;
/// A class with this many times the recordings of another is worth a warning.
const UNBALANCED: f64 = 3.0;

/// What [`check`] found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the corpus.
    pub corpus: String,
    /// The known corpora that folders were taken for, by the names in them.
    pub known: Vec<&'static str>,
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
    let class_of =
        |Measured { utterance, .. }: &Measured<'_>| chosen.class(utterance.emotion_name(), &utterance.called);
    let sizes = labels.sizes(readable.iter().filter_map(class_of));
    let empty = sizes.iter().find(|(_, count)| *count == 0);
    let fault = empty.map(|(class, _)| format!("no recording of {class} can be read")).or_else(|| labels.fault());
    let mut warnings = corpus.remarks();
    warnings.extend(unknown_sentences(corpus));
    warnings.extend(imbalance(&sizes));
    let of_corpora = readable.iter().map(|measured| (&*measured.utterance.corpus, measured.measures));
    warnings.extend(apart(of_corpora));
    warnings.extend(conflicts(&copies));
    warnings.extend(divided(&copies));
    warnings.extend(odd_levels(&readable));
    warnings.extend(leaks(&groups));
    // What the map of a list drops is not among the utterances.
    let mut left_out = chosen.left_out;
    for (label, count) in &corpus.left_out {
        *left_out.entry(label.clone()).or_default() += count;
    }
    Ok(Report {
        corpus: corpus.name.clone(),
        known: corpus.members.iter().filter_map(|member| Some(member.known?.name)).collect(),
        utterances: readable.len(),
        classes: labels.names().to_vec(),
        left_out,
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
    let measures = measure(&samples).map_err(problem)?;
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

/// The warning that the corpora of a training can be told apart otherwise than by their voices. Some recordings of each
/// are read. None if there is one corpus alone.
pub fn corpora_apart(corpus: &Corpus) -> Option<String> {
    let some = |member: &Member| {
        let own: Vec<&Utterance> = corpus.utterances.iter().filter(|of| of.corpus == member.name).collect();
        let step = own.len().div_ceil(SOME).max(1);
        own.into_iter().step_by(step).collect::<Vec<_>>()
    };
    if corpus.members.len() < 2 {
        return None;
    }
    let chosen: Vec<&Utterance> = corpus.members.iter().flat_map(some).collect();
    let measured = |utterance: &&Utterance| {
        let samples = utterance.samples(SAMPLE_RATE_HZ).ok()?;
        Some((utterance.corpus.clone(), measure(&samples).ok()?))
    };
    let measured: Vec<_> = chosen.par_iter().filter_map(measured).collect();
    apart(measured.iter().map(|(corpus, measures)| (&**corpus, *measures)))
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
    let [random, sentence, speaker, corpus] =
        [Protocol::Random, Protocol::Sentence, Protocol::Speaker, Protocol::Corpus].map(divided);
    (!copies.is_empty()).then(|| {
        format!(
            "{recordings} recordings are copies of one another, in {} groups: a split may have copies in training and test, \
             {random} groups with protocol random, {sentence} with sentence, {speaker} with speaker, {corpus} with corpus",
            copies.len()
        )
    })
}
