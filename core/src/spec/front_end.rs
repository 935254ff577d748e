//! Parameters of the front end.

use super::error::SpecError;
use super::shape::Shape;

/// Largest number of mel bands.
pub const MAX_MEL_BANDS: usize = 128;
/// Most pixels of an image along time or frequency.
pub const MAX_IMAGE_SIDE: usize = 512;

/// Shape of the analysis window. All but the last are periodic: `w[n] = a - (1 - a) cos(2πn / frame_len)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Window {
    /// `a = 0.5`.
    Hann,
    /// `a = 0.54`.
    Hamming,
    /// `w[n] = 0.5 - 0.5 cos(2πn / (frame_len - 1))`, as MATLAB's `hann`. For images.
    HannSymmetric,
}

/// The reference that the decibels of a log-mel row are counted from; see [`crate::frontend::LevelReference`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum LevelMode {
    /// Full scale.
    #[default]
    Absolute,
    /// The largest band of all rows that passed the silence gate so far, this row included.
    RelativeToPeak,
}

/// Removal of silence before, after and within an utterance; see [`crate::frontend::RowGate`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Trim {
    /// A frame below this level is silence. dBFS, mean square (a full-scale sine is -3 dBFS).
    pub threshold_db: f32,
    /// A frame more than this many dB below the loudest frame so far is silence too.
    pub range_db: f32,
    /// Pauses within speech are shortened to this many rows.
    pub max_pause_rows: usize,
}

/// Spectral subtraction in each mel band (Boll 1979; Berouti, Schwartz and Makhoul 1979), with a tracked noise floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Denoise {
    /// How many times the power of the noise is subtracted, in tenths: 10 is once.
    pub subtraction_tenths: u8,
    /// Largest attenuation of a band, dB.
    pub depth_db: u8,
}

/// A picture of the linear spectrum of a whole utterance. The network sees it column by column (Zheng et al.).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Image {
    /// Pixels along frequency, the lowest first.
    pub bands: usize,
    /// Pixels along time: rows of the network.
    pub columns: usize,
}

/// Colours of a pixel: red, green, blue.
pub const IMAGE_CHANNELS: usize = 3;

/// From PCM to log-mel rows, or to an image.
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
    /// Triangular bands, spaced evenly on the mel scale `2595 log10(1 + f / 700)`; 0 for an image.
    pub mel_bands: usize,
    /// Lower edge of the first band, Hz.
    pub mel_low_hz: f32,
    /// Upper edge of the last band, Hz.
    pub mel_high_hz: f32,
    /// Power added to each band before the logarithm, dBFS. It hides all power far below it.
    pub floor_db: f32,
    /// Removal of silence, if wanted.
    pub trim: Option<Trim>,
    /// The reference that the decibels of a row are counted from.
    #[cfg_attr(feature = "serde", serde(default))]
    pub level: LevelMode,
    /// Spectral subtraction, if wanted. It needs the feature `denoise`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub denoise: Option<Denoise>,
    /// An image in place of log-mel rows, if wanted. It needs the feature `image`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub image: Option<Image>,
}

impl FrontEnd {
    /// Shape of a row that enters the network.
    pub const fn row_shape(&self) -> Shape {
        match self.image {
            Some(image) => Shape { bands: image.bands, channels: IMAGE_CHANNELS },
            None => Shape { bands: self.mel_bands, channels: 1 },
        }
    }

    /// Rows of an utterance as an image; None for a stream, which has any number.
    pub const fn image_rows(&self) -> Option<usize> {
        match self.image {
            Some(image) => Some(image.columns),
            None => None,
        }
    }

    /// 16-bit numbers of the stored window: one for each value of its first half, two for an image. The second half is
    /// the mirror image.
    pub const fn window_len(&self) -> usize {
        match self.window {
            Window::Hann | Window::Hamming => self.frame_len / 2 + 1,
            Window::HannSymmetric => self.frame_len,
        }
    }

    /// Parts of a row that have a mean and a standard deviation each: mel bands, or colours.
    pub const fn normalized_parts(&self) -> usize {
        match self.image {
            Some(_) => IMAGE_CHANNELS,
            None => self.mel_bands,
        }
    }

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
        want!(
            self.sample_rate_hz >= 1000 && self.sample_rate_hz <= 192_000,
            "sample_rate_hz",
            self.sample_rate_hz,
            "1000..=192000"
        );
        want!(matches!(self.fft_len, 256 | 512 | 1024 | 2048), "fft_len", self.fft_len, "256, 512, 1024 or 2048");
        want!(self.frame_len >= 2 && self.frame_len <= self.fft_len, "frame_len", self.frame_len, "2..=fft_len");
        want!(self.frame_len.is_multiple_of(2), "frame_len", self.frame_len, "an even number");
        want!(self.hop_len >= 1 && self.hop_len <= self.frame_len, "hop_len", self.hop_len, "1..=frame_len");
        want!(self.dc_block_pole >= 0.0 && self.dc_block_pole < 1.0, "dc_block_pole", self.dc_block_pole, "0..1");
        want!(self.pre_emphasis >= 0.0 && self.pre_emphasis <= 1.0, "pre_emphasis", self.pre_emphasis, "0..=1");
        let symmetric = matches!(self.window, Window::HannSymmetric);
        if let Some(image) = self.image {
            want!(image.bands >= 1 && image.bands <= MAX_IMAGE_SIDE, "image.bands", image.bands, "1..=512");
            want!(image.columns >= 1 && image.columns <= MAX_IMAGE_SIDE, "image.columns", image.columns, "1..=512");
            want!(self.fft_len <= 512, "fft_len", self.fft_len, "256 or 512 for an image");
            want!(symmetric, "window", self.window as u8, "hann-symmetric for an image");
            want!(self.mel_bands == 0, "mel_bands", self.mel_bands, "0 for an image");
            want!(self.dc_block_pole == 0.0, "dc_block_pole", self.dc_block_pole, "0 for an image");
            want!(self.pre_emphasis == 0.0, "pre_emphasis", self.pre_emphasis, "0 for an image");
            want!(self.trim.is_none(), "trim", 1, "none for an image");
            want!(matches!(self.level, LevelMode::Absolute), "level", self.level as u8, "absolute for an image");
            want!(self.denoise.is_none(), "denoise", 1, "none for an image");
        } else {
            want!(self.mel_bands >= 1 && self.mel_bands <= MAX_MEL_BANDS, "mel_bands", self.mel_bands, "1..=128");
            want!(!symmetric, "window", self.window as u8, "hann or hamming for log-mel rows");
        }
        if let Some(denoise) = self.denoise {
            let tenths = denoise.subtraction_tenths;
            want!(tenths >= 5 && tenths <= 60, "denoise.subtraction_tenths", tenths, "5..=60");
            want!(denoise.depth_db >= 1 && denoise.depth_db <= 60, "denoise.depth_db", denoise.depth_db, "1..=60");
        }
        want!(
            self.mel_low_hz >= 0.0 && self.mel_low_hz < self.mel_high_hz,
            "mel_low_hz",
            self.mel_low_hz,
            "0..mel_high_hz"
        );
        want!(
            self.mel_high_hz <= self.sample_rate_hz as f32 / 2.0,
            "mel_high_hz",
            self.mel_high_hz,
            "at most half the sample rate"
        );
        want!(self.floor_db >= -150.0 && self.floor_db <= 0.0, "floor_db", self.floor_db, "-150..=0");
        if let Some(trim) = self.trim {
            want!(
                trim.threshold_db >= -150.0 && trim.threshold_db <= 0.0,
                "trim.threshold_db",
                trim.threshold_db,
                "-150..=0"
            );
            want!(trim.range_db >= 1.0 && trim.range_db <= 150.0, "trim.range_db", trim.range_db, "1..=150");
            want!(trim.max_pause_rows <= 255, "trim.max_pause_rows", trim.max_pause_rows, "0..=255");
        }
        Ok(())
    }
}
