//! Continuous listening: the listener finds all utterances of a day and nothing else, and ends the day as it began.

use proptest::prelude::*;
use ser_core::engine::Logits;
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
/// The same utterance comes at the start and at the end, after two seconds of zeros.
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
        push(day, &vec![0; (to_hop + hop * (2 * RATE).div_ceil(hop)) as usize]);
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
    let mut samples = vec![0; 32_000];
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
    listener.push(&vec![0; 16_000], |_| ());
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
