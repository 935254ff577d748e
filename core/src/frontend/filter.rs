//! DC block and pre-emphasis, sample by sample.

use crate::snapshot::{Reader, SnapshotError, Writer, check, is_sample};
use crate::spec::FrontEnd;

/// Below this magnitude (in units of one PCM step) the recursion is set to zero, so that digital silence does not leave it
/// among subnormal numbers, which some cores handle slowly and none needs.
const NEGLIGIBLE: f32 = 1e-6;

/// `y[n] = x[n] - x[n-1] + pole · y[n-1]`, then `z[n] = y[n] - a · y[n-1]`.
///
/// The first sample counts as having been there forever, so a constant offset leaves no step at the start.
#[derive(Clone, Debug)]
pub struct InputFilter {
    dc_block_pole: f32,
    pre_emphasis: f32,
    memory: Option<Memory>,
}

#[derive(Clone, Copy, Debug)]
struct Memory {
    input: f32,
    blocked: f32,
}

impl InputFilter {
    /// A filter at rest.
    pub const fn new(spec: &FrontEnd) -> Self {
        Self { dc_block_pole: spec.dc_block_pole, pre_emphasis: spec.pre_emphasis, memory: None }
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        self.memory = None;
    }

    /// Bytes that [`InputFilter::save`] writes.
    pub(crate) const SAVED_LEN: usize = 4 + 2 * 4;

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        let Memory { input, blocked } = self.memory.unwrap_or(Memory { input: 0.0, blocked: 0.0 });
        to.u32(u32::from(self.memory.is_some()));
        to.f32(input);
        to.f32(blocked);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let known = from.u32();
        let memory = Memory { input: from.f32(), blocked: from.f32() };
        check(known <= 1, "filter memory", "0 or 1")?;
        check(is_sample(memory.input) && is_sample(memory.blocked), "filter memory", "magnitudes of at most 1e9")?;
        self.memory = (known == 1).then_some(memory);
        Ok(())
    }

    /// One sample through the filter; both sides in PCM steps (full scale 32768).
    pub fn process(&mut self, sample: i16) -> f32 {
        let input = f32::from(sample);
        let blocking = self.dc_block_pole > 0.0;
        let last = self.memory.unwrap_or(Memory { input, blocked: if blocking { 0.0 } else { input } });
        let mut blocked = input;
        if blocking {
            blocked = (input - last.input) + self.dc_block_pole * last.blocked;
            if blocked > -NEGLIGIBLE && blocked < NEGLIGIBLE {
                blocked = 0.0;
            }
        }
        self.memory = Some(Memory { input, blocked });
        blocked - self.pre_emphasis * last.blocked
    }
}
