//! Generator of the front end's tables. Values are computed in f64 and rounded once: to Q0.15 (at most 2⁻¹⁶ off; a
//! window value of 1.0 is stored as 1 - 2⁻¹⁵), an image's window to Q0.31, the floor to whole steps of a band's sum.

use std::f64::consts::PI;

use ser_core::frontend::Tables;
use ser_core::spec::{FrontEnd, SpecError, Window};

/// [`Tables`] that own their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedTables {
    /// See [`Tables::window`].
    pub window: Vec<[u8; 2]>,
    /// See [`Tables::mel_edges`].
    pub mel_edges: Vec<[u8; 2]>,
    /// See [`Tables::mel_rise`].
    pub mel_rise: Vec<[u8; 2]>,
    /// See [`Tables::floor`].
    pub floor: [u8; 8],
}

/// Frequency in Hz to mel, `2595 log10(1 + f / 700)`.
pub fn mel(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

/// Mel to frequency in Hz.
pub fn hz(mel: f64) -> f64 {
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}

/// Corners of the mel triangles in Hz, ascending, `[mel_bands + 2]`: band `b` rises from corner `b` to corner `b + 1`
/// and falls to corner `b + 2`.
pub fn mel_corners_hz(spec: &FrontEnd) -> Vec<f64> {
    let (low, high) = (mel(f64::from(spec.mel_low_hz)), mel(f64::from(spec.mel_high_hz)));
    let step = (high - low) / (spec.mel_bands + 1) as f64;
    (0..spec.mel_bands + 2).map(|corner| hz(low + step * corner as f64)).collect()
}

fn q15(value: f64) -> [u8; 2] {
    let code = (value * 32768.0).round().clamp(-32768.0, 32767.0);
    (code as i16).to_le_bytes()
}

/// Q0.31 in two halves, the lower first.
fn q31(value: f64) -> [[u8; 2]; 2] {
    // A cast saturates.
    let [a, b, c, d] = ((value * 2f64.powi(31)).round() as i32).to_le_bytes();
    [[a, b], [c, d]]
}

impl OwnedTables {
    /// The tables of a front end. Fails if the description is unusable, or if a mel band lies between two FFT bins and
    /// would be empty.
    pub fn new(spec: &FrontEnd) -> Result<Self, SpecError> {
        spec.check()?;
        let (a, period) = match spec.window {
            Window::Hann => (0.5, spec.frame_len),
            Window::Hamming => (0.54, spec.frame_len),
            Window::HannSymmetric => (0.5, spec.frame_len - 1),
        };
        let window = |n: usize| a - (1.0 - a) * (2.0 * PI * n as f64 / period as f64).cos();
        if spec.image.is_some() {
            let window = (0..spec.frame_len / 2).flat_map(|n| q31(window(n))).collect();
            return Ok(Self { window, mel_edges: Vec::new(), mel_rise: Vec::new(), floor: [0; 8] });
        }
        let window: Vec<[u8; 2]> = (0..spec.window_len()).map(|n| q15(window(n))).collect();
        let code =
            |n: usize| window.get(n.min(spec.frame_len - n)).map_or(0.0, |code| f64::from(i16::from_le_bytes(*code)));
        let energy: f64 = (0..spec.frame_len).map(|n| code(n) * code(n)).sum();
        // Full scale in steps of a band's sum, see docs/model-format.md.
        let steps = energy * f64::from(1 << 30) / spec.fft_len as f64;
        let floor = (10f64.powf(f64::from(spec.floor_db) / 10.0) * steps).round().max(1.0) as u64;

        let bin_hz = f64::from(spec.sample_rate_hz) / spec.fft_len as f64;
        let corners: Vec<f64> = mel_corners_hz(spec).into_iter().map(|corner| corner / bin_hz).collect();
        let last = spec.fft_len / 2 + 1;
        let edges: Vec<usize> = corners.iter().map(|corner| ((corner - 1e-9).ceil() as usize).min(last)).collect();
        for (band, edge) in edges.windows(3).enumerate() {
            if let [from, _, to] = edge
                && from == to
            {
                return Err(SpecError {
                    quantity: "FFT bins in a mel band",
                    got: 0.0,
                    wanted: if band == 0 {
                        "at least 1: raise fft_len or mel_low_hz"
                    } else {
                        "at least 1: raise fft_len or lower mel_bands"
                    },
                });
            }
        }
        let mel_rise = corners
            .windows(2)
            .zip(edges.windows(2))
            .flat_map(|(corner, edge)| {
                let (from, to) = (corner[0], corner[1]);
                (edge[0]..edge[1]).map(move |bin| q15((bin as f64 - from) / (to - from)))
            })
            .collect();
        let mel_edges = edges.iter().map(|&edge| (edge as u16).to_le_bytes()).collect();
        Ok(Self { window, mel_edges, mel_rise, floor: floor.to_le_bytes() })
    }

    /// The tables as the core takes them.
    pub fn borrow(&self) -> Tables<'_> {
        Tables { window: &self.window, mel_edges: &self.mel_edges, mel_rise: &self.mel_rise, floor: self.floor }
    }
}
