//! Audio to prediction: what a firmware calls.

use crate::engine::{Engine, Logits, Row};
use crate::frontend::{Frame, FrontEnd, LevelReference, Passage, RowGate};
use crate::kernels::LOGIT_FRACTION_BITS;
use crate::model::Model;
use crate::snapshot::{self, Reader, SnapshotError, Writer};
use crate::spec::MAX_LABELS;

/// The memory that came is too short for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateTooSmall {
    /// Words that came.
    pub got: usize,
    /// Words wanted: [`Model::state_words`].
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
    /// The model wants an image of a whole utterance ([`crate::spec::Image`]), and a recognizer hears a stream.
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

/// What was recognised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction<'m> {
    /// Index of the leading label: that of the largest logit, the first of equals.
    pub index: usize,
    /// The leading label.
    pub label: &'m str,
    /// One for each label of the model, zeros behind them; they sum to 1.
    pub probabilities: [f32; MAX_LABELS],
    /// Whether the leading label's probability reaches the model's threshold.
    pub confident: bool,
    /// What the probabilities were made from.
    pub logits: Logits,
}

/// First bytes of a recognizer's snapshot.
const MAGIC: &str = "SERSTATE";

/// One stream of audio and what it has been recognised as so far.
#[derive(Debug)]
pub struct Recognizer<'m, 's> {
    model: &'m Model<'m>,
    pub(crate) front_end: FrontEnd<'m, 's>,
    pub(crate) rows: Rows<'m, 's>,
}

/// From frames to the network.
#[derive(Debug)]
pub(crate) struct Rows<'m, 's> {
    model: &'m Model<'m>,
    gate: RowGate<'s, i8>,
    reference: LevelReference<i16>,
    codes: &'s mut [i8],
    engine: Engine<'m, 's>,
}

impl<'m> Rows<'m, '_> {
    pub(crate) fn prediction(&mut self) -> Option<Prediction<'m>> {
        self.engine.logits().map(|logits| Prediction::new(self.model, logits))
    }

    pub(crate) fn reset(&mut self) {
        self.gate.reset();
        self.reference.reset();
        self.engine.reset();
    }

    pub(crate) fn push(&mut self, frame: Frame<'_>, mut observe: impl FnMut(Observation<'_>)) {
        let passage = self.gate.judge(frame.level);
        if passage == Passage::Never || self.codes.is_empty() {
            return;
        }
        let reference = self.reference.of_row(frame.log_mel);
        let normalizer = self.model.normalizer();
        let codes = normalizer.codes(frame.log_mel, reference);
        self.codes.iter_mut().zip(codes).for_each(|(to, code)| *to = code);
        let engine = &mut self.engine;
        self.gate.push(self.codes, passage, |row| {
            observe(Observation::Input(row));
            engine.push(row, |layer, row| observe(Observation::Layer(layer, row)));
        });
    }
}

/// What an observer of a recognizer sees; see [`Recognizer::push_observed`] and
/// [`crate::ImageRecognizer::recognize_observed`].
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// A row of codes that enters the network, `[mel_bands]`; a column of an image, `[bands][3]`.
    Input(&'a [i8]),
    /// A row that a layer (counted from 0) passes on.
    Layer(usize, Row<'a>),
}

impl<'m, 's> Recognizer<'m, 's> {
    /// A recognizer before its first sample. `memory` is the caller's: at least [`Model::state_words`].
    ///
    /// # Errors
    /// [`RecognizerError`] when it is shorter, or when the model is for images.
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
        let held = bytemuck::cast_slice_mut(held).get_mut(..RowGate::<i8>::held_len(spec.trim, spec.mel_bands))?;
        let gate = RowGate::new(spec.trim, spec.mel_bands, held);
        let codes = bytemuck::cast_slice_mut(codes).get_mut(..spec.mel_bands)?;
        let engine = Engine::new(model, memory)?;
        Some(Self {
            model,
            front_end: FrontEnd::new(spec, model.tables(), work)?,
            rows: Rows { model, gate, reference: LevelReference::new(spec.level), codes, engine },
        })
    }

    /// Takes samples, at the model's rate, as many as there are; where chunks begin and end makes no difference.
    pub fn push(&mut self, samples: &[i16]) {
        self.push_observed(samples, |_| ());
    }

    /// The same, showing all rows on their way: to compare layer by layer, for instance.
    pub fn push_observed(&mut self, samples: &[i16], mut observe: impl FnMut(Observation<'_>)) {
        let rows = &mut self.rows;
        self.front_end.push(samples, &mut |frame: Frame<'_>| rows.push(frame, &mut observe));
    }

    /// The prediction for what was heard since the start; None as long as there was too little speech for one.
    pub fn prediction(&mut self) -> Option<Prediction<'m>> {
        self.rows.prediction()
    }

    /// Ends the utterance: its prediction, and a recognizer ready for the next. Silence at the end, and a last frame
    /// that is not complete, count for nothing.
    pub fn finish(&mut self) -> Option<Prediction<'m>> {
        let prediction = self.prediction();
        self.reset();
        prediction
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        self.front_end.reset();
        self.rows.reset();
    }

    /// Writes all that was heard into `bytes`, of length [`Model::snapshot_len`].
    ///
    /// # Errors
    /// [`SnapshotError::Length`] when it has another length.
    pub fn snapshot(&self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        snapshot::write(bytes, self.model.snapshot_len(), MAGIC, self.model.checksum(), |to| self.save(to))
    }

    /// Goes on from a snapshot, which any recognizer with the same model may have taken: the same bits come out from
    /// there on.
    ///
    /// # Errors
    /// [`SnapshotError`] says what was wanted and what came; the recognizer is then as before its first sample.
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
            + LevelReference::<i16>::SAVED_LEN
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

impl<'m> Prediction<'m> {
    /// Softmax of `logits / temperature`; the leading label is taken on the logits themselves.
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
