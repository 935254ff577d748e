//! Mel-frequency cepstra of log-mel rows, which decorrelate the bands (Davis and Mermelstein, 1980), and their slopes
//! in time.

use std::f64::consts::PI;

use ser_core::frontend::LevelReference;
use ser_core::spec::LevelMode;

use crate::features::rows::Rows;

/// Number of rows on each side that a delta uses.
const DELTA_REACH: usize = 2;

/// One vector per hop.
pub type Sequence = Vec<Vec<f64>>;

/// The first `count` cepstra of each row, `[rows][count]`: the orthonormal DCT-II of the levels `L` (dB, relative to
/// the reference that `level` names) of the `B` bands, `c_n = √((2 − [n = 0]) / B) Σ_b L_b cos(π n (b + ½) / B)`.
pub fn cepstra(log_mel: &Rows, level: LevelMode, count: usize) -> Sequence {
    let bands = log_mel.bands as f64;
    let basis: Vec<Vec<f64>> = (0..count)
        .map(|n| {
            let scale = (if n == 0 { 1.0 } else { 2.0 } / bands).sqrt();
            (0..log_mel.bands).map(|b| scale * (PI * n as f64 * (b as f64 + 0.5) / bands).cos()).collect()
        })
        .collect();
    let mut reference = LevelReference::new(level);
    let transform = |row: &[f32]| {
        let reference_db = reference.of_row(row.iter().copied());
        let project =
            |basis: &Vec<f64>| basis.iter().zip(row).map(|(weight, db)| weight * f64::from(db - reference_db)).sum();
        basis.iter().map(project).collect()
    };
    log_mel.iter().map(transform).collect()
}

/// Each vector followed by its deltas, `[rows][2 · width]`. A delta is the least-squares slope through the neighbours,
/// `Δ_t = Σ_k k (c_{t+k} − c_{t−k}) / (2 Σ_k k²)` for `k = 1, 2`, with the ends repeated (Young et al., The HTK Book,
/// 5.9).
pub fn with_deltas(sequence: &[Vec<f64>]) -> Sequence {
    let squares: usize = (1..=DELTA_REACH).map(|k| k * k).sum();
    let last = sequence.len().saturating_sub(1);
    let slope = |t: usize, n: usize| -> f64 {
        let rise = |k: usize| k as f64 * (sequence[(t + k).min(last)][n] - sequence[t.saturating_sub(k)][n]);
        (1..=DELTA_REACH).map(rise).sum::<f64>() / (2 * squares) as f64
    };
    let joined = |(t, vector): (usize, &Vec<f64>)| {
        vector.iter().copied().chain((0..vector.len()).map(|n| slope(t, n))).collect()
    };
    sequence.iter().enumerate().map(joined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cepstra_of_a_flat_row_are_its_level_alone_and_of_a_cosine_one_number() {
        let flat = Rows { bands: 4, values: vec![-30.0; 4] };
        let of_flat = cepstra(&flat, LevelMode::Absolute, 4);
        assert!((of_flat[0][0] + 60.0).abs() < 1e-9, "{of_flat:?}");
        assert!(of_flat[0][1..].iter().all(|c| c.abs() < 1e-9), "{of_flat:?}");
        let cosine: Vec<f32> = (0..4).map(|b| (PI * 2.0 * (f64::from(b) + 0.5) / 4.0).cos() as f32).collect();
        let of_cosine = cepstra(&Rows { bands: 4, values: cosine }, LevelMode::Absolute, 4);
        let wanted = [0.0, 0.0, 2f64.sqrt(), 0.0];
        assert!(of_cosine[0].iter().zip(wanted).all(|(c, wanted)| (c - wanted).abs() < 1e-6), "{of_cosine:?}");
    }

    #[test]
    fn a_gain_changes_no_cepstrum_when_levels_are_relative() {
        let rows = |gain: f32| Rows {
            bands: 3,
            values: [-40.0, -20.0, -30.0, -10.0, -50.0, -35.0].map(|db: f32| db + gain).to_vec(),
        };
        let of = |gain, level| cepstra(&rows(gain), level, 3);
        assert_eq!(of(0.0, LevelMode::RelativeToPeak), of(-6.0, LevelMode::RelativeToPeak));
        assert_ne!(of(0.0, LevelMode::Absolute), of(-6.0, LevelMode::Absolute));
    }

    #[test]
    fn deltas_of_a_line_are_its_slope_and_of_one_vector_zero() {
        let line: Sequence = (0..7).map(|t| vec![3.0 * f64::from(t), 5.0]).collect();
        let joined = with_deltas(&line);
        assert_eq!(joined[3], [9.0, 5.0, 3.0, 0.0]);
        assert_eq!(with_deltas(&line[..1])[0], [0.0, 5.0, 0.0, 0.0]);
        assert!(with_deltas(&[]).is_empty());
    }
}
