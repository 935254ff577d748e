//! Augmentation of log-mel rows. It is cheap enough for every utterance to get its own at every epoch.
//!
//! Tempo, gain, tilt and noise act on the mel power `p` in `db = 10 log10(p + floor)`, as they would on the audio.
//! Masks (SpecAugment, Park et al. 2019) act on the normalised features, where 0 is the mean. Changed speeds are made
//! once, from the audio; each epoch chooses among them.

use anyhow::{Result, ensure};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use ser_core::spec::FrontEnd;
use serde::{Deserialize, Serialize};

use crate::features::rows::Rows;
use crate::features::tables::{hz, mel};

/// How training utterances are changed, and how much. Zero switches an entry off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Speeds to choose from, each 0.5..=2; at least one.
    pub speeds: Vec<f64>,
    /// Share of utterances that are spliced from pieces of several utterances of the same class, 0..=1.
    pub splice_probability: f64,
    /// The most utterances that a splice has pieces of, 2..=16.
    #[serde(default = "two")]
    pub splice_pieces: usize,
    /// At most this share of an utterance is cut off, both ends together, 0..1.
    pub crop: f64,
    /// Tempo changes by a factor within `1 ± tempo`, in 0..=0.5; pitch stays.
    pub tempo: f64,
    /// Frequencies are scaled by a factor within `1 ± vtlp`, in 0..=0.5, as a vocal tract of another length would do
    /// (Jaitly & Hinton 2013).
    #[serde(default)]
    pub vtlp: f64,
    /// Gain within ± this, dB.
    pub gain_db: f64,
    /// Tilt of the spectrum within ± this from the first band to the last, dB.
    pub tilt_db: f64,
    /// Share of utterances with noise, 0..=1.
    pub noise_probability: f64,
    /// Least ratio of speech to noise, dB.
    pub snr_db_min: f64,
    /// Largest ratio of speech to noise, dB.
    pub snr_db_max: f64,
    /// Number of masks along time.
    pub time_masks: usize,
    /// The most rows that a mask hides; never more than a fifth of the utterance.
    pub time_mask_rows: usize,
    /// Number of masks along frequency.
    pub band_masks: usize,
    /// The most bands that a mask hides.
    pub band_mask_bands: usize,
}

fn two() -> usize {
    2
}

impl Augmentation {
    /// An augmentation that changes nothing.
    pub fn none() -> Self {
        Self {
            speeds: vec![1.0],
            splice_probability: 0.0,
            splice_pieces: two(),
            crop: 0.0,
            tempo: 0.0,
            vtlp: 0.0,
            gain_db: 0.0,
            tilt_db: 0.0,
            noise_probability: 0.0,
            snr_db_min: 0.0,
            snr_db_max: 0.0,
            time_masks: 0,
            time_mask_rows: 0,
            band_masks: 0,
            band_mask_bands: 0,
        }
    }

    /// Whether rows may change. Speeds do not count: a recording at another speed is an utterance like others.
    pub fn changes_rows(&self) -> bool {
        let amounts = [
            self.splice_probability,
            self.crop,
            self.tempo,
            self.vtlp,
            self.gain_db,
            self.tilt_db,
            self.noise_probability,
        ];
        let masks = [(self.time_masks, self.time_mask_rows), (self.band_masks, self.band_mask_bands)];
        amounts.iter().any(|amount| *amount > 0.0) || masks.iter().any(|(masks, most)| masks * most > 0)
    }

    /// Checks every value against its range.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.speeds.is_empty(), "augmentation wants at least one speed (1.0 changes nothing), none came");
        for speed in &self.speeds {
            ensure!((0.5..=2.0).contains(speed), "speed is {speed}, wanted 0.5..=2");
        }
        ensure!((2..=16).contains(&self.splice_pieces), "splice_pieces is {}, wanted 2..=16", self.splice_pieces);
        for (name, value) in [("tempo", self.tempo), ("vtlp", self.vtlp)] {
            ensure!((0.0..=0.5).contains(&value), "{name} is {value}, wanted 0..=0.5");
        }
        for (name, value) in [("gain_db", self.gain_db), ("tilt_db", self.tilt_db)] {
            ensure!((0.0..=60.0).contains(&value), "{name} is {value}, wanted 0..=60");
        }
        for (name, value) in
            [("noise_probability", self.noise_probability), ("splice_probability", self.splice_probability)]
        {
            ensure!((0.0..=1.0).contains(&value), "{name} is {value}, wanted 0..=1");
        }
        ensure!((0.0..1.0).contains(&self.crop), "crop is {}, wanted 0..1", self.crop);
        ensure!(
            self.snr_db_min <= self.snr_db_max && self.snr_db_min >= -60.0 && self.snr_db_max <= 120.0,
            "signal-to-noise ratio is {}..={} dB, wanted an ascending range within -60..=120",
            self.snr_db_min,
            self.snr_db_max
        );
        Ok(())
    }
}

/// Applies an [`Augmentation`] to rows of one front end.
#[derive(Clone, Debug)]
pub struct Augmenter {
    recipe: Augmentation,
    floor: f32,
    /// Centre and width of each band, Hz.
    bands: Vec<(f64, f64)>,
    /// Lower edge of the first band, and the distance between the centres of two bands, on the mel scale.
    mel_grid: (f64, f64),
}

impl Augmenter {
    /// Fails if the recipe is out of range.
    pub fn new(recipe: &Augmentation, front_end: &FrontEnd) -> Result<Self> {
        recipe.check()?;
        let (low, high) = (mel(f64::from(front_end.mel_low_hz)), mel(f64::from(front_end.mel_high_hz)));
        let step = (high - low) / (front_end.mel_bands + 1) as f64;
        let corner = |index: usize| hz(low + step * index as f64);
        let bands =
            (0..front_end.mel_bands).map(|band| (corner(band + 1), (corner(band + 2) - corner(band)) / 2.0)).collect();
        Ok(Self { recipe: recipe.clone(), floor: 10f32.powf(front_end.floor_db / 10.0), bands, mel_grid: (low, step) })
    }

    /// Applies crop, tempo, warped frequencies, gain, tilt and noise to log-mel rows (dBFS).
    pub fn log_mel(&self, rows: &Rows, rng: &mut ChaCha8Rng) -> Rows {
        let recipe = &self.recipe;
        let mut rows = rows.clone();
        if recipe.crop > 0.0 {
            let keep = 1.0 - rng.random_range(0.0..recipe.crop);
            let longest = (rows.len() as f64 * keep).ceil() as usize;
            rows = crop(rows, longest, rng);
        }
        if recipe.tempo > 0.0 {
            rows = stretch(&rows, 1.0 + symmetric(recipe.tempo, rng));
        }
        if recipe.vtlp > 0.0 {
            self.warp(&mut rows, 1.0 + symmetric(recipe.vtlp, rng));
        }
        let gain_db = symmetric(recipe.gain_db, rng);
        let tilt_db = symmetric(recipe.tilt_db, rng);
        let noisy = recipe.noise_probability > 0.0 && rng.random_bool(recipe.noise_probability);
        if gain_db == 0.0 && tilt_db == 0.0 && !noisy {
            return rows;
        }
        let last = self.bands.len().saturating_sub(1).max(1) as f64;
        let gains: Vec<f32> =
            (0..self.bands.len()).map(|band| power(gain_db + tilt_db * (band as f64 / last - 0.5))).collect();
        for row in rows.values.chunks_exact_mut(self.bands.len().max(1)) {
            for (value, gain) in row.iter_mut().zip(&gains) {
                *value = (10f32.powf(*value / 10.0) - self.floor).max(0.0) * gain;
            }
        }
        if noisy {
            self.add_noise(&mut rows, rng);
        }
        for value in &mut rows.values {
            *value = 10.0 * (*value + self.floor).log10();
        }
        rows
    }

    /// The number of utterances to [`splice`] one from; 1 leaves it whole.
    pub fn pieces(&self, rng: &mut ChaCha8Rng) -> usize {
        let Augmentation { splice_probability, splice_pieces, .. } = self.recipe;
        if splice_probability > 0.0 && rng.random_bool(splice_probability) {
            rng.random_range(2..=splice_pieces)
        } else {
            1
        }
    }

    /// Takes each band's value from `factor` times its frequency, by linear interpolation between bands. Beyond the
    /// outer bands, their values continue.
    fn warp(&self, rows: &mut Rows, factor: f64) {
        let (low, step) = self.mel_grid;
        let last = self.bands.len().saturating_sub(1);
        let sources: Vec<(usize, usize, f32)> = self
            .bands
            .iter()
            .map(|(centre, _)| ((mel(centre * factor) - low) / step - 1.0).clamp(0.0, last as f64))
            .map(|position| (position as usize, (position as usize + 1).min(last), position.fract() as f32))
            .collect();
        let mut before = vec![0.0; self.bands.len()];
        for row in rows.values.chunks_exact_mut(self.bands.len().max(1)) {
            before.copy_from_slice(row);
            for (value, &(below, above, share)) in row.iter_mut().zip(&sources) {
                *value = before[below] + (before[above] - before[below]) * share;
            }
        }
    }

    /// Adds noise to mel powers: a density of `f^-a` with `a` from 0 (white) to 1 (pink), with the fluctuation of
    /// Gaussian noise.
    fn add_noise(&self, powers: &mut Rows, rng: &mut ChaCha8Rng) {
        let count = powers.len().max(1) as f32;
        let speech = powers.values.iter().sum::<f32>() / count;
        let exponent = rng.random_range(0.0..=1.0);
        let shape: Vec<f32> =
            self.bands.iter().map(|(centre, width)| (width * centre.powf(-exponent)) as f32).collect();
        let snr_db = rng.random_range(self.recipe.snr_db_min..=self.recipe.snr_db_max);
        let level = speech * power(-snr_db) / shape.iter().sum::<f32>();
        for row in powers.values.chunks_exact_mut(self.bands.len().max(1)) {
            for (value, shape) in row.iter_mut().zip(&shape) {
                // The power in a band of a few bins: mean of exponentially distributed powers.
                let fluctuation = -0.5 * (1.0 - rng.random::<f32>()).ln() - 0.5 * (1.0 - rng.random::<f32>()).ln();
                *value += level * shape * fluctuation;
            }
        }
    }

    /// Masks normalised features: hidden values become 0, the mean.
    pub fn mask(&self, features: &mut Rows, rng: &mut ChaCha8Rng) {
        let (rows, bands) = (features.len(), features.bands);
        for _ in 0..self.recipe.time_masks {
            let hidden = span(rows, self.recipe.time_mask_rows.min(rows / 5), rng);
            features
                .values
                .iter_mut()
                .skip(hidden.start * bands)
                .take(hidden.len() * bands)
                .for_each(|value| *value = 0.0);
        }
        for _ in 0..self.recipe.band_masks {
            let hidden = span(bands, self.recipe.band_mask_bands.min(bands), rng);
            for row in features.values.chunks_exact_mut(bands.max(1)) {
                row.iter_mut().skip(hidden.start).take(hidden.len()).for_each(|value| *value = 0.0);
            }
        }
    }
}

/// One utterance from pieces of several, in the order given. Each piece lies in the splice at the same relative place
/// as in its own utterance. The words are new; the way they are spoken is not.
pub fn splice(utterances: &[&Rows], rng: &mut ChaCha8Rng) -> Rows {
    let count = utterances.len();
    let mut values = Vec::new();
    let mut start = 0.0;
    for (index, rows) in utterances.iter().enumerate() {
        let end = if index + 1 == count { 1.0 } else { (index as f64 + rng.random_range(0.5..1.5)) / count as f64 };
        let row = |share: f64| (rows.len() as f64 * share) as usize * rows.bands;
        values.extend_from_slice(rows.values.get(row(start)..row(end)).unwrap_or_default());
        start = end;
    }
    Rows { bands: utterances.first().map_or(0, |rows| rows.bands), values }
}

/// At most `longest` rows, from a random place.
pub fn crop(mut rows: Rows, longest: usize, rng: &mut ChaCha8Rng) -> Rows {
    let len = rows.len();
    if len > longest {
        let start = rng.random_range(0..=len - longest);
        rows.values.drain(..start * rows.bands);
        rows.values.truncate(longest * rows.bands);
    }
    rows
}

/// A span of at most `longest` of `len` positions; all lengths are equally likely, and so are all places.
fn span(len: usize, longest: usize, rng: &mut ChaCha8Rng) -> std::ops::Range<usize> {
    let width = rng.random_range(0..=longest.min(len));
    let start = rng.random_range(0..=len - width);
    start..start + width
}

/// Uniform in ±`limit`.
fn symmetric(limit: f64, rng: &mut ChaCha8Rng) -> f64 {
    if limit > 0.0 { rng.random_range(-limit..=limit) } else { 0.0 }
}

/// dB to a ratio of powers.
fn power(db: f64) -> f32 {
    10f64.powf(db / 10.0) as f32
}

/// Plays rows `tempo` times as fast, by linear interpolation between rows.
fn stretch(rows: &Rows, tempo: f64) -> Rows {
    let len = rows.len();
    let wanted = ((len as f64 / tempo).round() as usize).max(len.min(1));
    let row = |index: usize| {
        rows.values.chunks_exact(rows.bands.max(1)).nth(index.min(len.saturating_sub(1))).unwrap_or_default()
    };
    let mut values = Vec::with_capacity(wanted * rows.bands);
    for index in 0..wanted {
        let position = index as f64 * tempo;
        let (before, share) = (position as usize, position.fract() as f32);
        values.extend(row(before).iter().zip(row(before + 1)).map(|(a, b)| a + (b - a) * share));
    }
    Rows { bands: rows.bands, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use ser_core::spec::edge;

    fn speech(rows: usize) -> Rows {
        let values = (0..rows * 40).map(|i| -60.0 + ((i * 37) % 45) as f32).collect();
        Rows { bands: 40, values }
    }

    fn all() -> Augmentation {
        Augmentation {
            speeds: vec![1.0],
            splice_probability: 0.5,
            splice_pieces: 3,
            crop: 0.2,
            tempo: 0.1,
            vtlp: 0.1,
            gain_db: 6.0,
            tilt_db: 3.0,
            noise_probability: 1.0,
            snr_db_min: 10.0,
            snr_db_max: 20.0,
            time_masks: 2,
            time_mask_rows: 10,
            band_masks: 2,
            band_mask_bands: 6,
        }
    }

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    #[test]
    fn without_augmentation_rows_stay_as_they_are() {
        let augmenter = Augmenter::new(&Augmentation::none(), &edge().front_end).unwrap();
        let mut rows = augmenter.log_mel(&speech(30), &mut rng(1));
        augmenter.mask(&mut rows, &mut rng(1));
        assert_eq!(rows, speech(30));
    }

    #[test]
    fn augmented_rows_stay_within_the_limits_of_the_recipe() {
        let front_end = edge().front_end;
        let augmenter = Augmenter::new(&all(), &front_end).unwrap();
        for seed in 0..50 {
            let rows = augmenter.log_mel(&speech(100), &mut rng(seed));
            assert!((72..=112).contains(&rows.len()), "{}", rows.len());
            // Loudest value -16 dB, gain at most 6 dB + 1.5 dB of tilt; the noise lies 10 dB below the sum of all
            // bands.
            assert!(rows.values.iter().all(|v| (front_end.floor_db - 0.01..=5.0).contains(v)));
        }
    }

    #[test]
    fn a_splice_begins_like_one_utterance_and_ends_like_the_other() {
        let rows = |value: f32, len: usize| Rows { bands: 2, values: vec![value; 2 * len] };
        for seed in 0..20 {
            let spliced = splice(&[&rows(1.0, 8), &rows(2.0, 12)], &mut rng(seed));
            let ones = spliced.values.iter().take_while(|v| **v == 1.0).count();
            assert!((4..=12).contains(&ones) && ones % 2 == 0, "{ones}");
            assert!(
                (6..=18).contains(&(spliced.values.len() - ones)) && spliced.values[ones..].iter().all(|v| *v == 2.0)
            );
        }
    }

    #[test]
    fn a_splice_of_many_takes_each_in_its_turn() {
        let utterances: Vec<Rows> =
            (0..5).map(|value| Rows { bands: 1, values: vec![value as f32; 20 + value] }).collect();
        for seed in 0..20 {
            let spliced = splice(&utterances.iter().collect::<Vec<_>>(), &mut rng(seed));
            assert!(spliced.values.is_sorted() && (15..=30).contains(&spliced.values.len()), "{:?}", spliced.values);
            let counts: Vec<usize> =
                (0..5).map(|value| spliced.values.iter().filter(|v| **v == value as f32).count()).collect();
            assert!(counts.iter().filter(|count| **count > 0).count() >= 4, "{counts:?}");
        }
    }

    #[test]
    fn warped_frequencies_move_a_peak_by_the_factor() {
        let recipe = Augmentation { vtlp: 0.3, ..Augmentation::none() };
        let augmenter = Augmenter::new(&recipe, &edge().front_end).unwrap();
        let centre = |band: f64| hz(augmenter.mel_grid.0 + augmenter.mel_grid.1 * (band + 1.0));
        for factor in [0.8, 1.25] {
            let mut rows = Rows { bands: 40, values: (0..40).map(|band| -(20.0 - band as f32).abs()).collect() };
            augmenter.warp(&mut rows, factor);
            let peak = (0..40).max_by(|a, b| rows.values[*a].total_cmp(&rows.values[*b])).unwrap();
            let wanted = centre(20.0) / factor;
            assert!(centre(peak as f64 - 1.0) < wanted && wanted < centre(peak as f64 + 1.0), "{peak} for {wanted} Hz");
        }
        let before = speech(10);
        let mut same = before.clone();
        augmenter.warp(&mut same, 1.0);
        assert!(same.values.iter().zip(&before.values).all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn gain_moves_every_band_by_the_same_decibels() {
        let recipe = Augmentation { gain_db: 6.0, ..Augmentation::none() };
        let augmenter = Augmenter::new(&recipe, &edge().front_end).unwrap();
        let (before, after) = (speech(5), augmenter.log_mel(&speech(5), &mut rng(3)));
        let moved: Vec<f32> =
            after.values.iter().zip(&before.values).filter(|(_, b)| **b > -40.0).map(|(a, b)| a - b).collect();
        assert!(moved.iter().all(|m| m.abs() <= 6.0 && (m - moved[0]).abs() < 0.02), "{moved:?}");
    }

    #[test]
    fn noise_lies_at_the_wanted_ratio() {
        let recipe = Augmentation { noise_probability: 1.0, snr_db_min: 0.0, snr_db_max: 0.0, ..Augmentation::none() };
        let augmenter = Augmenter::new(&recipe, &edge().front_end).unwrap();
        let total = |rows: &Rows| rows.values.iter().map(|db| 10f64.powf(f64::from(*db) / 10.0)).sum::<f64>();
        let before = speech(400);
        let after = augmenter.log_mel(&before, &mut rng(4));
        let rise_db = 10.0 * (total(&after) / total(&before)).log10();
        assert!((rise_db - 3.01).abs() < 0.3, "{rise_db}");
    }

    #[test]
    fn masks_hide_no_more_than_they_may() {
        let augmenter = Augmenter::new(&all(), &edge().front_end).unwrap();
        for seed in 0..50 {
            let mut features = Rows { bands: 40, values: vec![1.0; 40 * 100] };
            augmenter.mask(&mut features, &mut rng(seed));
            let hidden = features.values.iter().filter(|v| **v == 0.0).count();
            assert!(hidden <= 20 * 40 + 12 * 100, "{hidden}");
        }
    }

    #[test]
    fn an_utterance_without_rows_is_left_alone() {
        let augmenter = Augmenter::new(&all(), &edge().front_end).unwrap();
        let mut rows = augmenter.log_mel(&Rows { bands: 40, values: Vec::new() }, &mut rng(1));
        augmenter.mask(&mut rows, &mut rng(1));
        assert!(rows.is_empty());
    }

    #[test]
    fn a_recipe_out_of_range_is_refused_by_name() {
        let recipe = Augmentation { tempo: 0.9, ..Augmentation::none() };
        let error = Augmenter::new(&recipe, &edge().front_end).unwrap_err().to_string();
        assert!(error.contains("tempo is 0.9"), "{error}");
    }
}
