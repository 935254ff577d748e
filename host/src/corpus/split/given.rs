//! A split that comes from a file.

use std::path::Path;

use anyhow::Result;

use super::Split;
use super::published::Published;
use crate::corpus::choice::{Choice, Classes};
use crate::corpus::{Corpus, Problem};

/// A split file, or published folds.
#[derive(Clone, Debug)]
pub enum Given {
    /// A file that [`Split::save`] wrote.
    File(Split),
    /// Folds in the form of EmoBox.
    Published(Published),
}

impl Given {
    /// Reads a split file, a folder of published folds, or the fold of one of its lists.
    ///
    /// # Errors
    ///
    /// Those of [`Split::load`] and [`Published::read`].
    pub fn read(path: &Path) -> Result<Self> {
        if Published::is_at(path) {
            return Ok(Self::Published(Published::read(path)?));
        }
        Ok(Self::File(Split::load(path)?))
    }

    /// The labels that a corpus is read with for it.
    pub fn choice(&self) -> Choice {
        match self {
            Self::File(split) => Choice { classes: Classes::These(split.labels.clone()), map: split.map.clone() },
            Self::Published(published) => Choice { classes: Classes::These(published.labels()), ..Choice::default() },
        }
    }

    /// Its folds as splits of a corpus, at least one, and what the corpus or the folds lack.
    ///
    /// # Errors
    ///
    /// Those of [`Published::splits`], or those of [`Split::part`] if the corpus is not that of the file.
    pub fn splits(self, corpus: &Corpus) -> Result<(Vec<Split>, Vec<Problem>)> {
        match self {
            Self::File(split) => {
                split.check(corpus)?;
                Ok((vec![split], Vec::new()))
            }
            Self::Published(published) => published.splits(corpus),
        }
    }
}
