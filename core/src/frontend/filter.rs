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

    /// Samples through the filter, as many as there is room for in `output`; both sides in PCM steps (full scale 32768).
    pub fn process(&mut self, samples: &[i16], output: &mut [f32]) {
        let Some(first) = samples.first() else { return };
        let input = f32::from(*first);
        let (pole, emphasis) = (self.dc_block_pole, self.pre_emphasis);
        let blocking = pole > 0.0;
        let mut memory = self.memory.unwrap_or(Memory { input, blocked: if blocking { 0.0 } else { input } });
        let samples = samples.iter().zip(output).map(|(sample, output)| (f32::from(*sample), output));
        // The common case by itself, for speed; without pre-emphasis nothing is subtracted, which changes no value.
        if blocking && emphasis == 0.0 {
            for (input, output) in samples {
                memory = Memory { input, blocked: block(pole, memory, input) };
                *output = memory.blocked;
            }
        } else {
            for (input, output) in samples {
                let blocked = if blocking { block(pole, memory, input) } else { input };
                *output = blocked - emphasis * memory.blocked;
                memory = Memory { input, blocked };
            }
        }
        self.memory = Some(memory);
    }
}

/// One step of the DC block.
fn block(pole: f32, last: Memory, input: f32) -> f32 {
    let blocked = (input - last.input) + pole * last.blocked;
    if blocked > -NEGLIGIBLE && blocked < NEGLIGIBLE { nothing() } else { blocked }
}

/// 0, by a branch: a choice between two values would make each sample wait for the comparison of the one before.
#[cold]
fn nothing() -> f32 {
    0.0
}
