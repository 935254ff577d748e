//! int8 rows through the layers.
//!
//! All memory is one slice of words that the caller owns. The model decides which part belongs to which layer. A row
//! goes down the layers until a layer keeps it, for instance a pool whose block is not full, or the time mean.

use crate::kernels::{
    Conv2d, Conv2dState, Flatten, FlattenState, LastStep, LastStepState, Lstm, LstmState, MaxPool, MaxPoolState,
    TimeMean, TimeMeanState,
};
use crate::model::{LayerParams, Model};
use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::{IMAGES, MAX_LABELS};

/// Logits, Q19.12 ([`crate::kernels::LOGIT_FRACTION_BITS`]): one for each label of the model, then zeros.
pub type Logits = [i32; MAX_LABELS];

/// A row that leaves a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// Codes of a convolution or pool, `[band][channel]`.
    Codes(&'a [i8]),
    /// Hidden state, Q0.15.
    Hidden(&'a [i16]),
}

/// A row has another length than the rows of the model's front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLength {
    /// Codes of the row.
    pub got: usize,
    /// Codes of a row of the front end.
    pub wanted: usize,
}

impl core::fmt::Display for RowLength {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a row of {} codes is wanted, this one has {}", self.wanted, self.got)
    }
}

impl core::error::Error for RowLength {}

/// A network and its state.
#[derive(Debug)]
pub struct Engine<'m, 's> {
    model: &'m Model<'m>,
    scratch: &'s mut [u32],
    state: &'s mut [u32],
}

impl<'m, 's> Engine<'m, 's> {
    /// A network before its first row. None when `memory` is shorter than [`Model::network_words`].
    pub fn new(model: &'m Model<'m>, memory: &'s mut [u32]) -> Option<Self> {
        let memory = memory.get_mut(..model.network_words())?;
        let (scratch, state) = memory.split_at_mut_checked(model.scratch_words())?;
        let mut engine = Self { model, scratch, state };
        engine.reset();
        Some(engine)
    }

    /// Sets all layers to their state before the first row. Nothing of the rows is left in memory.
    pub fn reset(&mut self) {
        self.scratch.fill(0);
        self.state.fill(0);
        for_each_state(self.model, self.state, |layer| match layer {
            LayerState::Conv2d(conv, mut state, _) => conv.reset(&mut state),
            // Before the first row these are zero.
            LayerState::MaxPool(..)
            | LayerState::Flatten(..)
            | LayerState::Lstm(..)
            | LayerState::TimeMean(..)
            | LayerState::LastStep(..) => {}
        });
    }

    /// Bytes that [`Engine::save`] writes.
    pub(crate) const fn saved_len(model: &Model<'_>) -> usize {
        4 * (model.network_words() - model.scratch_words())
    }

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        to.bytes(bytemuck::cast_slice(self.state));
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        from.bytes(bytemuck::cast_slice_mut(self.state));
        let mut result = Ok(());
        for_each_state(self.model, self.state, |layer| {
            result = result.and(match layer {
                LayerState::Conv2d(conv, state, _) => {
                    check(conv.is_possible(&state), "ring of a convolution", "a position in it")
                }
                LayerState::MaxPool(pool, state) => {
                    check(pool.is_possible(&state), "rows in a pool", "less than its block")
                }
                LayerState::Flatten(flatten, state) => {
                    check(flatten.is_possible(&state), "rows in a flatten", "less than it takes")
                }
                LayerState::LastStep(last, state) => check(last.is_possible(&state), "mark of a last step", "0 or 1"),
                LayerState::TimeMean(mean, state) => {
                    check(mean.is_possible(&state), "sum of a time mean", "one of as many rows as it counts")
                }
                LayerState::Lstm(..) => Ok(()),
            });
        });
        result
    }

    /// Takes one row of codes, `[band][channel]`, from the front end. `tap(layer, row)` is called with each row that
    /// leaves a layer.
    ///
    /// # Errors
    /// [`RowLength`] if the row has another length than the front end's rows. The state is as before then.
    pub fn push(&mut self, row: &[i8], tap: impl FnMut(usize, Row<'_>)) -> Result<(), RowLength> {
        let wanted = self.model.front_end().row_shape().len();
        if row.len() != wanted {
            return Err(RowLength { got: row.len(), wanted });
        }
        self.take(row, tap);
        Ok(())
    }

    /// [`Engine::push`] for rows that have the right length.
    pub(crate) fn take(&mut self, row: &[i8], tap: impl FnMut(usize, Row<'_>)) {
        self.pass(0, Some(row), tap);
    }

    /// Ends an image: passes zeros to the convolutions that reach beyond the last row, so that their last rows come
    /// out. Does nothing in a network for streams.
    pub fn finish(&mut self, mut tap: impl FnMut(usize, Row<'_>)) {
        for (index, layer) in self.model.layers().iter().enumerate() {
            if let LayerParams::Conv2d(conv) = layer {
                for _ in 0..conv.rows_behind() {
                    self.pass(index, None, &mut tap);
                }
            }
        }
    }

    /// Passes a row, or zeros if there is none, to layer `first` and the layers behind it.
    fn pass(&mut self, first: usize, entering: Option<&[i8]>, mut tap: impl FnMut(usize, Row<'_>)) {
        let mut row = Row::Codes(entering.unwrap_or_default());
        let mut rest = &mut *self.state;
        for (index, layer) in self.model.layers().iter().enumerate() {
            let Some((own, behind)) = rest.split_at_mut_checked(layer.state_words()) else { return };
            rest = behind;
            if index < first {
                continue;
            }
            let Some(layer) = LayerState::new(layer, own) else { return };
            let work: &mut [i16] = bytemuck::cast_slice_mut(self.scratch);
            row = match (layer, row) {
                (LayerState::Conv2d(conv, mut state, output), Row::Codes(codes)) => {
                    let Some((work, zeros)) = work.split_at_mut_checked(conv.work_len()) else { return };
                    let codes = if IMAGES && entering.is_none() && index == first {
                        let Some(zeros) = bytemuck::cast_slice_mut(zeros).get_mut(..conv.input.len()) else { return };
                        zeros.fill(conv.input_zero_point);
                        zeros
                    } else {
                        codes
                    };
                    if !conv.push(&mut state, codes, output, work) {
                        return;
                    }
                    Row::Codes(output)
                }
                (LayerState::MaxPool(pool, mut state), Row::Codes(codes)) => {
                    if !pool.push(&mut state, codes) {
                        return;
                    }
                    Row::Codes(pool.blocks(state.maximum).0)
                }
                (LayerState::Flatten(flatten, mut state), Row::Codes(codes)) if IMAGES => {
                    if !flatten.push(&mut state, codes) {
                        return;
                    }
                    Row::Codes(state.values)
                }
                (LayerState::Lstm(lstm, mut state), Row::Codes(codes)) => {
                    let Some((widened, work)) = work.split_at_mut_checked(codes.len()) else { return };
                    widened.iter_mut().zip(codes).for_each(|(to, from)| *to = i16::from(*from));
                    lstm.push(&mut state, widened, work);
                    Row::Hidden(state.hidden)
                }
                (LayerState::Lstm(lstm, mut state), Row::Hidden(hidden)) => {
                    lstm.push(&mut state, hidden, work);
                    Row::Hidden(state.hidden)
                }
                (LayerState::TimeMean(mean, mut state), row) => {
                    match row {
                        Row::Codes(codes) => mean.push_codes(&mut state, codes),
                        Row::Hidden(hidden) => mean.push(&mut state, hidden),
                    }
                    return;
                }
                (LayerState::LastStep(last, mut state), Row::Hidden(hidden)) if IMAGES => {
                    last.push(&mut state, hidden);
                    return;
                }
                // Parsing has refused every other order of layers.
                _ => return,
            };
            tap(index, row);
        }
    }

    /// The logits of all rows since the start; None before the first row that reaches the time mean or last step.
    pub fn logits(&mut self) -> Option<Logits> {
        let dense = self.model.layers().iter().find_map(|layer| match layer {
            LayerParams::Dense(dense) => Some(*dense),
            _ => None,
        })?;
        let mut logits = None;
        let work: &mut [i16] = bytemuck::cast_slice_mut(self.scratch);
        for_each_state(self.model, self.state, |layer| {
            let summary: Option<&[i16]> = match layer {
                LayerState::TimeMean(mean, state) => match work.get_mut(..mean.len) {
                    Some(row) => mean.mean(&state, row).then_some(row),
                    None => None,
                },
                LayerState::LastStep(_, state) if IMAGES && *state.seen > 0 => Some(state.row),
                _ => None,
            };
            if let Some(row) = summary {
                let mut values = Logits::default();
                dense.map(row, &mut values);
                logits = Some(values);
            }
        });
        logits
    }
}

/// Visits the layers that have state.
fn for_each_state<'m>(model: &'m Model<'m>, state: &mut [u32], mut visit: impl FnMut(LayerState<'m, '_>)) {
    let mut rest = state;
    for layer in model.layers() {
        let Some((own, behind)) = rest.split_at_mut_checked(layer.state_words()) else { return };
        rest = behind;
        if let Some(state) = LayerState::new(layer, own) {
            visit(state);
        }
    }
}

/// A layer with its part of the memory. A kind of layer without state has no variant.
enum LayerState<'m, 's> {
    /// With the output row.
    Conv2d(&'m Conv2d<'m>, Conv2dState<'s>, &'s mut [i8]),
    MaxPool(&'m MaxPool, MaxPoolState<'s>),
    Flatten(&'m Flatten, FlattenState<'s>),
    Lstm(&'m Lstm<'m>, LstmState<'s>),
    TimeMean(&'m TimeMean, TimeMeanState<'s>),
    LastStep(&'m LastStep, LastStepState<'s>),
}

fn codes(words: &mut [u32], len: usize) -> Option<&mut [i8]> {
    bytemuck::cast_slice_mut(words).get_mut(..len)
}

impl<'m, 's> LayerState<'m, 's> {
    /// Cuts `own` (see [`LayerParams::state_words`]) into the parts of the state.
    fn new(layer: &'m LayerParams<'m>, own: &'s mut [u32]) -> Option<Self> {
        Some(match layer {
            LayerParams::Conv2d(conv) => {
                let (oldest, own) = own.split_first_mut()?;
                let (ring, output) = own.split_at_mut_checked(conv.ring_len().div_ceil(4))?;
                let state = Conv2dState { ring: codes(ring, conv.ring_len())?, oldest };
                LayerState::Conv2d(conv, state, codes(output, conv.output_len())?)
            }
            LayerParams::MaxPool(pool) => {
                let (filled, maximum) = own.split_first_mut()?;
                LayerState::MaxPool(pool, MaxPoolState { maximum: codes(maximum, pool.maximum_len())?, filled })
            }
            LayerParams::Flatten(flatten) if IMAGES => {
                let (filled, values) = own.split_first_mut()?;
                LayerState::Flatten(flatten, FlattenState { values: codes(values, flatten.output_len())?, filled })
            }
            LayerParams::Lstm(lstm) => {
                let (cell, hidden) = own.split_at_mut_checked(lstm.hidden)?;
                let hidden = bytemuck::cast_slice_mut(hidden).get_mut(..lstm.hidden)?;
                LayerState::Lstm(lstm, LstmState { hidden, cell: bytemuck::cast_slice_mut(cell) })
            }
            LayerParams::TimeMean(mean) => {
                let (count, sum) = own.split_first_mut()?;
                LayerState::TimeMean(mean, TimeMeanState { sum: bytemuck::cast_slice_mut(sum), count })
            }
            LayerParams::LastStep(last) if IMAGES => {
                let (seen, row) = own.split_first_mut()?;
                let row = bytemuck::cast_slice_mut(row).get_mut(..last.len)?;
                LayerState::LastStep(last, LastStepState { row, seen })
            }
            LayerParams::Flatten(_) | LayerParams::LastStep(_) | LayerParams::Dense(_) => return None,
        })
    }
}
