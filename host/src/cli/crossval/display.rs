//! The progress of the folds: bars on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::corpus::skipped::Skipped;
use crate::evaluation::predictions::Predictions;
use crate::experiments::crossval::FoldId;
use crate::experiments::crossval::run::{Event, Pending};
use crate::model::logits::leading;
use crate::shares::percent;
use crate::training::run::EpochMetrics;
use crate::training::session::Progress;

/// Least time between two lines of the same fold.
const INTERVAL: Duration = Duration::from_secs(15);

/// The display that all training threads share.
pub struct Display {
    state: Mutex<State>,
}

struct State {
    /// The bars; None without a terminal.
    bars: Option<MultiProgress>,
    folds: BTreeMap<FoldId, Fold>,
    /// Time of the last line about a teacher of each fold.
    teachers_told: BTreeMap<FoldId, Instant>,
    epochs: usize,
    /// When the first fold began to train.
    started: Option<Instant>,
    /// Epochs of all folds that were left at that time.
    left: usize,
    /// Epochs of all folds trained since then.
    done: usize,
    skipped: Skipped,
}

/// A fold that is being trained.
struct Fold {
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Display {
    /// A display for these folds, each of `epochs` epochs.
    pub fn new(pending: &[Pending], epochs: usize) -> Self {
        let state = State {
            bars: std::io::stderr().is_terminal().then(MultiProgress::new),
            folds: BTreeMap::new(),
            teachers_told: BTreeMap::new(),
            epochs,
            started: None,
            left: pending.iter().map(|fold| epochs.saturating_sub(fold.epochs_done)).sum(),
            done: 0,
            skipped: Skipped::default(),
        };
        Self { state: Mutex::new(state) }
    }

    /// Shows an event of a fold.
    pub fn show(&self, id: FoldId, event: Event<'_>) {
        // A thread that panicked has left the display in a usable state.
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Training(Progress::Skipped(problem)) => state.skipped.add(problem),
            _ => state.skipped.lines().iter().for_each(|line| state.line(line)),
        }
        match event {
            Event::Training(Progress::Skipped(_)) => {}
            Event::Training(Progress::Started(epochs)) => state.start(id, epochs),
            Event::Training(Progress::Step(_)) => {}
            Event::Training(Progress::TeacherEpoch(teacher, metrics)) => state.teacher_epoch(id, teacher, metrics),
            Event::Training(Progress::Epoch(metrics)) => state.epoch(id, metrics),
            Event::Finished(predictions) => {
                state.end(id);
                state.line(&format!("{id}: finished, {}", summary(predictions)));
            }
            Event::Failed(error) => {
                state.end(id);
                state.line(&format!("{id}: failed: {error:#}"));
            }
        }
    }

    /// Ends the display and leaves its bars on the terminal.
    pub fn close(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for bar in state.folds.values().filter_map(|fold| fold.bar.as_ref()) {
            bar.abandon();
        }
    }
}

impl State {
    fn start(&mut self, id: FoldId, epochs: usize) {
        self.started.get_or_insert_with(Instant::now);
        let bar = self.bars.as_ref().map(|bars| {
            let bar =
                bars.add(ProgressBar::new(self.epochs as u64).with_position(epochs as u64).with_prefix(id.to_string()));
            if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} epoch {pos}/{len} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        if epochs > 0 {
            self.line(&format!("{id}: goes on after epoch {epochs}"));
        }
        self.folds.insert(id, Fold { bar, told: Instant::now() });
    }

    fn teacher_epoch(&mut self, id: FoldId, teacher: usize, metrics: &EpochMetrics) {
        let told = self.teachers_told.entry(id).or_insert_with(Instant::now);
        if self.bars.is_none() && told.elapsed() >= INTERVAL {
            *told = Instant::now();
            println!(
                "{id}: teacher {}, epoch {}, accuracy {}",
                teacher + 1,
                metrics.epoch,
                percent(metrics.train_accuracy)
            );
        }
    }

    fn epoch(&mut self, id: FoldId, metrics: &EpochMetrics) {
        self.done += 1;
        let message =
            format!("loss {:.3}, accuracy {}{}", metrics.train_loss, percent(metrics.train_accuracy), self.left());
        let Some(fold) = self.folds.get_mut(&id) else { return };
        if let Some(bar) = &fold.bar {
            bar.set_position(metrics.epoch as u64);
            bar.set_message(message);
        } else if fold.told.elapsed() >= INTERVAL || metrics.epoch == self.epochs {
            fold.told = Instant::now();
            println!("{id}: epoch {}/{} {message}", metrics.epoch, self.epochs);
        }
    }

    /// The time that all folds still need at the pace so far, in words.
    fn left(&self) -> String {
        let Some(started) = self.started else { return String::new() };
        let seconds =
            started.elapsed().as_secs_f64() / self.done.max(1) as f64 * self.left.saturating_sub(self.done) as f64;
        if seconds < 90.0 {
            format!(" (about {seconds:.0} s left for all)")
        } else {
            format!(" (about {:.0} min left for all)", seconds / 60.0)
        }
    }

    fn end(&mut self, id: FoldId) {
        if let Some(bar) = self.folds.remove(&id).and_then(|fold| fold.bar) {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            // A failure to print a line must not stop the training.
            Some(bars) => drop(bars.println(text)),
            None => println!("{text}"),
        }
    }
}

/// The WAR of both models, in words.
fn summary(predictions: &Predictions) -> String {
    let total = predictions.utterances.len();
    let war = |right: usize| percent(right as f64 / total.max(1) as f64);
    let int8 = predictions.utterances.iter().filter(|u| u.int8.as_deref().and_then(leading) == Some(u.truth)).count();
    let float = predictions.utterances.iter().filter(|u| u.float.as_deref().and_then(leading) == Some(u.truth)).count();
    format!("WAR {} int8, {} float, {total} utterances", war(int8), war(float))
}
