//! Compares the kernels of this processor and the portable ones with plain sums.

use proptest::collection::vec;
use proptest::prelude::*;
use ser_core::arch::{four_rows, four_rows_of_pair, portable};
use ser_core::packed::block_len;

/// Any weight; extremes are frequent.
fn weight() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), Just(127), Just(-127i8 as u8)]
}

/// Any value; extremes are frequent.
fn value() -> impl Strategy<Value = i16> {
    prop_oneof![any::<i16>(), Just(i16::MIN), Just(i16::MAX)]
}

/// A block of four packed rows, and `vectors` vectors of as many columns.
fn block_and_vector(
    columns: impl Strategy<Value = usize>,
    vectors: usize,
) -> impl Strategy<Value = (Vec<u8>, Vec<i16>)> {
    columns.prop_flat_map(move |columns| (vec(weight(), block_len(columns)), vec(value(), vectors * columns)))
}

/// `Σ_k w[r][k] x[k]`, with the layout of `docs/model-format.md`.
fn plain(block: &[u8], x: &[i16]) -> [i32; 4] {
    [0, 1, 2, 3].map(|row| {
        x.iter()
            .enumerate()
            .map(|(k, &x)| i32::from(block[k / 4 * 16 + row * 4 + [0, 2, 1, 3][k % 4]] as i8) * i32::from(x))
            .sum()
    })
}

proptest! {
    #[test]
    fn four_rows_are_the_plain_sums((block, x) in block_and_vector(0usize..70, 1)) {
        prop_assert_eq!(portable::four_rows(&block, &x), plain(&block, &x));
        prop_assert_eq!(four_rows(&block, &x), plain(&block, &x));
    }

    #[test]
    fn four_rows_of_a_pair_are_the_plain_sums_of_both((block, pair) in block_and_vector((0usize..18).prop_map(|groups| 4 * groups), 2)) {
        let lane = |lane: usize| pair.chunks(4).skip(lane).step_by(2).flatten().copied().collect::<Vec<_>>();
        let wanted = [plain(&block, &lane(0)), plain(&block, &lane(1))];
        prop_assert_eq!(portable::four_rows_of_pair(&block, &pair), wanted);
        prop_assert_eq!(four_rows_of_pair(&block, &pair), wanted);
    }
}
