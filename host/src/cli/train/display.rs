//! The progress of one training.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::corpus::skipped::Skipped;
use crate::shares::percent;
use crate::training::run::{Config, EpochMetrics};
use crate::training::session::Progress;
use crate::training::train::StepReport;

/// A progress bar on a terminal, plain lines elsewhere.
pub(super) struct Display {
    bar: Option<ProgressBar>,
    epochs: usize,
    /// Epochs before the quantisation-aware ones.
    float_epochs: usize,
    skipped: Skipped,
}

impl Display {
    /// A display for a training with this configuration.
    pub(super) fn new(config: &Config) -> Self {
        let epochs = config.recipe.all_epochs();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(epochs as u64);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} epoch {pos}/{len} {msg} (left {eta})") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, epochs, float_epochs: config.recipe.epochs, skipped: Skipped::default() }
    }

    /// Shows what the training reports.
    pub(super) fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Skipped(problem) => self.skipped.add(problem),
            _ => self.tell_skipped(),
        }
        match progress {
            Progress::Skipped(_) => {}
            Progress::Started(epochs) => {
                if let Some(bar) = &self.bar {
                    bar.set_position(epochs as u64);
                    bar.reset_eta();
                }
            }
            Progress::Step(report) => self.step(report),
            Progress::TeacherEpoch(teacher, metrics) => self.teacher_epoch(teacher, metrics),
            Progress::Epoch(metrics) => self.epoch(metrics),
        }
    }

    fn step(&self, report: &StepReport) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!(
                "{}step {}/{}, loss {:.3}, accuracy {}",
                self.stage(report.epoch),
                report.step,
                report.steps,
                report.loss,
                percent(report.accuracy)
            ));
        }
    }

    fn epoch(&self, metrics: &EpochMetrics) {
        let validation = match metrics.validation_war {
            Some(war) => format!(", validation {}", percent(war)),
            None => String::new(),
        };
        match &self.bar {
            Some(bar) => bar.set_position(metrics.epoch as u64),
            None => println!(
                "epoch {}/{}: {}loss {:.4}, accuracy {}{validation}, {:.1} s",
                metrics.epoch,
                self.epochs,
                self.stage(metrics.epoch),
                metrics.train_loss,
                percent(metrics.train_accuracy),
                metrics.seconds
            ),
        }
    }

    fn teacher_epoch(&self, teacher: usize, metrics: &EpochMetrics) {
        let text =
            format!("teacher {}, epoch {}: accuracy {}", teacher + 1, metrics.epoch, percent(metrics.train_accuracy));
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None => println!("{text}, {:.1} s", metrics.seconds),
        }
    }

    /// Prefix that marks a quantisation-aware epoch; empty for any other.
    fn stage(&self, epoch: usize) -> &'static str {
        if epoch > self.float_epochs { "quantisation-aware, " } else { "" }
    }

    fn tell_skipped(&mut self) {
        self.skipped.lines().iter().for_each(|line| eprintln!("{line}"));
    }

    /// Ends the display and leaves the bar on the terminal.
    pub(super) fn close(&mut self) {
        self.tell_skipped();
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}
