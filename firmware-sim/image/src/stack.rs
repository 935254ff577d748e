//! How deep the stack was: painted at the start, looked at in the end.

const PAINT: u32 = 0xACE1_57AC;
/// Bytes below the stack pointer that are not painted: the painter stands there itself.
const MARGIN: usize = 256;

unsafe extern "C" {
    /// From here on memory is free, up to the stack (cortex-m-rt, riscv-rt).
    static mut __sheap: u32;
}

/// What lies between the program's data and the stack pointer.
fn free() -> (*mut u32, usize) {
    let here = 0u32;
    let end = (&raw const here as usize) - MARGIN;
    let bottom = (&raw mut __sheap as usize).max(end - SPAN);
    (bottom as *mut u32, (end - bottom) / 4)
}

/// What lies below the stack pointer is painted no further down than this, bytes.
const SPAN: usize = 8 << 10;

/// Paints the free memory.
#[inline(never)]
fn paint() {
    let (bottom, words) = free();
    for word in 0..words {
        // SAFETY: between the end of the data and MARGIN bytes below this frame nothing lives.
        unsafe { bottom.add(word).write_volatile(PAINT) };
    }
}

/// Bytes of stack that some work takes, at least [`MARGIN`]; None if it reached the program's data.
#[inline(never)]
pub fn used_by(work: impl FnOnce()) -> Option<usize> {
    paint();
    let (bottom, words) = free();
    work();
    // SAFETY: the memory is there and was painted.
    let untouched = (0..words).take_while(|&word| unsafe { bottom.add(word).read_volatile() } == PAINT).count();
    // From the last word that was free to paint, which lies MARGIN below this frame.
    (untouched > 0).then_some(MARGIN + 4 * (words - untouched))
}
