//! Progress over utterances on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The most plain lines that one piece of work prints.
const LINES: usize = 10;
/// Work that takes less than this prints no line.
const QUIET: Duration = Duration::from_secs(2);

/// The progress of one piece of work; many threads may report to it.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    done: AtomicUsize,
    total: usize,
    start: Instant,
}

impl Progress {
    /// Starts with none of `total` done.
    pub fn new(what: &'static str, total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64).with_prefix(what);
            if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} utterances (left {eta})") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, what, done: AtomicUsize::new(0), total, start: Instant::now() }
    }

    /// One more is done.
    pub fn step(&self) {
        let before = self.done.fetch_add(1, Ordering::Relaxed);
        let line = |done: usize| done * LINES / self.total.max(1);
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if line(before + 1) > line(before) && self.start.elapsed() > QUIET => {
                eprintln!("{}: {} of {} utterances", self.what, before + 1, self.total);
            }
            None => (),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
