//! The C interface beside Rust's: all tests as one program, which is linked once.

mod bits;
mod calls;
mod common;
mod header;
mod statuses;
