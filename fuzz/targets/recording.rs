//! See `ser_tests::untrusted::recording`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ser_tests::untrusted::recording::check(bytes));
