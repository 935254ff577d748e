//! Where utterances begin and end on an endless stream, from the levels of its frames.
//!
//! The noise floor is a quantile that follows the stream. With each frame it moves towards the level of the frame, by
//! at most `rise_db_per_s` up and `fall_db_per_s` down. In a steady state the way up equals the way down, so a share
//! `rise / (rise + fall)` of the frames, a tenth or so, is quieter than the floor. Pauses of speech hold the floor
//! down, steady noise lifts it.
//!
//! At the start of a stream nothing is known of its noise. In the first [`WARM_UP_MS`] the floor begins at the level of
//! the first frame without digital silence in it, falls with the level at once, and rises by up to
//! [`WARM_UP_DB_PER_S`]. So steady noise begins no sound, and of a stream that starts in the middle of a word the sounds
//! up to the first quieter frame are missed.
//!
//! Digital silence, a microphone that is muted or not awake yet, tells nothing of the noise. Its frames do not move the
//! floor and do not count as the start of the stream.
//!
//! A sound begins with a frame more than `keep_db` over the floor, and ends when there was no such frame for
//! `hangover_ms`. A sound is an utterance if `min_speech_ms` of it were more than `onset_db` over the floor; otherwise
//! it was a click. The network hears a sound from its first frame, so the quiet start of an utterance needs no buffer;
//! a click resets the network.

use crate::contract::CRC;
use crate::frontend::{Backlog, DECIBEL, Level};
use crate::snapshot::{Reader, SnapshotError, Writer, check};
use crate::spec::{FrontEnd, SpecError};

/// How long the floor comes up quickly at the start of a stream, ms.
pub const WARM_UP_MS: u32 = 500;
/// Fastest rise of the floor in that time, dB/s.
pub const WARM_UP_DB_PER_S: f32 = 120.0;

/// Steps of a decibel in the noise floor: finer than those of a [`Level`], because the floor moves slowly.
const FLOOR_DECIBEL: i32 = 1 << 16;

/// Decibels in steps of [`FLOOR_DECIBEL`]. No value of a checked [`EndpointerConfig`] is too large.
fn floor_steps(decibels: f32) -> i32 {
    (decibels * FLOOR_DECIBEL as f32) as i32
}

/// [`floor_steps`] of a speed, from frame to frame: a slow one moves the floor by one step at least.
fn speed_steps(decibels: f32) -> i32 {
    floor_steps(decibels).max(i32::from(decibels > 0.0))
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
    /// Longest utterance, ms; more than hangover and least speech, at most 600,000. A longer one is cut into several,
    /// each as soon as no row of a pause waits for the network ([`Backlog`]).
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

/// Finds utterances in the levels of a stream. [`News::Started`] and [`News::Ended`] alternate.
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
    warm_up: u32,
    warm_up_rise: i32,
    /// Number of the first frame that shares no sample with one before the start of the stream.
    first_whole: u32,
    /// dBFS.
    floor: i32,
    /// Frames that were no digital silence, up to `warm_up`.
    heard: u32,
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

/// No floor is higher: 6 dBFS. No frame is as loud.
const MOST_FLOOR: i32 = 6 * FLOOR_DECIBEL;

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
            rise: speed_steps(config.rise_db_per_s * hop_s),
            fall: speed_steps(config.fall_db_per_s * hop_s),
            hangover: frames(config.hangover_ms),
            min_speech: frames(config.min_speech_ms),
            max: frames(config.max_ms),
            warm_up: frames(WARM_UP_MS),
            warm_up_rise: speed_steps(WARM_UP_DB_PER_S * hop_s),
            first_whole: front_end.frame_len.div_ceil(front_end.hop_len.max(1)) as u32,
            floor: 0,
            heard: 0,
            frames: 0,
            sound: None,
        };
        endpointer.reset();
        Ok(endpointer)
    }

    /// Zeroes the state: the next frame starts another stream, whose noise is unknown.
    pub fn reset(&mut self) {
        self.floor = self.least_floor();
        self.heard = 0;
        self.frames = 0;
        self.sound = None;
    }

    /// The noise floor, dBFS. Its least value keeps frames below the threshold from counting as speech.
    pub fn floor_db(&self) -> f32 {
        self.floor as f32 / FLOOR_DECIBEL as f32
    }

    /// Sets the noise floor, dBFS, for instance to that of the last stream: it is known then, and does not come up
    /// quickly. A value below the least floor or above 6 counts as that limit, and NaN as the least floor.
    pub fn set_floor_db(&mut self, floor_db: f32) {
        let floor = if floor_db.is_nan() { i32::MIN } else { floor_steps(floor_db.clamp(-256.0, 256.0)) };
        self.floor = floor.min(MOST_FLOOR).max(self.least_floor());
        self.heard = self.warm_up;
    }

    fn least_floor(&self) -> i32 {
        self.threshold.saturating_sub(self.onset)
    }

    /// Takes the level of a frame. `backlog` tells which rows of the sound wait for the network. An utterance does not
    /// end while there are any, so that its end costs no more work than another frame; silence ends it all the same if
    /// they are held.
    pub fn push(&mut self, level: Level, backlog: Backlog) -> Step {
        let digital_silence = level == Level::SILENCE;
        let level = i32::from(level.steps()) * (FLOOR_DECIBEL / i32::from(DECIBEL));
        let index = self.frames;
        self.frames += 1;
        let warming_up = self.heard < self.warm_up;
        if warming_up && !digital_silence {
            self.heard += 1;
            self.come_up(level);
        }
        let loud = level > self.floor.saturating_add(self.keep) && level > self.threshold;
        let speech = loud && level > self.floor.saturating_add(self.onset);
        if !warming_up && !digital_silence {
            self.follow(level);
        }

        let mut sound = match self.sound {
            Some(sound) => sound,
            None if loud => Sound { len: 0, silence: 0, speech: 0 },
            None => return Step::Silence,
        };
        sound.len = sound.len.saturating_add(1);
        sound.silence = if loud { 0 } else { sound.silence.saturating_add(1) };
        let known = sound.speech >= self.min_speech;
        if speech && !known {
            sound.speech += 1;
        }
        let silent = sound.silence >= self.hangover;
        let full = sound.len >= self.max;
        let utterance = sound.speech >= self.min_speech;
        let over = match backlog {
            Backlog::Empty => silent || full,
            Backlog::Held => silent,
            Backlog::Released => false,
        };
        let span = span(index, sound);
        // What begins with this frame ends with the next one at the earliest.
        let news = match (known, utterance) {
            (false, true) => Some(News::Started(span)),
            (true, _) if over => Some(News::Ended { span, cut: !silent }),
            (false, false) if silent || full => Some(News::Discarded),
            _ => None,
        };
        let ends = matches!(news, Some(News::Ended { .. } | News::Discarded));
        self.sound = (!ends).then_some(sound);
        Step::Sound { loud, news }
    }

    /// Ends the sound that lasts, and returns it if it is an utterance. The stream goes on, with its noise floor.
    pub fn end_utterance(&mut self) -> Option<Span> {
        let sound = self.sound.take().filter(|sound| sound.speech >= self.min_speech);
        sound.map(|sound| span(self.frames.saturating_sub(1), sound))
    }

    /// Ends the stream and returns the utterance that still lasts, if there is one.
    pub fn finish(&mut self) -> Option<Span> {
        let span = self.end_utterance();
        self.reset();
        span
    }

    /// The floor at the start of a stream.
    fn come_up(&mut self, level: i32) {
        let highest = if self.heard > self.first_whole { self.floor.saturating_add(self.warm_up_rise) } else { level };
        self.floor = level.min(highest).max(self.least_floor());
    }

    fn follow(&mut self, level: i32) {
        let (low, high) = (self.floor.saturating_sub(self.fall), self.floor.saturating_add(self.rise));
        self.floor = level.min(high).max(low).max(self.least_floor());
    }

    /// Bytes that [`Endpointer::save`] writes.
    pub(crate) const SAVED_LEN: usize = 3 * 4 + 8 + 3 * 4;

    /// A CRC-32 over the parameters: equal for endpointers that decide alike.
    fn parameters(&self) -> u32 {
        let Self { threshold, onset, keep, rise, fall, hangover, min_speech, max, warm_up, warm_up_rise, .. } = self;
        let mut digest = CRC.digest();
        for steps in [threshold, onset, keep, rise, fall, warm_up_rise] {
            digest.update(&steps.to_le_bytes());
        }
        for frames in [hangover, min_speech, max, warm_up] {
            digest.update(&frames.to_le_bytes());
        }
        digest.finalize()
    }

    pub(crate) fn save(&self, to: &mut Writer<'_>) {
        let Sound { len, silence, speech } = self.sound.unwrap_or(Sound { len: 0, silence: 0, speech: 0 });
        to.u32(self.parameters());
        to.u32(self.floor as u32);
        to.u32(self.heard);
        to.bytes(&self.frames.to_le_bytes());
        to.u32(len);
        to.u32(silence);
        to.u32(speech);
    }

    pub(crate) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let (got, wanted) = (from.u32(), self.parameters());
        if got != wanted {
            return Err(SnapshotError::Parameters { got, wanted });
        }
        self.floor = from.u32() as i32;
        self.heard = from.u32();
        self.frames = u64::from_le_bytes(from.array());
        let sound = Sound { len: from.u32(), silence: from.u32(), speech: from.u32() };
        // A sound has at least one frame: length 0 means that there is none.
        self.sound = (sound.len > 0).then_some(sound);
        check(
            (self.least_floor()..=MOST_FLOOR).contains(&self.floor),
            "noise floor",
            "threshold less onset to 6 dBFS",
        )?;
        check(self.frames <= MAX_FRAMES, "frames of the stream", "0..=2^52")?;
        check(self.heard <= self.warm_up, "frames of the start", "at most those of half a second")?;
        check(u64::from(sound.len) <= self.frames, "length of a sound", "no longer than the stream")?;
        let silence = sound.silence <= sound.len.saturating_sub(1);
        check(silence, "silence in a sound", "shorter than the sound")?;
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
