//! Audio to prediction: the interface of a firmware.

use crate::engine::{Engine, Logits, Row};
use crate::frontend::{Backlog, Frame, FrontEnd, Level, LevelReference, Passage, RowGate};
use crate::kernels::LOGIT_FRACTION_BITS;
use crate::model::Model;
use crate::snapshot::{self, Reader, SNAPSHOT_HEADER_LEN, SnapshotError, Writer};
use crate::spec::MAX_LABELS;

/// The memory is too short for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateTooSmall {
    /// Words of the memory.
    pub got: usize,
    /// Words that the model needs: [`Model::state_words`].
    pub wanted: usize,
}

impl core::fmt::Display for StateTooSmall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "model needs {} bytes of state, the buffer has {}", 4 * self.wanted, 4 * self.got)
    }
}

impl core::error::Error for StateTooSmall {}

/// Why there is no recognizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecognizerError {
    /// The memory is too short for the model.
    Memory(StateTooSmall),
    /// The model needs an image of a whole utterance ([`crate::spec::Image`]), but a recognizer hears a stream.
    ForImages,
}

impl core::fmt::Display for RecognizerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Memory(error) => error.fmt(f),
            Self::ForImages => write!(f, "a model for streams is wanted, this one is for images of whole utterances"),
        }
    }
}

impl core::error::Error for RecognizerError {}

/// The answer of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction<'m> {
    /// Index of the leading label, the one with the largest logit; the first of equals.
    pub index: usize,
    /// The leading label.
    pub label: &'m str,
    /// One for each label of the model, then zeros; they sum to 1.
    pub probabilities: [f32; MAX_LABELS],
    /// Whether the leading label's probability reaches the model's threshold.
    pub confident: bool,
    /// The source of the probabilities.
    pub logits: Logits,
}

/// First bytes of a recognizer's snapshot.
const MAGIC: &str = "SERSTATE";

/// Recognises one stream of audio.
#[derive(Debug)]
pub struct Recognizer<'m, 's> {
    model: &'m Model<'m>,
    pub(crate) front_end: FrontEnd<'m, 's>,
    pub(crate) rows: Rows<'m, 's>,
}

/// The way from frames to the network.
#[derive(Debug)]
pub(crate) struct Rows<'m, 's> {
    model: &'m Model<'m>,
    gate: RowGate<'s, i8>,
    reference: LevelReference<Level>,
    codes: &'s mut [i8],
    engine: Engine<'m, 's>,
}

impl<'m> Rows<'m, '_> {
    /// The prediction for all rows, those that waited among them.
    pub(crate) fn last_prediction(&mut self) -> Option<Prediction<'m>> {
        self.catch_up(ignore);
        self.prediction()
    }

    /// The prediction for the rows that have reached the network. On RISC-V out of line, so that rows that waited do not
    /// go through the network on top of its stack: 270 bytes. An Arm core would gain 4 bytes for 200 bytes of code.
    #[cfg_attr(target_arch = "riscv32", inline(never))]
    pub(crate) fn prediction(&mut self) -> Option<Prediction<'m>> {
        self.engine.logits().map(|logits| Prediction::new(self.model, logits))
    }

    pub(crate) fn reset(&mut self) {
        self.gate.reset();
        self.reference.reset();
        self.codes.fill(0);
        self.engine.reset();
    }

    pub(crate) fn backlog(&self) -> Backlog {
        self.gate.backlog()
    }

    /// Passes all released rows to the network.
    fn catch_up(&mut self, mut observe: impl FnMut(Observation<'_>)) {
        let engine = &mut self.engine;
        self.gate.flush(|row| enter(engine, row, &mut observe));
    }

    pub(crate) fn push(&mut self, frame: Frame<'_>, mut observe: impl FnMut(Observation<'_>)) {
        let passage = self.gate.judge(frame.level);
        if passage != Passage::Never {
            let reference = self.reference.of_row(frame.bands());
            let normalizer = self.model.normalizer();
            let codes = normalizer.codes(frame.log_mel, reference);
            self.codes.iter_mut().zip(codes).for_each(|(to, code)| *to = code);
        }
        let engine = &mut self.engine;
        self.gate.push(self.codes, passage, |row| enter(engine, row, &mut observe));
    }
}

/// Passes a row to the network. Out of line: rows come from several places, and one copy of the network is enough.
#[inline(never)]
fn enter(engine: &mut Engine<'_, '_>, row: &[i8], observe: &mut impl FnMut(Observation<'_>)) {
    observe(Observation::Input(row));
    engine.take(row, |layer, row| observe(Observation::Layer(layer, row)));
}

/// The observer of what nobody observes.
pub(crate) fn ignore(_: Observation<'_>) {}

/// A row that an observer of a recognizer sees; see [`Recognizer::push_observed`] and
/// [`crate::ImageRecognizer::recognize_observed`].
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// A row of codes that enters the network, `[mel_bands]`; of an image a column, `[bands][3]`.
    Input(&'a [i8]),
    /// A row that leaves a layer, counted from 0.
    Layer(usize, Row<'a>),
}

impl<'m, 's> Recognizer<'m, 's> {
    /// A recognizer before its first sample. The caller owns `memory`, at least [`Model::state_words`].
    ///
    /// # Errors
    /// [`RecognizerError`] if the memory is shorter or the model is for images.
    pub fn new(model: &'m Model<'m>, memory: &'s mut [u32]) -> Result<Self, RecognizerError> {
        if model.front_end().image.is_some() {
            return Err(RecognizerError::ForImages);
        }
        let too_small = StateTooSmall { got: memory.len(), wanted: model.state_words() };
        Self::build(model, memory).ok_or(RecognizerError::Memory(too_small))
    }

    fn build(model: &'m Model<'m>, memory: &'s mut [u32]) -> Option<Self> {
        let spec = model.front_end();
        let (work, memory) = memory.split_at_mut_checked(model.front_end_words())?;
        let (held, memory) = memory.split_at_mut_checked(model.held_words())?;
        let (codes, memory) = memory.split_at_mut_checked(model.row_words())?;
        let held = bytemuck::cast_slice_mut(held).get_mut(..RowGate::<i8>::ring_len(spec.trim, spec.mel_bands))?;
        let gate = RowGate::new(spec.trim, spec.mel_bands, held);
        let codes = bytemuck::cast_slice_mut(codes).get_mut(..spec.mel_bands)?;
        let engine = Engine::new(model, memory)?;
        Some(Self {
            model,
            front_end: FrontEnd::new(spec, model.tables(), work)?,
            rows: Rows { model, gate, reference: LevelReference::new(spec.level), codes, engine },
        })
    }

    /// Takes any number of samples, at the model's rate. The result does not depend on the size of the chunks.
    ///
    /// A hop of audio costs one frame of the front end and at most [`crate::frontend::ROWS_AT_A_TIME`] rows of the
    /// network. So the rows of a pause that was held back reach the network with the hops behind it.
    pub fn push(&mut self, samples: &[i16]) {
        self.push_observed(samples, ignore);
    }

    /// [`Recognizer::push`], and shows every row to `observe`, for instance to compare layer by layer.
    pub fn push_observed(&mut self, samples: &[i16], mut observe: impl FnMut(Observation<'_>)) {
        let rows = &mut self.rows;
        self.front_end.push(samples, &mut |frame: Frame<'_>| rows.push(frame, &mut observe));
    }

    /// Passes to the network the rows that still wait behind a pause, at most `max_pause_rows` of
    /// [`crate::spec::Trim`]. [`Recognizer::finish`] does this first; an observer calls it before to see these rows.
    pub fn catch_up_observed(&mut self, observe: impl FnMut(Observation<'_>)) {
        self.rows.catch_up(observe);
    }

    /// The prediction for what the network has heard since the start; None while there was too little speech. It costs
    /// no row of the network, so it may follow each push: right behind a pause, rows of it may still wait and are not in
    /// it yet. [`Recognizer::finish`] has them all.
    pub fn prediction(&mut self) -> Option<Prediction<'m>> {
        self.rows.prediction()
    }

    /// Ends the utterance: returns its prediction and resets the recognizer for the next one. Silence at the end and an
    /// incomplete last frame change nothing. Right behind a pause it costs the rows of the pause: see
    /// [`Recognizer::catch_up_observed`].
    pub fn finish(&mut self) -> Option<Prediction<'m>> {
        let prediction = self.rows.last_prediction();
        self.reset();
        prediction
    }

    /// Zeroes the state: the next sample starts a new utterance, and nothing of the audio is left in memory.
    pub fn reset(&mut self) {
        self.front_end.reset();
        self.rows.reset();
    }

    /// Writes the state to `bytes`, which must have length [`Model::snapshot_len`].
    ///
    /// # Errors
    /// [`SnapshotError::Length`] if `bytes` has another length.
    pub fn snapshot(&self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        snapshot::write(bytes, self.model.snapshot_len(), MAGIC, self.model.checksum(), |to| self.save(to))
    }

    /// Continues from a snapshot of any recognizer with the same model. From there on the same bits come out.
    ///
    /// # Errors
    /// [`SnapshotError`] says what was wanted and what came. The recognizer is reset then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let restored = snapshot::open(bytes, self.model.snapshot_len(), MAGIC, self.model.checksum())
            .and_then(|mut from| self.restore_from(&mut from));
        if restored.is_err() {
            self.reset();
        }
        restored
    }

    /// Bytes that [`Recognizer::save`] writes.
    pub(crate) const fn saved_len(model: &Model<'_>) -> usize {
        let spec = model.front_end();
        FrontEnd::saved_len(spec)
            + RowGate::<i8>::saved_len(spec.trim, spec.mel_bands)
            + LevelReference::<Level>::SAVED_LEN
            + Engine::saved_len(model)
    }

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        self.front_end.save(to);
        self.rows.gate.save(to);
        self.rows.reference.save(to);
        self.rows.engine.save(to);
    }

    pub(crate) fn restore_from(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.front_end.restore(from)?;
        self.rows.gate.restore(from)?;
        self.rows.reference.restore(from)?;
        self.rows.engine.restore(from)
    }
}

impl Model<'_> {
    /// Length of a [`Recognizer::snapshot`], bytes.
    pub const fn snapshot_len(&self) -> usize {
        SNAPSHOT_HEADER_LEN + Recognizer::saved_len(self)
    }
}

impl<'m> Prediction<'m> {
    /// Softmax of `logits / temperature`. The leading label is that of the largest logit.
    pub fn new(model: &'m Model<'m>, logits: Logits) -> Self {
        let labels = model.labels();
        let known = logits.get(..labels.len()).unwrap_or_default();
        let mut index = 0;
        let mut largest = i32::MIN;
        for (candidate, &logit) in known.iter().enumerate() {
            if logit > largest {
                (index, largest) = (candidate, logit);
            }
        }
        let step = 1.0 / ((1u32 << LOGIT_FRACTION_BITS) as f32 * model.temperature());
        let mut probabilities = [0.0; MAX_LABELS];
        let mut sum = 0.0;
        for (probability, &logit) in probabilities.iter_mut().zip(known) {
            *probability = libm::expf(logit.saturating_sub(largest) as f32 * step);
            sum += *probability;
        }
        probabilities.iter_mut().for_each(|p| *p /= sum);
        let leading = probabilities.get(index).copied().unwrap_or_default();
        Self {
            index,
            label: labels.get(index).copied().unwrap_or_default(),
            probabilities,
            confident: leading >= model.confidence_threshold(),
            logits,
        }
    }
}
