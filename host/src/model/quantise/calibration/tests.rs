use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;

#[test]
fn the_range_is_the_largest_value_but_for_the_share_that_may_saturate() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let utterances: Vec<Rows> = (0..40)
        .map(|_| Rows { bands: 100, values: (0..20_000).map(|_| rng.random_range(-1.0f32..1.0).powi(3)).collect() })
        .collect();
    let mut statistics = LayerStatistics::ranging_over(40 * 20_000);
    utterances.iter().for_each(|rows| statistics.add(rows));
    let mut positive: Vec<f32> =
        utterances.iter().flat_map(|rows| &rows.values).copied().filter(|value| *value > 0.0).collect();
    positive.sort_unstable_by(|a, b| b.total_cmp(a));
    let above = (positive.len() as f64 * SATURATED_SHARE) as usize;
    assert!((3..=4).contains(&above));
    assert!(statistics.largest.len() <= 9, "{} of {} values are kept", statistics.largest.len(), positive.len());
    assert_eq!(statistics.output().range, f64::from(positive[above]));
}

#[test]
fn an_output_that_is_infinite_is_found() {
    let mut statistics = LayerStatistics::ranging_over(3);
    statistics.add(&Rows { bands: 3, values: vec![1.0, f32::INFINITY, 2.0] });
    assert_eq!(statistics.output().range, f64::INFINITY);
}

#[test]
fn the_range_is_1_where_no_output_is_positive() {
    let mut statistics = LayerStatistics::ranging_over(3);
    statistics.add(&Rows { bands: 3, values: vec![0.0, -1.0, f32::NAN] });
    assert_eq!(statistics.output().range, 1.0);
}
