//! See `ser_tests::untrusted::snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ser_tests::untrusted::snapshot::check(bytes));
