//! See `ser_tests::untrusted::model`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ser_tests::untrusted::model::check(bytes));
