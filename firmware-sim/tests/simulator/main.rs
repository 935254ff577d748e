//! Tests the program as its users call it.

mod common;
mod eval;
mod model_files;
mod run;
mod sweep;
