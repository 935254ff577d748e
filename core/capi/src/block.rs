//! The caller's memory: a block of fixed size, then the state of the model.
//!
//! The block holds references to its own model and to the memory behind it, so it must not move. Only the field `core`
//! is ever borrowed mutably, so these references stay valid.

use core::ffi::c_void;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering, compiler_fence};

use ser_core::{Listener, Model, Recognizer};

use crate::pointers::{array, check};
use crate::status::ser_status_t::{self, *};

/// Alignment of the memory for a handle, bytes.
pub const SER_ALIGN: usize = 8;

/// Memory of a recognizer besides the model's state, in sizes of a pointer; for processors of 32 and of 64 bits. See
/// SER_RECOGNIZER_BYTES.
pub const SER_RECOGNIZER_POINTERS: usize = 320;

/// Memory of a listener besides the model's state, in sizes of a pointer. See SER_LISTENER_BYTES.
pub const SER_LISTENER_POINTERS: usize = 344;

/// The tag while a function uses the block.
const BUSY: u32 = u32::from_le_bytes(*b"busy");
/// The tag of an empty block.
const EMPTY: u32 = 0;

/// A kind of handle that a block may hold.
pub trait Core: 'static {
    /// The tag at the start of its block.
    const TAG: u32;
    /// The largest size of its block, in pointers.
    const POINTERS: usize;
}

impl Core for Recognizer<'static, 'static> {
    const TAG: u32 = u32::from_le_bytes(*b"serr");
    const POINTERS: usize = SER_RECOGNIZER_POINTERS;
}

impl Core for Listener<'static, 'static> {
    const TAG: u32 = u32::from_le_bytes(*b"serl");
    const POINTERS: usize = SER_LISTENER_POINTERS;
}

/// The start of the caller's memory.
#[repr(C, align(8))]
pub struct Block<T> {
    tag: AtomicU32,
    model: Model<'static>,
    core: T,
}

impl<T: Core> Block<T> {
    /// Sizes that C relies on.
    const FITS: () = {
        assert!(align_of::<Self>() == SER_ALIGN, "SER_ALIGN has to be the alignment of a block");
        assert!(
            size_of::<Self>() <= T::POINTERS * size_of::<usize>(),
            "SER_RECOGNIZER_POINTERS or SER_LISTENER_POINTERS is too small"
        );
        assert!(!core::mem::needs_drop::<T>(), "C drops nothing");
    };

    /// Bytes of memory for such a handle with this model.
    pub const fn bytes(model: &Model<'_>) -> usize {
        size_of::<Self>() + size_of::<u32>() * model.state_words()
    }
}

/// Makes a block in the caller's memory.
///
/// # Safety
/// Unless null, misaligned or too long, `file` points to `file_bytes` bytes that stay as they are, and `memory` to
/// `memory_bytes` bytes that nobody else uses while the block is in use.
pub unsafe fn create<T: Core>(
    file: *const u8,
    file_bytes: usize,
    memory: *mut c_void,
    memory_bytes: usize,
    build: impl FnOnce(&'static Model<'static>, &'static mut [u32]) -> Result<T, ser_status_t>,
) -> Result<*mut Block<T>, ser_status_t> {
    const { Block::<T>::FITS };
    let block = memory.cast::<Block<T>>();
    check(block)?;
    if memory_bytes < size_of::<Block<T>>() {
        return Err(SER_ERROR_MEMORY_TOO_SHORT);
    }
    // SAFETY: by this function's contract. The memory is aligned and long enough for a block, and nobody else uses it.
    let model = unsafe {
        (&raw mut (*block).tag).write(AtomicU32::new(EMPTY));
        parse_into(&raw mut (*block).model, array(file, file_bytes)?)?
    };
    if memory_bytes < Block::<T>::bytes(model) {
        return Err(SER_ERROR_MEMORY_TOO_SHORT);
    }
    // SAFETY: the memory is long enough for the state too, which lies behind the block.
    unsafe {
        let state = block.add(1).cast::<u32>();
        state.write_bytes(0, model.state_words());
        (&raw mut (*block).core).write(build(model, slice::from_raw_parts_mut(state, model.state_words()))?);
        (*block).tag.store(T::TAG, Ordering::Release);
    }
    Ok(block)
}

/// Parses a model into its place. There is one copy on the stack, and nothing there is larger.
///
/// # Safety
/// `place` is aligned, and nobody else uses it.
#[inline(never)]
unsafe fn parse_into(place: *mut Model<'static>, file: &'static [u8]) -> Result<&'static Model<'static>, ser_status_t> {
    // By reference: `?` and `write` would make a second copy.
    match &Model::parse(file) {
        // SAFETY: by this function's contract.
        Ok(model) => unsafe {
            place.copy_from_nonoverlapping(model, 1);
            Ok(&*place)
        },
        Err(error) => Err((*error).into()),
    }
}

/// Lets a function use the content of a block, unless another function uses it.
///
/// # Safety
/// Unless it is null or misaligned, `block` points to memory that can be read and written. If this memory begins with
/// the tag, [`create`] has made it. No other processor or thread uses it at the same time; an interrupt may.
pub unsafe fn enter<T: Core, R>(
    block: *mut Block<T>,
    work: impl FnOnce(&mut T) -> Result<R, ser_status_t>,
) -> Result<R, ser_status_t> {
    check(block)?;
    // SAFETY: aligned, and by this function's contract; any bits are a valid tag.
    let tag = unsafe { &(*block).tag };
    match tag.load(Ordering::Relaxed) {
        found if found == T::TAG => {}
        BUSY => return Err(SER_ERROR_BUSY),
        _ => return Err(SER_ERROR_NOT_A_HANDLE),
    }
    // An interrupt between load and store ends before the store. A later one finds the block busy.
    tag.store(BUSY, Ordering::Relaxed);
    compiler_fence(Ordering::SeqCst);
    // SAFETY: the tag says that `create` has made the block and that nobody else uses it. Only the function that has
    // set the tag to busy borrows this field.
    let done = work(unsafe { &mut (*block).core });
    compiler_fence(Ordering::SeqCst);
    tag.store(T::TAG, Ordering::Relaxed);
    done
}
