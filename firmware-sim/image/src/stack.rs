//! How deep the stack was: painted at the start, looked at in the end.

const PAINT: u32 = 0xACE1_57AC;
/// Bytes below the stack pointer that are not painted: the painter stands there itself.
const MARGIN: usize = 256;

unsafe extern "C" {
    /// From here on memory is free, up to the stack (cortex-m-rt, riscv-rt).
    static mut __sheap: u32;
    static mut _stack_start: u32;
}

/// What lies between the program's data and the stack pointer.
fn free() -> (*mut u32, usize) {
    let here = 0u32;
    let bottom = &raw mut __sheap;
    let words = ((&raw const here as usize) - MARGIN - bottom as usize) / 4;
    (bottom, words)
}

/// Paints the free memory.
#[inline(never)]
pub fn paint() {
    let (bottom, words) = free();
    for word in 0..words {
        // SAFETY: between the end of the data and MARGIN bytes below this frame nothing lives.
        unsafe { bottom.add(word).write_volatile(PAINT) };
    }
}

/// Bytes between the deepest word that lost its paint and the top of the stack; None if the stack reached the program's data.
#[inline(never)]
pub fn written() -> Option<usize> {
    let (bottom, words) = free();
    // SAFETY: the memory is there and was painted.
    let untouched = (0..words).take_while(|&word| unsafe { bottom.add(word).read_volatile() } == PAINT).count();
    (untouched > 0).then(|| &raw const _stack_start as usize - bottom as usize - 4 * untouched)
}
