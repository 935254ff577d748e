//! The figures as a text table and as CSV.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::{ConditionReport, CrossvalReport, FoldReport, ModelReport, Unambiguous};
use crate::corpus::split::Protocol;
use crate::evaluation::groups::GroupReport;
use crate::evaluation::interval::{Unit, shown};
use crate::evaluation::statistics::Spread;
use crate::shares::points;

/// Width of the names of the rows.
const NAME: usize = 36;
/// Width of a column of figures.
const COLUMN: usize = 16;
/// Of more corpora or speakers, only some are shown.
const MANY: usize = 12;
/// Most ids of skipped utterances that the table names.
const NAMED: usize = 5;

impl fmt::Display for CrossvalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seeds = self.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        if let Some(seed) = self.split_seed {
            seeds += &format!(", all on the split of seed {seed}");
        }
        writeln!(
            f,
            "{}, {} utterances; protocol {}, {} folds; seeds {seeds}; preset {}, {} epochs",
            self.corpus, self.utterances, self.protocol, self.folds, self.preset, self.epochs
        )?;
        if !self.missing.is_empty() {
            let missing = self.missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            writeln!(f, "UNFINISHED, the figures are without: {missing}")?;
        }
        writeln!(f)?;
        self.models(f)?;
        writeln!(f)?;
        self.differences(f)?;
        for condition in &self.conditions {
            let matrix = condition.int8.confusion.to_string();
            // Without the matrix's last line: its figures stand above.
            let matrix = matrix.rsplit_once('\n').map_or(matrix.as_str(), |(matrix, _)| matrix);
            writeln!(f, "\n{}, int8, all test parts (rows: truth, columns: answer)\n{matrix}", condition.condition)?;
        }
        self.folds(f)
    }
}

impl CrossvalReport {
    /// Both models under all conditions, side by side.
    fn models(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:NAME$}", "")?;
        for condition in &self.conditions {
            write!(f, "{:>width$}", condition.condition, width = 2 * COLUMN)?;
        }
        write!(f, "\n{:NAME$}", "")?;
        for _ in &self.conditions {
            write!(f, "{:>COLUMN$}{:>COLUMN$}", "int8", "float")?;
        }
        writeln!(f)?;
        self.row(f, "UAR, %", &|model| spread(model.uar))?;
        self.row(f, "WAR, %", &|model| spread(model.war))?;
        self.row(f, "macro-F1, %", &|model| spread(model.macro_f1))?;
        let units = self.conditions.iter().map(|condition| condition.int8.units).max().unwrap_or(0);
        let drawn = format!("  95 % ({})", Unit::of(self.protocol).count(units));
        self.row(f, "UAR of all answers, %", &|model| points(model.pooled_uar))?;
        self.row(f, &drawn, &|model| shown(model.uar_interval))?;
        self.row(f, "WAR of all answers, %", &|model| points(model.pooled_war))?;
        self.row(f, &drawn, &|model| shown(model.war_interval))?;
        let without = self.conditions.iter().filter_map(|condition| Some(condition.int8.unambiguous?.without)).max();
        if let Some(without) = without {
            writeln!(f, "without {without} utterances that are in the corpus under two labels")?;
            let cell = |figure: fn(&Unambiguous) -> Spread| {
                move |model: &ModelReport| {
                    model.unambiguous.map_or_else(|| "-".to_owned(), |others| spread(figure(&others)))
                }
            };
            self.row(f, "  WAR, %", &cell(|others| others.war))?;
            self.row(f, "  UAR, %", &cell(|others| others.uar))?;
        }
        for (class, label) in self.labels.iter().enumerate() {
            let recall = |model: &ModelReport| {
                model.recalls.get(class).copied().flatten().map_or_else(|| "-".to_owned(), points)
            };
            self.row(f, &format!("recall of {label}, %"), &recall)?;
        }
        let corpora: fn(&ConditionReport) -> &[GroupReport] = |condition| &condition.corpora;
        self.groups(f, "UAR of", "corpora", corpora, |group| [Some(group.int8_uar), Some(group.float_uar)])?;
        self.groups(f, "own-label UAR of", "corpora", corpora, |group| [Some(group.own_uar), None])?;
        let speakers: fn(&ConditionReport) -> &[GroupReport] = |condition| &condition.speakers;
        self.groups(f, "UAR of", "speakers", speakers, |group| [Some(group.int8_uar), Some(group.float_uar)])?;
        self.groups(f, "WAR of", "speakers", speakers, |group| [Some(group.int8_war), Some(group.float_war)])
    }

    /// A row for each corpus or speaker; of many, the lowest, the median and the highest.
    fn groups(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        many: &str,
        groups: fn(&ConditionReport) -> &[GroupReport],
        figures: fn(&GroupReport) -> [Option<f64>; 2],
    ) -> fmt::Result {
        let of_conditions: Vec<&[GroupReport]> = self.conditions.iter().map(groups).collect();
        let names: BTreeSet<&str> = of_conditions.iter().copied().flatten().map(|group| group.name.as_str()).collect();
        let mut row = |name: String, figures: &dyn Fn(&[GroupReport]) -> [Option<f64>; 2]| {
            write!(f, "{name:NAME$}")?;
            for figure in of_conditions.iter().flat_map(|groups| figures(groups)) {
                write!(f, "{:>COLUMN$}", figure.map_or_else(|| "-".to_owned(), points))?;
            }
            writeln!(f)
        };
        if names.len() <= MANY {
            return names.iter().try_for_each(|name| {
                row(format!("{title} {name}, %"), &|groups| {
                    groups.iter().find(|group| group.name == **name).map_or([None, None], figures)
                })
            });
        }
        [("lowest", 0.0), ("median", 0.5), ("highest", 1.0)].into_iter().try_for_each(|(name, place)| {
            row(format!("{title} {} {many} ({name}), %", names.len()), &|groups| {
                [0, 1].map(|side| {
                    let mut sorted: Vec<f64> = groups.iter().filter_map(|group| figures(group)[side]).collect();
                    sorted.sort_by(f64::total_cmp);
                    sorted.get((sorted.len().saturating_sub(1) as f64 * place) as usize).copied()
                })
            })
        })
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, name: &str, cell: &dyn Fn(&ModelReport) -> String) -> fmt::Result {
        write!(f, "{name:NAME$}")?;
        for condition in &self.conditions {
            write!(f, "{:>COLUMN$}{:>COLUMN$}", cell(&condition.int8), cell(&condition.float))?;
        }
        writeln!(f)
    }

    /// Compares int8 with float, and gives the cost of a model.
    fn differences(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for condition in &self.conditions {
            let ConditionReport { mcnemar, int8, .. } = condition;
            writeln!(
                f,
                "{}: int8 and float agree on {} % of {} answers, probabilities differ by at most {:.3};\n  \
                 only float right {}, only int8 right {}, McNemar p: {}",
                condition.condition,
                points(condition.agreement),
                int8.confusion.total(),
                condition.max_probability_difference,
                mcnemar.only_first,
                mcnemar.only_second,
                mcnemar.p_rounded()
            )?;
            write!(f, "  calibration error of int8 {:.3}, ", condition.calibration_error)?;
            match condition.calibration_error_at_temperature {
                Some(error) => writeln!(f, "{error:.3} at temperatures fitted to the other folds")?,
                None => writeln!(f, "- at temperatures fitted to the other folds: not all folds have others yet")?,
            }
            writeln!(
                f,
                "  int8 model {} bytes; training {} in all",
                condition.model_bytes,
                duration(condition.training_seconds)
            )?;
            if let Some((first, rest)) = condition.skipped.split_first() {
                let named = rest.iter().take(NAMED - 1).fold(first.clone(), |names, name| names + ", " + name);
                let more = if condition.skipped.len() > NAMED { ", ..." } else { "" };
                writeln!(f, "  utterances that could not be read: {} ({named}{more})", condition.skipped.len())?;
            }
        }
        Ok(())
    }

    fn folds(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:12} {:>5} {:>5} {:>6} {:>8} {:>9} {:>8} {:>9} {:>11} {:>9}  all of",
            "condition",
            "seed",
            "fold",
            "tested",
            "int8 UAR",
            "float UAR",
            "int8 WAR",
            "agreement",
            "temperature",
            "training"
        )?;
        for fold in self.conditions.iter().flat_map(|condition| &condition.folds) {
            writeln!(
                f,
                "{:12} {:>5} {:>5} {:>6} {:>8} {:>9} {:>8} {:>9} {:>11} {:>9}  {}",
                fold.id.condition,
                fold.id.seed,
                fold.id.fold,
                fold.utterances,
                points(fold.int8.uar),
                points(fold.float.uar),
                points(fold.int8.war),
                points(fold.agreement),
                fold.temperature.map_or_else(|| "-".to_owned(), |temperature| format!("{temperature:.2}")),
                duration(fold.training_seconds),
                fold.tested.as_deref().unwrap_or("-")
            )?;
        }
        Ok(())
    }

    /// CSV with a line for each fold, seed and condition.
    ///
    /// # Errors
    ///
    /// None in practice: the CSV is written to memory.
    pub fn to_csv(&self) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for fold in self.conditions.iter().flat_map(|condition| &condition.folds) {
            writer.serialize(self.line(fold))?;
        }
        Ok(writer.into_inner().map_err(|error| error.into_error())?)
    }

    fn line<'a>(&'a self, fold: &FoldReport) -> Line<'a> {
        Line {
            corpus: &self.corpus,
            protocol: self.protocol,
            folds: self.folds,
            preset: &self.preset,
            epochs: self.epochs,
            condition: fold.id.condition.to_string(),
            seed: fold.id.seed,
            fold: fold.id.fold,
            utterances: fold.utterances,
            skipped: fold.skipped,
            int8_war: fold.int8.war,
            int8_uar: fold.int8.uar,
            int8_macro_f1: fold.int8.macro_f1,
            float_war: fold.float.war,
            float_uar: fold.float.uar,
            float_macro_f1: fold.float.macro_f1,
            agreement: fold.agreement,
            temperature: fold.temperature,
            model_bytes: fold.model_bytes,
            training_seconds: fold.training_seconds,
        }
    }
}

/// A line of the CSV; shares are 0 to 1.
#[derive(Serialize)]
struct Line<'a> {
    corpus: &'a str,
    protocol: Protocol,
    folds: usize,
    preset: &'a str,
    epochs: usize,
    condition: String,
    seed: u64,
    fold: usize,
    utterances: usize,
    skipped: usize,
    int8_war: f64,
    int8_uar: f64,
    int8_macro_f1: f64,
    float_war: f64,
    float_uar: f64,
    float_macro_f1: f64,
    agreement: f64,
    temperature: Option<f64>,
    model_bytes: u64,
    training_seconds: f64,
}

/// Mean and standard deviation of a share in per cent, without the sign.
pub(crate) fn spread(spread: Spread) -> String {
    match spread.sd {
        Some(sd) => format!("{} ± {}", points(spread.mean), points(sd)),
        None => points(spread.mean),
    }
}

fn duration(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds:.0} s") } else { format!("{:.1} min", seconds / 60.0) }
}
