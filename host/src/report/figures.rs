//! The figures behind a report: what is computed from the runs and serialised, without any drawing.
//!
//! `gather` reads the runs. Each other file computes one part of a [`Group`]. The drawings in `sections` read a
//! [`Group`]; nothing here knows of them.

pub mod accuracy;
pub mod agreement;
pub mod conditions;
pub mod curves;
pub mod gather;
pub mod reliability;
pub mod robustness;
pub mod scatter;
pub mod wrong;

use ser_core::spec::FrontEnd;
use serde::Serialize;

use super::text::{picture_name, slug};
use crate::evaluation::groups::{GroupReport, corpora, groups};
use crate::evaluation::interval::{Answer, Unit};
use crate::evaluation::predictions::Prediction;
use crate::evaluation::sweep::SweepReport;
use crate::model::logits::leading;
use accuracy::ModelFigures;
use agreement::Agreement;
use conditions::{Conditions, same_training};
use curves::Curve;
use gather::Run;
use reliability::Reliability;
use scatter::Point;
use wrong::Wrong;

/// Runs of the same corpus, protocol, network and recipe: the folds and seeds of one training.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The condition of the runs, or else corpus, preset and protocol.
    pub name: String,
    /// What the names of its picture files start with; empty if it is the only group.
    #[serde(skip)]
    pub(super) prefix: String,
    /// The front end of its network, for the axes of spectrograms.
    #[serde(skip)]
    pub(super) front_end: FrontEnd,
    /// What was trained on what, with the figures of each run.
    pub(super) conditions: Conditions,
    /// Names of the classes, in the order of the network's outputs.
    pub(super) labels: Vec<String>,
    /// Figures of each corpus; empty if there is one alone.
    pub(super) corpora: Vec<GroupReport>,
    /// Figures of each speaker who is not in the training part.
    pub(super) speakers: Vec<GroupReport>,
    /// What the int8 core recognises.
    pub(super) int8: ModelFigures,
    /// What the float model recognises.
    pub(super) float: ModelFigures,
    /// How near int8 core and float model are.
    pub(super) agreement: Agreement,
    /// Epochs of each run.
    pub(super) curves: Vec<Curve>,
    /// Confidence against accuracy.
    pub(super) reliability: Reliability,
    /// Figures under distortions; None if no run has a `sweep.json`.
    pub(super) robustness: Option<SweepReport>,
    /// The probabilities of both models, for each utterance that both answered.
    pub(super) scatter: Vec<Point>,
    /// The surest mistakes.
    pub(super) worst: Vec<Wrong>,
}

/// Puts runs together that differ only in fold and seed. A group stands where its first run stood.
pub fn group(runs: Vec<Run>) -> Vec<Group> {
    let mut groups: Vec<Vec<Run>> = Vec::new();
    for run in runs {
        match groups.iter_mut().find(|group| group.iter().all(|other| same_training(other, &run))) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    let only = groups.len() == 1;
    let mut named: Vec<Group> = Vec::with_capacity(groups.len());
    for (index, runs) in groups.iter().enumerate() {
        let Some(mut group) = runs.first().map(|first| Group::of(first, runs)) else { continue };
        if named.iter().any(|other| other.name == group.name) {
            group.name = format!("{} ({})", group.name, index + 1);
        }
        let prefix = slug(&group.name);
        let taken = prefix.is_empty() || named.iter().any(|other| other.prefix == prefix);
        group.prefix = match (only, taken) {
            (true, _) => String::new(),
            (false, false) => prefix,
            (false, true) => format!("{prefix}-group-{}", index + 1),
        };
        named.push(group);
    }
    named
}

impl Group {
    fn of(first: &Run, runs: &[Run]) -> Self {
        let labels = first.predictions.labels.clone();
        let figures = |answer: fn(&Prediction) -> Option<&Vec<f32>>| {
            let mut answers = Vec::new();
            for run in runs {
                let units = Unit::names(&run.split);
                answers.extend(run.predictions.utterances.iter().map(|utterance| Answer {
                    unit: units.get(utterance.id.as_str()).copied().unwrap_or(&utterance.id),
                    truth: utterance.truth,
                    label: answer(utterance).and_then(|values| leading(values)),
                }));
            }
            ModelFigures::new(&labels, &answers)
        };
        let units: Vec<_> = runs.iter().map(|run| Unit::names(&run.split)).collect();
        let answers = runs.iter().zip(&units).flat_map(|(run, units)| {
            let answers = run.predictions.utterances.iter();
            answers.map(|answer| (units.get(answer.id.as_str()).copied().unwrap_or(&answer.id), answer))
        });
        let corpora = corpora(&labels, answers.clone());
        let keeps_apart = runs.iter().all(|run| Unit::of(run.split.protocol) == Unit::Speaker);
        let of_speakers = answers.filter(|_| keeps_apart).map(|(unit, answer)| (answer.speaker.as_str(), unit, answer));
        let speakers = groups(&labels, of_speakers);
        let mut worst = wrong::most_wrong(runs);
        wrong::read(&mut worst, first);
        Self {
            name: conditions::name(first),
            prefix: String::new(),
            front_end: first.config.network.front_end,
            conditions: Conditions::of(first, runs),
            corpora,
            speakers,
            int8: figures(|utterance| utterance.int8.as_ref()),
            float: figures(|utterance| utterance.float.as_ref()),
            labels,
            agreement: Agreement::of(runs),
            curves: curves::curves(runs),
            reliability: Reliability::of(runs),
            robustness: robustness::pool(runs),
            scatter: scatter::points(runs),
            worst,
        }
    }

    /// The name of a picture's files, unique in the report.
    pub(super) fn picture_name(&self, name: &str) -> String {
        picture_name(&self.prefix, name)
    }
}
