//! Log-mel rows to the network's input: normalised over the training set, then int8.

/// Real value of one step of an int8 input; the zero point is 0.
pub const INPUT_SCALE: f32 = 1.0 / 32.0;
/// Normalised features are limited to this range, which is that of their int8 codes.
pub const INPUT_LIMITS: (f32, f32) = (-128.0 * INPUT_SCALE, 127.0 * INPUT_SCALE);

/// `z = clamp(gain · (log_mel_db - reference_db) + offset)` for each band; with gain `1 / sd` and offset `-mean / sd` of the training set a
/// feature counts standard deviations.
#[derive(Clone, Copy, Debug)]
pub struct Normalizer<'m> {
    /// f32 little-endian, `[mel_bands]`.
    pub gain: &'m [[u8; 4]],
    /// f32 little-endian, `[mel_bands]`.
    pub offset: &'m [[u8; 4]],
}

impl Normalizer<'_> {
    /// The normalised features of a row, band by band; `reference_db` is what [`super::LevelReference`] says of the row.
    pub fn normalize(&self, log_mel_db: &[f32], reference_db: f32) -> impl Iterator<Item = f32> {
        log_mel_db.iter().zip(self.gain.iter().zip(self.offset)).map(move |(db, (gain, offset))| {
            let z = (db - reference_db) * f32::from_le_bytes(*gain) + f32::from_le_bytes(*offset);
            z.clamp(INPUT_LIMITS.0, INPUT_LIMITS.1)
        })
    }
}

/// The int8 code of a normalised feature: rounded to nearest, ties up.
pub fn input_code(feature: f32) -> i8 {
    // The sum is positive, so that truncation is rounding; the cast saturates.
    (((feature * (1.0 / INPUT_SCALE) + 128.5) as u8 as i16) - 128) as i8
}
