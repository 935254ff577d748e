//! An endless stream of audio to predictions, one for each utterance.

use crate::endpointer::{Endpointer, EndpointerConfig, News, Span, Step};
use crate::frontend::{Frame, Level};
use crate::model::Model;
use crate::recognizer::{Prediction, Recognizer, RecognizerError, ignore};
use crate::snapshot::{self, SNAPSHOT_HEADER_LEN, SnapshotError};
use crate::spec::SpecError;

/// First bytes of a listener's snapshot.
const MAGIC: &str = "SERLISTN";

/// Why there is no listener.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ListenerError {
    /// The memory is too short for the model, or the model is for images.
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

/// An event on a stream. [`Event::Started`] and [`Event::Ended`] alternate. Samples are counted from the start of the stream; a frame counts as the sample in its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'m> {
    /// Somebody speaks. Reported once there was enough speech, `min_speech_ms` after the start or later.
    Started {
        /// First sample of the utterance.
        start: u64,
    },
    /// The utterance is over. Reported `hangover_ms` after its end.
    Ended {
        /// First sample, as in [`Event::Started`].
        start: u64,
        /// The sample behind the last.
        end: u64,
        /// Whether it was cut because it reached `max_ms`; another utterance follows.
        cut: bool,
        /// None if too little of the utterance passed the model's silence gate.
        prediction: Option<Prediction<'m>>,
    },
}

/// Hears an endless stream and recognises each utterance by itself.
///
/// The front end hears everything, once. Frames between sounds stop there. All frames of a sound go on to the network;
/// those below the noise floor count as silence. Each sound starts with a reset network, silence gate and reference
/// level.
#[derive(Debug)]
pub struct Listener<'m, 's> {
    model: &'m Model<'m>,
    recognizer: Recognizer<'m, 's>,
    endpointer: Endpointer,
}

impl<'m, 's> Listener<'m, 's> {
    /// A listener before its first sample. The caller owns `memory`, at least [`Model::state_words`].
    ///
    /// # Errors
    /// [`ListenerError`] if the memory is shorter, the model is for images, or a parameter is out of range.
    pub fn new(model: &'m Model<'m>, memory: &'s mut [u32], config: &EndpointerConfig) -> Result<Self, ListenerError> {
        let endpointer = Endpointer::new(config, model.front_end()).map_err(ListenerError::Config)?;
        let recognizer = Recognizer::new(model, memory).map_err(ListenerError::Recognizer)?;
        Ok(Self { model, recognizer, endpointer })
    }

    /// Takes any number of samples, at the model's rate. The events do not depend on the size of the chunks.
    pub fn push(&mut self, samples: &[i16], mut event: impl FnMut(Event<'m>)) {
        let Self { model, recognizer: Recognizer { front_end, rows, .. }, endpointer } = self;
        front_end.push(samples, &mut |frame: Frame<'_>| {
            let Step::Sound { loud, news } = endpointer.push(frame.level, rows.backlog()) else { return };
            // To the silence gate a frame below the noise floor is silence, whatever its absolute level.
            let level = if loud { frame.level } else { Level::SILENCE };
            rows.push(Frame { level, ..frame }, ignore);
            match news {
                None => {}
                Some(News::Started(span)) => event(Event::Started { start: middle(model, span.first) }),
                Some(News::Ended { span, cut }) => {
                    // Nothing waits: the endpointer has seen to it.
                    event(ended(model, span, cut, rows.prediction()));
                    rows.reset();
                }
                Some(News::Discarded) => rows.reset(),
            }
        });
    }

    /// Ends an utterance that lasts, for instance when a button is released. The stream goes on: its clock, its noise
    /// floor and the audio of the frame that is incomplete stay. Speech that follows is another utterance. Right behind a
    /// pause it costs the rows of the pause, at most `max_pause_rows` of [`crate::spec::Trim`].
    pub fn end_utterance(&mut self, mut event: impl FnMut(Event<'m>)) {
        if let Some(span) = self.endpointer.end_utterance() {
            event(ended(self.model, span, false, self.recognizer.rows.last_prediction()));
        }
        self.recognizer.rows.reset();
    }

    /// Ends the stream, and with it an utterance that lasts. The next sample starts another stream, whose noise is
    /// unknown; see [`Listener::set_floor_db`]. Nothing of the audio is left in memory.
    pub fn finish(&mut self, event: impl FnMut(Event<'m>)) {
        self.end_utterance(event);
        self.reset();
    }

    /// Zeroes the state, without an event: the next sample starts another stream. Nothing of the audio is left in
    /// memory.
    pub fn reset(&mut self) {
        self.endpointer.reset();
        self.recognizer.reset();
    }

    /// The noise floor, dBFS; see [`Endpointer::floor_db`].
    pub fn floor_db(&self) -> f32 {
        self.endpointer.floor_db()
    }

    /// Sets the noise floor, dBFS; see [`Endpointer::set_floor_db`].
    pub fn set_floor_db(&mut self, floor_db: f32) {
        self.endpointer.set_floor_db(floor_db);
    }

    /// Length of a [`Listener::snapshot`], bytes.
    pub const fn snapshot_len(model: &Model<'_>) -> usize {
        SNAPSHOT_HEADER_LEN + Endpointer::SAVED_LEN + Recognizer::saved_len(model)
    }

    /// Writes the state to `bytes`, which must have length [`Listener::snapshot_len`].
    ///
    /// # Errors
    /// [`SnapshotError::Length`] if `bytes` has another length.
    pub fn snapshot(&self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        snapshot::write(bytes, Self::snapshot_len(self.model), MAGIC, self.model.checksum(), |to| {
            self.endpointer.save(to);
            self.recognizer.save(to);
        })
    }

    /// Continues from a snapshot of any listener with the same model and parameters. From there on the same events
    /// come.
    ///
    /// # Errors
    /// [`SnapshotError`] says what was wanted and what came. The listener is reset then.
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
