//! Sizes of a max pool.

/// A max pool along rows and bands, over blocks that may overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    /// Rows and bands of a block.
    pub(super) size: [usize; 2],
    /// Rows and bands from one block to the next, at most the size.
    pub(super) stride: [usize; 2],
}

impl Pool {
    /// No pool: each value is a block.
    pub(super) const NONE: Self = Self { size: [1, 1], stride: [1, 1] };

    /// A pool over blocks of `size` rows and bands; neighbouring blocks share `overlap` rows or bands.
    pub(super) fn new(size: [usize; 2], overlap: usize) -> Self {
        Self { size, stride: size.map(|size| size - overlap) }
    }

    /// This pool and a following one as a single pool: blocks of blocks.
    pub(super) fn then(self, behind: Self) -> Self {
        let axis = |axis: usize| {
            let (size, stride) = (self.size[axis], self.stride[axis]);
            (size + (behind.size[axis] - 1) * stride, stride * behind.stride[axis])
        };
        let (rows, bands) = (axis(0), axis(1));
        Self { size: [rows.0, bands.0], stride: [rows.1, bands.1] }
    }

    /// Number of blocks in `rows` rows.
    pub(super) fn rows(&self, rows: usize) -> usize {
        self.blocks(0, rows)
    }

    /// Number of blocks in `bands` bands.
    pub(super) fn bands(&self, bands: usize) -> usize {
        self.blocks(1, bands)
    }

    fn blocks(&self, axis: usize, len: usize) -> usize {
        len.checked_sub(self.size[axis]).map_or(0, |rest| rest / self.stride[axis] + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ser_core::spec::{Layer, Shape};

    #[test]
    fn two_pools_are_one_over_blocks_of_blocks() {
        let pools = [([3, 2], 1), ([2, 2], 0), ([1, 4], 0), ([3, 3], 1)];
        for (first, second) in pools.iter().flat_map(|first| pools.iter().map(move |second| (first, second))) {
            let both = Pool::new(first.0, first.1).then(Pool::new(second.0, second.1));
            for len in 0..40 {
                let (mut rows, mut shape) = (len, Shape { bands: len, channels: 1 });
                for ([pool_rows, bands], overlap) in [*first, *second] {
                    let layer = Layer::MaxPool { rows: pool_rows, bands, overlap };
                    (rows, shape) = (layer.output_rows(rows), layer.output(shape));
                }
                assert_eq!((both.rows(len), both.bands(len)), (rows, shape.bands), "{first:?}, {second:?}, {len}");
            }
        }
    }
}
