//! Pictures for a page on the paper that this network comes from (Zheng et al., "Speech emotion recognition based on
//! CNN+LSTM Model"): what its figures show, drawn from recordings, networks and answers at hand.
//!
//! Each function takes the name of the picture's files, unique in a page, and gives a [`Picture`](super::Picture). The
//! same input gives the same bytes.

mod confusion;
mod diagram;
mod emotions;
mod page;
mod stages;
#[cfg(test)]
mod tests;

pub use super::curves::Training;
pub use super::matrix::Cells;
pub use confusion::confusion;
pub use diagram::diagram;
pub use emotions::emotions;
pub use page::PaperReport;
pub use stages::stages;
