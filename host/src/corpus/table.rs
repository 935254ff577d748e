//! The report on a corpus as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::check::{Group, Report};
use super::choice::told;
use super::copies::{Copies, ambiguous};
use super::skipped::grouped;

/// Long lists end after this many lines; the JSON report has all of them.
const SHOWN: usize = 20;
/// Copies are much alike, so their list ends after this many.
const COPIES_SHOWN: usize = 5;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total_s = self.groups.iter().fold(0.0, |total, group| total + group.total_s);
        let taken_for = match self.known.as_slice() {
            [] => String::new(),
            known => format!(", {} by the names of its files", known.join(", ")),
        };
        writeln!(
            f,
            "Corpus {}{taken_for}: {} utterances, {:.1} minutes",
            self.corpus,
            self.utterances,
            total_s / 60.0
        )?;
        for (format, files) in &self.formats {
            writeln!(f, "  {files} of {format}")?;
        }
        self.write_counts(f)?;
        self.write_measures(f)?;
        let classes = if self.classes.is_empty() { "none".to_owned() } else { self.classes.join(", ") };
        writeln!(f, "\nClasses: {classes}")?;
        if let Some(left_out) = told(&self.left_out) {
            writeln!(f, "Left out of a training: {left_out}; --labels and --map choose")?;
        }
        if let Some(fault) = &self.fault {
            writeln!(f, "The corpus cannot be trained on: {fault}")?;
        }
        write_list(f, "Warnings", &self.warnings, SHOWN)?;
        let duplicates: Vec<String> = self.duplicates.iter().map(|ids| ids.join(" = ")).collect();
        write_list(f, "Duplicates", &duplicates, SHOWN)?;
        let copies: Vec<String> = self.copies.iter().map(line).collect();
        write_list(f, "Copies (one performance, cut or scaled differently)", &copies, COPIES_SHOWN)?;
        write_list(f, "Broken or skipped", &grouped(&self.broken), SHOWN)?;
        writeln!(
            f,
            "\n{} broken or skipped, {} duplicated, {} copies ({} of them under two labels), {} warnings",
            self.broken.len(),
            self.duplicates.iter().map(Vec::len).sum::<usize>(),
            self.copies.iter().map(|copies| copies.recordings.len()).sum::<usize>(),
            ambiguous(&self.copies).len(),
            self.warnings.len()
        )
    }
}

impl Report {
    /// Utterances by speaker and emotion.
    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut speakers: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for group in &self.groups {
            speakers.entry(speaker(group)).or_default().insert(&group.emotion, group.utterances);
        }
        let width = self.speaker_width();
        let emotions: BTreeSet<&str> = self.groups.iter().map(|group| group.emotion.as_str()).collect();
        write!(f, "\n{:width$}", "speaker")?;
        for emotion in &emotions {
            write!(f, " {emotion:>8}")?;
        }
        writeln!(f, " {:>8}", "all")?;
        for (speaker, counts) in speakers {
            write!(f, "{speaker:width$}")?;
            for emotion in &emotions {
                write!(f, " {:>1$}", counts.get(emotion).unwrap_or(&0), emotion.chars().count().max(8))?;
            }
            writeln!(f, " {:>8}", counts.values().sum::<usize>())?;
        }
        Ok(())
    }

    /// Durations and levels by speaker and emotion.
    fn write_measures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.speaker_width();
        let names = self.groups.iter().map(|group| group.emotion.chars().count());
        let emotions = names.max().unwrap_or(0).max("emotion".len());
        writeln!(
            f,
            "\n{:width$} {:emotions$} {:>7} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}",
            "", "", "total", "mean", "peak", "level", "DC", "noise", "lead", "trail"
        )?;
        writeln!(
            f,
            "{:width$} {:emotions$} {:>7} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}",
            "speaker", "emotion", "s", "s", "dBFS", "dBFS", "%", "dBFS", "ms", "ms"
        )?;
        for group in &self.groups {
            writeln!(
                f,
                "{:width$} {:emotions$} {:7.1} {:6.2} {:7.1} {:7.1} {:7.3} {:7.1} {:7.0} {:7.0}",
                speaker(group),
                group.emotion,
                group.total_s,
                group.mean_s,
                group.peak_db,
                group.level_db,
                100.0 * group.dc,
                group.noise_floor_db,
                1000.0 * group.lead_s,
                1000.0 * group.trail_s
            )?;
        }
        Ok(())
    }

    fn speaker_width(&self) -> usize {
        self.groups.iter().map(|group| speaker(group).chars().count()).max().unwrap_or(0).max("speaker".len())
    }
}

fn speaker(group: &Group) -> &str {
    if group.speaker.is_empty() { "unknown" } else { &group.speaker }
}

/// The recordings of a group of copies; with exactly one pair, also its correlation and lag.
fn line(copies: &Copies) -> String {
    let ids: Vec<&str> = copies.recordings.iter().map(|recording| recording.id.as_str()).collect();
    let pair = match copies.pairs.as_slice() {
        [pair] => format!(" (correlation {:.3}, {:+.0} ms)", pair.correlation, pair.lag_ms),
        _ => String::new(),
    };
    let labels = if copies.labels_differ { ": LABELS DIFFER" } else { "" };
    format!("{}{pair}{labels}", ids.join(" = "))
}

fn write_list(f: &mut fmt::Formatter<'_>, title: &str, lines: &[impl fmt::Display], shown: usize) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}:")?;
    for line in lines.iter().take(shown) {
        writeln!(f, "  {line}")?;
    }
    if lines.len() > shown {
        writeln!(f, "  and {} more", lines.len() - shown)?;
    }
    Ok(())
}
