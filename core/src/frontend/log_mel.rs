//! Frames to log-mel rows.
//!
//! With the window `w`, the FFT `X` of the windowed frame and triangular weights `m[b][k]`, band `b` of the row is
//! `10 log10(2 / (N Σw²) · Σ_k m[b][k] |X[k]|² + floor)`. By Parseval the sum over all bands is the frame's mean square
//! within the mel range, full scale = 1, so a full-scale sine is at -3 dBFS.
//!
//! In integers: from halved samples and the codes of the window, the power spectrum is `|X|² / (2¹⁴ N²)`. With weights
//! in Q0.15 the sum of a band counts steps of `N 2⁻³⁰ / Σw²` (of codes). The logarithm of such a step is a constant.
//!
//! Denoising acts on these sums. The level of the frame is that of the denoised sums, so steady noise does not open the
//! silence gate.

use super::decibel::{Level, level, log2};
use super::denoise::Denoiser;
use super::filter::InputFilter;
use super::framer::Framer;
use crate::arch::{self, Arithmetic, Complex, Work, bin_power, run_fastest};
use crate::snapshot::{Reader, SnapshotError, Writer};
use crate::spec;

/// Window and mel filterbank as numbers, little-endian as in the model file. The file holds them so that every target
/// reads the same bits.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'m> {
    /// First half of the window, Q0.15 i16, `[spec::FrontEnd::window_len]`: `w[n] = window[min(n, frame_len - n)]`.
    /// For an image Q0.31 i32 in two halves, the lower first: `w[n] = window[min(n, frame_len - 1 - n)]`.
    pub window: &'m [[u8; 2]],
    /// u16, `[mel_bands + 2]`: between `mel_edges[b]` and `mel_edges[b + 1]` (FFT bins) band `b` rises and band `b - 1`
    /// falls.
    pub mel_edges: &'m [[u8; 2]],
    /// Rising weight of each bin from the first edge to the last, Q0.15 i16. The falling weight is 1 minus the rising
    /// one.
    pub mel_rise: &'m [[u8; 2]],
    /// u64, in `1..=2⁶⁰`: added to the sum of a band before the logarithm.
    pub floor: [u8; 8],
}

impl Tables<'_> {
    /// Checks the tables against a description: lengths, ranges, order of the edges.
    pub const fn check(&self, spec: &spec::FrontEnd) -> Result<(), spec::SpecError> {
        const fn refuse(quantity: &'static str, got: f32, wanted: &'static str) -> Result<(), spec::SpecError> {
            Err(spec::SpecError { quantity, got, wanted })
        }
        if self.window.len() != spec.window_len() {
            return refuse("window table", self.window.len() as f32, "numbers for half a frame's values");
        }
        let mut any = 0;
        let mut rest = self.window;
        while let [weight, behind @ ..] = rest {
            rest = behind;
            any |= i16::from_le_bytes(*weight);
        }
        if any == 0 {
            return refuse("window table", 0.0, "a window that is not zero everywhere");
        }
        if spec.image.is_some() {
            return Ok(());
        }
        if self.mel_edges.len() != spec.mel_bands + 2 {
            return refuse("mel edges", self.mel_edges.len() as f32, "mel_bands + 2 values");
        }
        let mut last = 0;
        let mut first = None;
        let mut rest = self.mel_edges;
        while let [edge, behind @ ..] = rest {
            rest = behind;
            let bin = u16::from_le_bytes(*edge) as usize;
            if bin < last || bin > spec.fft_len / 2 + 1 {
                return refuse("mel edge", bin as f32, "ascending bins up to fft_len / 2 + 1");
            }
            if first.is_none() {
                first = Some(bin);
            }
            last = bin;
        }
        let bins = match first {
            Some(first) => last - first,
            None => 0,
        };
        if self.mel_rise.len() != bins {
            return refuse(
                "mel weights",
                self.mel_rise.len() as f32,
                "one for each bin from the first edge to the last",
            );
        }
        let mut rest = self.mel_rise;
        while let [weight, behind @ ..] = rest {
            rest = behind;
            if i16::from_le_bytes(*weight) < 0 {
                return refuse("mel weight", i16::from_le_bytes(*weight) as f32, "0..=32767");
            }
        }
        let floor = u64::from_le_bytes(self.floor);
        if floor < 1 || floor > 1 << 60 {
            return refuse("floor", floor as f32, "1..=2^60");
        }
        Ok(())
    }

    /// `Σ w²` over the whole frame, in units of 2⁻³⁰; exact.
    fn window_energy(&self, frame_len: usize) -> u64 {
        let square = |value: &[u8; 2]| {
            let w = i64::from(i16::from_le_bytes(*value));
            (w * w) as u64
        };
        let half = frame_len / 2;
        let rising: u64 = self.window.iter().take(half + 1).map(square).sum();
        let falling: u64 = self.window.iter().take(half).skip(1).map(square).sum();
        rising + falling
    }
}

/// One analysed frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Log power of each mel band, `[mel_bands]`: dBFS in steps of [`super::DECIBEL`].
    pub log_mel: &'a [i16],
    /// Mean square within the mel range that denoising leaves, without the floor; [`Level::SILENCE`] if nothing is
    /// left.
    pub level: Level,
}

impl Frame<'_> {
    /// The mel bands as levels.
    pub(crate) fn bands(&self) -> impl Iterator<Item = Level> {
        self.log_mel.iter().copied().map(Level::from_steps)
    }
}

/// A taker of frames: see [`FrontEnd::push`].
pub trait Features {
    /// Takes one frame.
    fn frame(&mut self, frame: Frame<'_>);
}

impl<F: FnMut(Frame<'_>)> Features for F {
    fn frame(&mut self, frame: Frame<'_>) {
        self(frame);
    }
}

/// PCM to log-mel frames, for chunks of any length.
#[derive(Debug)]
pub struct FrontEnd<'m, 's> {
    tables: Tables<'m>,
    filter: InputFilter,
    framer: Framer<'s>,
    spectrum: &'s mut [Complex],
    log_mel: &'s mut [i16],
    denoiser: Denoiser<'s>,
    /// `log2` of one step of a band's sum, Q.16.
    step_log2: i32,
}

impl<'m, 's> FrontEnd<'m, 's> {
    /// Words of work memory of a front end: audio (two samples a word), spectrum, noise floor if there is denoising,
    /// one row.
    pub const fn work_len(spec: &spec::FrontEnd) -> usize {
        spec.frame_len / 2 + Self::spectrum_len(spec) + Denoiser::work_len(spec) + spec.mel_bands.div_ceil(2)
    }

    /// A complex value for each two samples, and one for the Nyquist bin.
    const fn spectrum_len(spec: &spec::FrontEnd) -> usize {
        spec.fft_len + 2
    }

    /// A front end before the first sample. None if `work` is shorter than [`FrontEnd::work_len`], or the description
    /// denoises and the feature `denoise` is off. Spec and tables must have passed their checks.
    pub fn new(spec: &spec::FrontEnd, tables: Tables<'m>, work: &'s mut [u32]) -> Option<Self> {
        if !spec::DENOISE && spec.denoise.is_some() {
            return None;
        }
        let (ring, work) = work.split_at_mut_checked(spec.frame_len / 2)?;
        let ring: &mut [i16] = bytemuck::cast_slice_mut(ring);
        let (spectrum, work) = work.split_at_mut_checked(Self::spectrum_len(spec))?;
        let (noise, work) = work.split_at_mut_checked(Denoiser::work_len(spec))?;
        let log_mel: &mut [i16] = bytemuck::cast_slice_mut(work).get_mut(..spec.mel_bands)?;
        Some(Self {
            tables,
            filter: InputFilter::new(spec),
            framer: Framer::new(ring, spec.hop_len),
            spectrum: bytemuck::cast_slice_mut::<u32, i32>(spectrum).as_chunks_mut().0,
            log_mel,
            denoiser: Denoiser::new(spec, u64::from_le_bytes(tables.floor), noise),
            step_log2: log2(spec.fft_len as u64) - (30 << 16) - log2(tables.window_energy(spec.frame_len)),
        })
    }

    /// Zeroes the state and all work memory: the next sample starts a new stream.
    pub fn reset(&mut self) {
        self.spectrum.as_flattened_mut().fill(0);
        self.log_mel.fill(0);
        self.filter.reset();
        self.framer.reset();
        self.denoiser.reset();
    }

    /// Bytes that [`FrontEnd::save`] writes.
    pub(crate) const fn saved_len(spec: &spec::FrontEnd) -> usize {
        InputFilter::SAVED_LEN + Framer::saved_len(spec.frame_len) + Denoiser::saved_len(spec)
    }

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        self.filter.save(to);
        self.framer.save(to);
        self.denoiser.save(to);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.filter.restore(from)?;
        self.framer.restore(from)?;
        self.denoiser.restore(from)
    }

    /// Takes samples, and hands each complete frame to `features`.
    pub fn push(&mut self, samples: &[i16], features: &mut impl Features) {
        let mut samples = samples;
        while let Some(left) = self.framer.push(samples, |from, to| self.filter.process(from, to)) {
            samples = left;
            self.power_spectrum();
            let level = self.log_mel_row();
            features.frame(Frame { log_mel: self.log_mel, level });
        }
    }

    /// The power spectrum of the framer's frame.
    fn power_spectrum(&mut self) {
        struct Spectrum<'a>(arch::Frame<'a>);
        impl Work for Spectrum<'_> {
            type Output = ();

            #[inline(always)]
            fn run(self, arithmetic: impl Arithmetic) {
                arithmetic.power_spectrum(self.0);
            }
        }
        let (older, newer) = self.framer.frame();
        run_fastest(Spectrum(arch::Frame {
            pieces: [older, newer],
            window: self.tables.window,
            spectrum: self.spectrum,
        }));
    }

    /// Fills `log_mel` from the power spectrum and returns the level of the frame.
    fn log_mel_row(&mut self) -> Level {
        let floor = u64::from_le_bytes(self.tables.floor);
        let mut edges = self.tables.mel_edges.iter().map(|edge| usize::from(u16::from_le_bytes(*edge)));
        let mut edge = edges.next().unwrap_or_default();
        let mut bins = self.spectrum.get(edge..).unwrap_or_default();
        let mut weights = self.tables.mel_rise;
        let mut bands = self.log_mel.iter_mut();
        let (subtraction, mut noises) = self.denoiser.bands();
        let mut all = 0;
        // The rising sum of the interval before: its band falls in this interval. None before the first interval.
        let mut risen = None;
        for next in edges {
            let (mut sum, mut rising) = (0, 0);
            let width = next.saturating_sub(edge);
            let (bins_of_it, higher_bins) = bins.split_at_checked(width).unwrap_or((bins, &[]));
            let (weights_of_it, higher_weights) = weights.split_at_checked(width).unwrap_or((weights, &[]));
            (bins, weights) = (higher_bins, higher_weights);
            for (bin, weight) in bins_of_it.iter().zip(weights_of_it) {
                let power = bin_power(*bin);
                sum += power;
                rising += power * u64::from(u16::from_le_bytes(*weight));
            }
            edge = next;
            if let Some(risen) = risen.replace(rising)
                && let Some(band) = bands.next()
            {
                // A weight is less than 1, so the falling sum is not negative.
                let mut power: u64 = risen + ((sum << 15) - rising);
                if spec::DENOISE
                    && let Some(noise) = noises.next()
                {
                    power = subtraction.apply(noise, power);
                }
                all += power;
                *band = level(log2(power + floor) + self.step_log2).steps();
            }
        }
        if all == 0 { Level::SILENCE } else { level(log2(all) + self.step_log2) }
    }
}
