//! Continuous listening: the listener finds all utterances of a day and nothing else, and ends the day as it began.

use proptest::prelude::*;
use ser_core::endpointer::{Endpointer, News, Step};
use ser_core::engine::Logits;
use ser_core::frontend::{Backlog, Level};
use ser_core::{EndpointerConfig, Event, Listener, Model};
use ser_host::corpus::labels::EMOTIONS;
use ser_host::corpus::synth;
use ser_tests::random_model::Shape;
use ser_tests::signals;
use ser_tests::under_test::dirty_memory;

const MODEL: &[u8] = include_bytes!("../../models/synthetic/edge.ser");
const RATE: u64 = 16_000;
/// Largest error of a reported start or end, samples: silence within the planted recording and half a frame.
const TOLERANCE: u64 = 6_400;

fn rng(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// The utterances planted in a day, and those heard.
#[derive(Debug, Default)]
struct Day {
    samples: u64,
    planted: Vec<(u64, u64)>,
    started: Vec<u64>,
    ended: Vec<(u64, u64, Option<Logits>)>,
    largest_error: u64,
    found_once: usize,
    false_alarms: usize,
}

/// Listens to a synthetic day. Utterances of all voices come after random gaps of 1 to 25 s; one gap in 50 lasts ten
/// minutes. The gaps hold white noise whose level drifts between -80 and -52 dBFS, an offset that drifts, and clicks.
/// The same utterance comes at the start and at the end, after two seconds of the same quiet noise.
fn listen(hours: u64) -> Day {
    let model = Model::parse(MODEL).expect("a valid file");
    let mut memory = dirty_memory(model.state_words());
    let mut listener = Listener::new(&model, &mut memory, &EndpointerConfig::default()).expect("memory enough");
    let utterances: Vec<Vec<i16>> =
        (0..24).map(|index| synth::render(5, index % synth::VOICES.len(), index % EMOTIONS.len(), index)).collect();
    let hop = model.front_end().hop_len as u64;
    let mut day = Day::default();
    let mut seed = 0x1234_5678_9ABC_DEF1;
    let mut push = |day: &mut Day, samples: &[i16]| {
        listener.push(samples, |event| match event {
            Event::Started { start } => day.started.push(start),
            Event::Ended { start, end, prediction, cut } => {
                assert!(!cut);
                day.ended.push((start, end, prediction.map(|prediction| prediction.logits)));
            }
        });
        day.samples += samples.len() as u64;
    };
    let plant =
        |day: &mut Day, utterance: &[i16]| day.planted.push((day.samples, day.samples + utterance.len() as u64));
    let reference = |day: &mut Day, push: &mut dyn FnMut(&mut Day, &[i16])| {
        let to_hop = (hop - day.samples % hop) % hop;
        push(day, &vec![0; to_hop as usize]);
        push(day, &signals::noise(1, 20, (hop * (2 * RATE).div_ceil(hop)) as usize));
        plant(day, &utterances[0]);
        push(day, &utterances[0]);
        push(day, &vec![0; 2 * RATE as usize]);
    };

    reference(&mut day, &mut push);
    let mut noise = vec![0; RATE as usize];
    while day.samples < hours * 3600 * RATE {
        let random = rng(&mut seed);
        let seconds = if random.is_multiple_of(50) { 600 } else { 1 + random % 25 };
        for second in 0..seconds {
            let minutes = day.samples as f64 / (60.0 * RATE as f64);
            let amplitude = 3f64.sqrt() * 32_768.0 * 10f64.powf((-66.0 + 14.0 * (minutes / 7.0).sin()) / 20.0);
            let offset = (300.0 * (minutes / 11.0).sin()) as i16;
            let span = amplitude as i64 + 1;
            for sample in &mut noise {
                *sample = offset + ((((rng(&mut seed) >> 32) as i64 * (2 * span + 1)) >> 32) - span) as i16;
            }
            if second > 0 && second + 1 < seconds && rng(&mut seed).is_multiple_of(10) {
                noise[8_000..8_080].fill(20_000);
            }
            push(&mut day, &noise);
        }
        let utterance = &utterances[rng(&mut seed) as usize % utterances.len()];
        plant(&mut day, utterance);
        push(&mut day, utterance);
    }
    push(&mut day, &vec![0; 2 * RATE as usize]);
    reference(&mut day, &mut push);
    day.compare();
    day
}

impl Day {
    /// Counts the utterances found exactly once and the false alarms, and notes the largest error.
    fn compare(&mut self) {
        let mut matched = 0;
        let mut from = 0;
        for &(start, end) in &self.planted {
            while self.ended.get(from).is_some_and(|heard| heard.1 < start) {
                from += 1;
            }
            let heard = self.ended[from..].iter().take_while(|heard| heard.0 < end);
            let count = heard.clone().count();
            matched += count;
            if count == 1 {
                self.found_once += 1;
                for heard in heard {
                    self.largest_error = self.largest_error.max(heard.0.abs_diff(start)).max(heard.1.abs_diff(end));
                }
            }
        }
        self.false_alarms = self.ended.len() - matched;
    }

    fn check(&self) {
        println!(
            "{:.2} h: {} utterances, {} found once, {} false alarms, start and end off by at most {} ms",
            self.samples as f64 / (3600.0 * RATE as f64),
            self.planted.len(),
            self.found_once,
            self.false_alarms,
            self.largest_error * 1000 / RATE
        );
        assert_eq!((self.found_once, self.false_alarms), (self.planted.len(), 0));
        assert!(self.largest_error <= TOLERANCE, "{} samples", self.largest_error);
        assert!(self.started.iter().eq(self.ended.iter().map(|(start, ..)| start)));
        let (first, last) = (&self.ended[0], &self.ended[self.ended.len() - 1]);
        assert!(first.2.is_some() && first.2 == last.2, "{first:?} at the start, {last:?} at the end");
        assert_eq!(first.1 - first.0, last.1 - last.0);
    }
}

#[test]
fn an_hour_finds_every_utterance_and_ends_as_it_began() {
    listen(1).check();
}

/// Takes forty seconds: `cargo test -p ser-tests listening -- --ignored --nocapture`.
#[test]
#[ignore = "takes forty seconds; `cargo xtask ci full` runs it"]
fn a_day_finds_every_utterance_and_ends_as_it_began() {
    listen(24).check();
}

/// The events as text, which differs if any bit of a number differs.
fn events(model: &Model<'_>, config: &EndpointerConfig, chunks: &[&[i16]]) -> Vec<String> {
    let mut memory = dirty_memory(model.state_words());
    let mut listener = Listener::new(model, &mut memory, config).expect("memory enough");
    let mut events = Vec::new();
    for chunk in chunks {
        listener.push(chunk, |event| events.push(format!("{event:?}")));
    }
    listener.finish(|event| events.push(format!("{event:?}")));
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_do_not_depend_on_chunk_size(seed: u64, lengths in prop::collection::vec(1..2_000_usize, 1..20)) {
        let mut file = Shape::random(seed).fill(seed);
        file.front_end.hop_len = file.front_end.hop_len.clamp(1, 60);
        let bytes = file.to_bytes();
        let model = Model::parse(&bytes).expect("a valid file");
        let config = EndpointerConfig { hangover_ms: 20, min_speech_ms: 10, max_ms: 150, ..EndpointerConfig::default() };
        let samples = signals::babble(seed, 20_000);
        let whole = events(&model, &config, &[&samples]);
        for length in lengths {
            let chunks: Vec<&[i16]> = samples.chunks(length).collect();
            prop_assert_eq!(&events(&model, &config, &chunks), &whole, "chunks of {}", length);
        }
    }
}

#[test]
fn a_long_utterance_is_cut_and_a_click_is_none() {
    let model = Model::parse(MODEL).expect("a valid file");
    let config = EndpointerConfig { max_ms: 1_000, rise_db_per_s: 0.0, ..EndpointerConfig::default() };
    let mut samples = signals::noise(2, 20, 32_000);
    samples[16_000..16_040].fill(20_000);
    samples.extend(signals::noise(1, 10_000, 36_000));
    samples.extend(vec![0; 16_000]);
    let told = events(&model, &config, &[&samples]);
    let count = |what: &str| told.iter().filter(|event| event.contains(what)).count();
    assert_eq!((count("Started"), count("Ended"), count("cut: true")), (3, 3, 2), "{told:#?}");
}

/// New noise passes for speech until the floor has come near it, and never again after that.
#[test]
fn the_floor_learns_a_noise_that_stays() {
    let model = Model::parse(MODEL).expect("a valid file");
    let mut memory = dirty_memory(model.state_words());
    let mut listener = Listener::new(&model, &mut memory, &EndpointerConfig::default()).expect("memory enough");
    listener.push(&signals::noise(2, 20, 16_000), |_| ());
    assert!((listener.floor_db() + 59.0).abs() < 0.01);
    let mut ends = Vec::new();
    // -44.8 dBFS.
    listener.push(&signals::noise(1, 327, 60 * 16_000), |event| {
        if let Event::Ended { end, .. } = event {
            ends.push(end);
        }
    });
    assert!(ends.len() == 1 && ends[0] < 6 * RATE, "{ends:?}");
    assert!((listener.floor_db() + 45.5).abs() < 1.0, "{}", listener.floor_db());
}

/// Any parameters that [`EndpointerConfig::check`] accepts; short times are frequent.
fn any_config() -> impl Strategy<Value = EndpointerConfig> {
    let ms = || prop_oneof![1..40_u32, 1..2_000_u32];
    let levels = (-150.0..0.0_f32, 1.0..20.0_f32, 0.0..40.0_f32);
    (levels, 0.0..100.0_f32, 0.0001..1000.0_f32, ms(), ms(), 1..200_u32).prop_map(
        |((threshold_db, keep_db, more_db), rise_db_per_s, fall_db_per_s, hangover_ms, min_speech_ms, more_ms)| {
            let onset_db = keep_db + more_db;
            let max_ms = hangover_ms.max(min_speech_ms) + more_ms;
            EndpointerConfig {
                threshold_db,
                onset_db,
                keep_db,
                rise_db_per_s,
                fall_db_per_s,
                hangover_ms,
                min_speech_ms,
                max_ms,
            }
        },
    )
}

/// Levels of frames in runs, as sounds and pauses have them, and what waits for the network.
fn any_frames() -> impl Strategy<Value = Vec<(Level, Backlog)>> {
    let backlog = prop_oneof![3 => Just(Backlog::Empty), 1 => Just(Backlog::Held), 1 => Just(Backlog::Released)];
    let level = prop_oneof![any::<i16>(), -12_800..0_i16, Just(i16::MIN)];
    prop::collection::vec((level, backlog, 1..30_usize), 1..40).prop_map(|runs| {
        let frames = |(level, backlog, len)| std::iter::repeat_n((Level::from_steps(level), backlog), len);
        runs.into_iter().flat_map(frames).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn starts_and_ends_alternate(config in any_config(), frames in any_frames(), ends_at: prop::sample::Index) {
        let model = Model::parse(MODEL).expect("a valid file");
        prop_assert_eq!(config.check(), Ok(()));
        let mut endpointer = Endpointer::new(&config, model.front_end()).expect("accepted");
        let mut lasts = None;
        let ends_at = ends_at.index(frames.len());
        for (index, (level, backlog)) in frames.into_iter().enumerate() {
            match endpointer.push(level, backlog) {
                Step::Sound { news: Some(News::Started(span)), .. } => {
                    prop_assert_eq!(lasts.replace(span.first), None);
                }
                Step::Sound { news: Some(News::Ended { span, .. }), .. } => {
                    prop_assert!(backlog != Backlog::Released);
                    prop_assert_eq!(lasts.take(), Some(span.first));
                    prop_assert!(span.first <= span.last && span.last <= index as u64);
                }
                Step::Sound { news: Some(News::Discarded), .. } => prop_assert_eq!(lasts, None),
                Step::Sound { news: None, .. } => {}
                Step::Silence => prop_assert_eq!(lasts, None),
            }
            if index == ends_at {
                prop_assert_eq!(endpointer.end_utterance().map(|span| span.first), lasts.take());
            }
        }
        prop_assert_eq!(endpointer.finish().map(|span| span.first), lasts);
    }

    #[test]
    fn a_floor_that_may_fall_falls(fall_db_per_s in 1e-30..1.0_f32) {
        let model = Model::parse(MODEL).expect("a valid file");
        let config = EndpointerConfig { fall_db_per_s, ..EndpointerConfig::default() };
        let mut endpointer = Endpointer::new(&config, model.front_end()).expect("accepted");
        endpointer.set_floor_db(-20.0);
        for _ in 0..100 {
            endpointer.push(Level::from_decibels(-40.0), Backlog::Empty);
        }
        prop_assert!(endpointer.floor_db() < -20.0);
    }
}

/// Steady sounds of 10 s: noise, hum, and noise with a rumble like that of a fan.
fn steady_sounds() -> [(&'static str, Vec<i16>); 4] {
    const SAMPLES: usize = 10 * RATE as usize;
    let tone = |hertz: f64, n: usize| (std::f64::consts::TAU * hertz * n as f64 / RATE as f64).sin();
    let hum = (0..SAMPLES).map(|n| (1_200.0 * (tone(50.0, n) + 0.5 * tone(100.0, n) + 0.3 * tone(150.0, n))) as i16);
    let mut low = 0.0;
    let fan = signals::noise(3, 4_000, SAMPLES).into_iter().enumerate().map(|(n, noise)| {
        low += (f64::from(noise) - low) / 20.0;
        (low * (2.0 + 0.3 * tone(3.0, n)) + 300.0 * tone(120.0, n)) as i16
    });
    [
        ("quiet noise", signals::noise(1, 400, SAMPLES)),
        ("loud noise", signals::noise(2, 8_000, SAMPLES)),
        ("hum", hum.collect()),
        ("fan", fan.collect()),
    ]
}

/// At once, after the silence with which some converters start, after a microphone was muted, and in each stream anew.
#[test]
fn steady_noise_from_the_first_sample_on_is_no_utterance() {
    let model = Model::parse(MODEL).expect("a valid file");
    let mut memory = dirty_memory(model.state_words());
    let mut listener = Listener::new(&model, &mut memory, &EndpointerConfig::default()).expect("memory enough");
    for (name, samples) in steady_sounds() {
        for silence in [0, 1_600, 80_100] {
            for _ in 0..2 {
                listener.push(&vec![0; silence], |event| panic!("{name}: {event:?}"));
                listener.push(&samples, |event| panic!("{name} after {silence} zeros: {event:?}"));
            }
            listener.finish(|event| panic!("{name}: {event:?}"));
        }
    }
}

/// Speech half a second into noise is found, and ends where it ends.
#[test]
fn speech_soon_after_the_start_of_a_noisy_stream_is_found() {
    let model = Model::parse(MODEL).expect("a valid file");
    let speech = synth::render(5, 0, 0, 0);
    for amplitude in [30, 200] {
        let noise = signals::noise(1, amplitude, 8_000 + speech.len() + 16_000);
        let spoken = [vec![0; 8_000], speech.clone()].concat();
        let samples: Vec<i16> =
            noise.iter().enumerate().map(|(n, noise)| noise + spoken.get(n).copied().unwrap_or_default()).collect();
        let mut memory = dirty_memory(model.state_words());
        let mut listener = Listener::new(&model, &mut memory, &EndpointerConfig::default()).expect("memory enough");
        let mut heard = Vec::new();
        listener.push(&samples, |event| {
            if let Event::Ended { start, end, .. } = event {
                heard.push((start, end));
            }
        });
        assert_eq!(heard.len(), 1, "{heard:?}");
        let (start, end) = heard[0];
        let planted = (8_000, 8_000 + speech.len() as u64);
        assert!(
            start.abs_diff(planted.0) <= TOLERANCE && end.abs_diff(planted.1) <= TOLERANCE,
            "{heard:?} {planted:?}"
        );
    }
}

#[test]
fn the_floor_stays_when_an_utterance_ends_and_can_be_given() {
    let model = Model::parse(MODEL).expect("a valid file");
    let (mut memory, mut other_memory) = (dirty_memory(model.state_words()), dirty_memory(model.state_words()));
    let mut listener = Listener::new(&model, &mut memory, &EndpointerConfig::default()).expect("memory enough");
    // -35 dBFS, and speech in it.
    let noise = signals::noise(1, 1_000, 32_000);
    let speech: Vec<i16> =
        synth::render(5, 0, 0, 0).iter().zip(noise.iter().cycle()).map(|(a, b)| a.saturating_add(*b)).collect();
    listener.push(&noise, |event| panic!("{event:?}"));
    let floor = listener.floor_db();
    let mut events = Vec::new();
    listener.push(&speech[..speech.len() / 2], |event| events.push(event));
    listener.end_utterance(|event| events.push(event));
    let [Event::Started { start }, Event::Ended { start: same, cut: false, prediction: Some(_), .. }] = events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(start, same);
    assert!(start > 30_000, "the stream's clock goes on: {start}");
    assert!((listener.floor_db() - floor).abs() < 6.0, "{} after {floor}", listener.floor_db());
    // Speech that goes on is another utterance of the same stream.
    let mut next = None;
    listener.push(&speech[speech.len() / 2..], |event| {
        if let Event::Started { start } = event {
            next = Some(start);
        }
    });
    assert!(next.is_some_and(|next| next > start), "{next:?}");
    listener.end_utterance(|_| ());
    listener.end_utterance(|event| panic!("nothing lasts: {event:?}"));

    let mut other = Listener::new(&model, &mut other_memory, &EndpointerConfig::default()).expect("memory enough");
    for (given, kept) in [(-30.0, -30.0), (-300.0, -59.0), (f32::NEG_INFINITY, -59.0), (f32::NAN, -59.0), (99.0, 6.0)] {
        other.set_floor_db(given);
        assert!((other.floor_db() - kept).abs() < 0.01, "{given}: {}", other.floor_db());
    }
    // A stream whose floor is known to be low takes noise for a sound from the first frame on.
    other.reset();
    other.set_floor_db(-59.0);
    let mut started = 0;
    other.push(&noise, |event| started += usize::from(matches!(event, Event::Started { .. })));
    assert_eq!(started, 1);
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let default = EndpointerConfig::default();
    let bad = [
        ("threshold_db", EndpointerConfig { threshold_db: 1.0, ..default }),
        ("keep_db", EndpointerConfig { keep_db: f32::NAN, ..default }),
        ("onset_db", EndpointerConfig { onset_db: 5.0, ..default }),
        ("rise_db_per_s", EndpointerConfig { rise_db_per_s: -1.0, ..default }),
        ("fall_db_per_s", EndpointerConfig { fall_db_per_s: 0.0, ..default }),
        ("hangover_ms", EndpointerConfig { hangover_ms: 0, ..default }),
        ("min_speech_ms", EndpointerConfig { min_speech_ms: 60_001, ..default }),
        ("max_ms", EndpointerConfig { max_ms: 500, ..default }),
    ];
    assert_eq!(default.check(), Ok(()));
    for (name, config) in bad {
        assert_eq!(config.check().expect_err(name).quantity, name);
    }
}
