//! Measures stack depth: paints the free memory before some work, then looks how much of the paint is left.

const PAINT: u32 = 0xACE1_57AC;
/// Bytes below the stack pointer that stay unpainted: the painter's own frame is there.
const MARGIN: usize = 256;

unsafe extern "C" {
    /// Start of the free memory, which reaches up to the stack (cortex-m-rt, riscv-rt).
    static mut __sheap: u32;
}

/// Start and length in words of the memory that may be painted, between the program's data and the stack pointer.
fn free() -> (*mut u32, usize) {
    let here = 0u32;
    let end = (&raw const here as usize) - MARGIN;
    let bottom = (&raw mut __sheap as usize).max(end - SPAN);
    (bottom as *mut u32, (end - bottom) / 4)
}

/// Most bytes that are painted below the stack pointer.
const SPAN: usize = 8 << 10;

/// Paints the free memory.
#[inline(never)]
fn paint() {
    let (bottom, words) = free();
    for word in 0..words {
        // SAFETY: nothing is in use between the end of the data and MARGIN bytes below this frame.
        unsafe { bottom.add(word).write_volatile(PAINT) };
    }
}

/// Bytes of stack that `work` takes, at least [`MARGIN`]; None if the stack reached the lowest painted word.
#[inline(never)]
pub fn used_by(work: impl FnOnce()) -> Option<usize> {
    paint();
    let (bottom, words) = free();
    work();
    // SAFETY: `paint` wrote this memory.
    let untouched = (0..words).take_while(|&word| unsafe { bottom.add(word).read_volatile() } == PAINT).count();
    // Counts from the last painted word, which lies MARGIN below this frame.
    (untouched > 0).then_some(MARGIN + 4 * (words - untouched))
}
