//! Where utterances begin and end on an endless stream, from the levels of its frames.
//!
//! The noise floor is a quantile that follows the stream. With each frame it moves towards the level of the frame, by
//! at most `rise_db_per_s` up and `fall_db_per_s` down. In a steady state the way up equals the way down, so a share
//! `rise / (rise + fall)` of the frames, a tenth or so, is quieter than the floor. Pauses of speech hold the floor
//! down, steady noise lifts it.
//!
//! A sound begins with a frame more than `keep_db` over the floor, and ends when there was no such frame for
//! `hangover_ms`. A sound is an utterance if `min_speech_ms` of it were more than `onset_db` over the floor; otherwise
//! it was a click. The network hears a sound from its first frame, so the quiet start of an utterance needs no buffer;
//! a click resets the network.

use crate::frontend::{DECIBEL, Level};
use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::{FrontEnd, SpecError};

/// Steps of a decibel in the noise floor: finer than those of a [`Level`], because the floor moves slowly.
const FLOOR_DECIBEL: i32 = 1 << 16;

/// Decibels in steps of [`FLOOR_DECIBEL`]. No value of a checked [`EndpointerConfig`] is too large.
fn floor_steps(decibels: f32) -> i32 {
    (decibels * FLOOR_DECIBEL as f32) as i32
}

/// Parameters of an [`Endpointer`]. Levels are mean squares, full scale = 1, so a full-scale sine is at -3 dBFS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndpointerConfig {
    /// A frame below this level, dBFS, is silence, however low the floor; -150 to 0. Best the threshold of the model's
    /// silence gate.
    pub threshold_db: f32,
    /// A frame this far above the floor, dB, counts as speech; `keep_db` to 60.
    pub onset_db: f32,
    /// A frame this far above the floor, dB, begins a sound and keeps it going; 1 to 60.
    pub keep_db: f32,
    /// Fastest rise of the floor, dB/s; 0 to 100. New noise counts as speech until the floor has come near it.
    pub rise_db_per_s: f32,
    /// Fastest fall of the floor, dB/s; more than 0, at most 1000.
    pub fall_db_per_s: f32,
    /// Silence that ends an utterance, ms; 1 to 60,000.
    pub hangover_ms: u32,
    /// Least speech of an utterance, ms; 1 to 60,000. A frame with a click in it counts as a whole hop.
    pub min_speech_ms: u32,
    /// Longest utterance, ms; more than hangover and least speech, at most 600,000. A longer one is cut into several.
    pub max_ms: u32,
}

impl Default for EndpointerConfig {
    /// For the preset `edge`.
    fn default() -> Self {
        Self {
            threshold_db: -50.0,
            onset_db: 9.0,
            keep_db: 6.0,
            rise_db_per_s: 3.0,
            fall_db_per_s: 30.0,
            hangover_ms: 500,
            min_speech_ms: 150,
            max_ms: 15_000,
        }
    }
}

impl EndpointerConfig {
    /// Checks every parameter against its range.
    ///
    /// # Errors
    /// [`SpecError`] names the parameter, what came and what was wanted.
    pub const fn check(&self) -> Result<(), SpecError> {
        macro_rules! want {
            ($condition:expr, $quantity:literal, $got:expr, $wanted:literal) => {
                let fits: bool = $condition;
                if !fits {
                    return Err(SpecError { quantity: $quantity, got: $got as f32, wanted: $wanted });
                }
            };
        }
        want!(self.threshold_db >= -150.0 && self.threshold_db <= 0.0, "threshold_db", self.threshold_db, "-150..=0");
        want!(self.keep_db >= 1.0 && self.keep_db <= 60.0, "keep_db", self.keep_db, "1..=60");
        want!(self.onset_db >= self.keep_db && self.onset_db <= 60.0, "onset_db", self.onset_db, "keep_db..=60");
        want!(self.rise_db_per_s >= 0.0 && self.rise_db_per_s <= 100.0, "rise_db_per_s", self.rise_db_per_s, "0..=100");
        want!(
            self.fall_db_per_s > 0.0 && self.fall_db_per_s <= 1000.0,
            "fall_db_per_s",
            self.fall_db_per_s,
            "more than 0, to 1000"
        );
        want!(self.hangover_ms >= 1 && self.hangover_ms <= 60_000, "hangover_ms", self.hangover_ms, "1..=60000");
        want!(
            self.min_speech_ms >= 1 && self.min_speech_ms <= 60_000,
            "min_speech_ms",
            self.min_speech_ms,
            "1..=60000"
        );
        let longer = self.max_ms > self.hangover_ms && self.max_ms > self.min_speech_ms;
        want!(
            longer && self.max_ms <= 600_000,
            "max_ms",
            self.max_ms,
            "more than hangover_ms and min_speech_ms, to 600000"
        );
        Ok(())
    }
}

/// What a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Silence between sounds.
    Silence,
    /// Part of a sound.
    Sound {
        /// Whether the frame is above the floor, not in a pause of the sound.
        loud: bool,
        /// What this frame decides, if anything.
        news: Option<News>,
    },
}

/// A decision. Frames are counted from the start of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The sound is an utterance.
    Started(Span),
    /// The utterance is over.
    Ended {
        /// From the first frame to the last one above the floor.
        span: Span,
        /// Whether the utterance was cut at its greatest length.
        cut: bool,
    },
    /// The sound is over and was not an utterance.
    Discarded,
}

/// From one frame to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First frame.
    pub first: u64,
    /// Last frame so far that is above the floor.
    pub last: u64,
}

/// Finds utterances in the levels of a stream.
#[derive(Clone, Debug)]
pub struct Endpointer {
    /// In steps of [`FLOOR_DECIBEL`], like `onset` to `fall` and `floor`.
    threshold: i32,
    onset: i32,
    keep: i32,
    /// From frame to frame.
    rise: i32,
    fall: i32,
    hangover: u32,
    min_speech: u32,
    max: u32,
    /// dBFS.
    floor: i32,
    /// Frames since the start of the stream.
    frames: u64,
    sound: Option<Sound>,
}

/// A sound that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sound {
    /// Frames since it began.
    len: u32,
    /// Frames of silence since the last above the floor.
    silence: u32,
    /// Frames of speech, counted up to the least number of an utterance.
    speech: u32,
}

/// More frames than any stream has. Times the longest hop they fit into 64 bits.
const MAX_FRAMES: u64 = 1 << 52;

impl Endpointer {
    /// An endpointer for frames of this front end.
    ///
    /// # Errors
    /// [`SpecError`]: see [`EndpointerConfig::check`].
    pub fn new(config: &EndpointerConfig, front_end: &FrontEnd) -> Result<Self, SpecError> {
        config.check()?;
        let hop_s = front_end.hop_len as f32 / front_end.sample_rate_hz as f32;
        let hop_ms_times_rate = 1000 * front_end.hop_len.max(1) as u64;
        // At most 600,000 ms at 192 kHz and a hop of one sample: fits into 32 bits.
        let frames = |ms: u32| (u64::from(ms) * u64::from(front_end.sample_rate_hz)).div_ceil(hop_ms_times_rate) as u32;
        let mut endpointer = Self {
            threshold: floor_steps(config.threshold_db),
            onset: floor_steps(config.onset_db),
            keep: floor_steps(config.keep_db),
            rise: floor_steps(config.rise_db_per_s * hop_s),
            fall: floor_steps(config.fall_db_per_s * hop_s),
            hangover: frames(config.hangover_ms),
            min_speech: frames(config.min_speech_ms),
            max: frames(config.max_ms),
            floor: 0,
            frames: 0,
            sound: None,
        };
        endpointer.reset();
        Ok(endpointer)
    }

    /// Zeroes the state. The floor starts at its least, so that a stream may start with speech.
    pub fn reset(&mut self) {
        self.floor = self.least_floor();
        self.frames = 0;
        self.sound = None;
    }

    /// The noise floor, dBFS. Its least value keeps frames below the threshold from counting as speech.
    pub fn floor_db(&self) -> f32 {
        self.floor as f32 / FLOOR_DECIBEL as f32
    }

    fn least_floor(&self) -> i32 {
        self.threshold.saturating_sub(self.onset)
    }

    /// Takes the level of a frame.
    pub fn push(&mut self, level: Level) -> Step {
        let level = i32::from(level.steps()) * (FLOOR_DECIBEL / i32::from(DECIBEL));
        let index = self.frames;
        self.frames += 1;
        let loud = level > self.floor.saturating_add(self.keep) && level > self.threshold;
        let speech = level > self.floor.saturating_add(self.onset);
        self.follow(level);

        let mut sound = match self.sound {
            Some(sound) => sound,
            None if loud => Sound { len: 0, silence: 0, speech: 0 },
            None => return Step::Silence,
        };
        sound.len += 1;
        sound.silence = if loud { 0 } else { sound.silence + 1 };
        let known = sound.speech >= self.min_speech;
        if speech && !known {
            sound.speech += 1;
        }
        let cut = sound.len >= self.max;
        let over = cut || sound.silence >= self.hangover;
        self.sound = (!over).then_some(sound);

        let span = span(index, sound);
        let utterance = sound.speech >= self.min_speech;
        let news = match (over, utterance) {
            (true, true) => Some(News::Ended { span, cut }),
            (true, false) => Some(News::Discarded),
            (false, true) if !known => Some(News::Started(span)),
            (false, _) => None,
        };
        Step::Sound { loud, news }
    }

    /// Ends the stream and returns the utterance that still lasts, if there is one.
    pub fn finish(&mut self) -> Option<Span> {
        let sound = self.sound.filter(|sound| sound.speech >= self.min_speech);
        let span = sound.map(|sound| span(self.frames.saturating_sub(1), sound));
        self.reset();
        span
    }

    fn follow(&mut self, level: i32) {
        let (low, high) = (self.floor.saturating_sub(self.fall), self.floor.saturating_add(self.rise));
        self.floor = level.min(high).max(low).max(self.least_floor());
    }

    /// Bytes that [`Endpointer::save`] writes.
    pub(crate) const SAVED_LEN: usize = 4 + 8 + 3 * 4;

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        let Sound { len, silence, speech } = self.sound.unwrap_or(Sound { len: 0, silence: 0, speech: 0 });
        to.u32(self.floor as u32);
        to.bytes(&self.frames.to_le_bytes());
        to.u32(len);
        to.u32(silence);
        to.u32(speech);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.floor = from.u32() as i32;
        self.frames = u64::from_le_bytes(from.array());
        let sound = Sound { len: from.u32(), silence: from.u32(), speech: from.u32() };
        // A sound has at least one frame: length 0 means that there is none.
        self.sound = (sound.len > 0).then_some(sound);
        check(
            (self.least_floor()..=6 * FLOOR_DECIBEL).contains(&self.floor),
            "noise floor",
            "threshold less onset to 6 dBFS",
        )?;
        check(self.frames <= MAX_FRAMES, "frames of the stream", "0..=2^52")?;
        let len = sound.len < self.max && u64::from(sound.len) <= self.frames;
        check(len, "length of a sound", "less than max_ms, no longer than the stream")?;
        let silence = sound.silence < self.hangover && sound.silence <= sound.len.saturating_sub(1);
        check(silence, "silence in a sound", "less than hangover_ms, shorter than the sound")?;
        check(
            sound.speech <= self.min_speech && sound.speech <= sound.len,
            "speech in a sound",
            "at most min_speech_ms, no longer than the sound",
        )
    }
}

/// The span of a sound that ends with the frame `index`. A sound is no longer than its stream.
fn span(index: u64, sound: Sound) -> Span {
    let next = index + 1;
    Span { first: next - u64::from(sound.len), last: index - u64::from(sound.silence) }
}
