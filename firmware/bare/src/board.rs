//! What depends on the board: a file for each, chosen by a feature of Cargo.
//!
//! `start_microphone` lets samples come, at the model's rate; its interrupt calls
//! [`Capture::exchange`](crate::handover::Capture::exchange) for each block that is full. `sleep` waits for an
//! interrupt. `println!` writes to whoever watches. A file for another board has these three.

#[cfg_attr(feature = "nrf52840", path = "board/nrf52840.rs")]
#[cfg_attr(not(feature = "nrf52840"), path = "board/mps2.rs")]
mod chosen;

pub use chosen::{println, sleep, start_microphone};
