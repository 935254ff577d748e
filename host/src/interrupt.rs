//! Ctrl-C and SIGTERM, the signal by which Slurm and others end a job.
//!
//! A signal ends the program at once with the code [`EXIT_CODE`]. While work is guarded that would be lost, the first
//! signal only asks it to stop; the second one ends the program at once. A file that is being written is such work.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use std::{fmt, process, thread};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit code of a program that was interrupted: 128 and the number of SIGINT.
pub const EXIT_CODE: u8 = 130;
/// Time between two looks at a program that runs.
const POLL: Duration = Duration::from_millis(20);

/// What [`Stop::listen`] made.
static PROGRAM: OnceLock<Stop> = OnceLock::new();

/// The error of work that was interrupted.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Whether the program was asked to stop. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    /// Whether a signal ends the program at once.
    at_once: Arc<AtomicBool>,
    /// Number of guards.
    guards: Arc<Mutex<usize>>,
}

impl Stop {
    /// Listens for Ctrl-C and SIGTERM from now on. For the start of a program.
    ///
    /// # Errors
    ///
    /// If the operating system refuses to pass on the signals.
    pub fn listen() -> Result<Self> {
        let stop = Self { at_once: Arc::new(AtomicBool::new(true)), ..Self::default() };
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds what the guards left, the second one what the first left.
            flag::register_conditional_shutdown(signal, EXIT_CODE.into(), Arc::clone(&stop.at_once))
                .and_then(|_| flag::register(signal, Arc::clone(&stop.asked)))
                .and_then(|_| flag::register(signal, Arc::clone(&stop.at_once)))
                .context("cannot listen for Ctrl-C and SIGTERM")?;
        }
        Ok(PROGRAM.get_or_init(|| stop).clone())
    }

    /// Asks to stop, as a signal does.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether a signal came.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Fails with [`Interrupted`] if a signal came.
    pub fn check(&self) -> Result<()> {
        if self.is_asked() { Err(Interrupted.into()) } else { Ok(()) }
    }

    /// Until the guard is dropped, the first signal ends nothing: the work must look at [`Stop::is_asked`] and stop.
    pub fn guard(&self) -> Guard<'_> {
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        *guards += 1;
        self.at_once.store(false, Ordering::SeqCst);
        if self.is_asked() {
            self.at_once.store(true, Ordering::SeqCst);
        }
        Guard(self)
    }

    fn is_guarded(&self) -> bool {
        *self.guards.lock().unwrap_or_else(PoisonError::into_inner) > 0
    }

    /// Runs another program to its end and returns what it printed. A signal kills it.
    ///
    /// # Errors
    ///
    /// If the program cannot be started; [`Interrupted`] if it was killed.
    pub fn run(&self, command: &mut Command) -> Result<Output> {
        let _guard = self.guard();
        // Files take any amount of output; a pipe that nobody empties stops its writer.
        let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let child = command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).spawn()?;
        let status = self.wait(child)?;
        Ok(Output { status, stdout: contents(&mut stdout)?, stderr: contents(&mut stderr)? })
    }

    fn wait(&self, mut child: Child) -> Result<std::process::ExitStatus> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if let Err(interrupted) = self.check() {
                child.kill()?;
                child.wait()?;
                return Err(interrupted);
            }
            thread::sleep(POLL);
        }
    }
}

fn contents(file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Does short work to its end, if no second signal comes. A signal that came meanwhile then ends the program, unless
/// longer work is guarded too.
pub fn whole<T>(work: impl FnOnce() -> T) -> T {
    let Some(stop) = PROGRAM.get() else { return work() };
    let guard = stop.guard();
    let result = work();
    drop(guard);
    if stop.is_asked() && !stop.is_guarded() {
        process::exit(EXIT_CODE.into());
    }
    result
}

/// Guards work that would be lost; see [`Stop::guard`].
#[derive(Debug)]
pub struct Guard<'a>(&'a Stop);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let mut guards = self.0.guards.lock().unwrap_or_else(PoisonError::into_inner);
        *guards -= 1;
        if *guards == 0 {
            self.0.at_once.store(true, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ends_the_program_unless_work_is_guarded_and_the_second_one_does_so_always() {
        let stop = Stop { at_once: Arc::new(AtomicBool::new(true)), ..Stop::default() };
        let ends = || stop.at_once.load(Ordering::SeqCst);
        let (one, other) = (stop.guard(), stop.guard());
        assert!(!ends());
        drop(one);
        assert!(!ends(), "the other work is still guarded");
        drop(other);
        assert!(ends());
        stop.ask();
        let _late = stop.guard();
        assert!(ends(), "a guard that comes after the first signal leaves the second its effect");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_runs_is_killed_and_one_that_ends_has_its_output() {
        let stop = Stop::default();
        let output = stop.run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
        stop.ask();
        let start = std::time::Instant::now();
        assert!(stop.run(Command::new("sleep").arg("60")).is_err());
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
