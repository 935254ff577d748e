//! Figures of a model over disturbed recordings: what `firmware-sim eval --sweep` measures, as a file and as a table.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::files::write_json;
use crate::shares::percent;

/// Largest strength of a disturbance that an axis can show.
const LARGEST_VALUE: f64 = 1e9;

/// Figures of the int8 core over disturbed speech and over sounds that are not speech.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepReport {
    /// One for each kind of disturbance.
    pub families: Vec<SweepFamily>,
    /// One for each kind of sound.
    pub non_speech: Vec<NonSpeech>,
}

/// One kind of disturbance at several strengths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepFamily {
    /// Name of the disturbance.
    pub name: String,
    /// Meaning and unit of [`SweepPoint::value`]: the title of an axis.
    pub parameter: String,
    /// In the order of the axis. If the axis has a place for undisturbed recordings, they are one of the points.
    pub points: Vec<SweepPoint>,
}

/// Figures over the evaluated part of a corpus, disturbed in one way. Shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Place on the axis.
    pub value: f64,
    /// Number of utterances.
    pub utterances: usize,
    /// Share of the utterances that are recognised rightly, confident or not.
    pub war: f64,
    /// Mean recall of the classes.
    pub uar: f64,
    /// Share of the utterances without a confident answer, including those without any answer.
    pub not_sure: f64,
    /// Share of the utterances without any answer.
    pub unanswered: f64,
    /// Share of the confident answers that are right; None if no answer is confident.
    pub war_of_sure: Option<f64>,
    /// Expected calibration error of the answers at the model's temperature.
    pub calibration_error: f64,
}

/// The model's answers to sounds that are not speech. Each sound counts in one of `unanswered`, `not_sure` and `sure`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonSpeech {
    /// The kind of sound, with its level.
    pub name: String,
    /// Number of sounds.
    pub sounds: usize,
    /// Sounds without an answer, which is the best outcome.
    pub unanswered: usize,
    /// Sounds with an answer that is not confident.
    pub not_sure: usize,
    /// Sounds with a confident answer, which is always wrong.
    pub sure: usize,
    /// The labels of the confident answers with their number, the most frequent first.
    pub labels: Vec<(String, usize)>,
}

impl SweepReport {
    /// Reads a file that [`SweepReport::save`] wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, a share is not in 0 to 1, or a value is too large for an axis.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let report: Self =
            serde_json::from_slice(&bytes).with_context(|| format!("{} holds no sweep", path.display()))?;
        for family in &report.families {
            for point in &family.points {
                ensure!(
                    point.value.abs() <= LARGEST_VALUE,
                    "{}: {} at {}, wanted a value of at most {LARGEST_VALUE:e}",
                    path.display(),
                    family.name,
                    point.value
                );
                let shares = [point.war, point.uar, point.not_sure, point.unanswered, point.calibration_error];
                for share in shares.into_iter().chain(point.war_of_sure) {
                    ensure!(
                        (0.0..=1.0).contains(&share),
                        "{}: {} at {} has a share of {share}, wanted 0 to 1",
                        path.display(),
                        family.name,
                        point.value
                    );
                }
            }
        }
        Ok(report)
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_json(path, self)
    }
}

/// Shows a table for each family, then one for the sounds that are not speech.
impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = |family: &SweepFamily| format!("{}: {}", family.name, family.parameter);
        let titles = self.families.iter().map(title).chain(self.non_speech.iter().map(|kind| kind.name.clone()));
        let width = titles.map(|title| title.chars().count()).max().unwrap_or(0);
        for family in &self.families {
            writeln!(
                f,
                "{:<width$} {:>7} {:>7} {:>9} {:>10} {:>9} {:>6} {:>11}",
                title(family),
                "WAR",
                "UAR",
                "not sure",
                "no answer",
                "sure: WAR",
                "ECE",
                "utterances"
            )?;
            for point in &family.points {
                writeln!(
                    f,
                    "{:>width$} {:>7} {:>7} {:>9} {:>10} {:>9} {:>6.3} {:>11}",
                    point.value,
                    percent(point.war),
                    percent(point.uar),
                    percent(point.not_sure),
                    percent(point.unanswered),
                    point.war_of_sure.map_or("-".to_owned(), percent),
                    point.calibration_error,
                    point.utterances
                )?;
            }
            writeln!(f)?;
        }
        write!(
            f,
            "{:<width$} {:>7} {:>9} {:>9} {:>7}  labels when sure",
            "no speech", "sounds", "no answer", "not sure", "sure"
        )?;
        for kind in &self.non_speech {
            write!(
                f,
                "\n{:<width$} {:>7} {:>9} {:>9} {:>7}",
                kind.name, kind.sounds, kind.unanswered, kind.not_sure, kind.sure
            )?;
            let mut separator = "  ";
            for (label, count) in &kind.labels {
                write!(f, "{separator}{label} {count}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> SweepReport {
        let point = SweepPoint {
            value: -20.0,
            utterances: 192,
            war: 0.5,
            uar: 0.25,
            not_sure: 0.75,
            unanswered: 0.125,
            war_of_sure: None,
            calibration_error: 0.25,
        };
        let clean = SweepPoint { value: 0.0, war: 0.875, war_of_sure: Some(1.0), ..point.clone() };
        SweepReport {
            families: vec![SweepFamily {
                name: "gain".into(),
                parameter: "gain, dB".into(),
                points: vec![point, clean],
            }],
            non_speech: vec![NonSpeech {
                name: "white noise at -40 dBFS".into(),
                sounds: 20,
                unanswered: 1,
                not_sure: 15,
                sure: 4,
                labels: vec![("fear".into(), 3), ("sad".into(), 1)],
            }],
        }
    }

    #[test]
    fn a_sweep_is_read_as_it_was_written_and_a_damaged_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.json");
        let mut report = example();
        report.save(&path).unwrap();
        assert_eq!(SweepReport::load(&path).unwrap(), report);
        report.families[0].points[1].war_of_sure = Some(1.5);
        report.save(&path).unwrap();
        let error = SweepReport::load(&path).unwrap_err().to_string();
        assert!(error.contains("gain at 0 has a share of 1.5") && error.contains("sweep.json"), "{error}");
        report.families[0].points[1].value = 1e300;
        report.save(&path).unwrap();
        assert!(SweepReport::load(&path).unwrap_err().to_string().contains("gain at 1000"));
        std::fs::write(&path, "{}").unwrap();
        assert!(SweepReport::load(&path).unwrap_err().to_string().contains("holds no sweep"));
    }

    #[test]
    fn the_table_shows_every_point_and_every_sound() {
        let table = example().to_string();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = table.lines().map(words).collect();
        assert_eq!(lines[1], "-20 50.0 % 25.0 % 75.0 % 12.5 % - 0.250 192");
        assert_eq!(lines[2], "0 87.5 % 25.0 % 75.0 % 12.5 % 100.0 % 0.250 192");
        assert_eq!(lines[5], "white noise at -40 dBFS 20 1 15 4 fear 3, sad 1");
    }
}
