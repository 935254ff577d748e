//! The steps of a run: their names, their seconds, and what could not be done here.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// What was run and what was not.
#[derive(Debug, Default)]
pub struct Steps {
    done: Vec<(String, Duration)>,
    skipped: Vec<String>,
}

impl Steps {
    /// Runs a step and notes how long it took, whether it succeeds or not. Its name stands before the reason in an
    /// error.
    pub fn run(&mut self, name: &str, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        println!("\n=== {name}");
        let started = Instant::now();
        let result = step(self);
        let duration = started.elapsed();
        println!("--- {name}: {:.1} s", duration.as_secs_f64());
        self.done.push((name.to_owned(), duration));
        result.with_context(|| format!("the step failed: {name}"))
    }

    /// Notes something that cannot be done here, with the reason.
    pub fn skip(&mut self, what: impl Into<String>) {
        let what = what.into();
        println!("!!! SKIPPED {what}");
        self.skipped.push(what);
    }

    /// The error of a command whose one purpose was skipped.
    pub fn ensure_nothing_skipped(&self) -> Result<()> {
        ensure!(self.skipped.is_empty(), "{} things could not be done here: see above", self.skipped.len());
        Ok(())
    }

    /// A table of all steps with their seconds, then what was skipped; empty if there were none.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let width = self.done.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(5);
        for (name, duration) in &self.done {
            writeln!(text, "{name:<width$} {:>8.1} s", duration.as_secs_f64()).expect("a string takes all");
        }
        if self.done.len() > 1 {
            let total: Duration = self.done.iter().map(|(_, duration)| *duration).sum();
            writeln!(text, "{:<width$} {:>8.1} s", "all", total.as_secs_f64()).expect("a string takes all");
        }
        for what in &self.skipped {
            writeln!(text, "!!! SKIPPED {what}").expect("a string takes all");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_summary_names_all_steps_and_what_was_skipped() {
        let mut steps = Steps::default();
        steps.run("lints", |_| Ok(())).unwrap();
        steps
            .run("boards", |steps| {
                steps.skip("riscv: no emulator");
                Ok(())
            })
            .unwrap();
        let summary = steps.summary();
        let lines: Vec<&str> = summary.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("lints ") && lines[1].starts_with("boards ") && lines[2].starts_with("all "));
        assert_eq!(lines[3], "!!! SKIPPED riscv: no emulator");
        assert!(steps.ensure_nothing_skipped().is_err());
    }

    #[test]
    fn a_failed_step_is_in_the_table_and_in_the_error() {
        let mut steps = Steps::default();
        let error = steps.run("lints", |_| bail!("a warning")).unwrap_err();
        assert_eq!(format!("{error:#}"), "the step failed: lints: a warning");
        assert!(steps.summary().starts_with("lints "));
    }
}
