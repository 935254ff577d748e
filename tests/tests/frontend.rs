//! Compares the core's front end with the integer reference, bit for bit, with the `f64` reference and its naive DFT,
//! and with the expected behaviour of a filterbank and a silence gate.

use ser_core::arch::portable::power_spectrum as portable_power_spectrum;
use ser_core::frontend::{Frame, FrontEnd, Level};
use ser_core::spec::{self, LevelMode, Trim, Window, edge};
use ser_core::{Model, Recognizer};
use ser_host::corpus::labels::EMOTIONS;
use ser_host::corpus::synth;
use ser_host::features::rows::Extractor;
use ser_host::features::tables::{OwnedTables, hz, mel};
use ser_tests::random_model::Shape;
use ser_tests::reference::integer_front_end::{input_shift, power_spectrum_of};
use ser_tests::reference::{analyse, analyse_in_integers};
use ser_tests::signals;
use ser_tests::tolerance::{self, DECIBEL, SAMPLE, SPECTRUM};
use ser_tests::under_test::{dirty_memory, hear, multiplier, reference_front_end};

const SILENCE: i16 = Level::SILENCE.steps();

/// A level, or a band of a row, in decibels.
fn db(steps: i16) -> f64 {
    f64::from(Level::from_steps(steps).decibels())
}

/// Log-mel rows and levels of all frames, before the gate, computed in dirty memory.
fn frames(spec: &spec::FrontEnd, samples: &[i16]) -> Vec<(Vec<i16>, i16)> {
    let tables = OwnedTables::new(spec).expect("a usable description");
    let mut work = dirty_memory(FrontEnd::work_len(spec));
    let mut front_end = FrontEnd::new(spec, tables.borrow(), &mut work).expect("memory enough");
    let mut frames = Vec::new();
    front_end.push(samples, &mut |frame: Frame<'_>| frames.push((frame.log_mel.to_vec(), frame.level.steps())));
    frames
}

fn untrimmed() -> spec::FrontEnd {
    spec::FrontEnd { trim: None, ..edge().front_end }
}

fn front_ends() -> Vec<spec::FrontEnd> {
    let base = untrimmed();
    let short =
        spec::FrontEnd { frame_len: 400, hop_len: 160, fft_len: 512, mel_bands: 26, window: Window::Hamming, ..base };
    vec![
        base,
        short,
        spec::FrontEnd { dc_block_pole: 0.0, pre_emphasis: 0.97, ..short },
        spec::FrontEnd {
            sample_rate_hz: 8_000,
            mel_high_hz: 4_000.0,
            frame_len: 256,
            hop_len: 100,
            fft_len: 256,
            mel_bands: 12,
            ..base
        },
        spec::FrontEnd {
            sample_rate_hz: 48_000,
            mel_low_hz: 0.0,
            mel_high_hz: 24_000.0,
            frame_len: 2_048,
            fft_len: 2_048,
            ..base
        },
        spec::FrontEnd {
            mel_low_hz: 300.0,
            mel_high_hz: 4_000.0,
            frame_len: 2_048,
            fft_len: 2_048,
            mel_bands: 128,
            floor_db: -150.0,
            ..base
        },
        spec::FrontEnd {
            mel_low_hz: 0.0,
            mel_bands: 1,
            dc_block_pole: 0.0,
            frame_len: 2,
            hop_len: 1,
            fft_len: 256,
            ..base
        },
    ]
}

/// Checks every band and the level of every frame. They must equal those of the integer reference, and lie in an
/// interval around the exact value that follows from the tolerances of sample, spectrum and decibel.
fn compare(spec: &spec::FrontEnd, samples: &[i16], name: &str) {
    let reference = reference_front_end(spec);
    let analysis = analyse(&reference, samples);
    let integers = analyse_in_integers(&reference, samples);
    let frames = frames(spec, samples);
    assert_eq!(frames.len(), analysis.powers.len(), "frames of {name}");
    for (time, (row, level)) in frames.iter().enumerate() {
        assert!(
            row.iter().map(|level| i128::from(*level)).eq(integers.log_mel[time].iter().copied()),
            "{name}, frame {time}, {spec:?}"
        );
        assert_eq!(i128::from(*level), integers.levels[time], "{name}, frame {time}, {spec:?}");
    }
    let floor = reference.floor as f64 * ser_tests::reference::front_end::step(&reference);
    for (time, (row, level)) in frames.iter().enumerate() {
        let aside = SPECTRUM.limit * analysis.total_power[time].sqrt() + SAMPLE.limit;
        let interval = |power: f64| ((power.sqrt() - aside).max(0.0).powi(2), (power.sqrt() + aside).powi(2));
        for (band, &level) in row.iter().enumerate() {
            let db = db(level);
            let (lowest, highest) = interval(analysis.powers[time][band]);
            let lowest = 10.0 * (lowest + floor).log10() - DECIBEL.limit;
            let highest = 10.0 * (highest + floor).log10() + DECIBEL.limit;
            assert!(
                (lowest..=highest).contains(&db),
                "{name}, frame {time}, band {band}: wanted {lowest}..={highest} dB, {} exact, {db} came; {spec:?}",
                analysis.log_mel_db[time][band]
            );
        }
        let (lowest, highest) = interval(analysis.powers[time].iter().sum());
        let (lowest, highest) = (10.0 * lowest.log10() - DECIBEL.limit, 10.0 * highest.log10() + DECIBEL.limit);
        let within = (lowest..=highest).contains(&db(*level)) || (*level == SILENCE && lowest < db(SILENCE));
        assert!(within, "{name}, frame {time}: level: wanted {lowest}..={highest} dB, {} came", db(*level));
    }
}

#[test]
fn log_mel_rows_are_within_tolerance_of_the_f64_reference() {
    for spec in front_ends() {
        let len = 3 * spec.frame_len + 2 * spec.hop_len;
        compare(&spec, &signals::noise(1, i16::MAX, len), "loud noise");
        compare(&spec, &signals::noise(2, 5, len), "faint noise");
        compare(&spec, &signals::babble(3, len), "babble");
        for cycles in [0.001, 0.0125, 0.11, 0.25, 0.4999] {
            compare(&spec, &signals::sine(cycles, 32_767.0, len), "full-scale sine");
            compare(&spec, &signals::sine(cycles, 30.0, len), "faint sine");
        }
        for half_period in [1, 5, 64, 700] {
            compare(&spec, &signals::square(half_period, len), "full-scale square wave");
        }
        for value in [i16::MIN, -1, 0, 1, 12_345, i16::MAX] {
            compare(&spec, &signals::constant(value, len), "constant");
        }
    }
}

/// The effect of rounding on speech and noise of -10 to -40 dBFS, with the floor of the preset: dB RMS over all bands
/// of all frames.
#[test]
fn log_mel_rows_of_speech_and_noise_are_within_a_twentieth_of_a_decibel_rms() {
    let spec = untrimmed();
    let reference = reference_front_end(&spec);
    let speech = (0..4).map(|voice| synth::render(synth::DEFAULT_SEED, voice, voice % EMOTIONS.len(), voice));
    for (name, signal) in speech.map(|speech| ("speech", speech)).chain([("noise", signals::noise(9, 20_000, 16_000))])
    {
        let rms = (signal.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / signal.len() as f64).sqrt();
        for level_db in [-10, -20, -30, -40] {
            let gain = 32_768.0 * 10f64.powf(f64::from(level_db) / 20.0) / rms;
            let samples: Vec<i16> = signal.iter().map(|&sample| (f64::from(sample) * gain).round() as i16).collect();
            let analysis = analyse(&reference, &samples);
            let errors: Vec<f64> = frames(&spec, &samples)
                .iter()
                .zip(&analysis.log_mel_db)
                .flat_map(|((row, _), exact)| row.iter().zip(exact).map(|(&got, exact)| db(got) - exact))
                .collect();
            let rms = (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt();
            let largest = errors.iter().fold(0.0, |largest: f64, error| largest.max(error.abs()));
            println!("{name} at {level_db} dBFS: {rms:.4} dB RMS, {largest:.3} dB at most, {} values", errors.len());
            tolerance::LOG_MEL_RMS.check(rms, 0.0, &format!("{name} at {level_db} dBFS"));
        }
    }
}

/// The front end uses the processor's own kernel where there is one, so the portable one needs a test.
#[test]
fn the_portable_spectrum_equals_the_integer_reference_for_every_length_and_at_the_limits() {
    for fft_len in [256, 512, 1024, 2048] {
        let limit = 1 << (30 - input_shift(fft_len));
        let noise = |seed, amplitude| -> Vec<i32> {
            signals::noise(seed, i16::MAX, fft_len).iter().map(|&x| i32::from(x) * amplitude).collect()
        };
        let square = |half: usize| -> Vec<i32> {
            (0..fft_len).map(|n| if (n / half).is_multiple_of(2) { limit } else { -limit }).collect()
        };
        for values in [
            noise(1, 1),
            noise(2, limit >> 15),
            square(1),
            square(2),
            square(fft_len / 8),
            square(fft_len),
            vec![-limit; fft_len],
            noise(3, 1)[..99].to_vec(),
        ] {
            let mut z = vec![[0x5A5A_5A5A; 2]; fft_len / 2 + 1];
            portable_power_spectrum(&values, &mut z);
            let mut wanted: Vec<i128> = values.iter().map(|&value| i128::from(value)).collect();
            wanted.resize(fft_len, 0);
            let bins = z.iter().map(|&[lower, upper]| i128::from(lower as u32) | i128::from(upper as u32) << 32);
            assert!(bins.eq(power_spectrum_of(&wanted)), "{fft_len} values from {}", values[0]);
        }
    }
}

#[test]
fn digital_silence_gives_the_floor_in_every_band() {
    for spec in front_ends() {
        for (row, level) in frames(&spec, &signals::constant(0, 2 * spec.frame_len)) {
            assert_eq!(level, SILENCE);
            // In a frame of two samples, even one step is more than -150 dBFS.
            let reference = reference_front_end(&spec);
            let floor = f64::from(spec.floor_db).max(10.0 * ser_tests::reference::front_end::step(&reference).log10());
            row.iter().for_each(|&level| tolerance::FLOOR.check(db(level), floor, "silence"));
        }
    }
}

#[test]
fn there_are_as_many_frames_as_fit() {
    for spec in front_ends() {
        let (frame, hop) = (spec.frame_len, spec.hop_len);
        for len in [
            0,
            1,
            frame - 1,
            frame,
            frame + 1,
            frame + hop - 1,
            frame + hop,
            frame + hop + 1,
            frame + 7 * hop - 1,
            frame + 7 * hop,
        ] {
            let wanted = if len < frame { 0 } else { 1 + (len - frame) / hop };
            assert_eq!(
                frames(&spec, &signals::noise(4, 100, len)).len(),
                wanted,
                "{len} samples, frame {frame}, hop {hop}"
            );
        }
    }
}

#[test]
fn a_constant_offset_changes_no_bit_when_the_dc_block_is_on() {
    let spec = untrimmed();
    let noise = signals::noise(5, 700, 8_000);
    let without = frames(&spec, &noise);
    for offset in [-32_000, -1, 1, 250, 32_000] {
        let shifted: Vec<i16> = noise.iter().map(|sample| sample + offset).collect();
        assert_eq!(frames(&spec, &shifted), without, "offset {offset}");
    }
}

/// The recursion of the DC block decays to less than half a step.
#[test]
fn digital_silence_behind_a_step_becomes_exactly_silent() {
    let spec = untrimmed();
    let mut samples = signals::noise(6, i16::MAX, 4_000);
    samples.extend(signals::constant(-20_000, 16_000));
    let levels: Vec<i16> = frames(&spec, &samples).into_iter().map(|(_, level)| level).collect();
    assert!(levels[..5].iter().all(|&level| db(level) > -20.0));
    assert_eq!(levels.last(), Some(&SILENCE));
}

fn band_centre_hz(spec: &spec::FrontEnd, band: usize) -> f64 {
    let (low, high) = (mel(f64::from(spec.mel_low_hz)), mel(f64::from(spec.mel_high_hz)));
    hz(low + (high - low) * (band + 1) as f64 / (spec.mel_bands + 1) as f64)
}

#[test]
fn a_sine_at_the_centre_of_a_band_peaks_in_that_band() {
    for window in [Window::Hann, Window::Hamming] {
        let spec = spec::FrontEnd { window, ..untrimmed() };
        for band in 0..spec.mel_bands {
            let cycles = band_centre_hz(&spec, band) / f64::from(spec.sample_rate_hz);
            let rows = frames(&spec, &signals::sine(cycles, 8_000.0, 4 * spec.frame_len));
            let (row, _) = rows.last().expect("a frame");
            let loudest = (0..row.len()).max_by_key(|&band| row[band]);
            assert_eq!(loudest, Some(band), "{window:?}: {row:?}");
        }
    }
}

/// Inside the mel range, the weights of the bands sum to 1 at each frequency, so a sine keeps its mean square.
#[test]
fn bands_are_a_partition_of_unity_inside_the_range() {
    for window in [Window::Hann, Window::Hamming] {
        let spec = spec::FrontEnd { window, dc_block_pole: 0.0, mel_bands: 20, ..untrimmed() };
        let (first, last) = (band_centre_hz(&spec, 1), band_centre_hz(&spec, spec.mel_bands - 2));
        for step in 0..200 {
            let frequency = first + (last - first) * f64::from(step) / 199.0;
            let sine = signals::sine(frequency / f64::from(spec.sample_rate_hz), 32_767.0, 2 * spec.frame_len);
            for (_, level) in frames(&spec, &sine) {
                tolerance::LEVEL.check(10f64.powf(db(level) / 10.0), 0.5, &format!("{window:?}, {frequency} Hz"));
            }
        }
    }
}

#[test]
fn tables_are_the_window_and_the_triangles_rounded_once() {
    for spec in front_ends() {
        let tables = OwnedTables::new(&spec).expect("a usable description");
        let mean = if spec.window == Window::Hann { 0.5 } else { 0.54 };
        for (n, value) in tables.window.iter().enumerate() {
            let turn = std::f64::consts::TAU * n as f64 / spec.frame_len as f64;
            let exact = (32768.0 * (mean - (1.0 - mean) * turn.cos())).min(32767.0);
            assert!((f64::from(i16::from_le_bytes(*value)) - exact).abs() <= 0.5 + 1e-9, "{:?} at {n}", spec.window);
        }
        let bin_hz = f64::from(spec.sample_rate_hz) / spec.fft_len as f64;
        let edges: Vec<u16> = tables.mel_edges.iter().map(|&edge| u16::from_le_bytes(edge)).collect();
        let corner =
            |index: usize| if index == 0 { f64::from(spec.mel_low_hz) } else { band_centre_hz(&spec, index - 1) };
        let mut rising = tables.mel_rise.iter().map(|&value| f64::from(i16::from_le_bytes(value)));
        for interval in 0..=spec.mel_bands {
            let (from, to) = (corner(interval), corner(interval + 1));
            for bin in edges[interval]..edges[interval + 1] {
                let exact = 32768.0 * (f64::from(bin) * bin_hz - from) / (to - from);
                let weight = rising.next().expect("a weight for each bin");
                assert!((weight - exact.min(32767.0)).abs() <= 0.5 + 1e-6, "bin {bin}: {exact} became {weight}");
            }
        }
        assert_eq!(rising.next(), None);
    }
}

#[test]
fn pre_emphasis_lifts_each_frequency_as_its_formula_says() {
    let plain = spec::FrontEnd { dc_block_pole: 0.0, ..untrimmed() };
    for coefficient in [0.5, 0.97, 1.0] {
        let emphasised = spec::FrontEnd { pre_emphasis: coefficient, ..plain };
        for band in [10, 20, 30, 39] {
            let cycles = band_centre_hz(&plain, band) / f64::from(plain.sample_rate_hz);
            let sine = signals::sine(cycles, 20_000.0, 4_096);
            let last = |spec| frames(spec, &sine).pop().map(|(row, _)| db(row[band])).expect("a frame");
            let a = f64::from(coefficient);
            let power = 1.0 - 2.0 * a * (std::f64::consts::TAU * cycles).cos() + a * a;
            tolerance::RESPONSE.check(
                last(&emphasised) - last(&plain),
                10.0 * power.log10(),
                &format!("a = {coefficient}, band {band}"),
            );
        }
    }
}

/// Frames do not overlap, so each frame is either silence or speech.
fn gated(max_pause_rows: usize) -> spec::FrontEnd {
    let trim = Some(Trim { threshold_db: -50.0, range_db: 35.0, max_pause_rows });
    spec::FrontEnd {
        frame_len: 256,
        hop_len: 256,
        fft_len: 256,
        mel_bands: 10,
        dc_block_pole: 0.0,
        trim,
        ..untrimmed()
    }
}

/// Noise, one part after the other; a part is an amplitude and a number of frames.
fn in_turn(parts: &[(i16, usize)]) -> Vec<i16> {
    parts.iter().flat_map(|&(amplitude, count)| signals::noise(count as u64, amplitude, 256 * count)).collect()
}

fn assert_gate_keeps(spec: &spec::FrontEnd, samples: &[i16], kept: impl IntoIterator<Item = usize>) {
    let all = frames(spec, samples);
    let rows = Extractor::new(spec).expect("a usable description").log_mel(samples).expect("rows");
    let wanted: Vec<Vec<f32>> =
        kept.into_iter().map(|frame| all[frame].0.iter().map(|&level| db(level) as f32).collect()).collect();
    assert_eq!(rows.iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn the_gate_drops_leading_and_trailing_silence_and_shortens_pauses_and_does_nothing_else() {
    let long_pause = in_turn(&[(20, 10), (8_000, 5), (20, 30), (6_000, 5), (20, 10)]);
    assert_gate_keeps(&gated(16), &long_pause, (10..31).chain(45..50));
    assert_gate_keeps(&gated(0), &long_pause, (10..15).chain(45..50));
    assert_gate_keeps(&gated(255), &long_pause, 10..50);
    let short_pauses = in_turn(&[(8_000, 2), (20, 3), (8_000, 2), (20, 16), (8_000, 1)]);
    assert_gate_keeps(&gated(16), &short_pauses, 0..24);
    assert_gate_keeps(&gated(2), &short_pauses, [0, 1, 2, 3, 5, 6, 7, 8, 23]);
}

#[test]
fn the_gate_hears_what_is_within_range_of_the_loudest_so_far() {
    // About -75, -40 and -10 dBFS. The middle level counts as speech until a level 30 dB higher has come: with a range
    // of 35 dB it still does afterwards, with 25 dB it does not.
    let samples = in_turn(&[(10, 2), (560, 2), (18_000, 2), (560, 2), (18_000, 1)]);
    let mut spec = gated(0);
    assert_gate_keeps(&spec, &samples, 2..9);
    spec.trim = spec.trim.map(|trim| Trim { range_db: 25.0, ..trim });
    assert_gate_keeps(&spec, &samples, [2, 3, 4, 5, 8]);
}

/// A row of few bands is shorter than a word of memory; that must not lengthen a pause.
#[test]
fn a_pause_is_counted_in_rows_whatever_the_number_of_bands() {
    for (bands, longest_pause) in [(1, 0), (1, 1), (1, 5), (2, 1), (3, 1), (3, 3), (5, 1)] {
        let mut file = Shape::lstm_alone(bands, 1, 2).fill(1);
        file.front_end = reference_front_end(&spec::FrontEnd { mel_bands: usize::from(bands), ..gated(longest_pause) });
        let bytes = file.to_bytes();
        let model = Model::parse(&bytes).expect("a valid file");
        let heard = hear(&model, [&in_turn(&[(8_000, 2), (20, 20), (8_000, 2)])[..]]);
        assert_eq!(heard.input.len(), 4 + longest_pause, "{bands} bands, longest pause {longest_pause}");
    }
}

/// Input codes of noise whose amplitude falls and rises, played at a gain. The normalisation has the given mean in dB
/// and a standard deviation of 10 dB.
fn codes_at_gain(level: LevelMode, mean: i32, gain: i16) -> Vec<Vec<i8>> {
    let mut file = Shape::lstm_alone(10, 1, 2).fill(1);
    file.front_end = reference_front_end(&spec::FrontEnd { level, floor_db: -150.0, ..gated(4) });
    file.front_end.mean.fill(mean << 16);
    file.front_end.multipliers.fill(multiplier(10.0));
    let bytes = file.to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let samples: Vec<i16> =
        in_turn(&[(900, 4), (400, 6), (2_000, 3), (700, 5)]).iter().map(|sample| sample * gain).collect();
    hear(&model, [&samples[..]]).input
}

#[test]
fn levels_relative_to_the_peak_do_not_depend_on_the_gain() {
    let (quiet, loud) =
        (codes_at_gain(LevelMode::RelativeToPeak, -10, 1), codes_at_gain(LevelMode::RelativeToPeak, -10, 8));
    assert_eq!(quiet.len(), 18);
    // A gain moves the places where the logarithms are rounded.
    assert!(quiet.concat().iter().zip(loud.concat()).all(|(quiet, loud)| quiet.abs_diff(loud) <= 1));
    // 18 dB are 1.8 standard deviations, 58 codes.
    let (quiet, loud) = (codes_at_gain(LevelMode::Absolute, -60, 1), codes_at_gain(LevelMode::Absolute, -60, 8));
    assert!(
        quiet
            .concat()
            .iter()
            .zip(loud.concat())
            .all(|(quiet, loud)| loud == 127 || (57..=59).contains(&loud.abs_diff(*quiet)))
    );
}

#[test]
fn the_peak_is_that_of_the_utterance_so_far() {
    let codes = codes_at_gain(LevelMode::RelativeToPeak, -10, 1);
    let loudest: Vec<i8> = codes.iter().map(|row| row.iter().copied().max().unwrap_or_default()).collect();
    // The loudest row so far has a band at 0 dB: one standard deviation above the mean.
    assert_eq!(loudest[0], 32);
    assert!(loudest[4..10].iter().all(|code| *code < 32));
    assert_eq!(loudest[10..13].iter().max(), Some(&32));
    assert!(loudest[13..].iter().all(|code| *code < 20));
}

#[test]
fn a_minute_of_silence_gives_no_row_and_no_prediction() {
    let network = edge();
    let mut file = Shape::lstm_alone(40, 4, 6).fill(1);
    file.front_end = reference_front_end(&network.front_end);
    let bytes = file.to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    let minute = 60 * 16_000;
    for samples in [signals::constant(0, minute), signals::constant(-1_234, minute), signals::noise(7, 2, minute)] {
        let heard = hear(&model, samples.chunks(512));
        assert!(heard.input.is_empty() && heard.layers.is_empty());
        assert_eq!(heard.logits, None);
        assert!(
            Extractor::new(&network.front_end)
                .expect("a usable description")
                .log_mel(&samples)
                .expect("rows")
                .is_empty()
        );
    }
    let mut memory = dirty_memory(model.state_words());
    let mut recognizer = Recognizer::new(&model, &mut memory).expect("memory enough");
    // A second of silence follows, so that no later frame holds any speech.
    recognizer.push(&[signals::noise(8, 8_000, 16_000), signals::noise(10, 2, 16_000)].concat());
    let spoken = recognizer.prediction();
    assert!(spoken.is_some());
    recognizer.push(&signals::noise(9, 2, minute));
    assert_eq!(recognizer.finish(), spoken, "a minute of silence behind speech changes nothing");
}
