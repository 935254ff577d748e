//! The page on the paper that this network comes from (Zheng et al., "Speech emotion recognition based on CNN+LSTM
//! Model"): the paper's figures, drawn anew from recordings, networks and answers at hand.
//!
//! [`PaperReport`] is the page. Each function draws one picture: it takes the name of the picture's files, which must
//! be unique in a page, and gives a [`Picture`](super::Picture). The same input gives the same bytes.

mod confusion;
mod diagram;
mod emotions;
mod page;
mod stages;
#[cfg(test)]
mod tests;

pub use super::sections::curves::Training;
pub use super::sections::matrix::Cells;
pub use confusion::confusion;
pub use diagram::diagram;
pub use emotions::emotions;
pub use page::PaperReport;
pub use stages::stages;
