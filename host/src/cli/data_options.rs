//! Options for what a command reads and keeps: the corpus and the cache of rows. The simulator has them too.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ser_core::spec::FrontEnd;

use crate::corpus::skipped::{grouped, lines};
use crate::corpus::{Corpus, Problem};
use crate::features::cache::FeatureCache;

/// The corpus that a command works on.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct CorpusOption {
    /// Folder with speaker/emotion/name.wav or emotion/name.wav, or a CSV manifest path,speaker,emotion,sentence
    /// [default: the synthetic corpus].
    #[arg(id = "corpus", long, value_name = "DIR|CSV")]
    pub path: Option<PathBuf>,
}

impl CorpusOption {
    /// Opens the corpus and reports on standard error what of it is skipped.
    ///
    /// # Errors
    ///
    /// Those of [`Corpus::open`].
    pub fn open(&self) -> Result<Corpus> {
        let corpus = Corpus::open_or_synthetic(self.path.as_deref())?;
        tell(&corpus.problems);
        Ok(corpus)
    }
}

/// Reports on standard error what was skipped, in few lines.
pub fn tell(problems: &[Problem]) {
    lines(problems).iter().for_each(|line| eprintln!("{line}"));
}

/// Reports on standard error what had no answer, in few lines.
pub fn tell_unheard(problems: &[Problem]) {
    grouped(problems).iter().for_each(|line| eprintln!("no answer to {line}"));
}

/// Reads a number from 1 on, for an option.
///
/// # Errors
///
/// The error says what was wanted.
pub fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "wanted a whole number from 1 on".to_owned())
}

/// Where a command keeps log-mel rows.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct CacheOption {
    /// Folder that keeps log-mel rows between runs.
    #[arg(id = "cache", long, value_name = "DIR", default_value = "runs/.features")]
    pub folder: PathBuf,
}

impl CacheOption {
    /// The cache of the rows of a front end.
    ///
    /// # Errors
    ///
    /// Those of [`FeatureCache::new`].
    pub fn of(&self, front_end: &FrontEnd) -> Result<FeatureCache> {
        FeatureCache::new(front_end, &self.folder)
    }
}
