//! The level meter of the firmware example `bare` against the exact level.

#[path = "../../firmware/bare/src/level_meter.rs"]
mod meter;

use meter::{BLOCKS, LevelMeter, TOLERANCE_DB, decibels};
use ser_tests::signals;

fn exact(mean_square: f64) -> f64 {
    10.0 * (mean_square.max(1.0) / f64::from(1 << 30)).log10()
}

#[test]
fn the_level_is_within_its_tolerance_from_one_step_to_full_scale() {
    let mut mean_square = 1.0f32;
    while mean_square <= (1 << 30) as f32 {
        let (got, wanted) = (f64::from(decibels(mean_square)), exact(f64::from(mean_square)));
        assert!((got - wanted).abs() <= TOLERANCE_DB, "{mean_square} is {wanted} dBFS, {got} came");
        mean_square *= 1.0003;
    }
}

#[test]
fn the_meter_measures_whole_groups_of_blocks() {
    let mut meter = LevelMeter::default();
    for (seed, amplitude) in [(1, 20_000), (2, 50), (3, i16::MAX)] {
        let samples = signals::noise(seed, amplitude, 256 * BLOCKS as usize);
        let mut levels = samples.chunks(256).map(|block| meter.push(block));
        assert!(levels.by_ref().take(BLOCKS as usize - 1).all(|level| level.is_none()));
        let mean_square = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64;
        let (got, wanted) = (levels.next().flatten().map(f64::from), exact(mean_square));
        assert!(got.is_some_and(|got| (got - wanted).abs() <= TOLERANCE_DB), "{wanted} dBFS wanted, {got:?} came");
    }
}

#[test]
fn silence_is_as_quiet_as_one_step() {
    let mut meter = LevelMeter::default();
    let level = (0..BLOCKS).filter_map(|_| meter.push(&[0; 256])).last();
    assert!(level.is_some_and(|level| (level + 90.3).abs() < 0.02), "{level:?}");
}
