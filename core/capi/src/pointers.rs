//! Pointers of C to references, checked as far as they can be.

use core::slice;

use crate::status::ser_status_t::{self, *};

/// Refuses null and misaligned pointers.
pub fn check<T>(pointer: *const T) -> Result<(), ser_status_t> {
    match () {
        () if pointer.is_null() => Err(SER_ERROR_NULL),
        () if !pointer.is_aligned() => Err(SER_ERROR_MISALIGNED),
        () => Ok(()),
    }
}

/// Refuses pointers that can't be the start of this many elements.
fn check_array<T>(pointer: *const T, len: usize) -> Result<(), ser_status_t> {
    check(pointer)?;
    let bytes =
        len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= isize::MAX as usize).ok_or(SER_ERROR_LENGTH)?;
    pointer.addr().checked_add(bytes).map(|_| ()).ok_or(SER_ERROR_LENGTH)
}

/// The array; an empty one may be null.
///
/// # Safety
/// Unless it is null, misaligned or too long, `pointer` points to `len` elements that nobody writes to while the slice
/// is in use.
pub unsafe fn array<'a, T>(pointer: *const T, len: usize) -> Result<&'a [T], ser_status_t> {
    if len == 0 {
        return Ok(&[]);
    }
    check_array(pointer, len)?;
    // SAFETY: checked, and by this function's contract.
    Ok(unsafe { slice::from_raw_parts(pointer, len) })
}

/// The array to write to; an empty one may be null.
///
/// # Safety
/// Unless it is null, misaligned or too long, `pointer` points to `len` elements that nobody else uses while the slice
/// is in use.
pub unsafe fn array_mut<'a>(pointer: *mut u8, len: usize) -> Result<&'a mut [u8], ser_status_t> {
    if len == 0 {
        return Ok(&mut []);
    }
    check_array(pointer, len)?;
    // SAFETY: checked, and by this function's contract.
    Ok(unsafe { slice::from_raw_parts_mut(pointer, len) })
}

/// Writes the answer of a function.
///
/// # Safety
/// Unless it is null or misaligned, `to` points to memory for a `T`.
pub unsafe fn put<T>(to: *mut T, value: T) -> Result<(), ser_status_t> {
    check(to)?;
    // SAFETY: checked, and by this function's contract.
    unsafe { to.write(value) };
    Ok(())
}
