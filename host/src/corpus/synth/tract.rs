//! Source and filter: glottal pulses and noise through the resonances of the vocal tract.
//!
//! Pulses are the derivative of Klatt's glottal flow, `x² - x³` over the open phase (Klatt & Klatt 1990); the
//! derivative stands for the radiation at the lips. Resonances are two-pole filters in cascade,
//! `y[n] = a x[n] + b y[n-1] + c y[n-2]` with `c = -exp(-2π bw/fs)`, `b = 2 exp(-π bw/fs) cos(2π f/fs)`,
//! `a = 1 - b - c`.

use std::f64::consts::{PI, TAU};

use super::random::Random;
use super::style::Style;
use super::track::{FRAME_S, Frame};
use super::voice::Voice;
use crate::corpus::audio::SAMPLE_RATE_HZ;

const RATE: f64 = SAMPLE_RATE_HZ as f64;
const FRAME_SAMPLES: usize = (FRAME_S * RATE) as usize;
/// Bandwidths of the five formants, in Hz.
const BANDWIDTHS_HZ: [f64; 5] = [70.0, 90.0, 130.0, 200.0, 300.0];
/// The fourth and fifth formant of an average male voice, in Hz. They hardly move.
const HIGH_FORMANTS_HZ: [f64; 2] = [3500.0, 4500.0];
/// Above this, in Hz, a resonance would come too close to half the sample rate.
const MAX_FORMANT_HZ: f64 = 7000.0;
const FRICTION_BANDWIDTH_HZ: f64 = 1200.0;

#[derive(Clone, Copy, Default)]
struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    fn tune(&mut self, frequency_hz: f64, bandwidth_hz: f64) {
        let radius = libm::exp(-PI * bandwidth_hz / RATE);
        self.c = -radius * radius;
        self.b = 2.0 * radius * libm::cos(TAU * frequency_hz.min(MAX_FORMANT_HZ) / RATE);
        self.a = 1.0 - self.b - self.c;
    }

    fn next(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2;
        self.y2 = self.y1;
        self.y1 = y;
        y
    }
}

/// The glottis: its phase in the present period, and how far that period differs from a regular one.
struct Glottis {
    phase: f64,
    length: f64,
    height: f64,
    smoothed: f64,
}

/// The sound of the frames, at an arbitrary level.
pub(super) fn speak(frames: &[Frame], voice: &Voice, style: &Style, random: &mut Random) -> Vec<f64> {
    let tilt = 1.0 - libm::exp(-TAU * style.tilt_hz / RATE);
    let mut glottis = Glottis { phase: 0.0, length: 1.0, height: 1.0, smoothed: 0.0 };
    let mut formants = [Resonator::default(); 5];
    let mut friction = Resonator::default();
    let mut samples = Vec::with_capacity(frames.len() * FRAME_SAMPLES);
    let (mut voicing, mut aspiration) = (0.0, 0.0);
    for frame in frames {
        let high = HIGH_FORMANTS_HZ.map(|hz| hz * voice.formant_scale);
        let all_hz = frame.formants_hz.into_iter().chain(high);
        for ((resonator, hz), bandwidth_hz) in formants.iter_mut().zip(all_hz).zip(BANDWIDTHS_HZ) {
            resonator.tune(hz, bandwidth_hz);
        }
        friction.tune(frame.friction_hz, FRICTION_BANDWIDTH_HZ);
        // Levels move on a line through the frame: a step would click.
        let voicing_step = (frame.voicing - voicing) / FRAME_SAMPLES as f64;
        let aspiration_step = (frame.aspiration - aspiration) / FRAME_SAMPLES as f64;
        for _ in 0..FRAME_SAMPLES {
            voicing += voicing_step;
            aspiration += aspiration_step;
            glottis.phase += frame.f0_hz / RATE / glottis.length;
            if glottis.phase >= 1.0 {
                glottis.phase -= 1.0;
                glottis.length = random.normal(1.0, style.jitter).max(0.5);
                glottis.height = random.normal(1.0, style.shimmer).max(0.0);
            }
            let open = glottis.phase / style.open_quotient;
            let pulse = if open < 1.0 { glottis.height * open * (2.0 - 3.0 * open) } else { 0.0 };
            glottis.smoothed += tilt * (pulse - glottis.smoothed);
            // Breath flows mostly while the glottis is open.
            let breath = random.noise() * if open < 1.0 { 1.0 } else { 0.4 };
            let source = voicing * glottis.smoothed + aspiration * breath;
            let voiced = formants.iter_mut().fold(source, |x, resonator| resonator.next(x));
            samples.push(voiced + friction.next(frame.friction * random.noise()));
        }
    }
    samples
}
