//! The C interface of `ser-core`, which `ser.h` declares.
//!
//! ```text
//! caller's memory   [ tag · model · recognizer or listener | state: audio, FFT, rows, layers ]
//!                     └─ block::Block, of fixed size ────┘   └─ Model::state_words() ──────┘
//! ```
//!
//! A handle is a pointer to the start of that memory. There is no other state, nothing is allocated, and no function
//! panics. Each function checks pointers for null and alignment, lengths for their ranges, and handles for their tag.
//! An error that it can notice is a [`ser_status_t`].
//!
//! cbindgen makes `ser.h` from this source, in `tests/header.rs`.
#![no_std]
// The names are those of ser.h.
#![allow(non_camel_case_types, clippy::enum_variant_names)]

// On a workstation the standard library has the panic handler of the static library.
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

/// A static library must have a panic handler. Nothing calls it, so the linker of a firmware drops it.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
