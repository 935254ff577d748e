//! Products in vector registers, for the widest instruction set that the processor has.
//!
//! Burn's general convolution spends four fifths of its time on moving data; these kernels read the feature maps where they lie.

use pulp::{Simd, WithSimd};

/// Rows of channels are padded with zeros to a multiple of so many values.
pub(super) const LANES: usize = 8;

/// Runs an operation with the widest vectors there are; plain loops within it are vectorised too.
pub(super) fn vectorised<Op: WithSimd>(operation: Op) -> Op::Output {
    // By name: the feature of pulp that makes `Arch` choose it would rebuild Burn.
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return Simd::vectorize(simd, operation);
    }
    pulp::Arch::new().dispatch(operation)
}

/// A matrix cut into tiles of columns, each contiguous: `[tile][row][column of the tile]`. Columns are padded with zeros.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    tile: usize,
    stride: usize,
    rows: usize,
    values: Vec<f32>,
}

impl Packed {
    /// The matrix whose elements `element(row, column)` gives.
    pub(super) fn new(rows: usize, columns: usize, element: impl Fn(usize, usize) -> f32) -> Self {
        let stride = columns.next_multiple_of(LANES);
        // With as many positions as fit, the sums of a tile fill the vector registers.
        let tile = [3 * LANES, 2 * LANES].into_iter().find(|tile| stride.is_multiple_of(*tile)).unwrap_or(LANES);
        let value = |row: usize, column: usize| if column < columns { element(row, column) } else { 0.0 };
        let values = (0..stride / tile)
            .flat_map(|at| (0..rows).map(move |row| (at, row)))
            .flat_map(|(at, row)| (at * tile..(at + 1) * tile).map(move |column| (row, column)))
            .map(|(row, column)| value(row, column))
            .collect();
        Self { tile, stride, rows, values }
    }
}

/// `out[p][n] = Σ_r Σ_j input[starts[r] + p · step + j] · weights[r · run + j][n]`: a matrix product, or a row of a convolution.
pub(super) struct Product<'a> {
    pub(super) input: &'a [f32],
    /// Where the runs of contiguous values begin that make up a position's input.
    pub(super) starts: &'a [usize],
    /// Length of a run.
    pub(super) run: usize,
    /// From one position to the next.
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
            for offset in (0..self.weights.tile).step_by(width) {
                let mut position = 0;
                while position < positions {
                    position += match (V, positions - position) {
                        (1, 8..) => self.tile::<S, V, 8>(simd, tile, offset, position),
                        (1 | 2, 5..) => self.tile::<S, V, 5>(simd, tile, offset, position),
                        (_, 4..) => self.tile::<S, V, 4>(simd, tile, offset, position),
                        (_, 2..) => self.tile::<S, V, 2>(simd, tile, offset, position),
                        _ => self.tile::<S, V, 1>(simd, tile, offset, position),
                    };
                }
            }
        }
    }

    /// `P` positions and `V` vectors of columns; gives `P`.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const P: usize>(&mut self, simd: S, tile: usize, offset: usize, position: usize) -> usize {
        let Packed { tile: width, stride, rows, ref values } = *self.weights;
        let mut sums = [[simd.splat_f32s(0.0); V]; P];
        let of_tile = &values[tile * rows * width..][..rows * width];
        let of_runs = of_tile.chunks_exact(self.run * width);
        for (start, weights) in self.starts.iter().zip(of_runs) {
            let inputs: [&[f32]; P] = std::array::from_fn(|p| &self.input[start + (position + p) * self.step..][..self.run]);
            for j in 0..self.run {
                let (weights, _) = S::as_simd_f32s(&weights[j * width + offset..][..V * S::F32_LANES]);
                for p in 0..P {
                    let value = simd.splat_f32s(inputs[p][j]);
                    for v in 0..V {
                        sums[p][v] = simd.mul_add_e_f32s(value, weights[v], sums[p][v]);
                    }
                }
            }
        }
        for (p, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(position + p) * stride + tile * width + offset..][..V * S::F32_LANES];
            let (out, _) = S::as_mut_simd_f32s(out);
            for v in 0..V {
                out[v] = if self.accumulate { simd.add_f32s(out[v], sums[v]) } else { sums[v] };
            }
        }
        P
    }
}
