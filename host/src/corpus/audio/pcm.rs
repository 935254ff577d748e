//! Plain samples in bytes: integers, floating-point numbers, and the logarithmic codes of telephony (ITU-T G.711).

use anyhow::{Result, ensure};

use super::format::Encoding;
use super::recording::FULL_SCALE;

/// After so many seconds of zeros a doubtful layout counts as decided.
const DOUBTFUL_S: usize = 60;

/// Where the samples of a frame lie, and what they mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// A-law, µ-law, floats or integers.
    encoding: Encoding,
    /// Bytes of a sample, 1 to 8.
    sample_len: usize,
    /// At least 1.
    channels: usize,
    /// An integer fills the upper bits of its bytes, else the lower ones.
    left: bool,
}

impl Layout {
    /// 16-bit mono.
    pub const RAW: Self =
        Self { encoding: Encoding::Integer { bits: 16, container: 2 }, sample_len: 2, channels: 1, left: true };

    /// `channels` samples of `sample_len` bytes each. `left`: an integer fills the upper bits of its bytes.
    pub fn new(encoding: Encoding, sample_len: usize, channels: usize, left: bool) -> Self {
        Self { encoding, sample_len, channels, left }
    }

    /// Whether the header leaves open which bits of its bytes an integer fills: there are more bytes than it needs, and
    /// writers of either kind say nothing more.
    pub fn is_doubtful(&self) -> bool {
        matches!(self.encoding, Encoding::Integer { .. }) && !self.left
    }

    /// Lets samples decide a doubtful layout. Integers in the upper bits leave the lower bytes 0; the bytes above
    /// integers in the lower bits repeat their sign. The first sample that is one and not the other decides. After a
    /// second of samples that are both and not 0 (`second` of them) they count as in the lower bits, because in the upper
    /// ones all would lie below -48 dBFS. Returns false if more samples are needed.
    pub fn settle(&mut self, samples: &[u8], second: usize) -> bool {
        let Encoding::Integer { bits, .. } = self.encoding else { return true };
        let used = usize::from(bits.div_ceil(8));
        let unused = self.sample_len - used;
        let mut both = 0;
        for sample in samples.chunks_exact(self.sample_len).take(DOUBTFUL_S * second) {
            let sign = if sample[used - 1] & 0x80 == 0 { 0 } else { 0xff };
            let zero_below = sample[..unused].iter().all(|byte| *byte == 0);
            let sign_above = sample[used..].iter().all(|byte| *byte == sign);
            self.left = zero_below && !sign_above;
            both += usize::from(sample.iter().any(|byte| *byte != 0));
            if !(zero_below && sign_above) || both >= second {
                return true;
            }
        }
        samples.len() / self.sample_len >= DOUBTFUL_S * second
    }

    /// Bytes of a frame: a sample of each channel.
    pub fn frame_len(&self) -> usize {
        self.sample_len * self.channels
    }

    /// Appends the average of the channels of each whole frame, as fractions of full scale. `first` is the number of
    /// the first frame, for errors.
    ///
    /// # Errors
    ///
    /// If a sample is not a finite number.
    pub fn mix_down(&self, bytes: &[u8], first: u64, mono: &mut Vec<f32>) -> Result<()> {
        mono.reserve(bytes.len() / self.frame_len());
        for (frame, number) in bytes.chunks_exact(self.frame_len()).zip(first..) {
            let mut sum = 0.0;
            for sample in frame.chunks_exact(self.sample_len) {
                let value = self.value(sample);
                ensure!(value.is_finite(), "sample {number} is {value}");
                sum += value;
            }
            mono.push(sum / self.channels as f32);
        }
        Ok(())
    }

    /// The value of a sample, full scale = 1.
    fn value(&self, sample: &[u8]) -> f32 {
        match (self.encoding, sample) {
            (Encoding::ALaw, &[code]) => f32::from(a_law(code)) / FULL_SCALE,
            (Encoding::MuLaw, &[code]) => f32::from(mu_law(code)) / FULL_SCALE,
            (Encoding::Float { .. }, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (Encoding::Float { .. }, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
            // One byte holds unsigned integers.
            (_, &[code]) => f32::from(i16::from(code) - 128) / 128.0,
            (encoding, bytes) => {
                // In the upper bytes of 32 bits, whatever their number.
                let upper = bytes.iter().fold(0, |word: u32, byte| word >> 8 | u32::from(*byte) << 24);
                let unused = match encoding {
                    Encoding::Integer { bits, container } if !self.left => 8 * u32::from(container) - u32::from(bits),
                    _ => 0,
                };
                (upper << unused) as i32 as f32 / 2f32.powi(31)
            }
        }
    }
}

/// The 16-bit sample of an A-law code: 13 bits, in the upper bits.
fn a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, step) = (i16::from(code >> 4 & 7), i16::from(code & 15) << 4);
    let magnitude = match segment {
        0 => step + 8,
        _ => (step + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// The 16-bit sample of a µ-law code: 14 bits, in the upper bits.
fn mu_law(code: u8) -> i16 {
    let code = !code;
    let magnitude = (((i16::from(code & 15) << 3) + 0x84) << (code >> 4 & 7)) - 0x84;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::{a_law, mu_law};

    #[test]
    fn codes_of_telephony_have_the_values_of_g_711() {
        // ITU-T G.711, tables 1a to 2b, in 16 bits: around zero, in the middle, and at the ends of the scale.
        assert_eq!([0xd5, 0x55, 0xd4, 0xaa, 0x2a, 0x80, 0x00].map(a_law), [8, -8, 24, 32_256, -32_256, 5_504, -5_504]);
        assert_eq!([0xff, 0x7f, 0xfe, 0x80, 0x00].map(mu_law), [0, 0, 8, 32_124, -32_124]);
    }
}
