//! A training: the settings that decide its result ([`config`], [`recipe`]), the network in Burn ([`graph`]), the loop
//! ([`train`]), and a whole training from its folder ([`run`], [`session`]).
//!
//! Only [`graph`] and [`train`] name Burn.

pub mod config;
pub mod export;
#[cfg(feature = "train")]
pub mod graph;
pub mod recipe;
pub mod run;
#[cfg(feature = "train")]
pub mod session;
#[cfg(feature = "train")]
pub mod train;
