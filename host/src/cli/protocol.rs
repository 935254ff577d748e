//! The splits of a corpus where they are not asked for by a protocol.

#[cfg(feature = "train")]
use anyhow::Result;

#[cfg(feature = "train")]
use crate::cli::data_options::tell;
use crate::corpus::Corpus;
use crate::corpus::split::Protocol;
#[cfg(feature = "train")]
use crate::corpus::split::{Split, given::Given};

/// The protocol that fits a corpus. If it is not `speaker`, standard error says why.
pub fn fitting(corpus: &Corpus, folds: Option<usize>) -> Protocol {
    let (protocol, reason) = Protocol::fitting(corpus, folds);
    if let Some(reason) = reason {
        eprintln!("{reason}");
    }
    protocol
}

/// The splits from a file or folder. Standard error says what of them the corpus lacks.
///
/// # Errors
///
/// Those of [`Given::splits`].
#[cfg(feature = "train")]
pub fn splits(given: Given, corpus: &Corpus) -> Result<Vec<Split>> {
    let (splits, missing) = given.splits(corpus)?;
    tell(&missing);
    Ok(splits)
}
