//! A whole utterance, as an image, to prediction.
//!
//! ```text
//! i16 PCM ─ frames ─ FFT ─ levels of all frames ─ grays ─ colours ─ resize ─ int8 column ─ the network, column by column
//! ```
//!
//! The range of levels and the scale of time are known only at the end of the utterance. So the whole utterance must be
//! in memory, and its levels too: 2 bytes for each bin of each frame, for `paper` 257 bins each 8 ms, 64 KB for a
//! second. The caller owns this memory.

use crate::engine::Engine;
use crate::frontend::ImageFrontEnd;
use crate::frontend::image::{UtteranceError, shade};
use crate::model::Model;
use crate::recognizer::{Observation, Prediction, StateTooSmall};

/// Why there is no image recognizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageRecognizerError {
    /// The memory is too short for the model.
    Memory(StateTooSmall),
    /// The model hears streams: use a [`crate::Recognizer`].
    ForStreams,
}

impl core::fmt::Display for ImageRecognizerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Memory(error) => error.fmt(f),
            Self::ForStreams => write!(f, "a model for images of whole utterances is wanted, this one is for streams"),
        }
    }
}

impl core::error::Error for ImageRecognizerError {}

/// Recognises complete utterances.
#[derive(Debug)]
pub struct ImageRecognizer<'m, 's> {
    model: &'m Model<'m>,
    front_end: ImageFrontEnd<'m, 's>,
    /// One column of the image, `[bands][3]`.
    column: &'s mut [u8],
    engine: Engine<'m, 's>,
}

impl<'m, 's> ImageRecognizer<'m, 's> {
    /// A recognizer for a model whose front end makes images. The caller owns `memory`, at least
    /// [`Model::image_state_words`].
    ///
    /// # Errors
    /// [`ImageRecognizerError`] if the memory is shorter or the model is for streams.
    pub fn new(model: &'m Model<'m>, memory: &'s mut [u32]) -> Result<Self, ImageRecognizerError> {
        if model.front_end().image.is_none() {
            return Err(ImageRecognizerError::ForStreams);
        }
        let too_small = StateTooSmall { got: memory.len(), wanted: model.image_state_words() };
        Self::build(model, memory).ok_or(ImageRecognizerError::Memory(too_small))
    }

    fn build(model: &'m Model<'m>, memory: &'s mut [u32]) -> Option<Self> {
        let (work, memory) = memory.split_at_mut_checked(model.image_words())?;
        let (column, memory) = memory.split_at_mut_checked(model.column_words())?;
        let column = bytemuck::cast_slice_mut(column).get_mut(..model.front_end().row_shape().len())?;
        let front_end = ImageFrontEnd::new(model.front_end(), model.tables(), work)?;
        Some(Self { model, front_end, column, engine: Engine::new(model, memory)? })
    }

    /// The prediction for a whole utterance of samples at the model's rate. `levels` is work memory, at least
    /// [`Model::image_levels_len`]; the utterance's grays are left in it.
    ///
    /// # Errors
    /// [`UtteranceError`] if the utterance is shorter than a frame or too long, or `levels` is too short.
    pub fn recognize(&mut self, samples: &[i16], levels: &mut [i16]) -> Result<Prediction<'m>, UtteranceError> {
        self.recognize_observed(samples, levels, |_| ())
    }

    /// [`ImageRecognizer::recognize`], and shows every row to `observe`, for instance to compare layer by layer.
    ///
    /// # Errors
    /// As [`ImageRecognizer::recognize`].
    pub fn recognize_observed(
        &mut self,
        samples: &[i16],
        levels: &mut [i16],
        mut observe: impl FnMut(Observation<'_>),
    ) -> Result<Prediction<'m>, UtteranceError> {
        let grays = self.front_end.levels(samples, levels)?;
        shade(grays);
        let normalizer = self.model.normalizer();
        for index in 0..self.model.front_end().image_rows().unwrap_or_default() {
            self.front_end.column(grays, index, self.column);
            let codes = normalizer.pixel_codes(self.column);
            observe(Observation::Input(codes));
            self.engine.take(codes, |layer, row| observe(Observation::Layer(layer, row)));
        }
        self.engine.finish(|layer, row| observe(Observation::Layer(layer, row)));
        // Parsing has checked that an image gives at least one row to the last layers.
        let logits = self.engine.logits().unwrap_or_default();
        self.engine.reset();
        self.column.fill(0);
        Ok(Prediction::new(self.model, logits))
    }
}
