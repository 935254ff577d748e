//! An endless stream of audio to predictions, one for each utterance.

use crate::endpointer::{Endpointer, EndpointerConfig, News, Span, Step};
use crate::frontend::{Frame, SILENCE};
use crate::model::Model;
use crate::recognizer::{Prediction, Recognizer, RecognizerError};
use crate::snapshot::{self, SNAPSHOT_HEADER_LEN, SnapshotError};
use crate::spec::SpecError;

/// First bytes of a listener's snapshot.
const MAGIC: &str = "SERLISTN";

/// Why there is no listener.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ListenerError {
    /// There is no recognizer: the memory is too short for the model, or the model is for images.
    Recognizer(RecognizerError),
    /// A parameter is out of range.
    Config(SpecError),
}

impl core::fmt::Display for ListenerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Recognizer(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ListenerError {}

/// What happens on a stream. Samples are counted from its start; a frame stands for the sample in its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'m> {
    /// Somebody speaks: known as soon as there was enough of it, `min_speech_ms` after the start or later.
    Started {
        /// First sample of the utterance.
        start: u64,
    },
    /// The utterance is over: known `hangover_ms` after its end.
    Ended {
        /// First sample, as it was told before.
        start: u64,
        /// Behind its last sample.
        end: u64,
        /// Whether it was ended because it reached `max_ms`; what follows is another utterance.
        cut: bool,
        /// None if too little of it passed the model's silence gate.
        prediction: Option<Prediction<'m>>,
    },
}

/// Hears an endless stream and recognises each utterance for itself.
///
/// The front end hears everything, once. Frames between sounds go no further; those of a sound are heard by the network
/// from the first on, pauses below the noise floor as silence. With each new sound the network, the silence gate and
/// the reference level begin anew.
#[derive(Debug)]
pub struct Listener<'m, 's> {
    model: &'m Model<'m>,
    recognizer: Recognizer<'m, 's>,
    endpointer: Endpointer,
}

impl<'m, 's> Listener<'m, 's> {
    /// A listener before its first sample. `memory` is the caller's: at least [`Model::state_words`].
    ///
    /// # Errors
    /// [`ListenerError`] when it is shorter, when the model is for images, or when a parameter is out of range.
    pub fn new(model: &'m Model<'m>, memory: &'s mut [u32], config: &EndpointerConfig) -> Result<Self, ListenerError> {
        let endpointer = Endpointer::new(config, model.front_end()).map_err(ListenerError::Config)?;
        let recognizer = Recognizer::new(model, memory).map_err(ListenerError::Recognizer)?;
        Ok(Self { model, recognizer, endpointer })
    }

    /// Takes samples, at the model's rate, as many as there are; where chunks begin and end makes no difference.
    pub fn push(&mut self, samples: &[i16], mut event: impl FnMut(Event<'m>)) {
        let Self { model, recognizer: Recognizer { front_end, rows, .. }, endpointer } = self;
        front_end.push(samples, &mut |frame: Frame<'_>| {
            let Step::Sound { loud, news } = endpointer.push(frame.level) else { return };
            // Below the floor nothing is louder than silence to the gate, whatever its absolute level.
            let level = if loud { frame.level } else { SILENCE };
            rows.push(Frame { level, ..frame }, |_| ());
            match news {
                None => {}
                Some(News::Started(span)) => event(Event::Started { start: middle(model, span.first) }),
                Some(News::Ended { span, cut }) => {
                    event(ended(model, span, cut, rows.prediction()));
                    rows.reset();
                }
                Some(News::Discarded) => rows.reset(),
            }
        });
    }

    /// Ends the stream, and an utterance that still lasts with it; ready for another stream.
    pub fn finish(&mut self, mut event: impl FnMut(Event<'m>)) {
        if let Some(span) = self.endpointer.finish() {
            event(ended(self.model, span, false, self.recognizer.prediction()));
        }
        self.recognizer.reset();
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        self.endpointer.reset();
        self.recognizer.reset();
    }

    /// The noise floor, dBFS; see [`Endpointer::floor_db`].
    pub fn floor_db(&self) -> f32 {
        self.endpointer.floor_db()
    }

    /// Length of a [`Listener::snapshot`], bytes.
    pub const fn snapshot_len(model: &Model<'_>) -> usize {
        SNAPSHOT_HEADER_LEN + Endpointer::SAVED_LEN + Recognizer::saved_len(model)
    }

    /// Writes all that was heard into `bytes`, of length [`Listener::snapshot_len`].
    ///
    /// # Errors
    /// [`SnapshotError::Length`] when it has another length.
    pub fn snapshot(&self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        snapshot::write(bytes, Self::snapshot_len(self.model), MAGIC, self.model.checksum(), |to| {
            self.endpointer.save(to);
            self.recognizer.save(to);
        })
    }

    /// Goes on from a snapshot, which any listener with the same model and parameters may have taken: the same events
    /// come from there on.
    ///
    /// # Errors
    /// [`SnapshotError`] says what was wanted and what came; the listener is then as before its first sample.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let restored =
            snapshot::open(bytes, Self::snapshot_len(self.model), MAGIC, self.model.checksum()).and_then(|mut from| {
                self.endpointer.restore(&mut from)?;
                self.recognizer.restore_from(&mut from)
            });
        if restored.is_err() {
            self.reset();
        }
        restored
    }
}

fn ended<'m>(model: &Model<'_>, span: Span, cut: bool, prediction: Option<Prediction<'m>>) -> Event<'m> {
    Event::Ended { start: middle(model, span.first), end: middle(model, span.last), cut, prediction }
}

/// The sample in the middle of a frame.
fn middle(model: &Model<'_>, frame: u64) -> u64 {
    let spec = model.front_end();
    frame * spec.hop_len as u64 + spec.frame_len as u64 / 2
}
