//! Convolution and ReLU, row by row.
//!
//! `y[t][b][o] = requantize(Σ_{i,j,c} w[o][i][j][c] · x[t - before + i][b - beside + j][c] + bias[o])`, clamped to
//! `[zero point, 127]`, which is ReLU. `(before, beside)` is `(rows - 1, bands/2)` for [`Padding::Causal`], `(rows/2,
//! bands/2)` for [`Padding::Same`], zeros for [`Padding::Valid`]. What lies outside of the input holds its zero point.
//! `bias` contains
//! `-zero_point · Σ w` of the input's zero point, so that raw codes are multiplied.

use super::matrix::{Products, Work, with_products};
use crate::quant::Multipliers;
use crate::spec::{IMAGES, MAX_KERNEL_ROWS, Padding, Shape};

/// Parameters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d<'m> {
    /// Shape of an input row.
    pub input: Shape,
    /// Output channels.
    pub channels: usize,
    /// Kernel along time.
    pub rows: usize,
    /// Kernel along frequency, odd.
    pub bands: usize,
    /// What it sees outside of its input; without the feature `image` always [`Padding::Causal`].
    pub padding: Padding,
    /// Code of 0 in the input.
    pub input_zero_point: i8,
    /// Code of 0 in the output, also its least value.
    pub output_zero_point: i8,
    /// Real value of one step of the output.
    pub output_scale: f32,
    /// i8 `[channels][rows, oldest first][bands][input.channels]`, [packed](super::matrix).
    pub weights: &'m [u8],
    /// i32 `[channels]`.
    pub bias: &'m [[u8; 4]],
    /// `[channels]`.
    pub multipliers: Multipliers<'m>,
}

/// What a convolution remembers between rows.
#[derive(Debug)]
pub struct Conv2dState<'s> {
    /// The input rows before the next, as many as the kernel sees of them, a ring, i8 `[rows - 1][input.len()]`.
    pub ring: &'s mut [i8],
    /// Where in the ring the oldest row is, which the next replaces; and in the upper 16 bits how many rows have yet to
    /// come that no output follows.
    pub oldest: &'s mut u32,
}

impl Conv2d<'_> {
    /// Values under the kernel.
    pub const fn patch_len(&self) -> usize {
        self.rows * self.bands * self.input.channels
    }

    /// i8 values that the ring holds.
    pub const fn ring_len(&self) -> usize {
        self.rows.saturating_sub(1) * self.input.len()
    }

    /// i16 values of work memory: what two neighbouring output positions see, each filled up to whole groups of a
    /// packed matrix.
    pub const fn work_len(&self) -> usize {
        2 * self.patch_len().next_multiple_of(4)
    }

    /// i8 values of an output row.
    pub const fn output_len(&self) -> usize {
        self.padding().output_len(self.input.bands, self.bands) * self.channels
    }

    const fn padding(&self) -> Padding {
        if IMAGES { self.padding } else { Padding::Causal }
    }

    /// Bands below an output's own that the kernel sees.
    const fn beside(&self) -> usize {
        match self.padding() {
            Padding::Causal | Padding::Same => self.bands / 2,
            Padding::Valid => 0,
        }
    }

    /// Rows at the start that no output follows.
    const fn silent_rows(&self) -> usize {
        match self.padding() {
            Padding::Causal => 0,
            Padding::Same => self.rows / 2,
            Padding::Valid => self.rows.saturating_sub(1),
        }
    }

    /// Rows of zeros that belong behind the last row.
    pub const fn rows_behind(&self) -> usize {
        match self.padding() {
            Padding::Causal | Padding::Valid => 0,
            Padding::Same => self.rows / 2,
        }
    }

    /// A state as it is before the first row: zeros everywhere.
    pub fn reset(&self, state: &mut Conv2dState<'_>) {
        state.ring.fill(self.input_zero_point);
        *state.oldest = (self.silent_rows() as u32) << 16;
    }

    /// Whether rows can have led to this state.
    pub fn is_possible(&self, state: &Conv2dState<'_>) -> bool {
        let (oldest, silent) = (*state.oldest as usize & 0xFFFF, *state.oldest as usize >> 16);
        oldest < self.rows.saturating_sub(1).max(1) && silent <= self.silent_rows()
    }

    /// Takes one row, i8 `[input.len()]`; true when `output`, i8 `[output bands][channels]`, is the output row. `work`
    /// is as long as [`Conv2d::work_len`] says.
    pub fn push(&self, state: &mut Conv2dState<'_>, row: &[i8], output: &mut [i8], work: &mut [i16]) -> bool {
        struct Push<'a, 'm, 's>(&'a Conv2d<'m>, &'a mut Conv2dState<'s>, &'a [i8], &'a mut [i8], &'a mut [i16]);
        impl Work for Push<'_, '_, '_> {
            type Output = bool;

            #[inline(always)]
            fn run(self, products: impl Products) -> bool {
                let Self(conv, state, row, output, work) = self;
                conv.push_by(products, state, row, output, work)
            }
        }
        with_products(Push(self, state, row, output, work))
    }

    #[inline(always)]
    fn push_by(
        &self,
        products: impl Products,
        state: &mut Conv2dState<'_>,
        row: &[i8],
        output: &mut [i8],
        work: &mut [i16],
    ) -> bool {
        let row_len = self.input.len().max(1);
        let (silent, oldest) =
            if IMAGES { (*state.oldest >> 16, *state.oldest as usize & 0xFFFF) } else { (0, *state.oldest as usize) };
        if silent == 0
            && let Some(pair) = work.get_mut(..self.work_len())
        {
            // What fills up the last group.
            if let Some(last) = pair.last_chunk_mut::<8>() {
                last.fill(0);
            }
            let (newer, older) = state.ring.split_at_checked(oldest * row_len).unwrap_or_default();
            let mut rows: [&[i8]; MAX_KERNEL_ROWS] = [&[]; MAX_KERNEL_ROWS];
            let seen = older.chunks_exact(row_len).chain(newer.chunks_exact(row_len)).chain(core::iter::once(row));
            rows.iter_mut().zip(seen).for_each(|(to, from)| *to = from);
            let rows = rows.get(..self.rows).unwrap_or(&rows);
            let convolve = products.convolver(self);
            for (index, outputs) in output.chunks_mut((2 * self.channels).max(1)).enumerate() {
                convolve(rows, 2 * index, pair, outputs);
            }
        }
        if let Some(slot) = state.ring.get_mut(oldest * row_len..(oldest + 1) * row_len) {
            // Word by word; as a function of its own it would be a call of memcpy, which has 700 bytes.
            let ((slot, slot_rest), (row, row_rest)) = (slot.as_chunks_mut::<4>(), row.as_chunks::<4>());
            slot.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
            slot_rest.iter_mut().zip(row_rest).for_each(|(to, from)| *to = *from);
        }
        let next = if oldest + 2 < self.rows { oldest as u32 + 1 } else { 0 };
        *state.oldest = silent.saturating_sub(1) << 16 | next;
        silent == 0
    }

    /// [`Conv2d::gather`] for channels in fours; false where one of the positions sees beyond the rows.
    #[cfg(not(arm_dsp))]
    #[inline(always)]
    fn gather_inside(&self, rows: &[&[i8]], start: usize, pair: &mut [i16]) -> bool {
        let channels = self.input.channels;
        let width = self.bands * channels;
        for (row, pair) in rows.iter().zip(pair.chunks_exact_mut((2 * width).max(1))) {
            let (Some(first), Some(second)) =
                (row.get(start..start + width), row.get(start + channels..start + channels + width))
            else {
                return false;
            };
            let quads = first.as_chunks::<4>().0.iter().zip(second.as_chunks::<4>().0);
            for (octet, ([a, b, c, d], [e, f, g, h])) in pair.as_chunks_mut::<8>().0.iter_mut().zip(quads) {
                *octet = [*a, *b, *c, *d, *e, *f, *g, *h].map(i16::from);
            }
        }
        true
    }

    /// [`Conv2d::gather`] by the kernel of the processor; false where one of the positions sees beyond the rows, or the
    /// kernel does not take the data.
    #[cfg(arm_dsp)]
    fn gather_inside(&self, rows: &[&[i8]], start: usize, pair: &mut [i16]) -> bool {
        let channels = self.input.channels;
        let width = self.bands * channels;
        rows.iter().zip(pair.chunks_exact_mut((2 * width).max(1))).all(|(row, pair)| {
            row.get(start..start + width + channels).is_some_and(|seen| super::dsp::widen(pair, seen, channels))
        })
    }

    /// [`Conv2d::gather`] for channels in fours.
    #[inline(always)]
    fn gather_lanes(&self, rows: &[&[i8]], band: usize, pair: &mut [i16]) {
        let channels = self.input.channels;
        let width = self.bands * channels;
        let (half, first) = (self.beside() * channels, band * channels);
        for lane in 0..2 {
            let first = first + lane * channels;
            let outside = half.saturating_sub(first).min(width);
            let start = first.saturating_sub(half);
            for (row, pair) in rows.iter().zip(pair.chunks_exact_mut((2 * width).max(1))) {
                let seen = row.get(start..).unwrap_or_default();
                let seen = seen.get(..width - outside).unwrap_or(seen);
                let (below, inside) = pair.split_at_mut_checked(2 * outside).unwrap_or_default();
                let (inside, above) = inside.split_at_mut_checked(2 * seen.len()).unwrap_or_default();
                fill_lane(below, lane, self.input_zero_point);
                widen_lane(inside, lane, seen);
                fill_lane(above, lane, self.input_zero_point);
            }
        }
    }

    /// [`Conv2d::gather`] for any channels; false where one of the positions sees beyond the rows. Its 800 bytes are
    /// for the three channels of images.
    #[cfg(not(arm_dsp))]
    #[inline(always)]
    fn gather_runs(&self, rows: &[&[i8]], start: usize, pair: &mut [i16]) -> bool {
        let channels = self.input.channels;
        let width = self.bands * channels;
        let mut slot = 0;
        for row in rows {
            let (Some(first), Some(second)) =
                (row.get(start..start + width), row.get(start + channels..start + channels + width))
            else {
                return false;
            };
            // Whole groups of the pair at a time; one by one what fills up the last row's and what begins the next
            // row's.
            let head = (4 - slot % 4) % 4;
            let (first_head, first) = first.split_at_checked(head).unwrap_or((first, &[]));
            let (second_head, second) = second.split_at_checked(head).unwrap_or((second, &[]));
            let (first_quads, first_tail) = first.as_chunks::<4>();
            let (second_quads, second_tail) = second.as_chunks::<4>();
            put_values(pair, slot, first_head, second_head);
            slot += first_head.len();
            let octets = pair.get_mut(2 * slot..).unwrap_or_default().as_chunks_mut::<8>().0;
            for (octet, ([a, b, c, d], [e, f, g, h])) in octets.iter_mut().zip(first_quads.iter().zip(second_quads)) {
                *octet = [*a, *b, *c, *d, *e, *f, *g, *h].map(i16::from);
            }
            slot += 4 * first_quads.len();
            put_values(pair, slot, first_tail, second_tail);
            slot += first_tail.len();
        }
        true
    }

    /// Whether it is one of three rows and bands, centred along frequency, of one channel.
    #[inline(always)]
    fn is_single_3x3(&self) -> bool {
        (self.input.channels, self.rows, self.bands) == (1, 3, 3) && !matches!(self.padding(), Padding::Valid)
    }

    /// [`seen_3x3`] if that is what the convolution sees.
    #[cfg(arm_dsp)]
    pub(super) fn seen_3x3(&self, rows: &[&[i8]], band: usize) -> Option<[[i8; 4]; 3]> {
        if self.is_single_3x3() { seen_3x3(rows, band, self.input_zero_point) } else { None }
    }

    /// Copies what the kernel sees around `band` and around the next, oldest row first, into `pair`, interleaved as
    /// [`super::matrix::four_rows_of_pair`] wants it.
    #[inline(always)]
    pub(super) fn gather(&self, rows: &[&[i8]], band: usize, pair: &mut [i16]) {
        let channels = self.input.channels;
        let width = self.bands * channels;
        // The kernel's first value in the row, counted from `half` bands below the input.
        let (half, first) = (self.beside() * channels, band * channels);
        if self.is_single_3x3() {
            gather_3x3(rows, band, self.input_zero_point, pair);
        } else if channels.is_multiple_of(4) {
            if first >= half && self.gather_inside(rows, first - half, pair) {
                return;
            }
            self.gather_lanes(rows, band, pair);
        } else {
            #[cfg(not(arm_dsp))]
            if IMAGES && first >= half && self.gather_runs(rows, first - half, pair) {
                return;
            }
            let mut slot = 0;
            for row in rows {
                // What is below the row has an index that wraps around, and is outside as what is above.
                let seen = |index: usize| {
                    i16::from(row.get(index.wrapping_sub(half)).copied().unwrap_or(self.input_zero_point))
                };
                for index in first..first + width {
                    if let Some([a, .., b]) = pair.get_mut(slot..slot + 5) {
                        (*a, *b) = (seen(index), seen(index + channels));
                    }
                    slot += if slot % 4 == 3 { 5 } else { 1 };
                }
            }
        }
    }
}

/// Writes codes into both lanes of a pair, from a column on and within its group.
#[cfg(not(arm_dsp))]
#[inline(always)]
fn put_values(pair: &mut [i16], column: usize, first: &[i8], second: &[i8]) {
    let at = column / 4 * 8 + column % 4;
    let (first_lane, second_lane) = pair.get_mut(at..).unwrap_or_default().split_at_mut_checked(4).unwrap_or_default();
    first_lane.iter_mut().zip(first).for_each(|(to, from)| *to = i16::from(*from));
    second_lane.iter_mut().zip(second).for_each(|(to, from)| *to = i16::from(*from));
}

/// What two neighbouring positions see of three rows of one channel through a kernel of three bands: of each row the
/// four codes around them.
#[inline(always)]
fn seen_3x3(rows: &[&[i8]], band: usize, zero_point: i8) -> Option<[[i8; 4]; 3]> {
    // Below the first band the index wraps around, and is outside too.
    let lowest = band.wrapping_sub(1);
    let around = |row: &[i8]| match row.get(lowest..).and_then(|inside| inside.first_chunk::<4>()) {
        Some(codes) => *codes,
        None => [0, 1, 2, 3].map(|above| row.get(lowest.wrapping_add(above)).copied().unwrap_or(zero_point)),
    };
    let [a, b, c] = rows else { return None };
    Some([around(a), around(b), around(c)])
}

/// [`Conv2d::gather`] for three rows and three bands of one channel, which is what a first convolution mostly is.
#[inline(always)]
fn gather_3x3(rows: &[&[i8]], band: usize, zero_point: i8, pair: &mut [i16]) {
    if let (Some(seen), Some(pair)) = (seen_3x3(rows, band, zero_point), pair.first_chunk_mut()) {
        let [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3]] = seen.map(|row| row.map(i16::from));
        *pair = [a0, a1, a2, b0, a1, a2, a3, b1, b1, b2, c0, c1, b2, b3, c1, c2, c2, 0, 0, 0, c3, 0, 0, 0];
    }
}

/// Writes a code into each value of a lane of a pair.
#[inline(always)]
fn fill_lane(pair: &mut [i16], lane: usize, code: i8) {
    let (octets, _) = pair.as_chunks_mut::<8>();
    for octet in octets {
        if let Some(quad) = octet.as_chunks_mut::<4>().0.get_mut(lane) {
            quad.fill(i16::from(code));
        }
    }
}

/// Writes codes, a multiple of 4, into a lane of a pair.
#[inline(always)]
fn widen_lane(pair: &mut [i16], lane: usize, codes: &[i8]) {
    let (quads, _) = pair.as_chunks_mut::<4>();
    let (codes, _) = codes.as_chunks::<4>();
    quads
        .iter_mut()
        .skip(lane)
        .step_by(2)
        .zip(codes)
        .for_each(|(to, &[a, b, c, d])| *to = [i16::from(a), i16::from(b), i16::from(c), i16::from(d)]);
}
