//! See `core/capi/tests/calls.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ser_fuzz::calls::check(bytes));
