//! What all kernels in assembly share.

/// Names the processor to the assembler. Without it a naked function is assembled for the least processor of the
/// target, whatever processor was asked for.
#[cfg(armv8m)]
macro_rules! processor {
    () => {
        ".cpu cortex-m33"
    };
}
#[cfg(not(armv8m))]
macro_rules! processor {
    () => {
        ".cpu cortex-m4"
    };
}

pub(super) use processor;

/// Whether data begins at a multiple of 4 bytes.
pub fn aligned<T>(data: &[T]) -> bool {
    data.as_ptr().addr().is_multiple_of(4)
}
