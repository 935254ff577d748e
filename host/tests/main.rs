//! The program as its users call it: all tests as one program, which is linked once.

mod baseline;
mod common;
mod export;
mod help;
mod interrupt;
mod predict;
mod report;
mod spectrogram;
