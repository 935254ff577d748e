//! See `ser_tests::untrusted::text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ser_tests::untrusted::text::check(bytes));
