//! Convolution and ReLU, row by row.
//!
//! ```text
//! y[t][b][o] = requantize(Σ_{i,j,c} w[o][i][j][c] · x[t - before + i][b - beside + j][c] + bias[o])
//! ```
//!
//! clamped to `[zero point, 127]`, which is ReLU. The padding gives `(before, beside)`:
//!
//! | padding | before | beside |
//! |---|---|---|
//! | [`Padding::Causal`] | `rows - 1` | `bands / 2` |
//! | [`Padding::Same`] | `rows / 2` | `bands / 2` |
//! | [`Padding::Valid`] | 0 | 0 |
//!
//! Outside of the input `x` is the input's zero point. `bias` contains `-zero_point · Σ w`, so raw codes are
//! multiplied.
//!
//! Outputs are made in pairs. What two neighbouring positions see is copied into one interleaved pair of vectors (see
//! [`crate::packed`]), so that each weight is read once for both.

use crate::arch::{Arithmetic, CodeRows, Work, run_fastest};
use crate::packed::fits;
use crate::spec::{IMAGES, MAX_KERNEL_ROWS, Padding, Shape};

/// Parameters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d<'m> {
    /// Shape of an input row.
    pub(crate) input: Shape,
    /// Output channels.
    pub(crate) channels: usize,
    /// Kernel along time.
    pub(crate) rows: usize,
    /// Kernel along frequency, odd.
    pub(crate) bands: usize,
    /// Where the kernel reaches beyond the input. Without the feature `image` always [`Padding::Causal`].
    pub(crate) padding: Padding,
    /// Code of 0 in the input.
    pub(crate) input_zero_point: i8,
    /// Real value of one step of the output.
    pub(crate) output_scale: f32,
    /// A row for each output channel, of columns `[rows, oldest first][bands][input.channels]`.
    pub(crate) codes: CodeRows<'m>,
}

/// State of a convolution between rows.
#[derive(Debug)]
pub struct Conv2dState<'s> {
    /// A ring of the last input rows that the kernel still needs, i8 `[rows - 1][input.len()]`.
    pub ring: &'s mut [i8],
    /// Lower 16 bits: index in the ring of the oldest row, which the next row replaces. Upper 16 bits: how many rows
    /// are still to come without an output.
    pub oldest: &'s mut u32,
}

impl<'m> Conv2d<'m> {
    /// A convolution of `rows × bands` positions; `codes` has a row for each output channel. None if `codes` are rows
    /// of other lengths, the kernel is empty, or it has more than [`MAX_KERNEL_ROWS`] rows.
    pub const fn new(
        input: Shape,
        [rows, bands]: [usize; 2],
        padding: Padding,
        input_zero_point: i8,
        output_scale: f32,
        codes: CodeRows<'m>,
    ) -> Option<Self> {
        let channels = codes.bias.len();
        let columns = match rows.checked_mul(bands) {
            Some(positions) => positions.checked_mul(input.channels),
            None => None,
        };
        match columns {
            Some(columns) if columns > 0 && rows <= MAX_KERNEL_ROWS && fits(channels, columns, codes.weights.len()) => {
                Some(Self { input, channels, rows, bands, padding, input_zero_point, output_scale, codes })
            }
            _ => None,
        }
    }

    /// Shape of an input row.
    pub const fn input(&self) -> Shape {
        self.input
    }

    /// Output channels.
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// Kernel along time.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Kernel along frequency.
    pub const fn bands(&self) -> usize {
        self.bands
    }

    /// Where the kernel reaches beyond the input.
    pub const fn padding(&self) -> Padding {
        if IMAGES { self.padding } else { Padding::Causal }
    }

    /// Code of 0 in the input.
    pub const fn input_zero_point(&self) -> i8 {
        self.input_zero_point
    }

    /// Real value of one step of the output.
    pub const fn output_scale(&self) -> f32 {
        self.output_scale
    }

    /// A row for each output channel.
    pub const fn codes(&self) -> &CodeRows<'m> {
        &self.codes
    }

    /// Values under the kernel: a patch.
    pub const fn patch_len(&self) -> usize {
        self.rows * self.bands * self.input.channels
    }

    /// i8 values that the ring holds.
    pub const fn ring_len(&self) -> usize {
        self.rows.saturating_sub(1) * self.input.len()
    }

    /// i16 values of work memory: two patches, each padded to whole groups of a packed matrix.
    pub const fn work_len(&self) -> usize {
        2 * self.patch_len().next_multiple_of(4)
    }

    /// i8 values of an output row.
    pub const fn output_len(&self) -> usize {
        self.padding().output_len(self.input.bands, self.bands) * self.channels
    }

    /// Bands under the kernel below the output's own.
    const fn beside(&self) -> usize {
        match self.padding() {
            Padding::Causal | Padding::Same => self.bands / 2,
            Padding::Valid => 0,
        }
    }

    /// Rows at the start without an output.
    const fn silent_rows(&self) -> usize {
        match self.padding() {
            Padding::Causal => 0,
            Padding::Same => self.rows / 2,
            Padding::Valid => self.rows.saturating_sub(1),
        }
    }

    /// Rows of zeros behind the last row.
    pub const fn rows_behind(&self) -> usize {
        match self.padding() {
            Padding::Causal | Padding::Valid => 0,
            Padding::Same => self.rows / 2,
        }
    }

    /// Sets the state to that before the first row: zeros everywhere.
    pub fn reset(&self, state: &mut Conv2dState<'_>) {
        state.ring.fill(self.input_zero_point);
        *state.oldest = (self.silent_rows() as u32) << 16;
    }

    /// Whether some sequence of rows leads to this state.
    pub fn is_possible(&self, state: &Conv2dState<'_>) -> bool {
        let (oldest, silent) = (*state.oldest as usize & 0xFFFF, *state.oldest as usize >> 16);
        oldest < self.rows.saturating_sub(1).max(1) && silent <= self.silent_rows()
    }

    /// Takes one row, i8 `[input.len()]`. True if it wrote an output row, i8 `[output bands][channels]`, to `output`.
    /// `work` must hold [`Conv2d::work_len`] values.
    pub fn push(&self, state: &mut Conv2dState<'_>, row: &[i8], output: &mut [i8], work: &mut [i16]) -> bool {
        struct Push<'a, 'm, 's>(&'a Conv2d<'m>, &'a mut Conv2dState<'s>, &'a [i8], &'a mut [i8], &'a mut [i16]);
        impl Work for Push<'_, '_, '_> {
            type Output = bool;

            #[inline(always)]
            fn run(self, arithmetic: impl Arithmetic) -> bool {
                let Self(conv, state, row, output, work) = self;
                conv.push_by(arithmetic, state, row, output, work)
            }
        }
        run_fastest(Push(self, state, row, output, work))
    }

    #[inline(always)]
    fn push_by(
        &self,
        arithmetic: impl Arithmetic,
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
            // The padding of the last group.
            if let Some(last) = pair.last_chunk_mut::<8>() {
                last.fill(0);
            }
            let (newer, older) = state.ring.split_at_checked(oldest * row_len).unwrap_or_default();
            let mut rows: [&[i8]; MAX_KERNEL_ROWS] = [&[]; MAX_KERNEL_ROWS];
            let seen = older.chunks_exact(row_len).chain(newer.chunks_exact(row_len)).chain(core::iter::once(row));
            rows.iter_mut().zip(seen).for_each(|(to, from)| *to = from);
            let rows = rows.get(..self.rows).unwrap_or(&rows);
            let code_rows = arithmetic.code_rows(&self.codes, self.patch_len());
            for (index, outputs) in output.chunks_mut((2 * self.channels).max(1)).enumerate() {
                let band = 2 * index;
                if self.is_single_3x3() {
                    let Some(seen) = seen_3x3(rows, band, self.input_zero_point) else { continue };
                    if arithmetic.codes_of_squares(&code_rows, &seen, outputs) {
                        continue;
                    }
                    gather_3x3(&seen, pair);
                } else {
                    self.gather(arithmetic, rows, band, pair);
                }
                arithmetic.codes(&code_rows, pair, outputs);
            }
        }
        if let Some(slot) = state.ring.get_mut(oldest * row_len..(oldest + 1) * row_len) {
            // Word by word: a slice copy would call memcpy, which takes 700 bytes.
            let ((slot, slot_rest), (row, row_rest)) = (slot.as_chunks_mut::<4>(), row.as_chunks::<4>());
            slot.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
            slot_rest.iter_mut().zip(row_rest).for_each(|(to, from)| *to = *from);
        }
        let next = if oldest + 2 < self.rows { oldest as u32 + 1 } else { 0 };
        *state.oldest = silent.saturating_sub(1) << 16 | next;
        silent == 0
    }

    /// Copies the patches at `band` and at the next band, oldest row first, into an interleaved pair.
    #[inline(always)]
    fn gather<A: Arithmetic>(&self, arithmetic: A, rows: &[&[i8]], band: usize, pair: &mut [i16]) {
        let channels = self.input.channels;
        // Index of the first patch's start in a row, counted from `half` values before the row.
        let (half, first) = (self.beside() * channels, band * channels);
        if channels.is_multiple_of(4) {
            if first < half || !self.gather_inside(arithmetic, rows, first - half, pair) {
                self.gather_lanes(rows, band, pair);
            }
        } else if !IMAGES || A::SMALL || first < half || !self.gather_runs(rows, first - half, pair) {
            self.gather_values(rows, band, pair);
        }
    }

    /// [`Conv2d::gather`] for channels in fours. False if a patch reaches beyond the rows, or the processor has no
    /// kernel for the data.
    #[inline(always)]
    fn gather_inside(&self, arithmetic: impl Arithmetic, rows: &[&[i8]], start: usize, pair: &mut [i16]) -> bool {
        let channels = self.input.channels;
        let width = self.bands * channels;
        rows.iter().zip(pair.chunks_exact_mut((2 * width).max(1))).all(|(row, pair)| {
            row.get(start..start + width + channels).is_some_and(|seen| arithmetic.widen(pair, seen, channels))
        })
    }

    /// [`Conv2d::gather`] for channels in fours, anywhere.
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

    /// [`Conv2d::gather`] for any channels. False if a patch reaches beyond the rows. It takes 800 bytes, worth it for
    /// the three channels of images.
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
            // Whole groups of the pair at a time. The values that complete the last group of the row before, and those
            // that begin a group at the end, go one by one.
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

    /// [`Conv2d::gather`] for any channels, anywhere.
    #[inline(always)]
    fn gather_values(&self, rows: &[&[i8]], band: usize, pair: &mut [i16]) {
        let channels = self.input.channels;
        let width = self.bands * channels;
        let (half, first) = (self.beside() * channels, band * channels);
        let mut slot = 0;
        for row in rows {
            // An index below the row wraps around, so it is as far outside as one above the row.
            let seen =
                |index: usize| i16::from(row.get(index.wrapping_sub(half)).copied().unwrap_or(self.input_zero_point));
            for index in first..first + width {
                if let Some([a, .., b]) = pair.get_mut(slot..slot + 5) {
                    (*a, *b) = (seen(index), seen(index + channels));
                }
                slot += if slot % 4 == 3 { 5 } else { 1 };
            }
        }
    }

    /// Whether the kernel has three rows and three bands, centred along frequency, of one channel.
    #[inline(always)]
    fn is_single_3x3(&self) -> bool {
        (self.input.channels, self.rows, self.bands) == (1, 3, 3) && !matches!(self.padding(), Padding::Valid)
    }
}

/// Writes codes into both lanes of a pair, from a column on, within the group of this column.
#[inline(always)]
fn put_values(pair: &mut [i16], column: usize, first: &[i8], second: &[i8]) {
    let at = column / 4 * 8 + column % 4;
    let (first_lane, second_lane) = pair.get_mut(at..).unwrap_or_default().split_at_mut_checked(4).unwrap_or_default();
    first_lane.iter_mut().zip(first).for_each(|(to, from)| *to = i16::from(*from));
    second_lane.iter_mut().zip(second).for_each(|(to, from)| *to = i16::from(*from));
}

/// What two neighbouring patches of three rows and bands see of one channel: of each row the four codes around them.
#[inline(always)]
fn seen_3x3(rows: &[&[i8]], band: usize, zero_point: i8) -> Option<[[i8; 4]; 3]> {
    // Below the first band the index wraps around, so it is outside too.
    let lowest = band.wrapping_sub(1);
    let around = |row: &[i8]| match row.get(lowest..).and_then(|inside| inside.first_chunk::<4>()) {
        Some(codes) => *codes,
        None => [0, 1, 2, 3].map(|above| row.get(lowest.wrapping_add(above)).copied().unwrap_or(zero_point)),
    };
    let [a, b, c] = rows else { return None };
    Some([around(a), around(b), around(c)])
}

/// [`Conv2d::gather`] for three rows and bands of one channel, the usual first convolution, from [`seen_3x3`].
#[inline(always)]
fn gather_3x3(seen: &[[i8; 4]; 3], pair: &mut [i16]) {
    if let Some(pair) = pair.first_chunk_mut() {
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
