//! Rows for a network from recordings, by the core's own front end, and all that changes recordings or rows.

pub mod augment;
pub mod cache;
pub mod condition;
pub mod disturb;
pub mod kept;
pub mod rows;
pub mod spectrum;
pub mod tables;
