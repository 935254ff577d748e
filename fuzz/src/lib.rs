//! The sequences of calls that the tests of the C interface make, for a fuzzer to make more of them.

#[path = "../../core/capi/tests/calls.rs"]
pub mod calls;
