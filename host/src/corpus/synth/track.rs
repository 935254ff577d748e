//! Syllables in time: the settings of source and tract in each frame of 5 ms.

use super::random::Random;
use super::sentence::{Syllable, Vowel};
use super::style::Style;
use super::voice::Voice;

/// Duration of a frame, in s.
pub(super) const FRAME_S: f64 = 0.005;
/// Limits of the duration of the speech, in s; with the silence around it an utterance has 1 to 2.5 s.
const SPEECH_S: [f64; 2] = [0.9, 2.0];
/// Duration of a pause, in s.
const PAUSE_S: [f64; 2] = [0.06, 0.14];
/// Duration of the nasal that ends a syllable, in neutral speech, in s.
const CODA_S: f64 = 0.06;
/// Time in which the sound dies away after the last syllable, in s.
const RELEASE_S: f64 = 0.06;
/// Time constants in s: of tongue and jaw, of the larynx, and of the decay of voicing and noise.
const FORMANT_TIME_S: f64 = 0.02;
const PITCH_TIME_S: f64 = 0.025;
const DECAY_TIME_S: f64 = 0.012;
/// Frequency of the trembling, in Hz.
const TREMOR_HZ: f64 = 7.0;
/// First formant of a nasal, in Hz, and level of its murmur relative to a vowel.
const NASAL_F1_HZ: f64 = 260.0;
const MURMUR_LEVEL: f64 = 0.45;
const ASPIRATION_LEVEL: f64 = 0.25;

/// The settings of source and tract in one frame. Levels are relative to the pulses of an unstressed vowel.
pub(super) struct Frame {
    pub f0_hz: f64,
    pub voicing: f64,
    pub aspiration: f64,
    pub friction: f64,
    pub friction_hz: f64,
    /// The first three formants, in Hz.
    pub formants_hz: Vowel,
}

/// A stretch of time with constant levels and with formants that move on a line.
struct Segment {
    duration_s: f64,
    voicing: f64,
    aspiration: f64,
    friction: f64,
    friction_hz: f64,
    formants_hz: [Vowel; 2],
    /// Pitch at start, middle and end, in semitones about the middle of the voice.
    tone: [f64; 3],
    last: bool,
}

/// Lays the syllables out in time.
pub(super) fn plan(syllables: &[Syllable], voice: &Voice, style: &Style, random: &mut Random) -> Vec<Frame> {
    let mut segments: Vec<Segment> = Vec::new();
    for (index, syllable) in syllables.iter().enumerate() {
        let last = index + 1 == syllables.len();
        push_syllable(syllable, style, last, random, &mut segments);
        if !last && random.chance(style.pause) {
            segments.push(silence(&segments, random.uniform(PAUSE_S)));
        }
    }
    segments.push(silence(&segments, RELEASE_S));

    let planned_s: f64 = segments.iter().map(|segment| segment.duration_s).sum();
    let stretch = planned_s.clamp(SPEECH_S[0], SPEECH_S[1]) / planned_s;
    for segment in &mut segments {
        segment.duration_s *= stretch;
    }
    smooth(&segments, planned_s * stretch, voice, style, random)
}

/// Consonant, vowel and final nasal of one syllable.
fn push_syllable(syllable: &Syllable, style: &Style, last: bool, random: &mut Random, segments: &mut Vec<Segment>) {
    let onset = syllable.onset;
    let level = libm::pow(syllable.stress, style.emphasis) * libm::exp(random.normal(0.0, 0.08));
    let mut pace = || libm::exp(random.normal(0.0, 0.08)) / style.rate;
    let [from, to] = syllable.vowels;
    let locus = [350.0, onset.locus_hz, from[2]];
    let [start, middle, end] = *syllable.tone;
    let mut push =
        |duration_s: f64, voicing: f64, aspiration: f64, friction: f64, formants_hz: [Vowel; 2], tone: [f64; 3]| {
            segments.push(Segment {
                duration_s: duration_s * pace(),
                voicing: voicing * level,
                aspiration: aspiration * level,
                friction: friction * level,
                friction_hz: onset.noise_hz,
                formants_hz,
                tone,
                last,
            });
        };
    push(onset.closure_s, 0.0, 0.0, 0.0, [locus; 2], [start; 3]);
    push(onset.noise_s, 0.0, 0.0, onset.noise_level, [locus; 2], [start; 3]);
    push(onset.aspiration_s, 0.0, ASPIRATION_LEVEL, 0.0, [locus, *from], [start; 3]);
    push(onset.murmur_s, MURMUR_LEVEL, 0.0, 0.0, [[NASAL_F1_HZ, onset.locus_hz, from[2]]; 2], [start; 3]);
    push(syllable.vowel_s, 1.0, 0.0, 0.0, [*from, *to], [start, middle, end]);
    if syllable.nasal {
        push(CODA_S, MURMUR_LEVEL, 0.0, 0.0, [*to, [NASAL_F1_HZ, to[1], to[2]]], [end; 3]);
    }
}

/// A segment without sound, in which pitch and formants stay where they were.
fn silence(before: &[Segment], duration_s: f64) -> Segment {
    let (formants, pitch, last) = match before.last() {
        Some(segment) => (segment.formants_hz[1], segment.tone[2], segment.last),
        None => ([500.0, 1500.0, 2500.0], 0.0, false),
    };
    Segment {
        duration_s,
        voicing: 0.0,
        aspiration: 0.0,
        friction: 0.0,
        friction_hz: 1000.0,
        formants_hz: [formants; 2],
        tone: [pitch; 3],
        last,
    }
}

/// Samples the segments every 5 ms. Pitch, formants, voicing and aspiration each follow with their own inertia.
fn smooth(segments: &[Segment], total_s: f64, voice: &Voice, style: &Style, random: &mut Random) -> Vec<Frame> {
    let scale = voice.formant_scale * style.formant_scale;
    let last_s: f64 = segments.iter().filter(|segment| segment.last).map(|segment| segment.duration_s).sum();
    let tremor_hz = TREMOR_HZ * random.uniform([0.85, 1.15]);
    let tremor_phase = random.uniform([0.0, 1.0]);

    let mut frames = Vec::with_capacity((total_s / FRAME_S) as usize + 1);
    let mut state: Option<(f64, Vowel)> = None;
    let (mut voicing, mut aspiration) = (0.0, 0.0);
    let mut start_s = 0.0;
    for segment in segments {
        while (frames.len() as f64) * FRAME_S < start_s + segment.duration_s {
            let now_s = frames.len() as f64 * FRAME_S;
            let within = (now_s - start_s) / segment.duration_s;
            let formants: Vowel =
                std::array::from_fn(|n| scale * mix(segment.formants_hz[0][n], segment.formants_hz[1][n], within));
            let ending = ((now_s - (total_s - last_s)) / last_s).max(0.0);
            let pitch_st = style.pitch_st
                + style.pitch_range * contour(&segment.tone, within)
                + style.slope_st * (now_s / total_s - 0.5)
                + style.final_st * ending
                + style.tremor_st * libm::sin(std::f64::consts::TAU * (tremor_hz * now_s + tremor_phase));

            let (pitch, tract) = state.get_or_insert((pitch_st, formants));
            approach(pitch, pitch_st, PITCH_TIME_S);
            for (formant, target) in tract.iter_mut().zip(formants) {
                approach(formant, target, FORMANT_TIME_S);
            }
            let voicing_time_s = if segment.voicing > voicing { style.attack_s } else { DECAY_TIME_S };
            approach(&mut voicing, segment.voicing, voicing_time_s);
            approach(&mut aspiration, segment.aspiration, DECAY_TIME_S);
            frames.push(Frame {
                f0_hz: voice.f0_hz * libm::pow(2.0, *pitch / 12.0),
                voicing,
                aspiration: aspiration + style.breath * voicing,
                // Bursts are too short for inertia.
                friction: segment.friction,
                friction_hz: segment.friction_hz,
                formants_hz: *tract,
            });
        }
        start_s += segment.duration_s;
    }
    frames
}

/// A line from `a` to `b`.
fn mix(a: f64, b: f64, at: f64) -> f64 {
    a + (b - a) * at
}

/// Two lines through three points.
fn contour(&[start, middle, end]: &[f64; 3], at: f64) -> f64 {
    if at < 0.5 { mix(start, middle, 2.0 * at) } else { mix(middle, end, 2.0 * at - 1.0) }
}

/// Moves `value` towards `target` for one frame.
fn approach(value: &mut f64, target: f64, time_s: f64) {
    *value += (target - *value) * (1.0 - libm::exp(-FRAME_S / time_s));
}
