//! Parameters of the front end.

/// Largest number of mel bands.
pub const MAX_MEL_BANDS: usize = 128;

/// What makes a description unusable. Each names the quantity, the value that came and what was wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpecError {
    /// The quantity, `hop_len` for instance.
    pub quantity: &'static str,
    /// What came.
    pub got: f32,
    /// What was wanted.
    pub wanted: &'static str,
}

impl core::fmt::Display for SpecError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} is {}, wanted {}", self.quantity, self.got, self.wanted)
    }
}

impl core::error::Error for SpecError {}

/// Shape of the analysis window. Both are periodic: `w[n] = a - (1 - a) cos(2πn / frame_len)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Window {
    /// `a = 0.5`.
    Hann,
    /// `a = 0.54`.
    Hamming,
}

/// What the decibels of a log-mel row are counted from; see [`crate::frontend::LevelReference`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Level {
    /// Full scale.
    #[default]
    Absolute,
    /// The largest value of any band of any row that passed the silence gate so far, the row's own included.
    RelativeToPeak,
}

/// Removal of silence before, after and within an utterance; see [`crate::frontend::RowGate`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Trim {
    /// A frame below this level is silence. dBFS, mean square (a full-scale sine is -3 dBFS).
    pub threshold_db: f32,
    /// So is a frame more than this many dB below the loudest frame so far.
    pub range_db: f32,
    /// Pauses within speech are shortened to this many rows.
    pub max_pause_rows: usize,
}

/// From PCM to log-mel rows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FrontEnd {
    /// Sample rate of the PCM, Hz.
    pub sample_rate_hz: u32,
    /// Frame, samples.
    pub frame_len: usize,
    /// Distance between the starts of two frames, samples.
    pub hop_len: usize,
    /// FFT, samples: 256, 512, 1024 or 2048. A shorter frame is padded with zeros.
    pub fft_len: usize,
    /// Analysis window.
    pub window: Window,
    /// Pole of the DC block `y[n] = x[n] - x[n-1] + pole · y[n-1]`, in 0..1; 0 switches it off.
    pub dc_block_pole: f32,
    /// Coefficient `a` of the pre-emphasis `y[n] = x[n] - a x[n-1]`, in 0..=1; 0 switches it off.
    pub pre_emphasis: f32,
    /// Triangular bands, spaced evenly on the mel scale `2595 log10(1 + f / 700)`.
    pub mel_bands: usize,
    /// Lower edge of the first band, Hz.
    pub mel_low_hz: f32,
    /// Upper edge of the last band, Hz.
    pub mel_high_hz: f32,
    /// Power added to each band before the logarithm, dBFS; what lies far below it can't be seen.
    pub floor_db: f32,
    /// Removal of silence, if wanted.
    pub trim: Option<Trim>,
    /// What the decibels of a row are counted from.
    #[cfg_attr(feature = "serde", serde(default))]
    pub level: Level,
}

impl FrontEnd {
    /// Checks every parameter against its range.
    pub const fn check(&self) -> Result<(), SpecError> {
        macro_rules! want {
            ($condition:expr, $quantity:literal, $got:expr, $wanted:literal) => {
                let fits: bool = $condition;
                if !fits {
                    return Err(SpecError { quantity: $quantity, got: $got as f32, wanted: $wanted });
                }
            };
        }
        want!(self.sample_rate_hz >= 1000 && self.sample_rate_hz <= 192_000, "sample_rate_hz", self.sample_rate_hz, "1000..=192000");
        want!(matches!(self.fft_len, 256 | 512 | 1024 | 2048), "fft_len", self.fft_len, "256, 512, 1024 or 2048");
        want!(self.frame_len >= 2 && self.frame_len <= self.fft_len, "frame_len", self.frame_len, "2..=fft_len");
        want!(self.frame_len.is_multiple_of(2), "frame_len", self.frame_len, "an even number");
        want!(self.hop_len >= 1 && self.hop_len <= self.frame_len, "hop_len", self.hop_len, "1..=frame_len");
        want!(self.dc_block_pole >= 0.0 && self.dc_block_pole < 1.0, "dc_block_pole", self.dc_block_pole, "0..1");
        want!(self.pre_emphasis >= 0.0 && self.pre_emphasis <= 1.0, "pre_emphasis", self.pre_emphasis, "0..=1");
        want!(self.mel_bands >= 1 && self.mel_bands <= MAX_MEL_BANDS, "mel_bands", self.mel_bands, "1..=128");
        want!(self.mel_low_hz >= 0.0 && self.mel_low_hz < self.mel_high_hz, "mel_low_hz", self.mel_low_hz, "0..mel_high_hz");
        want!(self.mel_high_hz <= self.sample_rate_hz as f32 / 2.0, "mel_high_hz", self.mel_high_hz, "at most half the sample rate");
        want!(self.floor_db >= -150.0 && self.floor_db <= 0.0, "floor_db", self.floor_db, "-150..=0");
        if let Some(trim) = self.trim {
            want!(trim.threshold_db >= -150.0 && trim.threshold_db <= 0.0, "trim.threshold_db", trim.threshold_db, "-150..=0");
            want!(trim.range_db >= 1.0 && trim.range_db <= 150.0, "trim.range_db", trim.range_db, "1..=150");
            want!(trim.max_pause_rows <= 255, "trim.max_pause_rows", trim.max_pause_rows, "0..=255");
        }
        Ok(())
    }
}
