//! The C interface of `ser-core`: what `ser.h` declares.
//!
//! ```text
//! caller's memory   [ tag · model · recognizer or listener | state: audio, FFT, rows, layers ]
//!                     └─ block::Block, of fixed size ────┘   └─ Model::state_words() ──────┘
//! ```
//!
//! A handle is a pointer to the start of that memory; nothing else is kept anywhere, nothing is allocated, no function
//! panics. Pointers are checked for null and alignment, lengths for what they have to be, handles for their tag:
//! whatever can be noticed is a [`ser_status_t`].
//!
//! `ser.h` is made of this source by cbindgen, in `tests/header.rs`.
#![no_std]
// The names are those of ser.h.
#![allow(non_camel_case_types, clippy::enum_variant_names)]

// A static library for a workstation takes its panic handler from there.
#[cfg(not(target_os = "none"))]
extern crate std;

mod block;
mod listener;
mod model;
mod pointers;
mod prediction;
mod recognizer;
mod status;

pub use block::{SER_ALIGN, SER_LISTENER_POINTERS, SER_RECOGNIZER_POINTERS};
pub use listener::*;
pub use model::*;
pub use prediction::*;
pub use recognizer::*;
pub use status::*;

/// What a static library must have; nothing in it calls this, and so a firmware's linker leaves it out.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
