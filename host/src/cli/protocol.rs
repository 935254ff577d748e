//! The protocol where none is asked for.

use crate::corpus::Corpus;
use crate::corpus::split::Protocol;

/// The protocol that fits a corpus. If it is not `sentence`, standard error says why.
pub fn fitting(corpus: &Corpus, folds: Option<usize>) -> Protocol {
    let (protocol, reason) = Protocol::fitting(corpus, folds);
    if let Some(reason) = reason {
        eprintln!("{reason}");
    }
    protocol
}
