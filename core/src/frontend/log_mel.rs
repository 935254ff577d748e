//! Frames to log-mel rows.
//!
//! With the window `w`, the FFT `X` of the windowed frame and triangular weights `m[b][k]`, band `b` of the row is
//! `10 log10(2 / (N Σw²) · Σ_k m[b][k] |X[k]|² + floor)`. By Parseval the sum over all bands is the frame's mean square
//! within the mel range, full scale = 1, so a full-scale sine is at -3 dBFS.

use super::{Framer, InputFilter, spectrum::power_spectrum};
use crate::snapshot::{Reader, SnapshotError, Writer};
use crate::spec;

/// Window and mel filterbank as numbers, little-endian as in the model file, which holds them so that every target reads the
/// same bits.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'m> {
    /// First half of the symmetric window, Q0.15 i16, `[frame_len / 2 + 1]`: `w[n] = window[min(n, frame_len - n)]`.
    pub window: &'m [[u8; 2]],
    /// u16, `[mel_bands + 2]`: between `mel_edges[b]` and `mel_edges[b + 1]` (FFT bins) band `b` rises and band `b - 1` falls.
    pub mel_edges: &'m [[u8; 2]],
    /// Rising weight of each bin from the first edge to the last, Q0.15 i16; the falling weight is 1 less that.
    pub mel_rise: &'m [[u8; 2]],
}

impl Tables<'_> {
    /// Checks the tables against a description: lengths, ranges, order of the edges.
    pub const fn check(&self, spec: &spec::FrontEnd) -> Result<(), spec::SpecError> {
        const fn refuse(quantity: &'static str, got: usize, wanted: &'static str) -> Result<(), spec::SpecError> {
            Err(spec::SpecError { quantity, got: got as f32, wanted })
        }
        if self.window.len() != spec.frame_len / 2 + 1 {
            return refuse("window table", self.window.len(), "frame_len / 2 + 1 values");
        }
        if self.mel_edges.len() != spec.mel_bands + 2 {
            return refuse("mel edges", self.mel_edges.len(), "mel_bands + 2 values");
        }
        let mut last = 0;
        let mut first = None;
        let mut rest = self.mel_edges;
        while let [edge, behind @ ..] = rest {
            rest = behind;
            let bin = u16::from_le_bytes(*edge) as usize;
            if bin < last || bin > spec.fft_len / 2 + 1 {
                return refuse("mel edge", bin, "ascending bins up to fft_len / 2 + 1");
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
            return refuse("mel weights", self.mel_rise.len(), "one for each bin from the first edge to the last");
        }
        let mut rest = self.mel_rise;
        while let [weight, behind @ ..] = rest {
            rest = behind;
            if i16::from_le_bytes(*weight) < 0 {
                return refuse("mel weight", u16::from_le_bytes(*weight) as usize, "0..=32767");
            }
        }
        let mut any = 0;
        let mut rest = self.window;
        while let [weight, behind @ ..] = rest {
            rest = behind;
            any |= i16::from_le_bytes(*weight);
        }
        if any == 0 {
            return refuse("window table", 0, "a window that is not zero everywhere");
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
    /// Log power of each mel band, dBFS, `[mel_bands]`.
    pub log_mel_db: &'a [f32],
    /// Mean square within the mel range, full scale = 1.
    pub level: f32,
}

/// What frames become: see [`FrontEnd::push`].
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
    fft: &'s mut [f32],
    log_mel: &'s mut [f32],
    frame_len: usize,
    hop_len: usize,
    power_scale: f32,
    floor: f32,
}

impl<'m, 's> FrontEnd<'m, 's> {
    /// f32 values of work memory that a front end needs: audio (two samples in each), FFT, one row.
    pub const fn work_len(spec: &spec::FrontEnd) -> usize {
        spec.frame_len / 2 + spec.fft_len + spec.mel_bands
    }

    /// A front end before the first sample. None when `work` is shorter than [`FrontEnd::work_len`]; spec and tables are to
    /// have passed their checks.
    pub fn new(spec: &spec::FrontEnd, tables: Tables<'m>, work: &'s mut [f32]) -> Option<Self> {
        let (ring, work) = work.split_at_mut_checked(spec.frame_len / 2)?;
        let ring: &mut [i16] = bytemuck::cast_slice_mut(ring);
        let (fft, work) = work.split_at_mut_checked(spec.fft_len)?;
        let log_mel = work.get_mut(..spec.mel_bands)?;
        // Σw² in units of the Q0.15 table and samples in PCM steps both carry a factor of 2³⁰ in power.
        let energy = tables.window_energy(spec.frame_len) as f32;
        let power_scale = 2.0 / (spec.fft_len as f32 * energy) / (32768.0 * 32768.0);
        let floor = libm::exp2f(spec.floor_db * (core::f32::consts::LOG2_10 / 10.0));
        ring.fill(0);
        Some(Self {
            tables,
            filter: InputFilter::new(spec),
            framer: Framer::new(ring, spec.hop_len),
            fft,
            log_mel,
            frame_len: spec.frame_len,
            hop_len: spec.hop_len,
            power_scale,
            floor,
        })
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        self.filter.reset();
        self.framer.reset();
    }

    /// Bytes that [`FrontEnd::save`] writes.
    pub(crate) const fn saved_len(spec: &spec::FrontEnd) -> usize {
        InputFilter::SAVED_LEN + Framer::saved_len(spec.frame_len)
    }

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        self.filter.save(to);
        self.framer.save(to);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.filter.restore(from)?;
        self.framer.restore(from)
    }

    /// Takes samples, hands each complete frame to `features`.
    pub fn push(&mut self, samples: &[i16], features: &mut impl Features) {
        let mut samples = samples;
        while let Some(left) = self.framer.push(samples) {
            samples = left;
            let level = self.analyse();
            features.frame(Frame { log_mel_db: self.log_mel, level });
        }
    }

    /// Fills `log_mel` from the framer's frame; returns its level.
    fn analyse(&mut self) -> f32 {
        self.windowed_frame();
        let edges = self.tables.mel_edges;
        let edge = |index: usize| edges.get(index).map_or(0, |e| usize::from(u16::from_le_bytes(*e)));
        let (first, count) = (edge(0), self.tables.mel_rise.len());

        self.log_mel.fill(0.0);
        let mut rise = self.tables.mel_rise.iter();
        let mut interval = 0;
        let mut end = edge(1);
        let mut k = first;
        let (mut rising, mut falling) = (0.0, 0.0);
        let bands = &mut *self.log_mel;
        // An interval is complete: band `interval` has risen through it, the band before has fallen.
        let mut close = |interval: usize, rising: f32, falling: f32| {
            if let Some(band) = bands.get_mut(interval) {
                *band += rising;
            }
            if let Some(band) = interval.checked_sub(1).and_then(|before| bands.get_mut(before)) {
                *band += falling;
            }
        };
        power_spectrum(self.fft, first, count, |power| {
            while k >= end && interval < edges.len() {
                close(interval, rising, falling);
                (rising, falling) = (0.0, 0.0);
                interval += 1;
                end = edge(interval + 1);
            }
            let weight = rise.next().map_or(0, |w| i16::from_le_bytes(*w));
            let weight = f32::from(weight) * (1.0 / 32768.0);
            rising += power * weight;
            falling += power * (1.0 - weight);
            k += 1;
        });
        close(interval, rising, falling);

        let mut level = 0.0;
        for band in &mut *self.log_mel {
            let power = *band * self.power_scale;
            level += power;
            *band = libm::logf(power + self.floor) * (10.0 / core::f32::consts::LN_10);
        }
        level
    }

    /// Filters the frame into the FFT's buffer, windowed and padded with zeros.
    fn windowed_frame(&mut self) {
        let (front, padding) = self.fft.split_at_mut_checked(self.frame_len).unwrap_or_default();
        padding.fill(0.0);
        let (older, newer) = self.framer.frame();
        // A hop, then the rest; one of the two pieces in the middle is empty.
        let (first, rest) = older.split_at_checked(self.hop_len).unwrap_or((older, &[]));
        let (still_first, last) = newer.split_at_checked(self.hop_len - first.len()).unwrap_or_default();
        let mut outputs = &mut *front;
        let [first_out, rest_out, still_out, last_out] =
            [first, rest, still_first, last].map(|piece| outputs.split_off_mut(..piece.len()).unwrap_or_default());
        self.filter.process(first, first_out);
        self.filter.process(still_first, still_out);
        // The next frame begins where the hop ends, and so does its filter.
        let mut filter = self.filter.clone();
        filter.process(rest, rest_out);
        filter.process(last, last_out);
        let half = self.frame_len / 2;
        let (rising, falling) = front.split_at_mut_checked(half + 1).unwrap_or_default();
        for (sample, weight) in rising.iter_mut().zip(self.tables.window) {
            *sample *= f32::from(i16::from_le_bytes(*weight));
        }
        let mirrored = self.tables.window.get(1..half).unwrap_or_default();
        for (sample, weight) in falling.iter_mut().zip(mirrored.iter().rev()) {
            *sample *= f32::from(i16::from_le_bytes(*weight));
        }
    }
}
