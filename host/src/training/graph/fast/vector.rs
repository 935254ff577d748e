//! Products in vector registers: with AVX2 where an x86 processor has it, otherwise with the vectors that pulp chooses.
//!
//! They read feature maps in place. Burn's general convolution copies the maps first, which took most of the time of a
//! training step.

use std::ops::Range;

use pulp::{Simd, WithSimd};

/// Rows of channels are padded with zeros to a multiple of this many values.
pub(super) const LANES: usize = 8;

/// Runs an operation with these vectors. Everything that its loops call should be forced inline: the compiler does not
/// inline everything across a boundary of instruction sets, least of all iterators and closures.
pub(super) fn vectorised<Op: WithSimd>(operation: Op) -> Op::Output {
    // Chosen by name: the feature of pulp that lets `Arch` choose AVX2 would rebuild Burn.
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return Simd::vectorize(simd, operation);
    }
    pulp::Arch::new().dispatch(operation)
}

/// A matrix cut into tiles of columns, each contiguous: `[tile][row][column of the tile]`. Columns are padded with
/// zeros.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    tile: usize,
    stride: usize,
    rows: usize,
    values: Vec<f32>,
}

impl Packed {
    /// Columns of a tile of a matrix with `stride` columns. The sums of a tile, at as many positions as fit, fill the
    /// vector registers.
    fn tile(stride: usize) -> usize {
        [3 * LANES, 2 * LANES].into_iter().find(|tile| stride.is_multiple_of(*tile)).unwrap_or(LANES)
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, including padding.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// The matrix whose elements `element(row, column)` gives.
    pub(super) fn new(rows: usize, columns: usize, element: impl Fn(usize, usize) -> f32) -> Self {
        let stride = columns.next_multiple_of(LANES);
        let tile = Self::tile(stride);
        let value = |row: usize, column: usize| if column < columns { element(row, column) } else { 0.0 };
        let values = (0..stride / tile)
            .flat_map(|at| (0..rows).map(move |row| (at, row)))
            .flat_map(|(at, row)| (at * tile..(at + 1) * tile).map(move |column| (row, column)))
            .map(|(row, column)| value(row, column))
            .collect();
        Self { tile, stride, rows, values }
    }

    /// The columns `columns` of a matrix `[row][width]`; their number is a multiple of [`LANES`].
    pub(super) fn columns(matrix: &[f32], width: usize, columns: Range<usize>) -> Self {
        let (rows, stride) = (matrix.len() / width, columns.len());
        let tile = Self::tile(stride);
        let mut values = Vec::with_capacity(rows * stride);
        for first in columns.step_by(tile) {
            matrix.chunks_exact(width).for_each(|row| values.extend_from_slice(&row[first..first + tile]));
        }
        Self { tile, stride, rows, values }
    }

    /// The transpose of a matrix `[column][height]`.
    pub(super) fn transposed(matrix: &[f32], height: usize) -> Self {
        let columns = matrix.len() / height;
        let stride = columns.next_multiple_of(LANES);
        let tile = Self::tile(stride);
        let mut values = vec![0.0; height * stride];
        for (column, of_column) in matrix.chunks_exact(height).enumerate() {
            let places = values[column / tile * height * tile + column % tile..].iter_mut().step_by(tile);
            places.zip(of_column).for_each(|(to, from)| *to = *from);
        }
        Self { tile, stride, rows: height, values }
    }
}

/// `out[p][n] = Σ_r Σ_j input[starts[r] + p · step + j] · weights[r · run + j][n]`: a matrix product, or a row of a
/// convolution.
pub(super) struct Product<'a> {
    pub(super) input: &'a [f32],
    /// Where the runs of contiguous values that make up a position's input begin.
    pub(super) starts: &'a [usize],
    /// Length of a run.
    pub(super) run: usize,
    /// Values from one position to the next.
    pub(super) step: usize,
    pub(super) weights: &'a Packed,
    /// `[position][stride of the weights]`, whole rows.
    pub(super) out: &'a mut [f32],
    /// Whether to add to what `out` holds.
    pub(super) accumulate: bool,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.weights.tile / LANES {
            3 => self.tiles::<S, 3>(simd),
            2 => self.tiles::<S, 2>(simd),
            _ => self.tiles::<S, 1>(simd),
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const V: usize>(&mut self, simd: S) {
        let positions = self.out.len() / self.weights.stride;
        let width = V * S::F32_LANES;
        for tile in 0..self.weights.stride / self.weights.tile {
            let mut offset = 0;
            while offset < self.weights.tile {
                let mut position = 0;
                while position < positions {
                    let left = positions - position;
                    position += match V {
                        1 if left >= 8 => self.tile::<S, V, 8>(simd, tile, offset, position),
                        1 | 2 if left >= 5 && !left.is_multiple_of(4) => {
                            self.tile::<S, V, 5>(simd, tile, offset, position)
                        }
                        _ if left >= 4 => self.tile::<S, V, 4>(simd, tile, offset, position),
                        _ if left >= 2 => self.tile::<S, V, 2>(simd, tile, offset, position),
                        _ => self.tile::<S, V, 1>(simd, tile, offset, position),
                    };
                }
                offset += width;
            }
        }
    }

    /// Computes `P` positions and `V` vectors of columns; returns `P`.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const P: usize>(
        &mut self,
        simd: S,
        tile: usize,
        offset: usize,
        position: usize,
    ) -> usize {
        let Packed { tile: width, stride, rows, ref values } = *self.weights;
        let run = self.run;
        let mut sums = [[simd.splat_f32s(0.0); V]; P];
        let mut at = tile * rows * width + offset;
        for &start in self.starts {
            let mut inputs = [self.input; P];
            for (p, input) in inputs.iter_mut().enumerate() {
                *input = &self.input[start + (position + p) * self.step..][..run];
            }
            let mut j = 0;
            while j < run {
                let weights = vectors::<S>(&values[at..][..V * S::F32_LANES]);
                for p in 0..P {
                    let value = simd.splat_f32s(inputs[p][j]);
                    for v in 0..V {
                        sums[p][v] = simd.mul_add_e_f32s(value, weights[v], sums[p][v]);
                    }
                }
                at += width;
                j += 1;
            }
        }
        for (p, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(position + p) * stride + tile * width + offset..][..V * S::F32_LANES];
            store(simd, out, sums, self.accumulate);
        }
        P
    }
}

/// `out[k][n] += Σ_m left[m][k] · right[m][n]`: the gradient of a matrix, from its input and the gradient of its
/// output.
pub(super) struct Outer<'a> {
    /// `[m][k]`, with further values after each row.
    pub(super) left: &'a [f32],
    /// Values from one row of `left` to the next.
    pub(super) stride: usize,
    /// Number of `k`.
    pub(super) rows: usize,
    /// `[m][n]`.
    pub(super) right: &'a [f32],
    /// Number of `n`, a multiple of [`LANES`].
    pub(super) columns: usize,
    /// `[k][n]`.
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        const TILE: usize = 2 * LANES;
        // Columns are packed side by side: rows a power of two apart would compete for the same few places of a cache.
        let rows = self.right.len() / self.columns;
        let mut packed = vec![0.0; rows * TILE];
        let mut column = 0;
        while column < self.columns {
            let width = TILE.min(self.columns - column);
            let packed = &mut packed[..rows * width];
            for (to, from) in packed.chunks_exact_mut(width).zip(self.right.chunks_exact(self.columns)) {
                to.copy_from_slice(&from[column..column + width]);
            }
            let mut offset = 0;
            while offset < width {
                offset += S::F32_LANES
                    * match (width - offset) / S::F32_LANES {
                        2.. => self.columns::<S, 2>(simd, packed, width, offset, column),
                        _ => self.columns::<S, 1>(simd, packed, width, offset, column),
                    };
            }
            column += width;
        }
    }
}

impl Outer<'_> {
    /// Computes `V` vectors of columns; returns `V`.
    #[inline(always)]
    fn columns<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        packed: &[f32],
        width: usize,
        offset: usize,
        column: usize,
    ) -> usize {
        let mut row = 0;
        while row < self.rows {
            row += match self.rows - row {
                6.. => self.tile::<S, V, 6>(simd, packed, [width, offset, column, row]),
                4.. => self.tile::<S, V, 4>(simd, packed, [width, offset, column, row]),
                2.. => self.tile::<S, V, 2>(simd, packed, [width, offset, column, row]),
                _ => self.tile::<S, V, 1>(simd, packed, [width, offset, column, row]),
            };
        }
        V
    }

    /// Computes `P` rows of `V` vectors; returns `P`.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const P: usize>(
        &mut self,
        simd: S,
        packed: &[f32],
        [width, offset, column, row]: [usize; 4],
    ) -> usize {
        let mut sums = [[simd.splat_f32s(0.0); V]; P];
        for m in 0..packed.len() / width {
            let left = &self.left[m * self.stride + row..][..P];
            let right = vectors::<S>(&packed[m * width + offset..][..V * S::F32_LANES]);
            for p in 0..P {
                let value = simd.splat_f32s(left[p]);
                for v in 0..V {
                    sums[p][v] = simd.mul_add_e_f32s(value, right[v], sums[p][v]);
                }
            }
        }
        for (p, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(row + p) * self.columns + column + offset..][..V * S::F32_LANES];
            store(simd, out, sums, true);
        }
        P
    }
}

/// A slice as whole vectors; an incomplete vector at the end is left out.
#[inline(always)]
pub(super) fn vectors<S: Simd>(values: &[f32]) -> &[S::f32s] {
    S::as_simd_f32s(values).0
}

/// The same for writing.
#[inline(always)]
pub(super) fn vectors_mut<S: Simd>(values: &mut [f32]) -> &mut [S::f32s] {
    S::as_mut_simd_f32s(values).0
}

/// `if_true` where the mask is set, `if_false` elsewhere. pulp's own function is not always inlined.
#[inline(always)]
pub(super) fn select<S: Simd>(simd: S, mask: S::m32s, if_true: S::f32s, if_false: S::f32s) -> S::f32s {
    simd.transmute_f32s_u32s(simd.select_u32s(
        mask,
        simd.transmute_u32s_f32s(if_true),
        simd.transmute_u32s_f32s(if_false),
    ))
}

/// Writes sums, or adds them to the values of `out`.
#[inline(always)]
pub(super) fn store<S: Simd, const V: usize>(simd: S, out: &mut [f32], sums: &[S::f32s; V], accumulate: bool) {
    let out = vectors_mut::<S>(out);
    for v in 0..V {
        out[v] = if accumulate { simd.add_f32s(out[v], sums[v]) } else { sums[v] };
    }
}
