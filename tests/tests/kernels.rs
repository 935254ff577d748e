//! Compares the kernels of this processor and the portable ones with plain sums.

use proptest::collection::vec;
use proptest::prelude::*;
use ser_core::arch::{CodeRows, GateRows, Kernels, four_rows, four_rows_of_pair, kernels, portable};
use ser_core::engine::{Engine, RowLength};
use ser_core::kernels::{Conv2d, Dense, Lstm, MaxPool};
use ser_core::model::{Model, SlowPath};
use ser_core::packed::{block_len, packed_len};
use ser_core::quant::Multipliers;
use ser_core::spec::{self, Padding};
use ser_tests::random_model::{MapLayer, Shape, small_model};
use ser_tests::under_test::dirty_memory;

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

const NUMBERS: [[u8; 4]; 16] = [[0; 4]; 16];
const SHIFTS: [u8; 16] = [1; 16];

fn multipliers(rows: usize) -> Multipliers<'static> {
    Multipliers { mantissa: &NUMBERS[..rows], shift: &SHIFTS[..rows] }
}

/// Parameters that are too short for what they say are refused, also where a product of lengths wraps around.
#[test]
fn a_layer_of_too_few_numbers_is_refused() {
    const HUGE: usize = usize::MAX / 4 + 1;
    let weights = vec![0; packed_len(8, 9)];
    let (bias, all) = (&NUMBERS[..8], multipliers(8));
    let codes = |columns, weights| CodeRows::new(columns, weights, bias, all, -128);
    assert!(codes(9, &weights).is_some());
    assert!(codes(9, &weights[1..]).is_none() && codes(13, &weights).is_none());
    assert!(codes(HUGE, &weights).is_none() && codes(usize::MAX, &weights).is_none());
    assert!(CodeRows::new(9, &weights, bias, multipliers(7), -128).is_none());

    let rows = codes(9, &weights).expect("whole");
    let input = spec::Shape { bands: 10, channels: 1 };
    let conv = |input, kernel| Conv2d::new(input, kernel, Padding::Causal, 0, 1.0, rows);
    assert!(conv(input, [3, 3]).is_some());
    for kernel in [[3, 5], [0, 3], [3, 0], [64, 1], [HUGE, 4], [3, usize::MAX]] {
        assert!(conv(input, kernel).is_none(), "{kernel:?}");
    }
    assert!(conv(spec::Shape { bands: 10, channels: HUGE }, [2, 2]).is_none());

    let (w, r) = (vec![0; packed_len(8, 5)], vec![0; packed_len(8, 2)]);
    let gates = |inputs, w, r, shifts| GateRows::new(inputs, [w, r], bias, all, shifts);
    let whole = gates(5, &w, &r, &SHIFTS[..8]).expect("whole");
    assert!(gates(5, &w[1..], &r, &SHIFTS[..8]).is_none() && gates(5, &w, &r[1..], &SHIFTS[..8]).is_none());
    assert!(gates(HUGE, &w, &r, &SHIFTS[..8]).is_none() && gates(5, &w, &r, &SHIFTS[..7]).is_none());
    assert!(GateRows::new(5, [&w, &r], &NUMBERS[..7], all, &SHIFTS).is_none(), "rows are four for each unit");
    assert!(Lstm::new(5, whole).is_some() && Lstm::new(9, whole).is_none() && Lstm::new(HUGE, whole).is_none());

    let dense = |inputs, weights| Dense::new(inputs, weights, bias, all);
    assert!(dense(9, &weights).is_some() && dense(13, &weights).is_none() && dense(HUGE, &weights).is_none());
    for (block, overlap) in [([0, 2], 0), ([2, 0], 0), ([2, 2], 2), ([4, 2], 2)] {
        assert!(MaxPool::new(input, block, overlap).is_none(), "{block:?}");
    }
}

#[test]
fn a_row_of_another_length_is_refused_and_changes_nothing() {
    let bytes = small_model().to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let wanted = model.front_end().row_shape().len();
    let mut memory = dirty_memory(model.network_words());
    let mut engine = Engine::new(&model, &mut memory).expect("memory enough");
    for got in [0, wanted - 1, wanted + 1] {
        let error =
            engine.push(&vec![1; got], |_, _| panic!("a row of {got} codes passed")).expect_err("another length");
        assert_eq!(error, RowLength { got, wanted });
        assert_eq!(error.to_string(), format!("a row of {wanted} codes is wanted, this one has {got}"));
    }
    let mut rows = 0;
    engine.push(&vec![1; wanted], |_, _| rows += 1).expect("the length of a row");
    assert!(rows > 0);
}

/// The reasons of a model's layers when its file lies `behind` bytes behind a multiple of 4.
fn slow_paths(file: &[u8], behind: usize) -> Vec<Option<SlowPath>> {
    let mut memory = vec![0; file.len() + 8];
    let start = (0..4).find(|start| (memory.as_ptr().addr() + start) % 4 == behind).expect("one in four");
    memory[start..][..file.len()].copy_from_slice(file);
    let model = Model::parse(&memory[start..][..file.len()]).expect("a valid file");
    model.layers().iter().map(|layer| layer.slow_path()).collect()
}

#[test]
fn a_layer_says_why_it_leaves_the_fast_path() {
    let edge = include_bytes!("../../models/synthetic/edge.ser");
    assert!(slow_paths(edge, 0).iter().all(Option::is_none));
    for behind in 1..4 {
        let reasons = slow_paths(edge, behind);
        assert_eq!(reasons.iter().filter(|reason| **reason == Some(SlowPath::Address)).count(), 6, "{reasons:?}");
    }
    let maps = vec![MapLayer::Conv2d(3, 3, 6, 0), MapLayer::MaxPool(1, 2, 0)];
    let reasons = slow_paths(&Shape { maps, ..Shape::lstm_alone(8, 10, 2) }.fill(1).to_bytes(), 0);
    let wanted = [
        Some(SlowPath::Channels(6)),
        Some(SlowPath::Channels(6)),
        Some(SlowPath::Units(10)),
        None,
        Some(SlowPath::Inputs(10)),
    ];
    assert_eq!(reasons, wanted);
    assert_eq!(reasons[2].expect("a reason").to_string(), "it has 10 units, no multiple of 4");
}

/// This processor's kernels are the fastest that the build holds.
#[test]
fn the_kernels_in_use_can_be_asked_for() {
    let avx2 = cfg!(target_arch = "x86_64") && std::arch::is_x86_feature_detected!("avx2");
    assert_eq!(kernels(), if avx2 { Kernels::Avx2 } else { Kernels::Portable });
}
