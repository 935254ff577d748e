//! An utterance as a coloured picture of its spectrum, as the published program of Zheng et al. makes it.
//!
//! 1. The magnitudes `|S|` of each frame become levels, `20 log10(|S| + ε)` dB.
//! 2. The levels of the whole utterance become grays: the least is 0, the largest 255.
//! 3. Each gray becomes a colour of MATLAB's `jet(256)`.
//! 4. The picture is resized like MATLAB's `imresize`: bicubic, antialiased where it shrinks. Band 0 is DC.
//!
//! The picture never exists as a whole. The caller keeps the levels of all frames, and pixels are made one column at a
//! time. The power of a bin is f32, all later numbers are integers; the bits are the same on every target.

mod resize;
mod spectrum;

use super::log_mel::Tables;
use crate::spec::{self, IMAGE_CHANNELS, Image};
use resize::{Axis, MAX_SHRINK, Mean};

pub use spectrum::LEVEL_DECIBEL;

/// Why an utterance gives no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UtteranceError {
    /// It is shorter than one frame.
    TooShort {
        /// Samples that came.
        got: usize,
        /// Least number of samples.
        wanted: usize,
    },
    /// It has more frames than the image can be shrunk from.
    TooLong {
        /// Samples that came.
        got: usize,
        /// Largest number of samples.
        wanted: usize,
    },
    /// The memory for levels is too short.
    Levels {
        /// Values of the memory.
        got: usize,
        /// Values wanted: [`ImageFrontEnd::levels_len`].
        wanted: usize,
    },
}

impl core::fmt::Display for UtteranceError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooShort { got, wanted } => {
                write!(f, "an image needs {wanted} samples or more, the utterance has {got}")
            }
            Self::TooLong { got, wanted } => {
                write!(f, "an image is made of {wanted} samples at most, the utterance has {got}")
            }
            Self::Levels { got, wanted } => {
                write!(f, "the utterance needs memory for {wanted} levels, there is some for {got}")
            }
        }
    }
}

impl core::error::Error for UtteranceError {}

/// Full scale of a colour in [`colour`], as `jet(256)` defines it.
const FULL_COLOUR: i32 = 64;

/// Makes images.
#[derive(Debug)]
pub struct ImageFrontEnd<'m, 's> {
    /// First half of the window, two numbers for each value; see [`Tables::window`].
    window: &'m [[u8; 2]],
    hop_len: usize,
    /// Bins of the spectrum.
    bins: usize,
    image: Image,
    /// First the frame and its spectrum, later the sums over time for one column, i32 `[3][bins]`.
    work: &'s mut [u32],
}

impl<'m, 's> ImageFrontEnd<'m, 's> {
    /// Words of work memory of an image front end.
    pub const fn work_len(spec: &spec::FrontEnd) -> usize {
        let column = IMAGE_CHANNELS * bins(spec);
        if spec.fft_len > column { spec.fft_len } else { column }
    }

    /// i16 values for the levels of an utterance of `samples` samples: one for each bin of each frame.
    pub const fn levels_len(spec: &spec::FrontEnd, samples: usize) -> usize {
        frames(spec, samples).saturating_mul(bins(spec))
    }

    /// None if `work` is shorter than [`ImageFrontEnd::work_len`], or the description is not that of an image. Spec and
    /// tables must have passed their checks.
    pub fn new(spec: &spec::FrontEnd, tables: Tables<'m>, work: &'s mut [u32]) -> Option<Self> {
        let work = work.get_mut(..Self::work_len(spec))?;
        Some(Self { window: tables.window, hop_len: spec.hop_len, bins: bins(spec), image: spec.image?, work })
    }

    /// The levels of all whole frames of an utterance, `[frame][bin]`: `20 log10(|S| + 2⁻⁵²)`, full scale = 1, in steps
    /// of 1/64 dB ([`LEVEL_DECIBEL`]), which are not those of a [`Level`](super::Level).
    ///
    /// # Errors
    /// If the utterance is too short or too long, or `levels` is shorter than [`ImageFrontEnd::levels_len`].
    pub fn levels<'l>(&mut self, samples: &[i16], levels: &'l mut [i16]) -> Result<&'l mut [i16], UtteranceError> {
        let got = samples.len();
        let frame_len = self.window.len();
        let frames = frame_count(got, frame_len, self.hop_len);
        if frames == 0 {
            return Err(UtteranceError::TooShort { got, wanted: frame_len });
        }
        let most_frames = MAX_SHRINK * self.image.columns;
        if frames > most_frames {
            let wanted = (most_frames * self.hop_len).saturating_add(frame_len).saturating_sub(1);
            return Err(UtteranceError::TooLong { got, wanted });
        }
        let too_few = UtteranceError::Levels { got: levels.len(), wanted: frames.saturating_mul(self.bins) };
        let levels = levels.get_mut(..frames.saturating_mul(self.bins)).ok_or(too_few)?;
        let work: &mut [f32] = bytemuck::cast_slice_mut(self.work);
        let starts = samples.windows(frame_len.max(1)).step_by(self.hop_len.max(1));
        for (frame, levels) in starts.zip(levels.chunks_exact_mut(self.bins.max(1))) {
            spectrum::levels(frame, self.window, work, levels);
        }
        Ok(levels)
    }

    /// Pixels of one column of the image, `[band][red, green, blue]`, from the grays of all frames (see [`shade`]).
    pub fn column(&mut self, grays: &[i16], index: usize, pixels: &mut [u8]) {
        let bins = self.bins.max(1);
        let sums: &mut [i32] = bytemuck::cast_slice_mut(self.work);
        let Some(sums) = sums.get_mut(..IMAGE_CHANNELS * bins) else { return };
        sums.fill(0);
        let mut mean = Mean::default();
        for (frame, weight) in Axis::new(grays.len() / bins, self.image.columns).inputs_of(index) {
            mean.add(weight);
            let grays = grays.chunks_exact(bins).nth(frame).unwrap_or_default();
            for (sums, shift) in sums.chunks_exact_mut(bins).zip(JET_SHIFTS) {
                sums.iter_mut().zip(grays).for_each(|(sum, gray)| *sum += weight * colour(*gray, shift));
            }
        }
        let mean = mean.finish();
        for sum in &mut *sums {
            *sum = mean.of(i64::from(*sum)) as i32;
        }
        let axis = Axis::new(bins, self.image.bands);
        for (band, pixel) in pixels.as_chunks_mut().0.iter_mut().enumerate() {
            *pixel = resized(sums, bins, axis.inputs_of(band));
        }
    }
}

/// The weighted mean of the colours of some bins, `[3][bins]` with full scale 2¹⁴, as a pixel.
fn resized(colours: &[i32], bins: usize, inputs: impl Iterator<Item = (usize, i32)>) -> [u8; IMAGE_CHANNELS] {
    const HALF: i64 = 1 << (COLUMN_BITS + Mean::BITS - 1);
    let mut sums = [0; IMAGE_CHANNELS];
    let mut mean = Mean::default();
    for (bin, weight) in inputs {
        mean.add(weight);
        for (sum, colours) in sums.iter_mut().zip(colours.chunks_exact(bins)) {
            *sum += i64::from(weight) * i64::from(colours.get(bin).copied().unwrap_or_default());
        }
    }
    let mean = mean.finish();
    sums.map(|sum| ((mean.of(sum) * 255 + HALF) >> (COLUMN_BITS + Mean::BITS)).clamp(0, 255) as u8)
}

/// Bits of the full scale of a colour in a column that is resized along time only.
const COLUMN_BITS: u32 = FULL_COLOUR.ilog2() + Mean::BITS;

/// Turns levels into grays, `round(255 (level - min) / (max - min))`; all are 0 if all levels are equal.
pub fn shade(levels: &mut [i16]) {
    let least = levels.iter().copied().min().map_or(0, i32::from);
    let range = levels.iter().copied().max().map_or(0, i32::from) - least;
    for level in levels {
        let above = i32::from(*level) - least;
        *level = (510 * above + range).checked_div(2 * range).unwrap_or_default() as i16;
    }
}

/// Shifts of the ramps of red, green and blue in MATLAB's `jet(256)` against [`colour`].
const JET_SHIFTS: [i32; IMAGE_CHANNELS] = [-96, -32, 32];

/// A colour of a gray in 64ths: it rises over 64 grays, stays at its maximum for 64, and falls over 64.
fn colour(gray: i16, shift: i32) -> i32 {
    let place = i32::from(gray) + shift;
    (place + 1).min(191 - place).clamp(0, FULL_COLOUR)
}

const fn bins(spec: &spec::FrontEnd) -> usize {
    spec.fft_len / 2 + 1
}

/// Whole frames in this many samples.
const fn frames(spec: &spec::FrontEnd, samples: usize) -> usize {
    frame_count(samples, spec.frame_len, spec.hop_len)
}

const fn frame_count(samples: usize, frame_len: usize, hop_len: usize) -> usize {
    match samples.checked_sub(frame_len) {
        Some(behind) => match behind.checked_div(hop_len) {
            Some(more) => more + 1,
            None => 0,
        },
        None => 0,
    }
}
