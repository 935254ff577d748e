//! Power spectrum by a real radix-2 FFT (microfft).

use microfft::Complex32;

/// Transforms `frame` in place and gives the bins `0 .. fft_len / 2`; the first holds DC in its real part and the Nyquist bin
/// in its imaginary part. None for a length that is not 256, 512, 1024 or 2048.
fn real_fft(frame: &mut [f32]) -> Option<&mut [Complex32]> {
    Some(match frame.len() {
        256 => microfft::real::rfft_256(frame.try_into().ok()?),
        512 => microfft::real::rfft_512(frame.try_into().ok()?),
        1024 => microfft::real::rfft_1024(frame.try_into().ok()?),
        2048 => microfft::real::rfft_2048(frame.try_into().ok()?),
        _ => return None,
    })
}

/// Calls `bin(k, |X[k]|²)` for each `k` in `first .. first + count`, in order; `frame` is overwritten.
pub(super) fn power_spectrum(frame: &mut [f32], first: usize, count: usize, mut bin: impl FnMut(f32)) {
    let nyquist_index = frame.len() / 2;
    let Some(bins) = real_fft(frame) else { return };
    let nyquist = bins.first_mut().map_or(0.0, |dc| core::mem::replace(&mut dc.im, 0.0));
    for bin_value in bins.iter().skip(first).take(count) {
        bin(bin_value.re * bin_value.re + bin_value.im * bin_value.im);
    }
    if first + count > nyquist_index {
        bin(nyquist * nyquist);
    }
}
