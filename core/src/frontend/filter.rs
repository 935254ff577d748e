//! DC block and pre-emphasis, sample by sample.

use crate::fixed::multiply_high;
use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::FrontEnd;

/// Fraction bits of a filtered sample.
const FRACTION_BITS: u32 = 12;

/// Largest magnitude of a DC block's output. The magnitudes of its impulse response sum to 2; there is a margin for
/// rounding.
const MAX_BLOCKED: i32 = (1 << (17 + FRACTION_BITS)) - 1;

/// `y[n] = x[n] - x[n-1] + pole · y[n-1]`, then `z[n] = y[n] - a · y[n-1]`, in integers with 12 fraction bits. The
/// output is `z / 2`, int16.
///
/// The past before the first sample counts as equal to it, so a constant offset gives no step at the start.
#[derive(Clone, Debug)]
pub struct InputFilter {
    /// Q0.15.
    dc_block_pole: i32,
    /// Q0.15.
    pre_emphasis: i32,
    memory: Option<Memory>,
}

#[derive(Clone, Copy, Debug)]
struct Memory {
    input: i32,
    blocked: i32,
}

/// A number in `0..=1` as Q0.15; 1 becomes the largest code.
fn q15(value: f32) -> i32 {
    ((value * 32768.0 + 0.5) as i32).clamp(0, 32767)
}

impl InputFilter {
    /// A filter at rest.
    pub fn new(spec: &FrontEnd) -> Self {
        Self { dc_block_pole: q15(spec.dc_block_pole), pre_emphasis: q15(spec.pre_emphasis), memory: None }
    }

    /// Zeroes the state.
    pub fn reset(&mut self) {
        self.memory = None;
    }

    /// Bytes that [`InputFilter::save`] writes.
    pub(crate) const SAVED_LEN: usize = 3 * 4;

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        let Memory { input, blocked } = self.memory.unwrap_or(Memory { input: 0, blocked: 0 });
        to.u32(u32::from(self.memory.is_some()));
        to.u32(input as u32);
        to.u32(blocked as u32);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let known = from.u32();
        let memory = Memory { input: from.u32() as i32, blocked: from.u32() as i32 };
        check(known <= 1, "filter memory", "0 or 1")?;
        check(i16::try_from(memory.input).is_ok(), "filter's last input", "a sample of 16 bits")?;
        check(memory.blocked.unsigned_abs() <= MAX_BLOCKED as u32, "filter's last output", "a magnitude below 2^29")?;
        self.memory = (known == 1).then_some(memory);
        Ok(())
    }

    /// Filters as many samples as `output` has room for. The input is in PCM steps (full scale 32768). The output is
    /// halved, because the DC block can double a peak; rounded to nearest, ties up, and saturated.
    pub fn process(&mut self, samples: &[i16], output: &mut [i16]) {
        let Some(first) = samples.first() else { return };
        let input = i32::from(*first);
        let (pole, emphasis) = (self.dc_block_pole, self.pre_emphasis);
        let at_rest = Memory { input, blocked: if pole > 0 { 0 } else { input << FRACTION_BITS } };
        let Memory { mut input, mut blocked } = self.memory.unwrap_or(at_rest);
        for (sample, output) in samples.iter().zip(output) {
            let last = (input, blocked);
            input = i32::from(*sample);
            blocked = if pole > 0 {
                ((input - last.0) << FRACTION_BITS) + (multiply_high(last.1, pole) << 1)
            } else {
                input << FRACTION_BITS
            };
            let emphasised = if emphasis > 0 { blocked - (multiply_high(last.1, emphasis) << 1) } else { blocked };
            let half = (emphasised + (1 << FRACTION_BITS)) >> (FRACTION_BITS + 1);
            *output = half.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        }
        self.memory = Some(Memory { input, blocked });
    }
}
