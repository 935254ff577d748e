//! Everything that depends on the board: one file per board, chosen by a Cargo feature.
//!
//! A board's file has three items. `start_microphone` starts sampling at the model's rate; its interrupt calls
//! [`Capture::exchange`](crate::handover::Capture::exchange) for each full block. `sleep` waits for an interrupt.
//! `println!` writes to a debugger or console.

#[cfg_attr(feature = "nrf52840", path = "board/nrf52840.rs")]
#[cfg_attr(not(feature = "nrf52840"), path = "board/mps2.rs")]
mod chosen;

pub use chosen::{println, sleep, start_microphone};
