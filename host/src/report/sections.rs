//! What the page shows of the figures: one file for each section and for each table at the head of the page.
//!
//! `seen` says in a sentence what the pictures show, `pictures` draws them, `table` gives the same figures as text.

pub mod bars;
pub mod conditions;
pub mod curves;
pub mod headline;
pub mod matrix;
pub mod reliability;
pub mod robustness;
pub mod scatter;
pub mod wrong;
